"""The race of a recall, its re-rank and its calibration, in plain integers."""

from collections.abc import Mapping, Sequence
from math import isqrt

from engram.arch.associations import ONE, decay_table

__all__ = ["confidences", "first_spikes", "similarity"]

_LOG2_E = 369  # in units of 2**-8
_DECAY = [int(weight) for weight in decay_table()]


def first_spikes(
    potentials: Mapping[int, int], threshold: int, ramp: int, count: int
) -> list[tuple[int, int]]:
    """Return (latency, slot) of the first patterns to fire, in order; ties: lower slot.

    A ramp adds ``2**ramp`` to every potential each step; who passes ``threshold`` fires. The race
    ends with the step in which a potential of ``-threshold`` fires.
    """
    last = 2 * threshold >> ramp
    fired = []
    for slot, potential in potentials.items():
        latency = max(0, -(-(threshold - potential) >> ramp))
        if latency <= last:
            fired.append((latency, slot))
    return sorted(fired)[:count]


def similarity(cue: Sequence[int], pattern: Sequence[int]) -> int:
    """Return the cosine of two quantised embeddings in units of 2**-16, rounded down."""
    dot = sum(a * b for a, b in zip(cue, pattern, strict=True))
    norms = _norm(cue) * _norm(pattern)
    return min(ONE, (dot << 32) // norms) if norms else 0


def _norm(vector: Sequence[int]) -> int:
    return isqrt(sum(x * x for x in vector) << 16)


def confidences(similarities: Sequence[int], width: int) -> list[int]:
    """Return the posterior of each candidate in units of 2**-16; similarities descend."""
    if not similarities:
        return []
    first = min(max(similarities[0], 0), ONE - 1)
    weights = []
    for value in similarities:
        gap = max(first - value, 0)
        exponent = gap * first * width * _LOG2_E // (ONE * ONE - first * first)
        weights.append(_DECAY[exponent & 255] >> (exponent >> 8))
    total = sum(weights)
    return [(weight << 16) // total for weight in weights]
