"""The golden model as a device: the backend whose answers define everyone else's."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import Element
from engram.arch.laws import Law
from engram.backend import SpaceBackend, Words
from sim.golden.elements import elements
from sim.golden.laws import generate, invert

__all__ = ["GoldenSpace"]


class GoldenSpace(SpaceBackend):
    """A space as a dict of written words over a law."""

    def __init__(self, law: Law, seed: int, *, threads: int | None = None) -> None:
        super().__init__(law, seed, threads=threads)
        self._written: dict[int, int] = {}

    def _read(self, address: int, law: Law) -> int:
        self._counters.read += 1
        if address in self._written:
            self._counters.hit += 1
            return self._written[address]
        return generate(law, self.seed, address)

    def read_word(self, address: int) -> int:
        return self._read(address, self.law)

    def read_words(self, addresses: Words, law: Law) -> Words:
        words = [self._read(address, law) for address in addresses.tolist()]
        return np.array(words, np.uint64)

    def read_range(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        for i in range(count):
            word = self._read(address + i, law)
            start = i * element.lanes
            out[start : start + element.lanes] = elements(word, element.name)

    def generate_words(self, addresses: Words, law: Law) -> Words:
        words = [generate(law, self.seed, address) for address in addresses.tolist()]
        return np.array(words, np.uint64)

    def write_word(self, address: int, value: int) -> None:
        self._written[address] = value
        self._counters.written += 1

    def write_words(self, addresses: Words, values: Words) -> None:
        for address, value in zip(addresses.tolist(), values.tolist(), strict=True):
            self.write_word(address, value)

    def write_range(self, address: int, values: Words) -> None:
        for i, value in enumerate(values.tolist()):
            self.write_word(address + i, value)

    def erase_words(self, addresses: Words) -> int:
        erased = sum(self._written.pop(address, None) is not None for address in addresses.tolist())
        self._counters.erased += erased
        return erased

    def erase_range(self, address: int, count: int) -> int:
        inside = [at for at in self._written if address <= at < address + count]
        for at in inside:
            del self._written[at]
        self._counters.erased += len(inside)
        return len(inside)

    def are_written(self, addresses: Words) -> NDArray[np.bool_]:
        return np.array([address in self._written for address in addresses.tolist()], np.bool_)

    @property
    def written_words(self) -> int:
        return len(self._written)

    @property
    def ram_bytes(self) -> int:
        return 16 * len(self._written)

    def written(self) -> Iterator[tuple[int | Words, Words]]:
        if self._written:
            addresses = sorted(self._written)
            values = [self._written[address] for address in addresses]
            yield np.array(addresses, np.uint64), np.array(values, np.uint64)

    def invert(self, words: Words, law: Law) -> Words:
        return np.array([invert(law, self.seed, word) for word in words.tolist()], np.uint64)

    def reserve(self, words: int) -> None:
        return  # a dict needs no telling

    def close(self) -> None:
        self._written.clear()
