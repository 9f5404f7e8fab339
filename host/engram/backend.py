"""The abstract backend of a space: arrays in, arrays out, on one device."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import Element
from engram.arch.laws import Law

__all__ = ["Counters", "SpaceBackend", "Words"]

Words = NDArray[np.uint64]


@dataclass
class Counters:
    """What a backend did since it was made, in words.

    ``hit`` counts the words read that came out of the overlay instead of being generated; a
    device that keeps whole frames counts an unwritten word of a framed page among them.
    """

    read: int = 0
    hit: int = 0
    written: int = 0
    erased: int = 0


class SpaceBackend(ABC):
    """One space: generated words under written ones, for one law and seed.

    The caller checks every input once: addresses are in range, arrays are contiguous uint64 and
    of one dimension, ranges do not pass 2**64. One thread writes at a time; any number may read
    meanwhile, and each word they get is one that was current during their call.
    """

    def __init__(self, law: Law, seed: int, *, threads: int | None = None) -> None:
        self.law = law
        self.seed = seed
        self._counters = Counters()

    @property
    def counters(self) -> Counters:
        """What was done so far."""
        return self._counters

    @abstractmethod
    def read_word(self, address: int) -> int:
        """Return the word at an address."""

    @abstractmethod
    def read_words(self, addresses: Words, law: Law) -> Words:
        """Return the words at addresses; ``law`` makes the unwritten ones."""

    @abstractmethod
    def read_range(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        """Fill ``out`` (contiguous, ``count * element.lanes`` of ``element.dtype``)."""

    @abstractmethod
    def generate_words(self, addresses: Words, law: Law) -> Words:
        """Return the generated words at addresses, whatever is written there."""

    @abstractmethod
    def write_word(self, address: int, value: int) -> None:
        """Write one word."""

    @abstractmethod
    def write_words(self, addresses: Words, values: Words) -> None:
        """Write words; of two to one address the later wins."""

    @abstractmethod
    def write_range(self, address: int, values: Words) -> None:
        """Write consecutive words."""

    @abstractmethod
    def erase_words(self, addresses: Words) -> int:
        """Let generated words show again; return how many were written."""

    @abstractmethod
    def erase_range(self, address: int, count: int) -> int:
        """Let the generated words of a range show again; return how many were written."""

    @abstractmethod
    def are_written(self, addresses: Words) -> NDArray[np.bool_]:
        """Return which addresses hold a written word."""

    @property
    @abstractmethod
    def written_words(self) -> int:
        """How many words are written."""

    @property
    @abstractmethod
    def ram_bytes(self) -> int:
        """How many bytes the written words take, tables included."""

    @abstractmethod
    def written(self) -> Iterator[tuple[int | Words, Words]]:
        """Yield all that is written: (first address, values) of a run, or (addresses, values)."""

    @abstractmethod
    def invert(self, words: Words, law: Law) -> Words:
        """Return the addresses whose generated words these are; ``law`` is bijective."""

    @abstractmethod
    def reserve(self, words: int) -> None:
        """Make room for about this many more scattered words, if that saves work later."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the device lent."""
