"""Binary synapses of many pattern neurons, one bit each, and how spikes pass them."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PatternNeurons", "SynapseBits", "ascending", "loudness", "row_message", "row_words"]

_GROUP = 15  # spikes that one tree of full adders counts, into four bits
_LOUDEST = 15
_SOFTER = 3


def loudness(deficits: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return how loudly winners speak: ``2**(15 - 3 * deficit)``, 0 below one."""
    shifts = _LOUDEST - _SOFTER * np.minimum(deficits, _LOUDEST).astype(np.int64)
    return np.where(shifts >= 0, np.int64(1) << np.maximum(shifts, 0), np.int64(0))


def ascending(latencies: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Return the order of latencies, not negative; of equals the first come first."""
    if len(latencies) and latencies.max() < 1 << 16:
        latencies = latencies.astype(np.uint16)  # which NumPy sorts by radix
    return np.argsort(latencies, kind="stable")


def row_words(neurons: int) -> int:
    """Return how many 32-bit words of a message hold the bits of a row."""
    return -(-neurons // 32)


def row_message(
    place: int, occupied: bool, inputs: NDArray[np.integer[Any]], neurons: int
) -> NDArray[np.int32]:
    """Return what tells pattern neurons that this is now the row of the one at a place."""
    bits = np.zeros(32 * row_words(neurons), np.bool_)
    bits[inputs] = True
    message = np.zeros(1 + row_words(neurons), np.int32)
    message[0] = 1 + place if occupied else -1 - place
    message[1:] = np.packbits(bits, bitorder="little").view("<i4")
    return message


class SynapseBits:
    """Which of ``neurons`` inputs conduct to each of ``patterns`` neurons.

    A bit a synapse, one row of words per input, so that the spikes of a cue are counted for 64
    pattern neurons at a time: by trees of full adders, fifteen spikes each.
    """

    def __init__(self, neurons: int, patterns: int) -> None:
        self.neurons = neurons
        self.patterns = patterns
        # The last row stays empty: it fills up a group that lacks spikes.
        self._words = np.zeros((neurons + 1, -(-patterns // 64)), np.uint64)

    @classmethod
    def of(cls, synapses: Any) -> "SynapseBits":
        """Return the bits of a scipy csr matrix (patterns, neurons)."""
        patterns, neurons = synapses.shape
        bits = cls(neurons, patterns)
        for pattern, (start, end) in enumerate(pairwise(synapses.indptr.tolist())):
            if end > start:
                bits.put(pattern, synapses.indices[start:end])
        return bits

    def put(self, pattern: int, inputs: NDArray[np.integer[Any]]) -> None:
        """Let exactly these inputs conduct to a pattern neuron."""
        word, bit = pattern >> 6, np.uint64(1 << (pattern & 63))
        column = self._words[:, word]
        column &= ~bit
        column[inputs] |= bit

    def row(self, pattern: int) -> NDArray[np.intp]:
        """Return the inputs that conduct to a pattern neuron, ascending."""
        bit = np.uint64(1 << (pattern & 63))
        return np.flatnonzero(self._words[:, pattern >> 6] & bit)

    def potentials(self, spikes: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return what each pattern neuron integrates of the payloads of spikes, (neurons,)."""
        parts = []  # of equal worth: (worth, inputs)
        sizes = np.abs(spikes)
        for bit in range(int(sizes.max(initial=0)).bit_length()):
            carried = sizes >> bit & 1 == 1
            parts.append((1 << bit, np.flatnonzero(carried & (spikes > 0))))
            parts.append((-1 << bit, np.flatnonzero(carried & (spikes < 0))))
        parts = [(worth, inputs) for worth, inputs in parts if len(inputs)]
        if not parts:
            return np.zeros(self.patterns, np.int64)
        counted = self._counts([inputs for _, inputs in parts])
        worths = np.array([worth for worth, _ in parts], np.int64)
        return worths @ counted

    def speech(
        self, patterns: NDArray[np.integer[Any]], latencies: NDArray[np.integer[Any]]
    ) -> NDArray[np.int64]:
        """Return what each input hears of pattern neurons that speak, the first one loudest."""
        sums = np.zeros(self.neurons, np.int64)
        if len(patterns):
            worths = loudness(latencies - latencies.min())
            for pattern, worth in zip(patterns.tolist(), worths.tolist(), strict=True):
                if worth:
                    sums[self.row(pattern)] += worth
        return sums

    def _counts(self, sets: list[NDArray[np.intp]]) -> NDArray[np.int64]:
        """Return how many inputs of each set conduct to each pattern neuron."""
        groups = -(-max(map(len, sets)) // _GROUP)
        places = np.full((len(sets), groups * _GROUP), self.neurons, np.intp)
        for row, inputs in zip(places, sets, strict=True):
            row[: len(inputs)] = inputs
        places = places.reshape(len(sets), groups, _GROUP).transpose(2, 0, 1)
        planes = np.stack(_column_sums(list(self._words.take(places, axis=0))))
        bits = np.unpackbits(planes.view(np.uint8), axis=-1, bitorder="little")
        # So many groups sum in bytes, where adding is fastest.
        narrow = np.uint8 if groups < 256 else np.uint16
        totals = np.add.reduce(bits, axis=2, dtype=narrow)[..., : self.patterns]
        counted: NDArray[np.int64] = np.einsum("p,psn->sn", 1 << np.arange(4), totals)
        return counted


def _column_sums(rows: list[Any]) -> list[Any]:
    """Return the bits of worth 1, 2, 4 and 8 of the sums of fifteen rows of bits."""
    planes = []
    while len(rows) > 1:
        carries = []
        while len(rows) > 1:
            a, b, c = rows.pop(), rows.pop(), rows.pop()
            either = a ^ b
            carries.append(a & b | either & c)
            rows.append(either ^ c)
        planes.append(rows[0])
        rows = carries
    return [*planes, *rows]


class PatternNeurons:
    """Pattern neurons whose races are computed instead of waited for."""

    def __init__(self, synapses: Any, occupied: NDArray[np.bool_]) -> None:
        self.bits = SynapseBits.of(synapses)
        self.occupied = occupied.copy()
        self._nobody = np.zeros(0, np.intp)

    def change(self, message: NDArray[np.int32]) -> None:
        """Take a ``row_message``; one that begins with 0 changes nothing."""
        place = int(message[0])
        if place:
            packed = message[1:].astype("<i4").view(np.uint8)
            row = np.flatnonzero(np.unpackbits(packed, bitorder="little"))
            self.bits.put(abs(place) - 1, row)
            self.occupied[abs(place) - 1] = place > 0

    def race(
        self, cue: NDArray[np.integer[Any]], count: int, threshold: int, ramp: int
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return the first neurons to fire for a cue and their latencies, in order."""
        return self.first(self.bits.potentials(cue), count, threshold, ramp)

    def first(
        self, potentials: NDArray[np.int64], count: int, threshold: int, ramp: int
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return the first neurons to fire at these potentials and their latencies, in order."""
        last = 2 * threshold >> ramp
        latencies = np.maximum(0, -((potentials - threshold) >> ramp))
        latencies = np.where(self.occupied, np.minimum(latencies, last + 1), last + 1)
        order = ascending(latencies)[:count]
        order = order[latencies[order] <= last]
        return order, latencies[order]
