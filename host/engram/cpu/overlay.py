"""The overlay on a CPU: what is written, in tables that readers share without locks."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import Law
from engram.arch.pages import PAGE_BITS, PAGE_WORDS
from engram.cpu.blocks import Block, FramePool, empty_table, law_block
from engram.cpu.layout import (
    BUCKET_SLOTS,
    FRAME_BITMAP,
    FRAME_ERASURES,
    MIN_FRAMED_RUN,
    State,
)
from engram.cpu.library import Library

__all__ = ["Overlay", "Tables"]

Words = NDArray[np.uint64]

# Fuller, too many buckets overflow into their neighbours.
_FILL = 0.75
_GROWTH = 1.4
# Three bits are set for each touched page; with 12 bits a page 1 to 2 % of clean ones look touched.
_FILTER_BITS = 12
_SAMPLE = 4096


class Tables:
    """One generation of tables, complete when readers first see it; ``address`` is its state."""

    __slots__ = ("address", "block", "buckets", "filter", "law_block", "pages")

    def __init__(self, law: Block, buckets: Block, pages: Block, filter_: Block) -> None:
        self.law_block, self.buckets, self.pages, self.filter = law, buckets, pages, filter_
        self.block = Block(State.SIZE)
        state = self.block.words
        state.fill(0)
        state[State.LAW_BLOCK] = law.address
        for table, address, count, limit in (
            (buckets, State.BUCKETS, State.BUCKET_COUNT, State.SLOTS_LIMIT),
            (pages, State.PAGES, State.PAGE_BUCKETS, State.PAGE_SLOTS_LIMIT),
        ):
            slots = len(table.words) // 2
            state[address] = table.address
            state[count] = slots // BUCKET_SLOTS
            state[limit] = int(slots * _FILL)
        state[State.FILTER] = filter_.address
        state[State.FILTER_WORDS] = len(filter_.words)
        self.address = self.block.address

    def __getitem__(self, field: State) -> int:
        return int(self.block.words[field])

    def __setitem__(self, field: State, value: int) -> None:
        self.block.words[field] = value


class Overlay:
    """Written words of one space.

    Random words live in a hash table, 16 bytes each at a load between 0.54 and 0.75, so 21 to 30
    bytes a word, plus 1.5 to 2.1 for the page filter. Runs of 128 words and more in one page live
    in frames of 4224 bytes: 8.25 to 33 bytes a word. While a table grows, the old one is held too.

    Reading needs ``tables`` and a ticket (``enter`` and ``leave``); writing methods are for one
    thread at a time. Erased words give their slot back when the table is next built.
    """

    def __init__(self, library: Library, law: Law, seed: int) -> None:
        self._library = library
        self._pool = FramePool()
        self._tickets = itertools.count(1)
        self._readers: set[int] = set()
        law_ = law_block(law, seed)
        self.tables = Tables(law_, empty_table(2), empty_table(1), _empty_filter(0))

    def enter(self) -> int:
        """Announce a reader; what it sees is not handed out again before ``leave``."""
        ticket = next(self._tickets)
        self._readers.add(ticket)
        return ticket

    def leave(self, ticket: int) -> None:
        """Take back a reader's ticket."""
        self._readers.discard(ticket)

    @property
    def written_words(self) -> int:
        """How many words are written."""
        return self.tables[State.WORDS] + self.tables[State.FRAMED_WORDS]

    @property
    def nbytes(self) -> int:
        """Bytes of tables, filter and frames."""
        tables = self.tables
        blocks = (tables.buckets, tables.pages, tables.filter, tables.block, tables.law_block)
        return sum(block.nbytes for block in blocks) + self._pool.nbytes

    def write_word(self, address: int, value: int) -> None:
        """Write one word."""
        while not self._library.write_word(self.tables.address, address, value):
            self._make_room(1, 1)

    def write_words(self, addresses: Words, values: Words) -> None:
        """Write words at any addresses, in order."""
        count = len(addresses)
        tables = self.tables
        if count > _SAMPLE and tables[State.SLOTS_USED] + count > tables[State.SLOTS_LIMIT]:
            self._make_room(*self._estimate(addresses))
        done, where, what = 0, addresses.ctypes.data, values.ctypes.data
        while True:
            done = self._library.write_words(self.tables.address, where, what, count, done)
            if done == count:
                return
            self._make_room(1, 1)

    def write_range(self, address: int, values: Words) -> None:
        """Write consecutive words."""
        count = len(values)
        done, what = 0, values.ctypes.data
        while True:
            done = self._library.write_range(self.tables.address, address, what, count, done)
            if done == count:
                return
            # A range of many pages takes all the frames it may need at once.
            self._make_room(1, (count - done) // PAGE_WORDS + 2)

    def erase_words(self, addresses: Words) -> int:
        """Erase words; return how many were written."""
        return self._library.erase_words(self.tables.address, addresses.ctypes.data, len(addresses))

    def erase_range(self, address: int, count: int) -> int:
        """Erase a range; return how many words were written."""
        erased = self._library.erase_range(self.tables.address, address, address + count - 1)
        self._pool.retire(self.tables[State.FREED_COUNT], next(self._tickets))
        self.tables[State.FREED_COUNT] = 0
        return erased

    def reserve(self, words: int) -> None:
        """Make room for this many more words in the word table."""
        # A little more, for the estimates of the writes to come are off by a percent or two.
        self._make_room(words + words // 32, 0)

    def written(self) -> Iterator[tuple[int | Words, Words]]:
        """Yield runs of whole frames and then the single words, sorted by address."""
        tables = self.tables
        frames = tables[State.FRAMES]
        pages, places = np.empty(frames, np.uint64), np.empty(frames, np.uint64)
        self._library.list_frames(tables.address, pages.ctypes.data, places.ctypes.data)
        for page, place in zip(pages.tolist(), places.tolist(), strict=True):
            yield from _frame_runs(page << PAGE_BITS, self._pool.frame(place))
        words = tables[State.WORDS]
        addresses, values = np.empty(words, np.uint64), np.empty(words, np.uint64)
        self._library.list_words(tables.address, addresses.ctypes.data, values.ctypes.data)
        order = np.argsort(addresses)
        if words:
            yield addresses[order], values[order]

    def _estimate(self, addresses: Words) -> tuple[int, int]:
        """Return about how many table slots and frames these addresses will take, by a sample."""
        count = len(addresses)
        places = np.arange(0, count - MIN_FRAMED_RUN, max(1, count // _SAMPLE))
        first, last = addresses[places], addresses[places + MIN_FRAMED_RUN - 1]
        in_run = last - first == MIN_FRAMED_RUN - 1  # near enough: unsigned, and seldom chance
        single = np.unique(first[~in_run])
        out = np.empty(len(single), np.uint64)
        known = self._library.are_written(
            self.tables.address, single.ctypes.data, len(single), out.ctypes.data
        )
        words = math.ceil(count * (len(single) - known) / len(places))
        pages = np.unique(first[in_run] >> np.uint64(PAGE_BITS))
        by_words, by_pages = in_run.mean() / PAGE_WORDS, len(pages) / len(places)
        frames = math.ceil(count * min(by_words, by_pages))
        return words, frames

    def _make_room(self, words: int, frames: int) -> None:
        """Provide for this many more words, and pages with frames, if they would not fit."""
        tables = self.tables
        pool = self._pool
        pool.free_count = tables[State.FREE_COUNT]
        pool.reclaim(min(self._readers, default=math.inf))
        if pool.free_count < frames:
            pool.grow(frames - pool.free_count)
        buckets = self._larger(tables.buckets, tables[State.SLOTS_USED], tables[State.WORDS], words)
        pages = self._larger(
            tables.pages, tables[State.PAGE_SLOTS_USED], tables[State.FRAMES], frames
        )
        if buckets is not tables.buckets or pages is not tables.pages:
            slots = (len(buckets.words) + len(pages.words)) // 2
            new = Tables(tables.law_block, buckets, pages, _empty_filter(slots))
            self._library.rebuild(tables.address, new.address)
            for field in (State.WORDS, State.FRAMES, State.FRAMED_WORDS, State.READS, State.HITS):
                new[field] = tables[field]
            if buckets is tables.buckets:
                new[State.SLOTS_USED] = tables[State.SLOTS_USED]
            if pages is tables.pages:
                new[State.PAGE_SLOTS_USED] = tables[State.PAGE_SLOTS_USED]
            tables = new
        tables[State.FREE_FRAMES] = pool.free.address
        tables[State.FREE_COUNT] = pool.free_count
        tables[State.FREED] = pool.freed.address
        self.tables = tables

    @staticmethod
    def _larger(table: Block, used: int, live: int, more: int) -> Block:
        """Return the table itself, or an empty larger one if ``more`` keys would overfill it."""
        slots = len(table.words) // 2
        if used + more <= int(slots * _FILL):
            return table
        wanted = max(live + more, int(live * _GROWTH))
        return empty_table(math.ceil((wanted + 1) / (BUCKET_SLOTS * _FILL)) + 1)


def _empty_filter(slots: int) -> Block:
    filter_ = Block(max(64, math.ceil(slots * _FILL * _FILTER_BITS / 64)))
    filter_.words.fill(0)
    return filter_


def _frame_runs(base: int, frame: Words) -> Iterator[tuple[int, Words]]:
    """Yield the runs of written words of a frame."""
    bits = np.unpackbits(frame[FRAME_BITMAP:FRAME_ERASURES].view(np.uint8), bitorder="little")
    edges = np.flatnonzero(np.diff(bits, prepend=0, append=0))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield base + start, frame[start:end].copy()
