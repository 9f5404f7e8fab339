"""A writer killed at any moment loses nothing that it acknowledged."""

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import engram
from tests.durability.content import python

# A child writes numbered, sealed records in three spaces; it acknowledges each once durable.
WRITER = """
import os, sys
import numpy as np
import engram

place, durability, start, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
memory = engram.open(place, seed=5, durability=durability)
spaces = [memory, memory.spaces("a"), memory.spaces("b")]
os.write(1, b"ready\\n")
number = start
while True:
    space = spaces[number % 3]
    values = np.full(1 + number * 37 % 700, number, np.uint64)
    base = number * 2048
    if number % 4 == 0:
        space[base] = number
        values = values[:1]
    elif number % 4 == 1:
        space.write(np.arange(base, base + 2 * len(values), 2), values)
    else:
        space.write(base, values)
    if number >= 39:
        space.erase((number - 39) * 2048, 2048)
    if durability == "flush":
        memory.flush()
    os.write(1, b"%d\\n" % number)
    if number % 29 == seed % 29:
        memory.compact()
    number += 1
"""


def spans(number: int) -> tuple[int, int, int]:
    """Return base, count and step of a record."""
    count = 1 + number * 37 % 700
    return number * 2048, 1 if number % 4 == 0 else count, 2 if number % 4 == 1 else 1


def check_killed(place: Path, acknowledged: int) -> None:
    """Check every record; the next writer begins again with the one that was in flight."""
    with engram.open(place) as memory:
        spaces = [memory, memory.spaces("a"), memory.spaces("b")]
        last = acknowledged
        # The one in flight may be there, whole, or not at all.
        base, count, step = spans(acknowledged + 1)
        in_flight = spaces[(acknowledged + 1) % 3].is_written(base + step * np.arange(count))
        assert in_flight.all() or not in_flight.any()
        last += int(in_flight.all())
        total = 0
        for number in range(max(0, last - 60), last + 1):
            base, count, step = spans(number)
            space = spaces[number % 3]
            written = space.is_written(base + step * np.arange(count))
            erased_by = number + 39
            if erased_by <= acknowledged:
                assert not written.any()
            elif erased_by == last:  # its erasure may have been in flight
                assert written.all() or not written.any()
            else:
                assert written.all()
                assert (space.read(base + step * np.arange(count)) == number).all()
            total += int(written.sum())
        assert sum(space.written_words for space in spaces) == total


def kill_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    for durability in ("flush", "return"):
        place = tmp_path / durability
        acknowledged = -1
        for turn in range(rounds // 2):
            child = python(WRITER, place, durability, acknowledged + 1, seed + turn)
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(moments.random() * 0.15)
            os.kill(child.pid, signal.SIGKILL)
            lines = child.stdout.read().split(b"\n")[:-1]
            child.stdout.close()
            assert child.wait() == -signal.SIGKILL
            if lines:
                acknowledged = int(lines[-1])
            check_killed(place, acknowledged)
        assert acknowledged > rounds // 2


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path, 20, seed=1)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_writer_killed_many_times_loses_nothing_it_acknowledged(tmp_path) -> None:
    kill_rounds(tmp_path, 200, seed=2)
