"""Patterns: which slot holds which id, and what is known of a pattern beside its embedding."""

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.store.patterns import Aged, Written

__all__ = ["Completion", "Consolidation", "Pattern", "Patterns", "Recall", "Summary"]

Integers = NDArray[np.int64]

_FIRST_ROOM = 64
_SYNAPSE_BYTES = 3
_ROW_BYTES = 24  # what a log keeps of a pattern beside its vector, id, metadata and synapses


@dataclass(frozen=True)
class Recall:
    """A pattern that a cue called up.

    Attributes:
        id: its name.
        similarity: -1..1, the cosine of cue and stored embedding (both quantised); estimated from
            the latency where the law has no re-rank, and for code cues.
        confidence: 0..1, how sure it is that this is the pattern meant, if noise is isotropic and
            all candidates are as likely beforehand.
        latency: the step of the race in which it fired; 0 is nearest.
        metadata: what was remembered with it, or None.
        importance: 0..1, as remembered, in steps of 1/256.
    """

    id: str
    similarity: float
    confidence: float
    latency: int
    metadata: dict[str, Any] | None
    importance: float


@dataclass(frozen=True)
class Completion:
    """What a cue settled into.

    Attributes:
        id: the pattern that won the last step.
        code: the settled code, uint16, ascending, as many neurons as a stored code has.
        steps: how many it took.
        converged: whether the last step changed nothing.
        embedding: the winner's stored embedding as a float32 unit vector.
        similarity: -1..1, of the winner to the cue; by overlap where the cue is a code.
    """

    id: str
    code: NDArray[np.uint16]
    steps: int
    converged: bool
    embedding: NDArray[np.float32]
    similarity: float


@dataclass(frozen=True)
class Consolidation:
    """What a consolidation did.

    Attributes:
        epochs: how often all patterns were replayed.
        replays: cues replayed in all.
        converged: whether the last epoch changed nothing.
        strengthened: how many of the patterns that remain are stronger than before.
        pruned: ids that were forgotten, in the order in which that happened.
        remaining: how many patterns are left.
    """

    epochs: int
    replays: int
    converged: bool
    strengthened: int
    pruned: list[str]
    remaining: int


@dataclass(frozen=True)
class Summary:
    """What is known of a pattern beside its embedding: importance 0..1, strength 1..255."""

    id: str
    importance: float
    strength: int
    metadata: dict[str, Any] | None


@dataclass(frozen=True)
class Pattern(Summary):
    """A stored pattern with its embedding, a float32 unit vector."""

    embedding: NDArray[np.float32]


class Patterns:
    """Ids by slot and slots by id, importances, strengths and metadata; it locks nothing."""

    def __init__(self) -> None:
        self.clock = 0
        self._slots: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._metadata: dict[int, bytes] = {}
        self._moved: dict[int, int] = {}  # bytes of synapses, by slot
        self._importances = np.zeros(_FIRST_ROOM, np.int64)
        self._strengths = np.zeros(_FIRST_ROOM, np.int64)
        self._free: list[int] = []  # a heap that has every free slot below the top
        self._top = 0
        self._bytes = 0  # of ids, metadata and synapses

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, name: object) -> bool:
        return name in self._slots

    @property
    def held(self) -> list[int]:
        """The slots in use, ascending."""
        return sorted(self._ids)

    @property
    def ids(self) -> list[str]:
        """All ids, by slot."""
        return [self._ids[slot] for slot in self.held]

    @property
    def moved(self) -> set[int]:
        """Slots whose synapses gated writes moved: they do not follow from the vector."""
        return set(self._moved)

    @property
    def strengths(self) -> Integers:
        """A copy of all strengths by slot, 0 where a slot is free."""
        return self._strengths[: self._top].copy()

    @property
    def importances(self) -> Integers:
        """A copy of all importances by slot, 0..256."""
        return self._importances[: self._top].copy()

    def words(self, width: int) -> int:
        """Return about how many words a log of all patterns as they are now would hold."""
        return (len(self) * (width + _ROW_BYTES) + self._bytes) // 8

    def slot(self, name: str) -> int | None:
        """Return the slot of an id."""
        return self._slots.get(name)

    def id(self, slot: int) -> str:
        """Return the id in a slot."""
        return self._ids[slot]

    def importance(self, slot: int) -> float:
        """Return an importance, 0..1."""
        return int(self._importances[slot]) / 256

    def strength(self, slot: int) -> int:
        """Return a strength."""
        return int(self._strengths[slot])

    def metadata(self, slot: int) -> dict[str, Any] | None:
        """Return a copy of what was remembered with a pattern."""
        text = self._metadata.get(slot)
        if text is None:
            return None
        metadata: dict[str, Any] = json.loads(text)
        return metadata

    def summary(self, slot: int) -> Summary:
        """Return what is known of a pattern."""
        return Summary(
            self.id(slot), self.importance(slot), self.strength(slot), self.metadata(slot)
        )

    def texts(self, slots: list[int]) -> list[bytes]:
        """Return metadata as JSON, empty where there is none."""
        return [self._metadata.get(slot, b"") for slot in slots]

    def free_slots(self) -> Iterator[int]:
        """Yield the slots that new patterns are to take, lowest first; nothing changes."""
        heap = self._free.copy()
        last = -1
        while heap:
            slot = heapq.heappop(heap)
            if slot != last and slot not in self._ids:
                yield slot
            last = slot
        slot = self._top
        while True:
            yield slot
            slot += 1

    def write(self, change: Written) -> None:
        """Take patterns in."""
        slots = change.slots.tolist()
        self._make_room(max(slots, default=-1) + 1)
        self._importances[change.slots] = change.importances
        self._strengths[change.slots] = change.strengths
        for slot, name, text in zip(slots, change.ids, change.metadata, strict=True):
            self._drop(slot)
            self._ids[slot] = name
            self._slots[name] = slot
            self._bytes += len(name) + len(text)
            if text:
                self._metadata[slot] = text
        for row, (neurons, _) in change.synapses.items():
            self._moved[slots[row]] = _SYNAPSE_BYTES * len(neurons)
            self._bytes += self._moved[slots[row]]
        while self._free and self._free[0] in self._ids:
            heapq.heappop(self._free)

    def age(self, change: Aged) -> None:
        """Take new strengths in, forget what was forgotten, and set the clock."""
        self.clock = change.clock
        self._make_room(int(change.slots.max(initial=-1)) + 1)
        self._strengths[change.slots] = change.strengths
        for slot in change.forgotten.tolist():
            if slot in self._ids:
                self._drop(slot)
                self._strengths[slot] = self._importances[slot] = 0
                heapq.heappush(self._free, slot)

    def _drop(self, slot: int) -> None:
        name = self._ids.pop(slot, None)
        if name is None:
            return
        # A replay may pass through states in which an id has moved on to another slot.
        if self._slots.get(name) == slot:
            del self._slots[name]
        self._bytes -= len(name) + len(self._metadata.pop(slot, b""))
        self._bytes -= self._moved.pop(slot, 0)

    def _make_room(self, top: int) -> None:
        if top <= self._top:
            return
        if top > len(self._strengths):
            room = max(top, 2 * len(self._strengths))
            self._importances = np.pad(self._importances, (0, room - len(self._importances)))
            self._strengths = np.pad(self._strengths, (0, room - len(self._strengths)))
        for slot in range(self._top, top):
            heapq.heappush(self._free, slot)
        self._top = top
