"""A space on an accelerator: the device keeps the words, the host knows which are written."""

import weakref
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import Element, to_elements
from engram.arch.laws import Law
from engram.arch.pages import PAGE_BITS, PAGE_BYTES, PAGE_WORDS
from engram.backend import SpaceBackend, Words
from engram.fpga.accelerator import Accelerator
from engram.fpga.reads import Reader
from engram.fpga.writes import Writer
from engram.numpy_laws import invert

__all__ = ["FpgaSpace"]


class FpgaSpace(SpaceBackend):
    """A space on an accelerator that others may share.

    Every word is generated and kept by the device; only inverses are computed by the host. A
    write that needs more frames, or a larger page table, than the device has left raises
    QuotaExceeded, and nothing of it is written. A law that is not built raises DeviceUnavailable.
    ``threads`` says nothing here: the device does one job at a time.
    """

    def __init__(
        self, law: Law, seed: int, *, accelerator: Accelerator, threads: int | None = None
    ) -> None:
        super().__init__(law, seed, threads=threads)
        self._accelerator = accelerator
        self._tenant = accelerator.join(law, seed)
        self._marks = self._tenant.marks
        self._reader = Reader(accelerator, self._tenant)
        self._writer = Writer(accelerator, self._tenant)
        # A finaliser may run in the middle of a session, so all it does is leave word.
        self._abandon = weakref.finalize(self, accelerator.abandon, self._tenant)
        self._abandon.atexit = False

    def read_word(self, address: int) -> int:
        with self._accelerator.session():
            words, hits = self._reader.run(address, 1, self.law)
            self._count(1, hits)
            return int(words[0])

    def read_words(self, addresses: Words, law: Law) -> Words:
        out = np.empty(len(addresses), np.uint64)
        for start in range(0, len(addresses), self._reader.most):
            piece = addresses[start : start + self._reader.most]
            with self._accelerator.session():
                out[start : start + len(piece)], hits = self._reader.gather(piece, law)
                self._count(len(piece), hits)
        return out

    def read_range(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        for start in range(0, count, self._reader.most):
            length = min(self._reader.most, count - start)
            first = start * element.lanes
            with self._accelerator.session():
                words, hits = self._reader.run(address + start, length, law)
                out[first : first + length * element.lanes] = to_elements(words, element).reshape(
                    -1
                )
                self._count(length, hits)

    def generate_words(self, addresses: Words, law: Law) -> Words:
        out = np.empty(len(addresses), np.uint64)
        for start in range(0, len(addresses), self._reader.most):
            piece = addresses[start : start + self._reader.most]
            with self._accelerator.session():
                out[start : start + len(piece)] = self._reader.generate(piece, law)
        return out

    def write_word(self, address: int, value: int) -> None:
        self.write_range(address, np.array([value], np.uint64))

    def write_words(self, addresses: Words, values: Words) -> None:
        with self._accelerator.session():
            if len(addresses):
                self._writer.words(addresses, values)
            self._counters.written += len(addresses)

    def write_range(self, address: int, values: Words) -> None:
        with self._accelerator.session():
            if len(values):
                self._writer.run(address, values)
            self._counters.written += len(values)

    def erase_words(self, addresses: Words) -> int:
        with self._accelerator.session():
            keep = self._accelerator.window_writable
            erased = self._writer.erase(self._marks.clear_words(addresses, keep_pages=keep))
            self._counters.erased += erased
        return erased

    def erase_range(self, address: int, count: int) -> int:
        if not count:
            return 0
        with self._accelerator.session():
            keep = self._accelerator.window_writable
            erased = self._writer.erase(self._marks.clear_run(address, count, keep_pages=keep))
            self._counters.erased += erased
        return erased

    def are_written(self, addresses: Words) -> NDArray[np.bool_]:
        with self._accelerator.session():
            return self._marks.are_marked(addresses)

    @property
    def written_words(self) -> int:
        return self._marks.words

    @property
    def ram_bytes(self) -> int:
        return len(self._marks) * PAGE_BYTES + self._tenant.table.nbytes + self._marks.nbytes

    def written(self) -> Iterator[tuple[int | Words, Words]]:
        pages = self._marks.pages()
        step = self._reader.most // PAGE_WORDS
        for start in range(0, len(pages), step):
            some = pages[start : start + step]
            with self._accelerator.session():
                marked = self._marks.of(some)
                values = self._reader.pages(some)[marked]
            bases = np.array(some, np.uint64)[:, np.newaxis] << np.uint64(PAGE_BITS)
            offsets = np.arange(PAGE_WORDS, dtype=np.uint64)
            addresses: Words = np.add(bases, offsets, dtype=np.uint64)[marked]
            if len(values) and int(addresses[-1]) - int(addresses[0]) == len(values) - 1:
                yield int(addresses[0]), values
            elif len(values):
                yield addresses, values

    def invert(self, words: Words, law: Law) -> Words:
        return invert(law, self.seed, words)

    def reserve(self, words: int) -> None:
        """Do nothing: how many pages they will be on is not known, and tables grow by doubling."""

    def close(self) -> None:
        if self._abandon.detach() is not None:
            self._accelerator.leave(self._tenant)

    def _count(self, read: int, hit: int) -> None:
        self._counters.read += read
        self._counters.hit += hit
