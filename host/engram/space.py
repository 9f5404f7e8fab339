"""A space: 2**64 words of one seed that can be read, written and erased."""

from collections.abc import Callable
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import Element, to_elements
from engram.arch.laws import Law, law_by_name
from engram.arch.pages import MASK64
from engram.backend import Counters, SpaceBackend, Words
from engram.errors import QuotaExceeded
from engram.inputs import (
    as_address,
    as_addresses,
    as_count,
    as_value,
    as_values,
    check_range,
    is_integer,
)
from engram.ledger import Ledger
from engram.reading import Readable, slice_range
from engram.report import SpaceReport
from engram.tensors.synthesis import Synthesis

__all__ = ["Space"]


class Space(Readable):
    """Generated words that can be written over; made by ``Memory``, never directly.

    Any number of threads may read and write at once: every word read is one that was current
    during the call, and a write that has returned is seen by every later read.
    """

    def __init__(
        self, backend: SpaceBackend, ledger: Ledger, *, number: int, name: str, quota: int | None
    ) -> None:
        self._backend = backend
        self._ledger = ledger
        self._number = number
        self._name = name
        self._quota = quota
        self._law = backend.law
        self._base = Counters()  # what the backend had counted when counting began
        self._synthesis: Synthesis | None = None  # only while there are regions
        # Kept, for scalar reads are all overhead.
        self._read_word: Callable[[int], int] = backend.read_word

    @property
    def name(self) -> str:
        """The name the space was asked for by; empty for a memory's own."""
        return self._name

    @property
    def seed(self) -> int:
        """The seed its words are generated from."""
        return self._backend.seed

    @property
    def law(self) -> Law:
        return self._law

    @property
    def quota(self) -> int | None:
        """The most words that may be written at a time; None for no bound."""
        return self._quota

    @property
    def written_words(self) -> int:
        """How many words are written now."""
        return self._backend.written_words

    def __getitem__(self, key: Any) -> Any:
        # The plain case first: a word costs little more than the call itself.
        if type(key) is int and 0 <= key <= MASK64:
            return self._read_word(key)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, values: Any) -> None:
        """Write a word, a slice or an array of addresses; a single value fills them all."""
        if (
            type(key) is int
            and type(values) is int
            and 0 <= key <= MASK64
            and 0 <= values <= MASK64
            and self._quota is None
        ):
            self._ledger.write_word(self._number, key, values)
            return
        if isinstance(key, slice):
            first, count, step = slice_range(key)
            if is_integer(values):
                values = np.full(count, as_value(values), np.uint64)
            words = as_values(values)
            if words.shape != (count,):
                raise ValueError(f"values must have shape ({count},), not {words.shape!r}")
            if step == 1:
                self.write(first, words)
            else:
                steps = np.arange(count, dtype=np.uint64) * np.uint64(step)
                self.write(steps + np.uint64(first), words)
        else:
            self.write(key, values)

    def __delitem__(self, key: Any) -> None:
        """Erase a word, a slice or an array of addresses."""
        if isinstance(key, slice):
            first, count, step = slice_range(key)
            if step == 1:
                self.erase(first, count)
                return
            key = np.arange(count, dtype=np.uint64) * np.uint64(step) + np.uint64(first)
        self.erase(key)

    def write(self, address: Any, values: Any) -> None:
        """Write words.

        Args:
            address: an integer (one word, or the first of a run), or an array or sequence of
                integers (a scatter; of two values for one address the later wins).
            values: integers in 0..2**64-1: one for one word or for every address of a scatter,
                a one-dimensional array for a run, an array of the addresses' shape for a scatter.

        Raises:
            TypeError, ValueError: an address or a value is not an integer in 0..2**64-1, a run
                passes 2**64, or the shapes differ. Nothing is written.
            QuotaExceeded: the space would hold more written words than its quota. Nothing is
                written.
            ReadOnly: the memory was opened for reading.
            StoreFull: the directory's disk or size limit is exhausted.
        """
        if is_integer(address):
            first = as_address(address)
            if is_integer(values):
                self._write_word(first, as_value(values))
                return
            words = as_values(values)
            if words.ndim != 1:
                raise ValueError(f"values of a run must have one dimension, not {words.ndim}")
            check_range(first, len(words))
            if len(words):
                self._ledger.write_range(self._number, first, words, self._admit_range)
            return
        addresses = as_addresses(address)
        if is_integer(values):
            words = np.full(addresses.shape, as_value(values), np.uint64)
        else:
            words = as_values(values)
        if words.shape != addresses.shape:
            raise ValueError(
                f"values must have the addresses' shape {addresses.shape!r}, not {words.shape!r}"
            )
        if addresses.size:
            flat = addresses.reshape(-1)
            self._ledger.write_words(self._number, flat, words.reshape(-1), self._admit_words)

    def erase(self, address: Any, count: int | None = None) -> int:
        """Let generated words show again, and return how many words were written.

        Args:
            address: an integer (one word, or the first of ``count``) or an array of them.
            count: how many words to erase from ``address`` on; up to all 2**64.
        """
        if is_integer(address):
            first = as_address(address)
            length = 1 if count is None else as_count(count)
            check_range(first, length)
            return self._ledger.erase_range(self._number, first, length) if length else 0
        if count is not None:
            raise TypeError("count goes with one address, not with an array of them")
        addresses = as_addresses(address).reshape(-1)
        return self._ledger.erase_words(self._number, addresses) if addresses.size else 0

    def is_written(self, address: Any) -> Any:
        """Return whether words are written: a bool for one address, else an array of them."""
        if is_integer(address):
            one = np.array([as_address(address)], np.uint64)
            return bool(self._backend.are_written(one)[0])
        addresses = as_addresses(address)
        return self._backend.are_written(addresses.reshape(-1)).reshape(addresses.shape)

    def invert(self, words: Any, *, law: int | str | None = None) -> Any:
        """Return the addresses whose generated words these are.

        Args:
            words: an integer, or an array or sequence of integers.
            law: a bijective law; the space's own by default.

        Raises:
            ValueError: the law has no inverse.
        """
        chosen = self._law if law is None else law_by_name(law)
        if not chosen.bijective:
            raise ValueError(f"law must be bijective to be inverted, not {chosen.name!r}")
        if is_integer(words):
            one = np.array([as_address(words, "word")], np.uint64)
            return int(self._backend.invert(one, chosen)[0])
        array = as_values(words)
        return self._backend.invert(array.reshape(-1), chosen).reshape(array.shape)

    def _exchange(self, backend: SpaceBackend | None) -> None:
        """Go on with another backend, or with none: the memory is closed."""
        if backend is None:
            self._backend = cast("SpaceBackend", _Closed(self._backend))
            self._read_word = _refuse
        else:
            self._backend, self._read_word = backend, backend.read_word
            self._synthesise(self._synthesis)
        self._ledger.backends[self._number] = self._backend

    def _synthesise(self, synthesis: Synthesis | None) -> None:
        """Show regions from here on, or none."""
        self._synthesis = synthesis
        if synthesis is None:
            self._read_word = self._backend.read_word
        else:
            self._read_word = self._read_synthesised

    def _read_synthesised(self, address: int) -> int:
        synthesis = self._synthesis
        if synthesis is None:
            return self._backend.read_word(address)
        return synthesis.read_word(self._backend, address)

    def _counts(self) -> Counters:
        """Return what was done since the space was opened."""
        now, base = self._backend.counters, self._base
        return Counters(
            now.read - base.read,
            now.hit - base.hit,
            now.written - base.written,
            now.erased - base.erased,
        )

    def _count_from(self, done: Counters) -> None:
        """Go on from these counts: what a store replayed was not done by the caller."""
        self._base = Counters()
        now = self._counts()
        self._base = Counters(
            now.read - done.read,
            now.hit - done.hit,
            now.written - done.written,
            now.erased - done.erased,
        )

    def _report(self) -> SpaceReport:
        counters = self._counts()
        return SpaceReport(
            name=self._name,
            seed=self.seed,
            law=self._law.number,
            read_words=counters.read,
            hit_words=counters.hit,
            generated_words=counters.read - counters.hit,
            write_words=counters.written,
            erased_words=counters.erased,
            written_words=self.written_words,
            quota=self._quota,
            ram_bytes=self._backend.ram_bytes,
        )

    def _write_word(self, address: int, value: int) -> None:
        if self._quota is None:
            self._ledger.write_word(self._number, address, value)
        else:
            one = np.array([address], np.uint64)
            words = np.array([value], np.uint64)
            self._ledger.write_words(self._number, one, words, self._admit_words)

    def _admit_words(self, addresses: Words) -> None:
        """Raise QuotaExceeded if writing these would take the space over its quota."""
        if self._quota is None or self.written_words + len(addresses) <= self._quota:
            return
        distinct = np.unique(addresses)
        fresh = len(distinct) - int(self._backend.are_written(distinct).sum())
        if self.written_words + fresh > self._quota:
            what = f"space {self._name!r}" if self._name else "the memory"
            raise QuotaExceeded(
                f"{what} holds {self.written_words} written words, and {fresh} more would pass "
                f"its quota of {self._quota}"
            )

    def _admit_range(self, address: int, count: int) -> None:
        if self._quota is not None and self.written_words + count > self._quota:
            self._admit_words(np.arange(count, dtype=np.uint64) + np.uint64(address))

    def _gather(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        if (synthesis := self._synthesis) is not None:
            return to_elements(synthesis.read_words(self._backend, addresses, law), element)
        return to_elements(self._backend.read_words(addresses, law), element)

    def _generated(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        if (synthesis := self._synthesis) is not None:
            return to_elements(synthesis.unwritten_words(self._backend, addresses, law), element)
        return to_elements(self._backend.generate_words(addresses, law), element)

    def _fill(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        if (synthesis := self._synthesis) is not None:
            synthesis.read_range(self._backend, address, count, law, element, out)
        else:
            self._backend.read_range(address, count, law, element, out)


def _refuse(*arguments: object) -> NoReturn:
    raise ValueError("the memory must be open, not closed")


class _Closed:
    """What a space is left with when its memory is closed: its seed and law, and a refusal."""

    def __init__(self, before: SpaceBackend) -> None:
        self.law, self.seed = before.law, before.seed

    def __getattr__(self, name: str) -> NoReturn:
        _refuse()
