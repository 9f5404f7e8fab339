"""The CPU backend of a space: kernels over the overlay, on as many threads as pay."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import ELEMENTS, Element, to_elements
from engram.arch.laws import Law
from engram.backend import Counters, SpaceBackend, Words
from engram.cpu.blocks import Block, law_block
from engram.cpu.layout import SCRATCH_WORDS, ElementCode, State
from engram.cpu.library import Library, library, library_if_ready
from engram.cpu.overlay import Overlay
from engram.cpu.workers import Workers
from engram.numpy_laws import generate

__all__ = ["CpuSpace"]

_CODES = {
    "uint64": ElementCode.WORDS,
    "int8": ElementCode.WORDS,
    "float64": ElementCode.FLOAT64,
    "float32": ElementCode.FLOAT32,
    "normal": ElementCode.NORMAL,
    "unit64": ElementCode.UNIT64,
}

# Waking a pool of threads costs some 20 us, so a second one pays from about 16 MB on.
_THREADED_WORDS = 1 << 21
# Buffers from here on are larger than a core's share of cache: stores bypass it.
_STREAMED_WORDS = 1 << 18
# Kernels do not hear Ctrl-C, so long work comes in pieces of some tens of milliseconds.
_PIECE_WORDS = 1 << 24
# Without kernels yet, reads up to here go through NumPy: milliseconds instead of a compilation.
_UNCOMPILED_WORDS = 1 << 16

_WORDS = ELEMENTS["uint64"]


class CpuSpace(SpaceBackend):
    """A space in this process's memory.

    ``threads`` bounds the threads one call may use; None means one a core.
    """

    def __init__(self, law: Law, seed: int, *, threads: int | None = None) -> None:
        super().__init__(law, seed, threads=threads)
        self._laws: dict[int, Block] = {}
        self._starting = threading.Lock()
        self._library: Library
        self._overlay: Overlay
        self._ready = library_if_ready() is not None and self._start()
        self._workers = Workers(threads)
        self._counting = threading.Lock()

    def _start(self) -> bool:
        """Have the kernels and an overlay for them, whatever that takes."""
        with self._starting:
            if not hasattr(self, "_overlay"):
                self._library = library()
                self._overlay = Overlay(self._library, self.law, self.seed)
                self._laws[self.law.number] = self._overlay.tables.law_block
                self._read_word = self._library.read_word
                self._ready = True
        return True

    def _is_ready(self, words: int) -> bool:
        """Return True if kernels shall do it; False if NumPy does it sooner than they compile.

        Before the first write there is nothing to read but generated words.
        """
        if self._ready:
            return True
        if words > _UNCOMPILED_WORDS or library_if_ready() is not None:
            return self._start()
        return False

    def read_word(self, address: int) -> int:
        if not self._ready and not self._is_ready(1):
            self._count(read=1, hit=0)
            return int(generate(self.law, self.seed, np.array([address], np.uint64))[0])
        tables = self._overlay.tables  # held here, so that its address stays good
        return self._read_word(tables.address, address)

    def read_words(self, addresses: Words, law: Law) -> Words:
        if not self._is_ready(len(addresses)):
            self._count(read=len(addresses), hit=0)
            return generate(law, self.seed, addresses)
        out = np.empty(len(addresses), np.uint64)

        def piece(start: int, count: int) -> int:
            scratch = np.empty(SCRATCH_WORDS, np.uint64)
            return self._library.read_words(
                tables.address,
                block.address,
                addresses.ctypes.data + 8 * start,
                count,
                out.ctypes.data + 8 * start,
                scratch.ctypes.data,
            )

        block = self._block(law)
        ticket = self._overlay.enter()
        try:
            tables = self._overlay.tables
            hits = self._spread(piece, len(addresses))
        finally:
            self._overlay.leave(ticket)
        self._count(read=len(addresses), hit=hits)
        return out

    def read_range(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        if not self._is_ready(count):
            addresses = np.arange(count, dtype=np.uint64) + np.uint64(address)
            self._count(read=count, hit=0)
            out[:] = to_elements(generate(law, self.seed, addresses), element).reshape(-1)
            return
        code = int(_CODES[element.name])
        stream = int(count >= _STREAMED_WORDS)
        base = out.ctypes.data
        if base % 8:  # a view into some packed buffer: kernels store whole words
            words = np.empty(count, np.uint64)
            self.read_range(address, count, law, _WORDS, words)
            out[:] = to_elements(words, element).reshape(-1)
            return

        def piece(start: int, count: int) -> int:
            scratch = np.empty(SCRATCH_WORDS, np.uint64)
            return self._library.read_range(
                tables.address,
                block.address,
                address + start,
                count,
                code,
                base + 8 * start,
                scratch.ctypes.data,
                stream,
            )

        block = self._block(law)
        ticket = self._overlay.enter()
        try:
            tables = self._overlay.tables
            hits = self._spread(piece, count)
        finally:
            self._overlay.leave(ticket)
        self._count(read=count, hit=hits)

    def generate_words(self, addresses: Words, law: Law) -> Words:
        if not self._is_ready(len(addresses)):
            return generate(law, self.seed, addresses)
        out = np.empty(len(addresses), np.uint64)
        self._library.generate_words(
            self._block(law).address, addresses.ctypes.data, len(addresses), out.ctypes.data
        )
        return out

    def write_word(self, address: int, value: int) -> None:
        if not self._ready:
            self._start()
        self._overlay.write_word(address, value)
        self._counters.written += 1

    def write_words(self, addresses: Words, values: Words) -> None:
        self._start()
        self._overlay.write_words(addresses, values)
        self._counters.written += len(addresses)

    def write_range(self, address: int, values: Words) -> None:
        self._start()
        self._overlay.write_range(address, values)
        self._counters.written += len(values)

    def erase_words(self, addresses: Words) -> int:
        if not self._ready:
            return 0  # nothing was written yet
        erased = self._overlay.erase_words(addresses)
        self._counters.erased += erased
        return erased

    def erase_range(self, address: int, count: int) -> int:
        if not self._ready:
            return 0
        erased = self._overlay.erase_range(address, count)
        self._counters.erased += erased
        return erased

    def are_written(self, addresses: Words) -> NDArray[np.bool_]:
        if not self._ready:
            return np.zeros(len(addresses), np.bool_)
        out = np.empty(len(addresses), np.uint64)
        ticket = self._overlay.enter()
        try:
            tables = self._overlay.tables
            self._library.are_written(
                tables.address, addresses.ctypes.data, len(addresses), out.ctypes.data
            )
        finally:
            self._overlay.leave(ticket)
        return out.astype(np.bool_)

    @property
    def counters(self) -> Counters:
        if not self._ready:
            return self._counters
        tables, bulk = self._overlay.tables, self._counters
        return replace(
            bulk, read=bulk.read + tables[State.READS], hit=bulk.hit + tables[State.HITS]
        )

    @property
    def written_words(self) -> int:
        return self._overlay.written_words if self._ready else 0

    @property
    def ram_bytes(self) -> int:
        return self._overlay.nbytes if self._ready else 0

    def written(self) -> Iterator[tuple[int | Words, Words]]:
        return self._overlay.written() if self._ready else iter(())

    def invert(self, words: Words, law: Law) -> Words:
        self._start()
        out = np.empty(len(words), np.uint64)
        self._library.invert_words(
            self._block(law).address, words.ctypes.data, len(words), out.ctypes.data
        )
        return out

    def reserve(self, words: int) -> None:
        self._start()
        self._overlay.reserve(words)

    def close(self) -> None:
        self._workers.close()

    def _block(self, law: Law) -> Block:
        block = self._laws.get(law.number)
        if block is None:
            # Of two threads that come first, both get the one block that stays.
            block = self._laws.setdefault(law.number, law_block(law, self.seed))
        return block

    def _spread(self, piece: Callable[[int, int], int], count: int) -> int:
        """Run ``piece(start, count)`` over the whole, on several threads where that pays."""
        if count <= _THREADED_WORDS:
            return piece(0, count)
        # Shares of whole pages, so that no page is resolved twice and stores stay aligned.
        share = min(_PIECE_WORDS, -(-count // self._workers.threads))
        return sum(self._workers.share(piece, count, -(-share // 512) * 512))

    def _count(self, read: int, hit: int) -> None:
        with self._counting:
            self._counters.read += read
            self._counters.hit += hit
