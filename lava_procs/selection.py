"""Which neurons spike: signed sums of an embedding, their largest, and the payloads of a cue."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Projection", "cue_spikes", "highest"]

Integers = NDArray[np.integer[Any]]


class Projection:
    """Sums ``sources`` (m, s) of an embedding of some width, negated where ``signs`` are -1.

    A sum of 256 inputs of at most 127 fits int16, so the sums are int16.
    """

    def __init__(self, sources: Integers, signs: Integers, width: int) -> None:
        places = np.where(signs < 0, sources + width, sources)
        self._places = np.ascontiguousarray(places.T.astype(np.intp))
        self._both = np.zeros(2 * width, np.int16)
        self._width = width

    def sums(self, vector: Integers) -> NDArray[np.int16]:
        """Return the sum of every neuron, int16 (m,), for an int8 embedding (width,)."""
        # Inputs and negated inputs in one table: a sign costs no product.
        self._both[: self._width] = vector
        np.negative(self._both[: self._width], out=self._both[self._width :])
        total = self._both.take(self._places[0])
        for places in self._places[1:]:
            total += self._both.take(places)
        return total


def highest(values: Integers, count: int) -> NDArray[np.intp]:
    """Return where the ``count`` largest values are, ascending; of equals the first come first."""
    limit = _nth_largest(values, count)
    chosen = values > limit
    ties = np.flatnonzero(values == limit)
    chosen[ties[: count - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen)


def _nth_largest(values: Integers, count: int) -> int:
    low, high = int(values.min()), int(values.max())
    if high - low > len(values):
        return int(np.partition(values, len(values) - count)[len(values) - count])
    # Sums lie close together: counting them is quicker than comparing.
    counts = np.bincount(values.astype(np.intp) - low)
    return high - int(np.searchsorted(np.cumsum(counts[::-1]), count))


def cue_spikes(values: Integers, spikes: int, signed: bool, levels: int) -> NDArray[np.int8]:
    """Return the payload of every neuron for the sums of an embedding; 0 is silence.

    The ``spikes`` highest neurons above zero excite with ``+payload``; if the cue is signed, the
    ``spikes`` lowest below zero inhibit with ``-payload``. A payload is ``|y| * levels / max|y|``
    over the neurons that spike, halves rounded up, and at least 1.
    """
    speaking = highest(values, spikes)
    speaking = speaking[values[speaking] > 0]
    if signed:
        opposed = highest(-values, spikes)
        speaking = np.concatenate([speaking, opposed[values[opposed] < 0]])
    spoken = values[speaking].astype(np.int64)
    cue = np.zeros(len(values), np.int8)
    if levels == 1 or not len(spoken):
        cue[speaking] = np.sign(spoken)
        return cue
    sizes = np.abs(spoken)
    top = sizes.max()
    payloads = np.maximum(1, (2 * levels * sizes + top) // (2 * top))
    cue[speaking] = np.sign(spoken) * payloads
    return cue
