"""Between elements and numbers: exact widening, and one rounding on the way back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import ElementType

__all__ = ["finite", "reals", "round_into"]

Reals = NDArray[np.float64]


def reals(values: NDArray[Any], kind: ElementType) -> Reals:
    """Return elements as float64, exactly; complex ones as pairs along a new last axis."""
    if kind.name == "bfloat16":
        wide: NDArray[np.uint32] = values.astype(np.uint32) << np.uint32(16)
        return wide.view(np.float32).astype(np.float64)
    if kind.bits.kind == "c":
        parts = values.reshape(-1).view(kind.bits.type(0).real.dtype)
        values = parts.reshape(*values.shape, 2)
    exact: Reals = values.astype(np.float64)
    return exact


def finite(values: NDArray[Any], kind: ElementType) -> bool:
    """Return whether no element is infinite or not a number."""
    return bool(np.isfinite(reals(values, kind)).all())


def round_into(exact: Reals, kind: ElementType, out: NDArray[Any]) -> None:
    """Round float64 numbers once, to nearest and even, into elements of one dimension.

    What must be rounded is an integer below 2**53 times a power of two, which float64 holds
    exactly, so this is its only rounding. Too large a number becomes the largest finite one.
    Complex elements take two numbers each.
    """
    if kind.name == "bfloat16":
        _round_to_bfloat16(exact, out)
        return
    target = out.view(kind.bits.type(0).real.dtype) if kind.bits.kind == "c" else out
    largest = float(np.finfo(target.dtype).max)
    target[:] = np.clip(exact, -largest, largest)


def _round_to_bfloat16(exact: Reals, out: NDArray[np.uint16]) -> None:
    # Round to odd in float32 first: its last bit then remembers what was cut off, so that the
    # second rounding, to even, is right.
    with np.errstate(over="ignore"):
        near = exact.astype(np.float32)
    above = np.abs(near.astype(np.float64)) > np.abs(exact)
    bits = near.view(np.uint32) - above.astype(np.uint32)
    inexact = bits.view(np.float32).astype(np.float64) != exact
    bits |= inexact.astype(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    largest = np.uint32(0x7F7F)
    sign = rounded & np.uint32(0x8000)
    out[:] = (np.minimum(rounded & np.uint32(0x7FFF), largest) | sign).astype(np.uint16)
