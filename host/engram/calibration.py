"""What a potential means as a cosine: integer tables, measured on embeddings drawn from law 1."""

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import (
    CALIBRATION_PAIRS,
    CALIBRATION_STEPS,
    CALIBRATION_STREAM,
    LARGEST_QUANTITY,
    ONE,
    Association,
)
from engram.arch.laws import LAWS
from engram.arch.seeds import feistel_keys
from engram.numpy_associations import cue_of, encode, project, projection, winners
from engram.numpy_laws import generate

__all__ = ["Calibration", "calibration"]

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """Similarities in units of 2**-16, int64: by latency of a cue's race, and of a code's."""

    by_latency: Integers
    by_code_latency: Integers


@lru_cache(maxsize=32)
def calibration(association: Association, seed: int, width: int) -> Calibration:
    """Return the tables of a memory: the mean potential at 33 cosines, inverted line by line.

    Embeddings are rows of near-normal integers (sums of sixteen bytes of law 1's words); a pair
    at cosine ``c / 16`` is ``c * x + sqrt(256 - c * c) * z``. The mean potentials are made to rise
    strictly, so that the tables fall with the latency.
    """
    table = projection(association, seed, width)
    x, z = (_normals(seed, CALIBRATION_PAIRS * width, side) for side in (0, 1))
    x, z = x.reshape(-1, width), z.reshape(-1, width)
    codes = encode(_quantised(x), table, association)
    active = np.zeros((CALIBRATION_PAIRS, association.neurons), np.int64)
    np.put_along_axis(active, codes.astype(np.int64), 1, 1)
    half = CALIBRATION_STEPS // 2
    cosines = np.arange(-half, half + 1)
    cue_means, code_means = [], []
    for cosine in cosines.tolist():
        other = isqrt((half * half - cosine * cosine) << 16)
        sums = project(_quantised((cosine << 8) * x + other * z), table)
        cue_means.append(_total_potential(sums, active, association))
        chosen = winners(sums, association.winners).astype(np.int64)
        code_means.append(int(np.take_along_axis(active, chosen, 1).sum()))
    # A latency stands for 2**ramp potentials: their middle, so everything is taken twice.
    latencies = np.arange(association.last_latency + 1) << association.ramp
    middles = 2 * (association.threshold - latencies) + (1 << association.ramp) - 1
    overlaps = 2 * (association.winners - np.arange(association.winners + 1))
    similarities = cosines * (ONE // half)
    return Calibration(
        _interpolated(middles * CALIBRATION_PAIRS, 2 * np.array(cue_means), similarities),
        _interpolated(overlaps * CALIBRATION_PAIRS, 2 * np.array(code_means), similarities),
    )


def _normals(seed: int, count: int, side: int) -> Integers:
    """Return integers of mean 0 that are nearly normal: sums of the bytes of two words."""
    addresses = np.arange(2 * count, dtype=np.uint64) + np.uint64(side << 32)
    words = generate(LAWS[1], seed, addresses, keys=feistel_keys(seed, CALIBRATION_STREAM))
    sums: Integers = words.view(np.uint8).reshape(count, 16).sum(1, dtype=np.int64)
    return sums - 2040


def _quantised(rows: Integers) -> NDArray[np.int8]:
    """Return rows scaled to -127..127 in integers, halves rounded up."""
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1)
    rounded: Integers = (2 * LARGEST_QUANTITY * rows + largest) // (2 * largest)
    return rounded.astype(np.int8)


def _total_potential(sums: NDArray[np.int32], active: Integers, association: Association) -> int:
    total = 0
    for row, code in zip(sums, active, strict=True):
        cue = cue_of(row, association)
        total += int((code[cue.neurons] * cue.payloads).sum())
    return total


def _interpolated(points: Integers, means: Integers, similarities: Integers) -> Integers:
    """Return the similarity at each point, on lines between strictly rising means."""
    steps = np.arange(len(means))
    rising = np.minimum.accumulate((means - steps)[::-1])[::-1] + steps
    place = np.clip(np.searchsorted(rising, points, side="right") - 1, 0, len(rising) - 2)
    run = rising[place + 1] - rising[place]
    rise = similarities[place + 1] - similarities[place]
    found: Integers = similarities[place] + (points - rising[place]) * rise // run
    return found.clip(-ONE, ONE)
