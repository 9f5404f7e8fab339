"""The stages of the law of associations in NumPy: what a device's host does beside the device."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import (
    LARGEST_QUANTITY,
    MOVED_SHIFT,
    ONE,
    PROJECTION_STREAM,
    REPLAY_STREAM,
    SIMILARITY_UNIT_SHIFT,
    Association,
    decay_table,
    settling_weight,
)
from engram.arch.laws import LAWS
from engram.arch.seeds import feistel_keys
from engram.numpy_laws import generate

__all__ = [
    "Codes",
    "Cue",
    "Projection",
    "Vectors",
    "confidences",
    "cosines",
    "cue_of",
    "encode",
    "norms",
    "project",
    "projection",
    "quantise",
    "replay_cue",
    "rerank",
    "settle",
    "similarity_deficits",
    "winners",
]

Vectors = NDArray[np.int8]
Codes = NDArray[np.uint16]
Integers = NDArray[np.int64]

_LAW = LAWS[1]
_LOW = np.uint64(0xFFFF_FFFF)
_HALF = np.uint64(32)
_DECAY = decay_table()
_LOG2_E = 369  # log2(e) in units of 2**-8


@dataclass(frozen=True)
class Projection:
    """Which inputs each code neuron sums: ``sources`` int32 and ``signs`` int8, both (m, s)."""

    sources: NDArray[np.int32]
    signs: NDArray[np.int8]


@dataclass(frozen=True)
class Cue:
    """Spikes of one cue: neurons (uint16, ascending, excitatory first) and payloads (int8)."""

    neurons: Codes
    payloads: NDArray[np.int8]


def projection(association: Association, seed: int, width: int) -> Projection:
    """Return the projection of embeddings of a width, drawn from law 1 and the memory's seed.

    The inputs are cut into as many strata as a neuron has sources, so that these are distinct.
    Source ``j`` of neuron ``i`` comes from the word ``w`` at address ``i * s + j``:
    ``low + ((w >> 32) * size >> 32)`` of its stratum, negated if ``w`` is odd.
    """
    fan_in = association.fan_in(width)
    addresses = np.arange(association.neurons * fan_in, dtype=np.uint64)
    words = generate(_LAW, seed, addresses, keys=feistel_keys(seed, PROJECTION_STREAM))
    words = words.reshape(association.neurons, fan_in)
    edges = np.arange(fan_in + 1, dtype=np.uint64) * np.uint64(width) // np.uint64(fan_in)
    sources = edges[:-1] + ((words >> _HALF) * np.diff(edges) >> _HALF)
    signs = np.where(words & np.uint64(1), -1, 1)
    return Projection(sources.astype(np.int32), signs.astype(np.int8))


def quantise(embeddings: NDArray["np.floating[Any]"]) -> Vectors:
    """Return ``rint(127 * x / max|x|)`` of rows, int8, in float64: the only float step.

    A zero row stays zero; whether it may occur is the caller's business.
    """
    exact = np.asarray(embeddings, np.float64)
    largest = np.abs(exact).max(axis=-1, keepdims=True)
    scaled = np.zeros_like(exact)
    np.divide(exact * LARGEST_QUANTITY, largest, out=scaled, where=largest > 0)
    quantised: Vectors = np.rint(scaled).astype(np.int8)
    return quantised


def project(vectors: Vectors, table: Projection) -> NDArray[np.int32]:
    """Return the sums of all code neurons, shape (n, m)."""
    sums = np.zeros((len(vectors), len(table.sources)), np.int32)
    for j in range(table.sources.shape[1]):
        sums += vectors[:, table.sources[:, j]] * table.signs[:, j].astype(np.int32)
    return sums


def winners(values: NDArray["np.integer[Any]"], count: int) -> Codes:
    """Return where the ``count`` largest of a row are, ascending; ties: lower index first."""
    order = np.argsort(-values.astype(np.int64), axis=-1, kind="stable")
    return np.sort(order[..., :count], axis=-1).astype(np.uint16)


def encode(vectors: Vectors, table: Projection, association: Association) -> Codes:
    """Return codes, uint16 of shape (n, k), ascending."""
    return winners(project(vectors, table), association.winners)


def cue_of(sums: NDArray[np.int32], association: Association) -> Cue:
    """Return the spikes of one cue from its sums, shape (m,).

    The ``spikes`` highest neurons above zero excite; if the cue is signed, the ``spikes`` lowest
    below zero inhibit. Payloads are ``|y| * levels / max|y|``, rounded, at least 1.
    """
    high = winners(sums, association.spikes)
    high = high[sums[high] > 0]
    low = winners(-sums, association.spikes) if association.signed else high[:0]
    low = low[sums[low] < 0]
    neurons = np.concatenate([high, low])
    sizes = np.abs(sums[neurons]).astype(np.int64)
    if not len(neurons):
        return Cue(neurons, np.zeros(0, np.int8))
    largest = int(sizes.max())
    payloads = np.maximum(1, (2 * sizes * association.levels + largest) // (2 * largest))
    return Cue(neurons, np.where(sums[neurons] > 0, payloads, -payloads).astype(np.int8))


def norms(vectors: Vectors) -> Integers:
    """Return the norms of rows in units of 2**-8, rounded down."""
    wide = vectors.astype(np.int64)
    squares: Integers = np.einsum("ij,ij->i", wide, wide) << 16
    roots: Integers = np.sqrt(squares.astype(np.float64)).astype(np.int64)  # right to one unit
    roots -= roots * roots > squares
    roots += (roots + 1) * (roots + 1) <= squares
    return roots


def rerank(vector: Vectors, norm: int, patterns: Vectors, pattern_norms: Integers) -> Integers:
    """Return the similarities, in units of 2**-16, of one quantised cue to stored embeddings.

    ``min(dot * 2**32 // (norm * pattern_norm), 2**16)``; 0 where a norm is 0.
    """
    # Sums of fewer than 2**10 products below 2**14 are exact in float32, where BLAS is fast.
    exact = np.float32 if len(vector) <= 1 << 10 else np.float64
    dots = (patterns.astype(exact) @ vector.astype(exact)).astype(np.int64)
    return cosines(dots, pattern_norms * norm)


def cosines(dots: Integers, products: Integers) -> Integers:
    """Return similarities by dot products and products of norms; see ``rerank``."""
    found: Integers = np.zeros_like(dots)
    np.floor_divide(dots << 32, products, out=found, where=products > 0)
    return found.clip(max=ONE)


def confidences(similarities: Integers, width: int) -> Integers:
    """Return how sure each of a cue's candidates is, in units of 2**-16; descending input.

    The posterior of an isotropic noise model with equal priors: a cue at cosine ``c`` to its
    pattern makes a rival at ``c - g`` less likely by ``exp(g * width * c / (1 - c**2))``.
    """
    if not len(similarities):
        return similarities
    first = int(np.clip(similarities[0], 0, ONE - 1))
    gaps = np.clip(first - similarities, 0, None)
    exponents = np.minimum(gaps * first * width * _LOG2_E // (ONE * ONE - first * first), 1 << 13)
    weights = _DECAY[exponents & 255] >> np.minimum(exponents >> 8, 63)
    posterior: Integers = (weights << 16) // weights.sum()
    return posterior


def similarity_deficits(similarities: Integers) -> Integers:
    """Return how many units of score the winners of a re-rank are behind the first."""
    deficits: Integers = (similarities[0] - similarities) >> SIMILARITY_UNIT_SHIFT
    return deficits


def settle(rows: list[Codes], deficits: Integers, association: Association) -> Codes:
    """Return the code that winners speak for: each row's neurons, weighted by its deficit."""
    sums = np.zeros(association.neurons, np.int64)
    for row, deficit in zip(rows, deficits, strict=True):
        sums[row] += settling_weight(int(deficit))
    return winners(sums, association.winners)


def replay_cue(row: Codes, seed: int, epoch: int, slot: int, neurons: int) -> Codes:
    """Return a stored code with a quarter of its bits moved, ascending; noise is law 1's.

    Move ``j`` takes the word ``w`` at address ``epoch << 48 | slot << 16 | j``: bit
    ``(w >> 32) * len(row) >> 32`` of the row falls silent, then neuron ``(w mod 2**32) * m >> 32``
    becomes active.
    """
    moves = len(row) >> MOVED_SHIFT
    start = np.uint64((epoch & 0xFFFF) << 48 | slot << 16)
    addresses = start + np.arange(moves, dtype=np.uint64)
    words = generate(_LAW, seed, addresses, keys=feistel_keys(seed, REPLAY_STREAM))
    silent = row[((words >> _HALF) * np.uint64(len(row)) >> _HALF).astype(np.int64)]
    active = ((words & _LOW) * np.uint64(neurons) >> _HALF).astype(np.uint16)
    spiking = set(row.tolist())
    for old, new in zip(silent.tolist(), active.tolist(), strict=True):
        spiking.discard(old)
        spiking.add(new)
    return np.array(sorted(spiking), np.uint16)
