"""What the host keeps of a worker's patterns: embeddings, and all it takes to make a new worker."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import VECTOR_SHIFT, Association
from engram.loihi.worker import Worker
from engram.numpy_associations import cosines, norms, projection, rerank

__all__ = ["Patterns"]

Integers = NDArray[np.int64]
Vectors = NDArray[np.int8]
Synapses = tuple[NDArray[np.uint16], NDArray[np.uint8]]

_MANY = 4  # cues, from which on one product of matrices is faster,
_ALL = 4  # unless there are more than so many times as many patterns as candidates
_CHUNK = 1 << 10  # patterns a call, when a worker is refilled


class Patterns:
    """Embeddings by slot as int8 rows, and the synapses of those patterns that are not one-shot.

    The synapses of a pattern written in one shot follow from its embedding, so only those that
    learnt since, or were restored, are kept here.
    """

    def __init__(
        self, association: Association, seed: int, width: int, opening: dict[str, Any]
    ) -> None:
        self._table = projection(association, seed, width)
        self._opening = opening
        self._rows: dict[int, int] = {}
        self._free: list[int] = []
        self._vectors = np.zeros((0, width), np.int8)
        self._norms = np.zeros(0, np.int64)
        self._learnt: dict[int, Synapses] = {}
        self._order: tuple[Integers, Integers] | None = None  # slots ascending, and their rows
        self._wide: NDArray[Any] | None = None  # the embeddings in that order, as floats

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def slots(self) -> Integers:
        """The slots that hold a pattern, ascending."""
        return self._ordered()[0]

    @property
    def ram_bytes(self) -> int:
        """Bytes of embeddings, norms, the projection, and of synapses at three bytes each.

        The worker's interpreter and the form in which its models keep synapses come on top.
        """
        winners = int(self._opening["parameters"]["winners"])
        synapses = (len(self) - len(self._learnt)) * winners
        synapses += sum(len(neurons) for neurons, _ in self._learnt.values())
        tables = self._table.sources.nbytes + self._table.signs.nbytes
        return self._vectors.nbytes + self._norms.nbytes + tables + 3 * synapses

    def put(self, slots: Integers, vectors: Vectors) -> None:
        """Keep embeddings of patterns that were written in one shot."""
        rows = [self._row(slot) for slot in slots.tolist()]
        self._wide = None
        self._vectors[rows] = vectors
        self._norms[rows] = norms(vectors)
        for slot in slots.tolist():
            self._learnt.pop(slot, None)

    def restore(self, slot: int, synapses: Synapses, vector: Vectors) -> None:
        """Keep a pattern that may have learnt."""
        self.put(np.array([slot]), vector[None])
        self._learnt[slot] = synapses

    def learn(self, slot: int, synapses: Synapses, vector: Vectors) -> None:
        """Keep what a pattern's synapses became, and move its embedding a quarter of the way."""
        old = self.vector(slot).astype(np.int64)
        step = (vector.astype(np.int64) - old + (1 << VECTOR_SHIFT - 1)) >> VECTOR_SHIFT
        self.restore(slot, synapses, (old + step).astype(np.int8))

    def drop(self, slots: Integers) -> None:
        """Forget patterns; one that is not here is passed over."""
        for slot in slots.tolist():
            row = self._rows.pop(slot, None)
            if row is not None:
                self._free.append(row)
                self._learnt.pop(slot, None)
                self._order = self._wide = None

    def vector(self, slot: int) -> Vectors:
        """Return a copy of a stored embedding, (width,)."""
        row: Vectors = self._vectors[self._rows[slot]].copy()
        return row

    def similarities(self, vectors: Vectors, slots: Integers) -> Integers:
        """Return the similarities of cues' embeddings to those of slots; see ``rerank``.

        Args:
            vectors: int8, (n, width).
            slots: int64, (n, any); where one is -1 the result is 0.
        """
        if len(vectors) >= _MANY and 0 < len(self) <= _ALL * slots.shape[1]:
            return self._all_similarities(vectors, slots)
        found = np.zeros(slots.shape, np.int64)
        ordered, rows = self._ordered()
        for i, (vector, norm) in enumerate(zip(vectors, norms(vectors).tolist(), strict=True)):
            fired = slots[i] >= 0
            which = rows[np.searchsorted(ordered, slots[i][fired])]
            found[i, fired] = rerank(vector, norm, self._vectors[which], self._norms[which])
        return found

    def _all_similarities(self, vectors: Vectors, slots: Integers) -> Integers:
        """Return the same by one product of all cues and all patterns, most of which fired."""
        if self._wide is None:
            # Sums of fewer than 2**10 products below 2**14 are exact in float32; see ``rerank``.
            exact = np.float32 if vectors.shape[1] <= 1 << 10 else np.float64
            self._wide = self._vectors[self._ordered()[1]].astype(exact)
        dots = vectors.astype(self._wide.dtype) @ self._wide.T
        ordered, rows = self._ordered()
        places = np.searchsorted(ordered, slots)  # -1 is found at 0, which does no harm
        dots = np.take_along_axis(dots, places, 1).astype(np.int64)
        products = norms(vectors)[:, None] * self._norms[rows][places]
        return np.where(slots >= 0, cosines(dots, products), 0)

    def refill(self, worker: Worker, *, seconds: float) -> None:
        """Bring a fresh worker to what these patterns are."""
        worker.call(
            "open", [self._table.sources, self._table.signs], seconds=seconds, **self._opening
        )
        slots, rows = self._ordered()
        plain = np.array([slot not in self._learnt for slot in slots.tolist()], np.bool_)
        slots, rows = slots[plain], rows[plain]
        for start in range(0, len(slots), _CHUNK):
            part = slice(start, start + _CHUNK)
            worker.call("write", [slots[part], self._vectors[rows[part]]], seconds=seconds)
        learnt = sorted(self._learnt)
        for start in range(0, len(learnt), _CHUNK):
            part = slice(start, start + _CHUNK)
            synapses = [self._learnt[slot] for slot in learnt[part]]
            worker.call("restore", packed(learnt[part], synapses), seconds=seconds)

    def _row(self, slot: int) -> int:
        """Return the row of a slot, a new one if it has none."""
        row = self._rows.get(slot)
        if row is None:
            if not self._free:
                self._grow()
            row = self._rows[slot] = self._free.pop()
            self._order = None
        return row

    def _grow(self) -> None:
        old = len(self._vectors)
        new = max(64, 2 * old)
        self._vectors = np.resize(self._vectors, (new, self._vectors.shape[1]))
        self._norms = np.resize(self._norms, new)
        self._free = list(range(new - 1, old - 1, -1))

    def _ordered(self) -> tuple[Integers, Integers]:
        if self._order is None:
            pairs = np.array(sorted(self._rows.items()), np.int64).reshape(-1, 2)
            self._order = (pairs[:, 0].copy(), pairs[:, 1].copy())
        return self._order


def packed(slots: list[int], synapses: list[Synapses]) -> list[NDArray[Any]]:
    """Return the arrays of a call that restores patterns: slots, counts, neurons, permanences."""
    counts = np.array([len(neurons) for neurons, _ in synapses], np.int64)
    neurons = np.concatenate([np.zeros(0, np.uint16), *(row for row, _ in synapses)])
    permanences = np.concatenate([np.zeros(0, np.uint8), *(row for _, row in synapses)])
    return [np.array(slots, np.int64), counts, neurons, permanences]
