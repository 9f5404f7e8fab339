"""Synthesis: an address space in which regions show tensors, under what is written over them."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import Element, to_elements
from engram.arch.laws import Law
from engram.backend import SpaceBackend, Words
from engram.ledger import Ledger
from engram.tensors.regions import Placed, Regions

__all__ = ["Synthesis", "Synthesiser"]

_CHUNK = 1 << 16  # words at a time


class Synthesiser(Protocol):
    """What has regions, and can tell their words."""

    def regions(self) -> Regions:
        """Return the regions there are now."""
        ...

    def words(self, placed: Placed, first: int, count: int) -> Words:
        """Return words of a region, counted from its base."""
        ...

    def gather(self, placed: Placed, places: Words) -> Words:
        """Return words of a region at places counted from its base."""
        ...


class Synthesis:
    """Reads what is written, else a region, else what is generated, on whichever device.

    Where a region is asked for, changes wait while its written words are looked up: so every word
    is one that was current during the call.
    """

    def __init__(self, source: Synthesiser, ledger: Ledger) -> None:
        self._source = source
        self._ledger = ledger

    @property
    def needed(self) -> bool:
        """Whether there are regions at all."""
        return len(self._source.regions()) > 0

    def read_word(self, backend: SpaceBackend, address: int) -> int:
        """Return the word at an address."""
        placed = self._source.regions().at(address)
        if placed is None:
            return backend.read_word(address)
        word = self._source.words(placed, address - placed.base, 1)
        self._overlay(backend, np.array([address], np.uint64), word)
        return int(word[0])

    def read_words(self, backend: SpaceBackend, addresses: Words, law: Law) -> Words:
        """Return the words at addresses."""
        regions = self._source.regions()
        indexes = regions.indexes(addresses)
        inside = indexes >= 0
        if not inside.any():
            return backend.read_words(addresses, law)
        words = np.empty(len(addresses), np.uint64)
        if not inside.all():
            words[~inside] = backend.read_words(addresses[~inside], law)
        near = addresses[inside]
        shown = self._shown(regions, near, indexes[inside])
        self._overlay(backend, near, shown)
        words[inside] = shown
        return words

    def unwritten_words(self, backend: SpaceBackend, addresses: Words, law: Law) -> Words:
        """Return the words at addresses as if nothing were written."""
        regions = self._source.regions()
        indexes = regions.indexes(addresses)
        inside = indexes >= 0
        words = np.empty(len(addresses), np.uint64)
        if not inside.all():
            words[~inside] = backend.generate_words(addresses[~inside], law)
        if inside.any():
            words[inside] = self._shown(regions, addresses[inside], indexes[inside])
        return words

    def read_range(
        self,
        backend: SpaceBackend,
        address: int,
        count: int,
        law: Law,
        element: Element,
        out: NDArray[Any],
    ) -> None:
        """Fill ``out`` with the elements of a range."""
        at, end, lanes = address, address + count, element.lanes
        for placed in self._source.regions().within(address, count):
            start = max(at, placed.base)
            if at < start:
                part = out[(at - address) * lanes : (start - address) * lanes]
                backend.read_range(at, start - at, law, element, part)
            at = start
            while at < min(end, placed.end):
                size = min(_CHUNK, min(end, placed.end) - at)
                words = self._source.words(placed, at - placed.base, size)
                addresses = np.arange(size, dtype=np.uint64) + np.uint64(at)
                self._overlay(backend, addresses, words)
                begin = (at - address) * lanes
                out[begin : begin + size * lanes] = to_elements(words, element).reshape(-1)
                at += size
        if at < end:
            backend.read_range(at, end - at, law, element, out[(at - address) * lanes :])

    def _shown(self, regions: Regions, addresses: Words, indexes: NDArray[np.int64]) -> Words:
        words = np.empty(len(addresses), np.uint64)
        for index in np.unique(indexes).tolist():
            placed = regions.placed[index]
            chosen = indexes == index
            places = addresses[chosen] - np.uint64(placed.base)
            words[chosen] = self._source.gather(placed, places)
        return words

    def _overlay(self, backend: SpaceBackend, addresses: Words, words: Words) -> None:
        """Put what is written over words."""
        if not backend.written_words:
            return
        with self._ledger.still():
            written = backend.are_written(addresses)
            if written.any():
                over = np.ascontiguousarray(addresses[written])
                words[written] = backend.read_words(over, backend.law)
