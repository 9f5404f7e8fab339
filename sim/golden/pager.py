"""What the words of one page are and become: frames, regions and generated words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.arch.commands import Fault
from engram.arch.laws import LAWS
from engram.arch.pages import PAGE_BITS, PAGE_WORDS, WORD_BYTES
from engram.numpy_laws import generate
from sim.golden.dram import Dram
from sim.golden.frame_pool import FramePool
from sim.golden.page_table import PageTable
from sim.golden.regions import RegionTable

__all__ = ["Pager", "Selection", "Stopped"]

Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]


class Stopped(Exception):
    """A piece ended in a fault, and with it its command."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


@dataclass(frozen=True)
class Selection:
    """The space that commands are about."""

    law: int
    seed: int
    keys: tuple[int, int, int, int]
    table: int
    buckets_log2: int


class Pager:
    """Reads, writes and erases pieces: runs of words within one page.

    It remembers what walks found as a TLB does, but without end: a driver that changes a page
    table and forgets INVALIDATE is caught every time.
    """

    def __init__(self, dram: Dram, pool: FramePool, regions: RegionTable) -> None:
        self.selection: Selection | None = None
        self.words_generated = 0
        self.frames_taken = 0
        self._dram = dram
        self._pool = pool
        self._regions = regions
        self._known: dict[int, int | None] = {}
        self._table: PageTable

    def select(self, selection: Selection | None) -> None:
        """Go on with another space, or with none."""
        self.selection = selection
        self._known.clear()
        self._regions.clear()
        if selection is not None:
            self._table = PageTable(
                self._dram, selection.table, selection.buckets_log2, self._pool.count
            )

    def forget(self) -> None:
        """Forget what walks found."""
        self._known.clear()

    def make(self, addresses: Words, law: int = 0) -> Words:
        """Return generated words; law 0 is the space's."""
        assert self.selection is not None
        chosen = LAWS[law or self.selection.law]
        self.words_generated += len(addresses)
        return generate(chosen, self.selection.seed, addresses, keys=self.selection.keys)

    def source(self, address: int) -> int | None:
        """Return where in DRAM a word of the space is read from; None if it is generated."""
        page = address >> PAGE_BITS
        if page not in self._known:
            walk = self._table.find(page)
            if walk.fault:
                raise Stopped(walk.fault)
            self._known[page] = walk.frame if walk.found else None
        frame = self._known[page]
        if frame is not None:
            return self._place(frame, address)
        if self._regions.lookup(page) is not None:
            raise Stopped(Fault.SYNTHESISED)
        return None

    def read(self, address: int, count: int, law: int = 0) -> tuple[Words, Flags]:
        """Return the words of a piece, and which of them could not be read."""
        place = self.source(address)
        if place is None:
            return self.make(_run(address, count), law), np.zeros(count, np.bool_)
        return self._dram.read(place, count)

    def write(self, address: int, words: Words, unread: Flags) -> Fault:
        """Write a piece but for words that could not be read; return the first error of the bus."""
        page = address >> PAGE_BITS
        if len(words) == PAGE_WORDS and self._claim(page) is None:
            self._publish(page, words, unread)
            return Fault.OK
        return self._move(self.target(address), words, unread)

    def write_strobed(self, address: int, words: Words, strobes: NDArray[np.uint8]) -> Fault:
        """Write those bytes of a piece, shorter than a page, that strobes name."""
        place = self.target(address)
        held, _ = self._dram.read(place, len(words))
        bits = np.unpackbits(strobes, bitorder="little")
        mask = (bits * np.uint8(0xFF)).view("<u8")
        merged = (held & ~mask) | (words & mask)
        return Fault.OK if self._dram.write(place, merged, mask == 0) else Fault.WRITE_ERROR

    def target(self, address: int) -> int:
        """Return where in DRAM a word of the space is written to, in a frame made if need be."""
        page = address >> PAGE_BITS
        frame = self._claim(page)
        if frame is None:
            if self._regions.lookup(page) is not None:
                raise Stopped(Fault.SYNTHESISED)
            frame = self._publish(page, None, None)
        return self._place(frame, address)

    def erase(self, address: int, count: int) -> tuple[bool, Fault]:
        """Erase a piece; return whether a frame was given back, and an error of the bus."""
        page = address >> PAGE_BITS
        if count == PAGE_WORDS:
            walk = self._table.remove(page)
            self._known.pop(page, None)
            if walk.fault:
                raise Stopped(walk.fault)
            if not walk.found:
                return False, Fault.OK
            fault = self._pool.give(walk.frame)
            if fault:
                raise Stopped(fault)
            return True, Fault.OK
        walk = self._table.find(page)
        if walk.fault:
            raise Stopped(walk.fault)
        if not walk.found:
            return False, Fault.OK
        if self._regions.lookup(page) is not None:
            raise Stopped(Fault.SYNTHESISED)
        words = self.make(_run(address, count))
        return False, self._move(self._place(walk.frame, address), words, None)

    def _claim(self, page: int) -> int | None:
        """Return the frame of a page; None if it has none, but room in the table."""
        frame = self._known.get(page)
        if frame is not None:
            return frame
        walk = self._table.claim(page)
        if walk.fault:
            raise Stopped(walk.fault)
        if not walk.found:
            return None
        self._known[page] = walk.frame
        return walk.frame

    def _publish(self, page: int, words: Words | None, unread: Flags | None) -> int:
        """Take a frame for the page that was claimed, fill it, and only then enter it.

        Without ``words`` it gets the generated ones.
        """
        frame, fault = self._pool.take()
        if fault:
            raise Stopped(fault)
        if words is None:
            words = self.make(_run(page << PAGE_BITS, PAGE_WORDS))
        fault = self._move(self._pool.address(frame), words, unread)
        if fault:
            self._pool.keep(frame)
            raise Stopped(fault)
        walk = self._table.insert(page, frame)
        if walk.fault:
            # Once the key was sent the table may name the frame: it is nobody's from now on.
            self._known.pop(page, None)
            if not walk.found:
                self._pool.keep(frame)
            raise Stopped(walk.fault)
        self.frames_taken += 1
        self._known[page] = frame
        return frame

    def _move(self, place: int, words: Words, unread: Flags | None) -> Fault:
        written = self._dram.write(place, words, unread)
        if unread is not None and unread.any():
            return Fault.READ_ERROR
        return Fault.OK if written else Fault.WRITE_ERROR

    def _place(self, frame: int, address: int) -> int:
        return self._pool.address(frame) + address % PAGE_WORDS * WORD_BYTES


def _run(address: int, count: int) -> Words:
    return np.arange(count, dtype=np.uint64) + np.uint64(address)
