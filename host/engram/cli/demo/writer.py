"""The process that the demo kills: it writes numbered runs of words and acknowledges each."""

import os
import sys

import numpy as np
from numpy.typing import NDArray

from engram.config import MemoryConfig
from engram.memory import Memory

__all__ = ["FIRST", "RUN_WORDS", "SPACE", "main", "run_words"]

SPACE = "killed writer"
FIRST = (1 << 64) - (1 << 32)  # the runs lie near the end of the address space
RUN_WORDS = 8


def run_words(first: int, count: int) -> NDArray[np.uint64]:
    """Return the words of runs ``first .. first + count - 1``, a row each: no two alike."""
    numbers = np.arange(first * RUN_WORDS + 1, (first + count) * RUN_WORDS + 1, dtype=np.uint64)
    return (numbers * np.uint64(0x9E3779B97F4A7C15)).reshape(count, RUN_WORDS)


def main(directory: str, number: int) -> None:
    """Write runs from ``number`` on until somebody ends the process."""
    config = MemoryConfig(path=directory, durability="return")
    with Memory(config) as memory:
        space = memory.spaces(SPACE)
        os.write(1, b"ready\n")
        while True:
            space.write(FIRST + number * RUN_WORDS, run_words(number, 1)[0])
            # Only now: the write has returned, so it must outlive whatever comes.
            os.write(1, b"%d\n" % number)
            number += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
