"""Which words of a space are written: 64 bytes of bits for each page that has a frame."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engram.arch.pages import PAGE_BITS, PAGE_WORDS

__all__ = ["Cleared", "Marks", "runs"]

Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_OFFSET = np.uint64(PAGE_WORDS - 1)
_SHIFT = np.uint64(PAGE_BITS)
# Bits are worked on as one byte each, so as many pages or words at a time as take 2 MiB.
_STEP = 4096


@dataclass
class Cleared:
    """What clearing did: ``words`` were marked; of ``pages`` nothing is left.

    ``rest`` are those cleared words, in ascending runs, whose page has others left; ``marked`` is
    what was marked before: pages, and a row of packed bits each.
    """

    words: int = 0
    pages: list[int] = field(default_factory=list)
    rest: list[Words] = field(default_factory=list)
    marked: list[tuple[list[int], NDArray[np.uint8]]] = field(default_factory=list)


class Marks:
    """A bit for every word of the pages that were written to; such a page stays until dropped."""

    def __init__(self) -> None:
        self.words = 0  # how many are marked
        self._rows: dict[int, int] = {}
        self._free: list[int] = []
        self._bits = np.zeros((16, PAGE_WORDS // 8), np.uint8)

    def __len__(self) -> int:
        """Return how many pages there are."""
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """How many bytes the bits take."""
        return self._bits.nbytes

    def pages(self) -> list[int]:
        """Return all pages in ascending order."""
        return sorted(self._rows)

    def pages_within(self, first: int, last: int) -> list[int]:
        """Return the pages from ``first`` to ``last``, in ascending order."""
        if last - first < len(self._rows):
            return [page for page in range(first, last + 1) if page in self._rows]
        return sorted(page for page in self._rows if first <= page <= last)

    def missing(self, pages: Words) -> Flags:
        """Return which of these pages are not there."""
        rows = self._rows
        return np.array([page not in rows for page in pages.tolist()], np.bool_)

    def are_marked(self, addresses: Words) -> Flags:
        """Return which words are marked."""
        out = np.zeros(len(addresses), np.bool_)
        if not self._rows:
            return out
        pages = addresses >> _SHIFT
        distinct, places = np.unique(pages, return_inverse=True)
        found = [self._rows.get(page, -1) for page in distinct.tolist()]
        rows = np.array(found, np.intp)[places]
        offsets = (addresses & _OFFSET).astype(np.intp)
        bits = self._bits[rows, offsets >> 3] >> (offsets & 7).astype(np.uint8) & np.uint8(1)
        np.logical_and(bits, rows >= 0, out=out)
        return out

    def run(self, address: int, count: int) -> Flags | None:
        """Return which words of a run are marked; None if none of its pages is there."""
        first, last = address >> PAGE_BITS, (address + count - 1) >> PAGE_BITS
        pages = self.pages_within(first, last) if self._rows else []
        if not pages:
            return None
        bits = np.zeros((last - first + 1, PAGE_WORDS), np.bool_)
        bits[[page - first for page in pages]] = self.of(pages)
        start = address & (PAGE_WORDS - 1)
        return bits.reshape(-1)[start : start + count]

    def of(self, pages: list[int]) -> Flags:
        """Return the bits of pages that are there, a row each."""
        packed = self._bits[[self._rows[page] for page in pages]]
        bits = np.unpackbits(packed, axis=1, bitorder="little")
        return bits.view(np.bool_)

    def mark_words(self, addresses: Words) -> None:
        """Mark words."""
        for start in range(0, len(addresses), _STEP):
            self._mark(*_grouped(addresses[start : start + _STEP]))

    def mark_run(self, address: int, count: int) -> None:
        """Mark consecutive words."""
        first, last = address >> PAGE_BITS, (address + count - 1) >> PAGE_BITS
        for page in range(first, last + 1, _STEP):
            pages = list(range(page, min(page + _STEP, last + 1)))
            self._mark(pages, _covered(pages, address, count))

    def clear_words(self, addresses: Words, *, keep_pages: bool = False) -> Cleared:
        """Clear words; with ``keep_pages`` a page stays unless all its words are named at once."""
        cleared = Cleared()
        for start in range(0, len(addresses), _STEP):
            pages, selected = _grouped(addresses[start : start + _STEP])
            there = [i for i, page in enumerate(pages) if page in self._rows]
            self._clear([pages[i] for i in there], selected[there], keep_pages, cleared)
        return cleared

    def clear_run(self, address: int, count: int, *, keep_pages: bool = False) -> Cleared:
        """Clear consecutive words, likewise."""
        cleared = Cleared()
        pages = self.pages_within(address >> PAGE_BITS, (address + count - 1) >> PAGE_BITS)
        for start in range(0, len(pages), _STEP):
            some = pages[start : start + _STEP]
            self._clear(some, _covered(some, address, count), keep_pages, cleared)
        return cleared

    def restore(self, cleared: Cleared) -> None:
        """Mark again what was cleared."""
        for pages, packed in cleared.marked:
            bits = np.unpackbits(packed, axis=1, bitorder="little")
            self._mark(pages, bits.view(np.bool_))

    def drop(self, pages: list[int]) -> None:
        """Forget pages, and what is marked of them."""
        for start in range(0, len(pages), _STEP):
            some = [page for page in pages[start : start + _STEP] if page in self._rows]
            self.words -= int(self.of(some).sum()) if some else 0
            for page in some:
                row = self._rows.pop(page)
                self._bits[row] = 0
                self._free.append(row)

    def _mark(self, pages: list[int], selected: Flags) -> None:
        for page in pages:
            if page not in self._rows:
                self._rows[page] = self._free.pop() if self._free else self._new_row()
        before = self.of(pages)
        self.words += int((selected & ~before).sum())
        self._store(pages, before | selected)

    def _clear(
        self, pages: list[int], selected: Flags, keep_pages: bool, cleared: Cleared
    ) -> None:
        if not pages:
            return
        before = self.of(pages)
        cleared.marked.append((pages, np.packbits(before, axis=1, bitorder="little")))
        gone = before & selected
        words = int(gone.sum())
        self._store(pages, before & ~selected)
        self.words -= words
        cleared.words += words
        left = ~selected if keep_pages else before & ~selected
        empty = ~left.any(axis=1)
        emptied = [pages[i] for i in np.flatnonzero(empty).tolist()]
        cleared.pages += emptied
        self.drop(emptied)
        gone[empty] = False
        rows, offsets = np.nonzero(gone)
        if len(rows):
            bases = np.array(pages, np.uint64) << _SHIFT
            cleared.rest.append(bases[rows] + offsets.astype(np.uint64))

    def _store(self, pages: list[int], bits: Flags) -> None:
        rows = [self._rows[page] for page in pages]
        self._bits[rows] = np.packbits(bits, axis=1, bitorder="little")

    def _new_row(self) -> int:
        row = len(self._rows)  # none is free, so these are all taken
        if row == len(self._bits):
            self._bits = np.concatenate([self._bits, np.zeros_like(self._bits)])
        return row


def _grouped(addresses: Words) -> tuple[list[int], Flags]:
    """Return the pages of words in ascending order, and for each which of its words are named."""
    pages, places = np.unique(addresses >> _SHIFT, return_inverse=True)
    selected = np.zeros((len(pages), PAGE_WORDS), np.bool_)
    selected[places, (addresses & _OFFSET).astype(np.intp)] = True
    return pages.tolist(), selected


def _covered(pages: list[int], address: int, count: int) -> Flags:
    """Return which words of pages, in ascending order, lie in a run."""
    selected = np.ones((len(pages), PAGE_WORDS), np.bool_)
    for place in {0, len(pages) - 1}:
        base = pages[place] << PAGE_BITS
        selected[place, : max(0, address - base)] = False
        selected[place, max(0, address + count - base) :] = False
    return selected


def runs(addresses: Words) -> Iterator[tuple[int, int]]:
    """Yield the runs of consecutive words in ascending addresses: first address and length."""
    if not len(addresses):
        return
    breaks = np.flatnonzero(np.diff(addresses) != np.uint64(1)) + 1
    starts = [0, *breaks.tolist(), len(addresses)]
    for start, end in itertools.pairwise(starts):
        yield int(addresses[start]), end - start
