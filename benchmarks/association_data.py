"""Embeddings to remember and the noises that cues suffer, each from a seed of its own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.numpy_associations import quantise

__all__ = [
    "CELLS",
    "DATA",
    "WIDTH",
    "Exact",
    "Noise",
    "Trial",
    "cell_name",
    "data",
    "noisy",
    "trial",
]

WIDTH = 768
DATA = ("Gaussian", "clustered")
DATA_SEED, TARGET_SEED, NOISE_SEED = 11, 12, 13
CLUSTER = 20  # embeddings to a centre, on average
SPREAD = 0.5  # beside a centre of norm 1: two of one cluster have cosine 1 / (1 + SPREAD**2) = 0.8

Floats = NDArray[np.float32]
Noise = tuple[str, float]

# (a) noise of a norm relative to the embedding's; (b) coordinates zeroed; (c) coordinates
# replaced by random ones; (d) Gaussian noise of this sigma on each coordinate of a unit vector.
CELLS: tuple[Noise, ...] = (
    ("a", 0.2), ("a", 0.5), ("b", 0.2), ("b", 0.5), ("c", 0.2), ("c", 0.5),
    ("d", 0.05), ("d", 0.1), ("d", 0.2), ("d", 0.3),
)  # fmt: skip


def cell_name(noise: Noise) -> str:
    """Return how a noise is called in tables."""
    return f"({noise[0]}) {noise[1]:g}"


def data(kind: str, count: int, width: int = WIDTH) -> Floats:
    """Return embeddings of norm 1, float32 (count, width), "Gaussian" or "clustered"."""
    random = np.random.default_rng(DATA_SEED)
    x = random.standard_normal((count, width), np.float32)
    if kind == "clustered":
        centres = random.standard_normal((max(1, count // CLUSTER), width), np.float32)
        x *= np.float32(SPREAD)
        x += centres[random.integers(0, len(centres), count)]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x


def noisy(x: Floats, noise: Noise, seed: int = NOISE_SEED) -> Floats:
    """Return cues: rows of norm 1 after a noise."""
    kind, level = noise
    random = np.random.default_rng([seed, ord(kind), round(1000 * level)])
    width = x.shape[1]
    if kind == "a":
        z = random.standard_normal(x.shape, np.float32)
        x = x + level * z / np.linalg.norm(z, axis=1, keepdims=True)
    elif kind == "b":
        x = np.where(random.random(x.shape) < level, np.float32(0), x)
    elif kind == "c":
        other = random.standard_normal(x.shape, np.float32) / np.float32(width**0.5)
        x = np.where(random.random(x.shape) < level, other, x)
    elif kind == "d":
        x = x + np.float32(level) * random.standard_normal(x.shape, np.float32)
    else:
        raise ValueError(f"noise must be a, b, c or d, not {kind!r}")
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Trial:
    """Cues made of stored embeddings: ``cues`` (n, width) and the slots ``targets`` they are of."""

    noise: Noise
    cues: Floats
    targets: NDArray[np.int64]


def trial(x: Floats, noise: Noise, cues: int) -> Trial:
    """Return cues of randomly chosen embeddings, all different where there are enough."""
    random = np.random.default_rng(TARGET_SEED)
    targets = random.choice(len(x), cues, replace=cues > len(x)).astype(np.int64)
    return Trial(noise, noisy(x[targets], noise), targets)


class Exact:
    """Exact cosines to stored embeddings, as they are and quantised to int8."""

    def __init__(self, x: Floats) -> None:
        self._x = x
        small = quantise(x).astype(np.float32)
        # Products of int8 are exact in float32; only the division by norms is rounded.
        self._small = small / np.linalg.norm(small, axis=1, keepdims=True)

    def cosines(self, cues: Floats) -> Floats:
        """Return the cosine of every cue to every embedding, (cues, n)."""
        found: Floats = cues @ self._x.T
        return found

    def int8_cosines(self, cues: Floats) -> Floats:
        """Return the same after quantising both, up to the cue's norm."""
        found: Floats = quantise(cues).astype(np.float32) @ self._small.T
        return found
