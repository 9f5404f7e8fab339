"""Regions: which addresses show tensors, and where the next tensor's addresses are."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engram.arch.pages import PAGE_BYTES, PAGE_WORDS, SPACE_WORDS, WORD_BYTES
from engram.arch.tensors import REGIONS_BASE

__all__ = ["Placed", "Regions", "region_words", "words_of"]

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Placed:
    """Whole pages that show, or are kept for, a tensor."""

    base: int
    words: int
    name: str
    source: object = field(default=None, compare=False)  # what its words are made from

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.base + self.words


def region_words(nbytes: int) -> int:
    """Return how many words a tensor's region has: whole pages, one at least."""
    return max(1, -(-nbytes // PAGE_BYTES)) * PAGE_WORDS


def words_of(content: NDArray[np.uint8], first: int, count: int) -> Words:
    """Return words of a tensor's bytes, little-endian, zeros behind the last."""
    part = content[WORD_BYTES * first : WORD_BYTES * (first + count)]
    if part.size == WORD_BYTES * count and not part.__array_interface__["data"][0] % WORD_BYTES:
        return part.view("<u8")
    words = np.zeros(count, np.uint64)
    words.view(np.uint8)[: part.size] = part
    return words


class Regions:
    """Regions that do not overlap, in order; an unchanging picture of them."""

    def __init__(self, placed: Iterable[Placed] = ()) -> None:
        self.placed = sorted(placed, key=lambda each: each.base)
        self._bases = [each.base for each in self.placed]
        self._starts = np.array(self._bases, np.uint64)
        self._sizes = np.array([each.words for each in self.placed], np.uint64)

    def __len__(self) -> int:
        return len(self.placed)

    def at(self, address: int) -> Placed | None:
        """Return the region of an address, or None."""
        found = bisect_right(self._bases, address) - 1
        if found < 0 or address >= self.placed[found].end:
            return None
        return self.placed[found]

    def indexes(self, addresses: Words) -> NDArray[np.int64]:
        """Return the number of each address's region, -1 where there is none."""
        if not self.placed:
            return np.full(len(addresses), -1, np.int64)
        found = np.searchsorted(self._starts, addresses, side="right").astype(np.int64) - 1
        near = np.maximum(found, 0)
        inside = (found >= 0) & (addresses - self._starts[near] < self._sizes[near])
        return np.where(inside, found, -1)

    def within(self, first: int, count: int) -> list[Placed]:
        """Return the regions that share an address with a range, ascending."""
        start = max(0, bisect_right(self._bases, first) - 1)
        stop = bisect_right(self._bases, first + count - 1)
        return [each for each in self.placed[start:stop] if each.end > first]

    def check(self, base: int, words: int, name: str) -> None:
        """Refuse a region of a tensor that is not of whole pages or overlaps another tensor's.

        Raises:
            ValueError: so it is.
        """
        if base % PAGE_WORDS:
            raise ValueError(f"base must be a multiple of {PAGE_WORDS} words, not {base:#x}")
        if base + words > SPACE_WORDS:
            raise ValueError(f"base must leave room for {words} words, not be {base:#x}")
        for each in self.within(base, words):
            if each.name != name:
                raise ValueError(
                    f"base must be outside the region of tensor {each.name!r}, "
                    f"{each.base:#x} to {each.end - 1:#x}, not {base:#x}"
                )

    def free(self, words: int) -> int:
        """Return where a new region of this size can be: the first place from the usual base on.

        Raises:
            ValueError: there is none.
        """
        base = REGIONS_BASE
        for each in self.placed:
            if each.end <= base:
                continue
            if each.base >= base + words:
                break
            base = each.end
        if base + words > SPACE_WORDS:
            raise ValueError(f"the tensor must leave room in the address space, not take {words}")
        return base
