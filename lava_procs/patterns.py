"""The host's side of the patterns: which slot is which neuron, and what its synapses are."""

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lava_procs.circuits import Synapses
from lava_procs.learning.process import CONNECTED

__all__ = ["PatternRows"]

_FEWEST = 64  # places to begin with; doubled when they are full

Row = tuple[NDArray[np.uint16], NDArray[np.uint8]]


class PatternRows:
    """Rows of permanences by slot, at places that ascend with their slots.

    Neurons of a race are numbered by place, so that ties go to the lower slot. A slot above all
    others takes the next place; any other new one moves places, which ``layout`` counts. A slot
    that is cleared keeps its place.
    """

    def __init__(self, neurons: int) -> None:
        self.neurons = neurons
        self.fan_out = np.zeros(neurons, np.int64)  # conducting synapses of each code neuron
        self.layout = 0
        self.capacity = _FEWEST
        self.slots = np.zeros(0, np.int64)  # by place
        self._places: dict[int, int] = {}
        self._rows: dict[int, Row] = {}

    def __contains__(self, slot: int) -> bool:
        return slot in self._rows

    def __getitem__(self, slot: int) -> Row:
        if slot not in self._rows:
            raise ValueError(f"slot must hold a pattern, not {slot!r}")
        return self._rows[slot]

    @property
    def occupied(self) -> list[int]:
        """Slots that hold a pattern, ascending."""
        return sorted(self._rows)

    def place(self, slot: int) -> int:
        """Return the place of a slot that has one."""
        return self._places[slot]

    def admit(self, slots: list[int]) -> None:
        """Give places to slots that have none."""
        fresh = sorted({slot for slot in slots if slot not in self._places})
        if not fresh:
            return
        if len(self.slots) and fresh[0] < self.slots[-1]:
            self.layout += 1
            self.slots = np.union1d(self.slots, np.array(fresh, np.int64))
            self._places = {slot: place for place, slot in enumerate(self.slots.tolist())}
        else:
            self._places.update(zip(fresh, count(len(self.slots)), strict=False))
            self.slots = np.concatenate([self.slots, np.array(fresh, np.int64)])
        if self.capacity < len(self.slots):
            self.capacity = 1 << (len(self.slots) - 1).bit_length()
            self.layout += 1

    def compact(self) -> None:
        """Take places from slots that hold nothing."""
        if len(self._rows) < len(self.slots):
            self.layout += 1
            self.slots = np.array(self.occupied, np.int64)
            self._places = {slot: place for place, slot in enumerate(self.slots.tolist())}

    def put(self, slot: int, neurons: NDArray[Any], permanences: NDArray[Any]) -> None:
        """Keep a row of permanences above 0 for a slot that has a place."""
        self.drop(slot)
        row = (neurons.astype(np.uint16), permanences.astype(np.uint8))
        self._rows[slot] = row
        self.fan_out[self.conducting(slot)] += 1

    def drop(self, slot: int) -> None:
        """Keep nothing for a slot."""
        if slot in self._rows:
            self.fan_out[self.conducting(slot)] -= 1
            del self._rows[slot]

    def conducting(self, slot: int) -> NDArray[np.uint16]:
        """Return the neurons whose synapses to a pattern conduct, ascending; none if it is free."""
        if slot not in self._rows:
            return np.zeros(0, np.uint16)
        neurons, permanences = self._rows[slot]
        return neurons[permanences >= CONNECTED]

    def permanences(self) -> NDArray[np.uint8]:
        """Return all permanences by place, (capacity, neurons)."""
        table = np.zeros((self.capacity, self.neurons), np.uint8)
        for slot, (neurons, values) in self._rows.items():
            table[self._places[slot], neurons] = values
        return table

    def synapses(self, places: int) -> Synapses:
        """Return the conducting synapses, so many places of them."""
        rows = [self.conducting(slot) for slot in self.slots.tolist()]
        rows += [np.zeros(0, np.uint16)] * (places - len(rows))
        ends = np.cumsum([0, *map(len, rows)])
        columns = np.concatenate(rows).astype(np.int32)
        ones = np.ones(len(columns), np.int32)
        occupied = np.zeros(places, np.bool_)
        occupied[[self._places[slot] for slot in self._rows]] = True
        weights = csr_matrix((ones, columns, ends), shape=(places, self.neurons))
        return Synapses(weights, occupied)
