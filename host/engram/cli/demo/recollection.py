"""The demo's associative part: patterns recalled from noisy cues, before the kills and after."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.cli.demo.steps import Steps
from engram.memory import Memory

__all__ = ["Recollection"]

_PATTERNS = 400
_WIDTH = 256
_NOISE = 3.0  # norms of the embeddings: cosines of about 0.32
_SLACK = 0.02  # of the patterns: how many more exact search may find


@dataclass
class Recollection:
    """What was remembered and how much of it was found again; ``hits`` of ``patterns``."""

    patterns: int = _PATTERNS
    hits: int = 0
    exact_hits: int = 0
    remember_rate: float = 0.0

    def remember(self, memory: Memory, steps: Steps) -> None:
        """Keep patterns, and recall each from a cue that is mostly noise."""
        rows, cues = _drawn(memory)
        names = [f"pattern {i}" for i in range(_PATTERNS)]
        with steps.step("remember and recall") as step:
            memory.remember(names[0], rows[0])  # the kernels are loaded from here on
            started = time.perf_counter()
            memory.remember(names, rows)
            memory.flush()
            self.remember_rate = _PATTERNS / (time.perf_counter() - started)
            self.hits = _hits(memory, cues)
            norms = np.linalg.norm(rows, axis=1)
            nearest = np.argmax(cues @ rows.T / norms, axis=1)
            self.exact_hits = int((nearest == np.arange(_PATTERNS)).sum())
            step.check(
                "recall finds what exact search finds, but for one in fifty",
                self.hits >= self.exact_hits - _SLACK * _PATTERNS,
            )
            step.check(
                "each pattern is a fixed point",
                all(
                    found.converged and found.id == name
                    for found, name in zip(memory.complete(rows), names, strict=True)
                ),
            )
            step.found = (
                f"{self.hits} of {_PATTERNS} from noise thrice as loud (exact search: "
                f"{self.exact_hits})"
            )

    def recall_again(self, memory: Memory, steps: Steps) -> None:
        """Recall the same once more, after what happened to the directory."""
        with steps.step("recall once more") as step:
            hits = _hits(memory, _drawn(memory)[1])
            step.check("every pattern is there", len(memory.associations) == _PATTERNS)
            step.check("recall finds the same as before", hits == self.hits)
            step.found = f"{hits} of {_PATTERNS} again"


def _drawn(memory: Memory) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return embeddings and noisy cues to them, drawn from generated words."""
    with Memory() as words:
        drawn = words.spaces(f"demo patterns {memory.seed}").read(
            0,
            _PATTERNS * _WIDTH,
            dtype="normal",  # two a word
        )
    rows, noise = drawn.astype(np.float64).reshape(2, _PATTERNS, _WIDTH)
    return rows, rows + _NOISE * noise


def _hits(memory: Memory, cues: NDArray[np.float64]) -> int:
    found = [answer[0].id for answer in memory.recall(cues)]
    return sum(name == f"pattern {i}" for i, name in enumerate(found))
