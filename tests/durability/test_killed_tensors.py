"""A process killed while it stores, updates and consolidates tensors loses nothing acknowledged."""

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import engram
from engram.store import verify
from tests.durability.content import python

# Every turn follows from its number and the state before it, so whoever knows how many were done
# can compute all of it.
TURNS = """
import os, sys
import numpy as np
import engram

def turn(memory, number):
    rng = np.random.default_rng(number)
    name = "t%d" % (number % 3)
    kind = number % 9
    if name not in memory.tensors() or kind == 8:
        # Half a megabyte that does not compress: several pieces, and LMDB at once.
        size = 200_000 if number % 4 == 0 else 500
        memory.store(name, rng.integers(0, 2**40, size))
    elif kind == 3:
        memory.consolidate_tensor(name)
    elif kind == 5:
        memory.rollback(name, memory.history(name)[-1 - number % len(memory.history(name))].version)
    elif kind == 7:
        memory.drop(name)
    else:
        size = memory.describe(name).geometry.size
        memory.update(name, add=rng.integers(0, 9, size))

def state(memory):
    return {
        name: [(each.version, each.base, each.digest) for each in memory.history(name)]
        for name in memory.tensors()
    }
"""
WRITER = (
    TURNS
    + """
place, durability, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
memory = engram.open(place, seed=5, durability=durability, device="golden")
os.write(1, b"ready\\n")
number = start
while True:
    turn(memory, number)
    memory[number] = number
    memory.flush()
    os.write(1, b"%d\\n" % number)
    if number % 13 == 12:
        memory.compact()
    number += 1
"""
)


class Expectation:
    """The same turns in RAM, one after another."""

    def __init__(self) -> None:
        self.memory = engram.open(seed=5, device="golden")
        self.done = -1
        names: dict = {}
        exec(TURNS, names)
        self._turn, self.state = names["turn"], names["state"]

    def after(self, number: int) -> dict:
        while self.done < number:
            self.done += 1
            self._turn(self.memory, self.done)
        return self.state(self.memory)


def kill_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    expected = Expectation()
    place = tmp_path / "memory"
    acknowledged = -1
    for round_number in range(rounds):
        durability = ("flush", "return")[round_number % 2]
        child = python(WRITER, place, durability, acknowledged + 1)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        # The first turn imports what encodes; after it turns are fast.
        acknowledged = int(child.stdout.readline())
        time.sleep(moments.random() * 0.4)
        os.kill(child.pid, signal.SIGKILL)
        lines = child.stdout.read().split(b"\n")[:-1]
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        if lines:
            acknowledged = int(lines[-1])
        assert verify(place).ok
        with engram.open(place, device="golden") as memory:
            found = expected.state(memory)
            # The turn in flight is there, whole, or not at all.
            if found != expected.after(acknowledged):
                acknowledged += 1
                assert found == expected.after(acknowledged)
            memory.verify()
            # Its word may be missing, if the kill fell between the two.
            memory[max(acknowledged, 0)] = max(acknowledged, 0)
    expected.memory.close()
    assert acknowledged > rounds


def test_a_killed_process_loses_no_tensor_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path, 6, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_process_killed_many_times_loses_no_tensor(tmp_path) -> None:
    kill_rounds(tmp_path, 120, seed=2)


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_everything_comes_back_after_compaction_and_reopening(tmp_path, durability) -> None:
    place = tmp_path / "m"
    big = np.random.default_rng(0).integers(0, 2**60, 400_000)
    with engram.open(place, durability=durability) as memory:
        memory.store("big", big)
        memory.update("big", sparse=(np.array([7]), np.array([1])))
        memory.store("gone", np.ones(5))
        memory.drop("gone")
        memory.compact()
        memory.update("big", scale=2)
        memory.rollback("big", 2)
        made = memory.update("big", add=np.ones(400_000, np.int64))
    wanted = big.copy()
    wanted[7] = 1
    for _ in range(2):
        with engram.open(place) as memory:
            assert memory.tensors() == ["big"]
            assert memory.describe("big") == made
            assert [each.version for each in memory.history("big")] == [1, 2, 4]
            assert np.array_equal(memory.load("big"), wanted + 1)
            assert memory.verify() == 3
            memory.compact()
    assert verify(place).ok


def test_what_was_not_flushed_is_gone_with_the_process_and_whole_before(tmp_path) -> None:
    place = tmp_path / "m"
    with engram.open(place) as memory:
        memory.store("a", np.arange(5))
    memory = engram.open(place)
    memory.update("a", scale=3)
    memory.close(discard=True)
    with engram.open(place) as memory:
        assert memory.load("a").tolist() == [0, 1, 2, 3, 4]


def test_a_log_of_forgotten_tensors_is_rewritten_unasked(tmp_path) -> None:
    place = tmp_path / "m"
    noise = np.random.default_rng(0).integers(0, 2**62, 1 << 20)
    with engram.open(place, durability="return") as memory:
        for number in range(8):
            memory.store("a", noise + number, codec="raw")
            memory.consolidate_tensor("a")
        assert memory.report().log_words < 6 * len(noise)
        assert memory.load("a")[0] == noise[0] + 7
