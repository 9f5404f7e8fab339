"""Memories under measurement, asked through the public API, their answers as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import engram
from benchmarks.association_sweeps import SEED
from engram import Memory
from engram.arch.associations import Association

__all__ = ["Answers", "ask", "names", "remembering"]

_BATCH = 1000


@dataclass(frozen=True)
class Answers:
    """First answers to cues, -1 and 0 where there is none; ``best`` has all ids, (cues, k)."""

    best: NDArray[np.int64]
    similarities: NDArray[np.float64]
    confidences: NDArray[np.float64]

    @property
    def first(self) -> NDArray[np.int64]:
        """Row numbers of the patterns that came first."""
        return self.best[:, 0]

    def hits(self, targets: NDArray[np.int64]) -> float:
        """Return the share of cues whose first answer is their pattern."""
        return float((self.first == targets).mean())


def names(count: int) -> list[str]:
    """Return ids that are row numbers."""
    return [str(i) for i in range(count)]


def remembering(
    x: NDArray[np.floating[Any]], preset: str | Association, *, device: str = "cpu", **more: Any
) -> Memory:
    """Return a memory in RAM that holds these embeddings under their row numbers."""
    memory = engram.open(seed=SEED, associations=device, preset=preset, **more)
    ids = names(len(x))
    for start in range(0, len(x), _BATCH):
        memory.remember(ids[start : start + _BATCH], x[start : start + _BATCH])
    return memory


def ask(
    memory: Memory,
    cues: NDArray[Any],
    k: int = 1,
    threshold: float | None = None,
    *,
    codes: bool = False,
) -> Answers:
    """Recall; ``codes`` says that the cues are codes."""
    if codes:
        found = memory.recall(code=cues, k=k, threshold=threshold)
    else:
        found = memory.recall(cues, k=k, threshold=threshold)
    best = np.full((len(cues), k), -1, np.int64)
    for row, recalls in zip(best, found, strict=True):
        row[: len(recalls)] = [int(each.id) for each in recalls]
    return Answers(
        best,
        _first(found, "similarity"),
        _first(found, "confidence"),
    )


def _first(found: Iterable[Sequence[Any]], attribute: str) -> NDArray[np.float64]:
    return np.array([getattr(row[0], attribute) if row else 0.0 for row in found], np.float64)
