"""Tensors to compress, and what a codec makes of them at a ratio, headers and MAC counted."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import type_by_name
from engram.codecs.catalogue import codec
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.tournament import choose
from engram.errors import CannotMeet
from engram.tensors.descriptors import overhead

__all__ = ["AUTO", "DATA", "NAME", "Coded", "bound", "coded", "low_rank", "noise"]

Floats = NDArray[np.float32]

AUTO = "auto"
FLOAT32 = type_by_name("float32")
SIDE = 1024
RANK = 16
SHARE = 0.1  # of the norm of low rank, that of the noise beside it
NAME = "weights"  # of the tensor, whose bytes are counted as well


def bound(ratio: float) -> float:
    """Return the least relative error that independent Gaussian numbers can have at a ratio.

    By Shannon's rate-distortion function it is sqrt(2**(-2 R)) at R bits a number; a float32
    stored at ``ratio`` has 32 times that.
    """
    return float(2.0 ** (-32 * ratio))


def noise(side: int = SIDE) -> Floats:
    """Return independent Gaussian numbers: (side, side)."""
    return np.random.default_rng(1).standard_normal((side, side)).astype(np.float32)


def low_rank(side: int = SIDE, rank: int = RANK) -> Floats:
    """Return a product of Gaussian factors, scaled to numbers of variance 1."""
    chance = np.random.default_rng(2)
    left, right = chance.standard_normal((2, side, rank))
    return (left @ right.T / rank**0.5).astype(np.float32)


def noisy_low_rank(side: int = SIDE) -> Floats:
    """Return low rank with noise of SHARE of its norm."""
    return low_rank(side) + np.float32(SHARE) * noise(side)


DATA: dict[str, Callable[[], Floats]] = {
    "Gaussian noise": noise,
    f"rank {RANK}": low_rank,
    f"rank {RANK} + {SHARE:.0%} noise": noisy_low_rank,
}


@dataclass(frozen=True)
class Coded:
    """What came of a codec: bytes with all headers, errors measured, and what comes back.

    Attributes:
        codec: its name, or that of the one which won.
    """

    codec: str
    payload: bytes
    stored_bytes: int
    error: float
    geometry: Geometry

    @property
    def ratio(self) -> float:
        """Stored bytes a byte of the plain tensor."""
        return self.stored_bytes / self.geometry.nbytes

    def regrown(self) -> NDArray[Any]:
        """Return the tensor that the payload gives back."""
        out = np.empty(self.geometry.size, self.geometry.kind.bits)
        _codec(self.codec).decode(memoryview(self.payload), self.geometry, 0, out.size, out)
        return out.reshape(self.geometry.shape)


def coded(name: str, values: Floats, ratio: float) -> Coded | None:
    """Return what a codec, or AUTO, makes of a tensor within a ratio; None if it cannot."""
    geometry = Geometry(values.shape, FLOAT32)
    beside = overhead(NAME, values.ndim)
    budget = Budget(bytes=int(ratio * values.nbytes) - beside)
    if name == AUTO:
        try:
            best = choose(values, geometry, budget)
        except CannotMeet:
            return None
        size = len(best.payload) + beside
        return Coded(best.codec.name, best.payload, size, best.error, geometry)
    one = _codec(name)
    payload = one.encode(values, geometry, budget) if one.accepts(geometry, values) else None
    if payload is None:
        return None
    error = deviation(one, payload, values, geometry).relative
    return Coded(name, payload, len(payload) + beside, error, geometry)


@cache
def _codec(name: str) -> Codec:
    return codec(name)
