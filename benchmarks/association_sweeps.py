"""The law of associations over whole batches with BLAS: quick enough to vary every parameter.

Answers are the law's, bit for bit: sums of int8 and of spikes are integers far below 2**24, which
float32 holds exactly. What is not done here is a device's work: no state, no counters, no ids.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.association_data import Exact, Trial
from engram.arch.associations import ONE, Association
from engram.numpy_associations import norms, projection, quantise

__all__ = ["SEED", "Sweep", "Swept"]

SEED = 20
_PIECE = 1000  # rows at a time, so that sums of 16,384 neurons stay below 100 MB

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Swept:
    """What one law does with the cues of a trial.

    hits : share of cues whose first answer is their pattern
    race_hits : the same if the race alone decides, without a re-rank
    awaited : share of cues whose pattern is among the candidates
    events : synaptic events of a cue, on average
    """

    hits: float
    race_hits: float
    awaited: float
    events: float


class Sweep:
    """One set of embeddings, recalled from under any law; projections and sums are kept."""

    def __init__(self, x: Floats, trials: list[Trial]) -> None:
        self._small = quantise(x)
        self.trials = trials
        self._cues = [quantise(each.cues) for each in trials]
        self._exact = Exact(x)
        self._norms = norms(self._small)
        self._codes = lru_cache(maxsize=2)(self._coded)
        self._cue_sums = lru_cache(maxsize=2)(self._summed)
        self._dots = lru_cache(maxsize=len(trials))(self._multiplied)

    def run(self, law: Association) -> list[Swept]:
        """Return what a law does with each trial."""
        codes = self._codes(law.neurons, law.sources, law.winners)
        return [self._swept(law, codes, i) for i in range(len(self.trials))]

    def exact_hits(self, index: int) -> tuple[float, float]:
        """Return hit@1 of exact cosine in float32 and of int8, for a trial."""
        each = self.trials[index]
        wide, small = (
            float((cosines(each.cues).argmax(1) == each.targets).mean())
            for cosines in (self._exact.cosines, self._exact.int8_cosines)
        )
        return wide, small

    def _swept(self, law: Association, codes: Floats, index: int) -> Swept:
        targets = self.trials[index].targets
        spikes = cue_matrix(self._cue_sums(law.neurons, law.sources, index), law)
        potentials = spikes @ codes.T
        late = -((potentials.astype(np.int32) - law.threshold) >> law.ramp)
        np.clip(late, 0, law.last_latency + 1, out=late)
        slots = np.arange(codes.shape[0])
        order = late.astype(np.int64) * len(slots) + slots  # ties: lower slot first
        first = order.argmin(1)
        wanted = min(law.candidates, len(slots))
        edge = np.partition(order, wanted - 1, axis=1)[:, wanted - 1, None]
        awaited = (order <= edge) & (late <= law.last_latency)
        similar = np.where(awaited, self._dots(index), -ONE - 1)
        rows = np.arange(len(targets))
        hits = (similar if law.rerank else -order).argmax(1) == targets
        fan_outs = codes.sum(0)
        return Swept(
            float(hits.mean()),
            float((first == targets).mean()),
            float(awaited[rows, targets].mean()),
            float(((spikes != 0) @ fan_outs).mean()),
        )

    def _matrix(self, neurons: int, sources: int) -> Floats:
        law = Association(neurons, sources, 1, 1, 8)
        table = projection(law, SEED, self._small.shape[1])
        matrix = np.zeros((self._small.shape[1], neurons), np.float32)
        np.put_along_axis(matrix, table.sources.T.astype(np.int64), table.signs.T, 0)
        return matrix

    def _coded(self, neurons: int, sources: int, winners: int) -> Floats:
        matrix = self._matrix(neurons, sources)
        codes = np.zeros((len(self._small), neurons), np.float32)
        for start in range(0, len(codes), _PIECE):
            sums = self._small[start : start + _PIECE].astype(np.float32) @ matrix
            np.put_along_axis(codes[start : start + _PIECE], highest(sums, winners), 1, 1)
        return codes

    def _summed(self, neurons: int, sources: int, index: int) -> Floats:
        found: Floats = self._cues[index].astype(np.float32) @ self._matrix(neurons, sources)
        return found

    def _multiplied(self, index: int) -> Integers:
        """Return the similarities of the re-rank, in units of 2**-16, (cues, n)."""
        cues = self._cues[index]
        dots = cues.astype(np.float32) @ self._small.T.astype(np.float32)
        product = norms(cues)[:, None] * self._norms
        return np.minimum((dots.astype(np.int64) << 32) // product, ONE)


def highest(values: Floats, count: int) -> Integers:
    """Return where the ``count`` highest of each row are, in no order; ties: lower index."""
    width = values.shape[1]
    # |sums| <= 127 * 64 sources at most here, so that keys of 16,384 neurons fit 32 bits.
    keys = values.astype(np.int32) * -width + np.arange(width, dtype=np.int32)
    return np.argpartition(keys, count - 1, axis=1)[:, :count]


def cue_matrix(sums: Floats, law: Association) -> Floats:
    """Return the payloads of cues, 0 where a neuron is silent, (cues, m)."""
    spiking = np.zeros(sums.shape, bool)
    np.put_along_axis(spiking, highest(sums, law.spikes), True, 1)
    spiking &= sums > 0
    if law.signed:
        low = np.zeros(sums.shape, bool)
        np.put_along_axis(low, highest(-sums, law.spikes), True, 1)
        spiking |= low & (sums < 0)
    sizes = np.where(spiking, np.abs(sums), 0).astype(np.int64)
    largest = np.maximum(sizes.max(1, keepdims=True), 1)
    payloads = np.maximum(1, (2 * sizes * law.levels + largest) // (2 * largest))
    return np.where(spiking, np.sign(sums) * payloads, 0).astype(np.float32)
