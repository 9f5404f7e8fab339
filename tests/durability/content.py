"""What the tests of durability share: child processes, and memories with known content."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import engram

ROOT = Path(__file__).parents[2]
ODD = 0x9E3779B97F4A7C15
LAST = 2**64 - 1


def python(code: str, *arguments: object, **options) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'host'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        **options,
    )


def fill(memory: engram.Memory) -> dict[int, int]:
    """Write a bit of everything; return what is held."""
    memory.write(1000, np.arange(2000))
    memory.write(50, [1, 2, 3])
    memory[LAST] = 9
    memory[LAST - 1] = LAST
    memory.write([7, 2**40, 7], [1, 2, 3])
    memory.erase(1500, 300)
    memory.erase([51, 2**50])
    held = {1000 + i: i for i in range(2000) if not 500 <= i < 800}
    return held | {50: 1, 52: 3, LAST: 9, LAST - 1: LAST, 7: 3, 2**40: 2}


def holds(memory: engram.Memory, held: dict[int, int]) -> None:
    assert memory.written_words == len(held)
    assert memory.read(list(held)).tolist() == list(held.values())
    with engram.open(seed=memory.seed, law=memory.law.number) as fresh:
        assert memory.read(1500, 300).tolist() == fresh.read(1500, 300).tolist()


def words_of(number: int, count: int) -> np.ndarray:
    return (np.arange(count, dtype=np.uint64) + np.uint64(number << 32)) * np.uint64(ODD)


def made(place: Path) -> Path:
    """Return a directory that holds a memory of one written word."""
    with engram.open(place) as memory:
        memory[0] = 1
    return place
