"""Tensors that codecs are tried on: every element type, odd shapes, bits that are easily lost."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import TYPES, ElementType, type_by_name
from engram.codecs.codec import Codec, Geometry

__all__ = ["KINDS", "LOSSY", "SHAPES", "decoded", "noise", "of_bits", "tensor"]

KINDS = tuple(kind.name for kind in TYPES.values())
LOSSY = tuple(kind.name for kind in TYPES.values() if kind.lossy)

# Of no axis, of no element, of one, over a tile's end, and of many axes.
SHAPES = ((), (0,), (3, 0, 2), (1,), (7, 9), (3, 21850), (1, 2, 1, 3, 1, 2, 2, 1, 1, 3))


def of_bits(shape: tuple[int, ...], kind: ElementType, seed: int = 0) -> NDArray[Any]:
    """Return elements of arbitrary bits, NaNs and both zeros among them, about half of them 0."""
    chance = np.random.default_rng(seed)
    size = int(np.prod(shape))
    values = np.frombuffer(chance.bytes(size * kind.bits.itemsize), np.uint8).copy()
    if kind.name == "bool":
        values &= 1
    elements = values.view(kind.bits)
    elements[chance.random(size) < 0.5] = 0
    if kind.lossy and kind.name != "bfloat16" and size > 2:
        elements[1] = -0.0
    return elements.reshape(shape)


def noise(shape: tuple[int, ...], name: str = "float32", seed: int = 0) -> NDArray[Any]:
    """Return Gaussian noise as elements of a lossy type."""
    kind = type_by_name(name)
    chance = np.random.default_rng(seed)
    if kind.bits.kind == "c":
        parts = chance.standard_normal((*shape, 2))
        return parts.view(np.complex128).reshape(shape).astype(kind.bits)
    values = chance.standard_normal(shape)
    if name == "bfloat16":
        high = values.astype(np.float32).view(np.uint32) >> np.uint32(16)
        return high.astype(np.uint16)
    return values.astype(kind.bits)


def tensor(values: NDArray[Any], name: str) -> Geometry:
    """Return the geometry of a tensor."""
    return Geometry(values.shape, type_by_name(name))


def decoded(
    codec: Codec, payload: bytes, geometry: Geometry, start: int = 0, stop: int | None = None
) -> NDArray[Any]:
    """Return elements as a codec gives them back."""
    stop = geometry.size if stop is None else stop
    out = np.empty(stop - start, geometry.kind.bits)
    out.view(np.uint8)[:] = 0xA5  # whatever is not written shows
    codec.decode(memoryview(payload), geometry, start, stop, out)
    return out
