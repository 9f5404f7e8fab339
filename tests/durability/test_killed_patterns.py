"""A process killed while it remembers, forgets and consolidates loses nothing acknowledged."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

import engram
from engram.store import verify
from tests.associations.content import state
from tests.durability.content import python

# Every turn is a state of its own that follows from the one before: whoever knows the number of
# turns done can compute all of it.
TURNS = """
import os, sys
import numpy as np
import engram
from tests.associations.content import LAW, embeddings, noisy

def turn(memory, number):
    rows = embeddings(8, seed=number % 16)
    if number % 5 == 4:
        memory.consolidate(overlap=0.6, epochs=1, keep=12)
    elif number % 5 == 3:
        name = next(iter(memory.associations))
        memory.remember(name, rows[0], gated=True, metadata={"turn": number})
    else:
        names = [f"{number}-{i}" for i in range(number % 4 + 1)]
        memory.remember(names, rows[: len(names)], importance=(number % 7) / 7,
                        metadata=[{"turn": number}] * len(names))
        if number % 5 == 1:
            memory.forget(names[0])
"""
WRITER = (
    TURNS
    + """
place, durability, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
memory = engram.open(place, seed=5, durability=durability, associations="golden", preset=LAW)
os.write(1, b"ready\\n")
number = start
while True:
    turn(memory, number)
    memory[number] = number
    memory.flush()
    os.write(1, b"%d\\n" % number)
    if number % 11 == 10:
        memory.compact()
    number += 1
"""
)


class Expectation:
    """The same turns in RAM, one after another."""

    def __init__(self) -> None:
        self.memory = engram.open(seed=5, associations="golden", preset=self._law())
        self.done = -1
        self._turn = self._compiled()

    @staticmethod
    def _law() -> engram.Association:
        from tests.associations.content import LAW

        return LAW

    @staticmethod
    def _compiled():
        names: dict = {}
        exec(TURNS, names)
        return names["turn"]

    def after(self, number: int) -> dict:
        while self.done < number:
            self.done += 1
            self._turn(self.memory, self.done)
        return state(self.memory)


def kill_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    place = tmp_path / "memory"
    expected = Expectation()
    acknowledged = -1
    for _ in range(rounds):
        child = python(WRITER, place, "flush", acknowledged + 1)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(moments.random() * 0.3)
        os.kill(child.pid, signal.SIGKILL)
        lines = child.stdout.read().split(b"\n")[:-1]
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        if lines:
            acknowledged = int(lines[-1])
        assert verify(place).ok
        with engram.open(place, associations="golden") as memory:
            found = state(memory)
            # The turn in flight is there, whole, or not at all.
            if found != expected.after(acknowledged):
                acknowledged += 1
                assert found == expected.after(acknowledged)
                assert memory[acknowledged] == acknowledged
    expected.memory.close()
    assert acknowledged > rounds


def test_a_killed_process_loses_no_pattern_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path, 6, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_process_killed_many_times_loses_no_pattern(tmp_path) -> None:
    kill_rounds(tmp_path, 150, seed=2)


BATCHES = """
import os, sys
import numpy as np
import engram
from tests.associations.content import LAW, embeddings

place = sys.argv[1]
memory = engram.open(place, seed=5, durability="return", associations="golden", preset=LAW)
start = len(memory.associations) // 5
os.write(1, b"ready\\n")
number = start
while True:
    memory.remember([f"{number}-{i}" for i in range(5)], embeddings(5, seed=number))
    os.write(1, b"%d\\n" % number)
    number += 1
"""


def test_a_batch_is_durable_when_it_returns_and_never_by_halves(tmp_path) -> None:
    moments = random.Random(3)
    place = tmp_path / "memory"
    acknowledged = -1
    for _ in range(5):
        child = python(BATCHES, place)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(moments.random() * 0.2)
        os.kill(child.pid, signal.SIGKILL)
        lines = child.stdout.read().split(b"\n")[:-1]
        child.stdout.close()
        child.wait()
        acknowledged = int(lines[-1]) if lines else acknowledged
        with engram.open(place, read_only=True) as memory:
            batches, rest = divmod(len(memory.associations), 5)
            assert rest == 0
            assert batches - 1 in (acknowledged, acknowledged + 1)
            acknowledged = batches - 1
            assert list(memory.associations) == [
                f"{number}-{i}" for number in range(batches) for i in range(5)
            ]
    assert acknowledged > 0
