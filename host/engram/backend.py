"""The abstract backends of a space and of associations: arrays in, arrays out, on one device."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import Association
from engram.arch.elements import Element
from engram.arch.laws import Law

__all__ = [
    "AssociationBackend",
    "AssociationCounters",
    "Completions",
    "Counters",
    "Recalls",
    "SpaceBackend",
    "Words",
]

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

    @classmethod
    def missing(cls) -> str:
        """Return what is missing here to make one, and the fix; empty if nothing is."""
        return ""

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


@dataclass
class AssociationCounters:
    """What an associative backend did since it was made.

    ``spikes`` are those of cues, ``synaptic_events`` the conducting synapses they passed (what a
    neuromorphic chip spends energy on), ``multiply_adds`` the products of re-ranks.
    """

    written: int = 0
    cues: int = 0
    spikes: int = 0
    synaptic_events: int = 0
    multiply_adds: int = 0


@dataclass(frozen=True)
class Recalls:
    """Answers to ``n`` cues, best first: arrays of shape (n, count), slots -1 where none is left.

    ``similarities`` and ``confidences`` are int64 in units of 2**-16, ``latencies`` int64 steps of
    the race; all 0 where the slot is -1.
    """

    slots: NDArray[np.int64]
    similarities: NDArray[np.int64]
    confidences: NDArray[np.int64]
    latencies: NDArray[np.int64]


@dataclass(frozen=True)
class Completions:
    """Settled codes of ``n`` cues: ``codes`` uint16 (n, k), ascending; the rest int64 or bool (n,).

    ``slots`` is the winner of the last step, -1 in an empty memory (its code is then the cue's).
    """

    codes: NDArray[np.uint16]
    slots: NDArray[np.int64]
    steps: NDArray[np.int64]
    converged: NDArray[np.bool_]


class AssociationBackend(ABC):
    """The patterns of an associative memory, by slot, for one law, seed and embedding width.

    The caller checks every input once: embeddings are quantised, int8, C-contiguous, of shape
    (n, width) and not zero; codes are uint16, ascending and distinct along a row; slots are int64,
    not negative, below 2**31, and distinct within a call. Slots need not be consecutive. One
    thread writes at a time, and nobody recalls meanwhile; any number recall at once.

    Every result is the law's (docs/associations.md), whatever the device does to find it.
    """

    def __init__(
        self, association: Association, seed: int, width: int, *, threads: int | None = None
    ) -> None:
        self.association = association
        self.seed = seed
        self.width = width
        self._counters = AssociationCounters()

    @classmethod
    def missing(cls) -> str:
        """Return what is missing here to make one, and the fix; empty if nothing is."""
        return ""

    @property
    def counters(self) -> AssociationCounters:
        """What was done so far."""
        return self._counters

    @abstractmethod
    def encode(self, vectors: NDArray[np.int8]) -> NDArray[np.uint16]:
        """Return the codes of embeddings, (n, k), ascending."""

    @abstractmethod
    def write(self, slots: NDArray[np.int64], vectors: NDArray[np.int8]) -> None:
        """Write patterns in one shot; a slot written before is cleared first."""

    @abstractmethod
    def learn(self, slot: int, vector: NDArray[np.int8]) -> None:
        """Move a written pattern towards an embedding, shape (width,): the gated write."""

    @abstractmethod
    def clear(self, slots: NDArray[np.int64]) -> None:
        """Forget patterns; a slot that holds none is passed over."""

    @abstractmethod
    def synapses(self, slot: int) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Return a pattern's neurons of permanence above 0, ascending, and their permanences."""

    @abstractmethod
    def vector(self, slot: int) -> NDArray[np.int8]:
        """Return a pattern's stored embedding, (width,)."""

    @abstractmethod
    def restore(
        self,
        slot: int,
        neurons: NDArray[np.uint16],
        permanences: NDArray[np.uint8],
        vector: NDArray[np.int8],
    ) -> None:
        """Put back a pattern exactly as ``synapses`` and ``vector`` gave it."""

    @abstractmethod
    def recall(self, vectors: NDArray[np.int8], count: int) -> Recalls:
        """Return the ``count`` nearest patterns of each embedding."""

    @abstractmethod
    def recall_codes(self, codes: NDArray[np.uint16], count: int) -> Recalls:
        """Return the ``count`` nearest patterns of each code, (n, any); there is no re-rank."""

    @abstractmethod
    def complete(self, vectors: NDArray[np.int8]) -> Completions:
        """Settle embeddings: the first step by their recall, the others by codes."""

    @abstractmethod
    def complete_codes(self, codes: NDArray[np.uint16]) -> Completions:
        """Settle codes, (n, k)."""

    @abstractmethod
    def replay(
        self, epoch: int, overlap: int, strengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Replay every pattern once with noise; return what each slot won and lost.

        ``strengths`` has an entry a slot (longer than the highest written); so have the results.
        Of the patterns that share ``overlap`` / 256 of the settled winner's bits the strongest
        wins one, and each of the others loses one.
        """

    @property
    @abstractmethod
    def ram_bytes(self) -> int:
        """How many bytes the patterns and the tables beside them take."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the device lent."""
