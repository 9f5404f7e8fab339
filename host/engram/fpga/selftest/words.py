"""Checks of words: those that laws make, and those that were written over them."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import Law
from engram.arch.pages import PAGE_WORDS, SPACE_WORDS
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from engram.fpga.selftest.findings import (
    SEED,
    NotChecked,
    expect,
    expect_words,
    read_run,
    run_of,
    space_of,
)
from engram.numpy_laws import generate

__all__ = ["check_law", "check_overlay"]

Words = NDArray[np.uint64]

_LAST = SPACE_WORDS - 1
# Where halves, pages and the whole range begin and end.
_EDGES = (
    0, 1, PAGE_WORDS - 1, PAGE_WORDS, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63,
    SPACE_WORDS - PAGE_WORDS - 1, SPACE_WORDS - PAGE_WORDS, _LAST - 1, _LAST,
)  # fmt: skip
_MARGIN = 200  # words that are watched on each side of what is written


def check_law(accelerator: Accelerator, law: Law, count: int) -> str:
    """Words must be those that NumPy makes of the law: gathered, in runs, and asked by number."""
    random = np.random.default_rng(law.number)
    scattered = random.integers(0, _LAST, count // 4, np.uint64, endpoint=True)
    gathered = np.concatenate([np.array(_EDGES, np.uint64), scattered])
    expected = generate(law, SEED, gathered)
    runs = [(0, 3), (PAGE_WORDS - 2, 5), (SPACE_WORDS - 5, 5)]
    runs.append((int(random.integers(0, 1 << 62)), count))
    with space_of(accelerator, law) as space:
        expect_words(space.read_words(gathered, law), expected, "gathered words")
        expect_words(space.generate_words(gathered, law), expected, "words generated afresh")
        for address, length in runs:
            made = generate(law, SEED, run_of(address, length))
            expect_words(read_run(space, address, length), made, f"a run from {address:#x}")
    for other in [built for built in accelerator.laws if built is not law][:1]:
        with space_of(accelerator, other) as space:  # whose own law is another
            found = space.read_words(gathered, law)
            expect_words(found, expected, f"words by number, in a space of law {other.number}")
    total = 2 * len(gathered) + sum(length for _, length in runs)
    return f"{total:,} words are those of NumPy, from address 0 to 2**64-1"


def check_overlay(accelerator: Accelerator, count: int) -> str:
    """Written words must be read, their neighbours stay generated, and erased ones come back."""
    count = min(count, (accelerator.frames_free - 5) * PAGE_WORDS)
    if count < 2:
        raise NotChecked("other spaces hold all frames but a few")
    random = np.random.default_rng(1)
    base = int(random.integers(1, 1 << 54)) * PAGE_WORDS - 100  # begins before a page's border
    values = random.integers(0, _LAST, count, np.uint64, endpoint=True)
    places = np.array([base - 7, base + 1, _LAST, 0, base + count + 5], np.uint64)
    scattered = random.integers(0, _LAST, len(places), np.uint64, endpoint=True)
    with space_of(accelerator) as space:
        watched = _Watched(space, base - _MARGIN, count + 2 * _MARGIN)
        space.write_range(base, values)
        watched.write(run_of(base, count), values)
        watched.check("after a run was written")
        space.write_words(places, scattered)
        watched.write(places, scattered)
        watched.check("after words were scattered")
        pages = accelerator.frames - accelerator.frames_free
        erased = space.erase_range(base + 1, count - 1)
        expect(erased == count - 1, f"{erased} words were erased, not {count - 1}")
        watched.erase(run_of(base + 1, count - 1))
        watched.check("after a run was erased")
        space.erase_words(np.append(places, np.uint64(base)))
        watched.erase(np.append(places, np.uint64(base)))
        watched.check("after everything was erased")
        left = space.written_words
        expect(left == 0, f"{left} words count as written after everything was erased")
    return f"{count + len(places):,} words written ({pages} frames), read, erased, generated again"


class _Watched:
    """What a piece of a space, and both ends of it, must read as."""

    def __init__(self, space: FpgaSpace, first: int, count: int) -> None:
        self._space = space
        self._first = first
        self._count = count
        ends = np.array([0, 1, _LAST - 1, _LAST], np.uint64)
        self._addresses = np.concatenate([run_of(first, count), ends])
        self._made = generate(space.law, SEED, self._addresses)
        self._expected = self._made.copy()
        self._places = {address: i for i, address in enumerate(self._addresses.tolist())}

    def write(self, addresses: Words, values: Words) -> None:
        for address, value in zip(addresses.tolist(), values.tolist(), strict=True):
            self._expected[self._places[address]] = value

    def erase(self, addresses: Words) -> None:
        for address in addresses.tolist():
            place = self._places[address]
            self._expected[place] = self._made[place]

    def check(self, when: str) -> None:
        """Read it as a run, and gather it."""
        found = read_run(self._space, self._first, self._count)
        expect_words(found, self._expected[: self._count], f"a run {when}")
        gathered = self._space.read_words(self._addresses, self._space.law)
        expect_words(gathered, self._expected, f"gathered words {when}")
