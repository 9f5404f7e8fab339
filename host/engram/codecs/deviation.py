"""What a payload gives back against what was put in, measured tile by tile."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import TILE_ELEMENTS
from engram.codecs.codec import Codec, Geometry
from engram.codecs.rounding import reals

__all__ = ["Deviation", "deviation"]


@dataclass(frozen=True)
class Deviation:
    """The relative error ``|x - y| / |x|`` in Frobenius norms, and the largest of ``|x - y|``.

    Nothing but zeros come back from zeros with a relative error of 0; anything else from them, or
    what does not come back as a number, is infinitely wrong.
    """

    relative: float
    largest: float


def deviation(codec: Codec, payload: bytes, values: NDArray[Any], geometry: Geometry) -> Deviation:
    """Decode a payload and measure it; ``values`` are those that were encoded, and finite."""
    kind = geometry.kind
    flat = values.reshape(-1)
    power = _power(flat, geometry)
    signal = noise = largest = 0.0
    regrown = np.empty(min(TILE_ELEMENTS, flat.size), kind.bits)
    for start in range(0, flat.size, TILE_ELEMENTS):
        stop = min(start + TILE_ELEMENTS, flat.size)
        out = regrown[: stop - start]
        codec.decode(memoryview(payload), geometry, start, stop, out)
        # Scaled by a power of two, which is exact, so that no square overflows or vanishes.
        exact = np.ldexp(reals(flat[start:stop], kind), -power).reshape(-1)
        error = exact - np.ldexp(reals(out, kind), -power).reshape(-1)
        signal += _square(exact)
        noise += _square(error)
        largest = max(largest, float(np.abs(error).max()))
    if noise == 0.0:
        return Deviation(0.0, 0.0)
    if not np.isfinite(noise) or signal == 0.0:
        return Deviation(float("inf"), float(np.ldexp(largest, power)))
    return Deviation(float(np.sqrt(noise / signal)), float(np.ldexp(largest, power)))


def _square(numbers: NDArray[np.float64]) -> float:
    # Without BLAS, whose threads take longer to wake than this takes.
    return float(np.einsum("i,i->", numbers, numbers))


def _power(flat: NDArray[Any], geometry: Geometry) -> int:
    """Return the least e with all numbers below 2**e."""
    largest = 0.0
    for start in range(0, flat.size, TILE_ELEMENTS):
        tile = reals(flat[start : start + TILE_ELEMENTS], geometry.kind)
        largest = max(largest, float(np.abs(tile).max()))
    return int(np.frexp(largest)[1])
