"""Deltas: what an update does to the elements of a tensor, the same bits on every machine."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.deltas import SCALES_FLOATS, SCALES_INTEGERS
from engram.arch.tensors import ElementType
from engram.codecs.rounding import reals
from engram.errors import IntegrityError

__all__ = [
    "add_into",
    "flip_into",
    "pack_scale",
    "relative_error",
    "scale_into",
    "unpack_scale",
]

Elements = NDArray[Any]

_QUIET = np.uint16(0x7FC0)  # bfloat16's NaN


def add_into(out: Elements, addend: Elements, kind: ElementType) -> None:
    """Add elements to elements of one dimension, each sum rounded once.

    Raises:
        ValueError: a sum of integers does not fit their type; ``out`` is then undefined.
    """
    if _integral(kind):
        before = out.copy()
        out += addend
        if kind.bits.kind == "i":
            fits = ((before ^ out) & (addend ^ out)) >= 0
        else:
            fits = out >= before
        if not fits.all():
            raise ValueError(f"sums must fit {kind.name}")
    elif kind.name == "bfloat16":
        # 24 bits are more than twice 8 and two: rounding to float32 first changes no result.
        with np.errstate(all="ignore"):
            _narrow(_wide(out) + _wide(addend), out)
    else:
        target, other = _parts(out), _parts(addend)
        with np.errstate(all="ignore"):
            np.add(target, other, out=target)
        _quiet(target)


def scale_into(out: Elements, scale: float, kind: ElementType) -> None:
    """Multiply elements of one dimension; of floats, the float64 product is rounded to the type.

    Raises:
        ValueError: a product of integers does not fit their type; ``out`` is unchanged.
    """
    if _integral(kind):
        limits = np.iinfo(kind.name)
        for end in (int(out.min()), int(out.max())) if out.size else ():
            if not limits.min <= end * int(scale) <= limits.max:
                raise ValueError(f"products must fit {kind.name}, not be {end * int(scale)}")
        if out.size:
            # Modulo 2**64 first, as the scale alone need not fit the type.
            wide = out.astype(np.uint64) * np.uint64(int(scale) % (1 << 64))
            out[:] = wide.astype(out.dtype)
    elif kind.name == "bfloat16":
        with np.errstate(all="ignore"):
            _narrow((_wide(out) * np.float64(scale)).astype(np.float32), out)
    else:
        target = _parts(out)
        with np.errstate(all="ignore"):
            target[:] = target.astype(np.float64) * np.float64(scale)
        _quiet(target)


def flip_into(out: Elements, flips: Elements) -> None:
    """Exchange the bits of elements for their opposites where those of ``flips`` are set."""
    target = out.view(np.uint8)
    np.bitwise_xor(target, flips.view(np.uint8), out=target)


def pack_scale(scale: float, kind: ElementType) -> bytes:
    """Return a scale as a payload."""
    if _integral(kind):
        return SCALES_INTEGERS.pack(int(scale))
    return SCALES_FLOATS.pack(scale)


def unpack_scale(payload: memoryview, kind: ElementType) -> float:
    """Return the scale of a payload; IntegrityError if it has not the right size."""
    form = SCALES_INTEGERS if _integral(kind) else SCALES_FLOATS
    try:
        number: float = form.unpack(payload)[0]
    except struct.error:
        raise IntegrityError(f"a scale has {form.size} bytes, not {len(payload)}") from None
    return number


def relative_error(found: Elements, wanted: Elements, kind: ElementType) -> tuple[float, float]:
    """Return relative (Frobenius) and largest absolute error of the elements that are finite."""
    exact, other = reals(wanted, kind).reshape(-1), reals(found, kind).reshape(-1)
    both = np.isfinite(exact) & np.isfinite(other)
    exact, other = exact[both], other[both]
    # Scaled by a power of two, which is exact, so that no square overflows.
    power = int(np.frexp(max(np.abs(exact).max(initial=0.0), np.abs(other).max(initial=0.0)))[1])
    exact, other = np.ldexp(exact, -power), np.ldexp(other, -power)
    error = np.abs(other - exact)
    norm = float(np.sqrt(np.einsum("i,i->", exact, exact)))
    noise = float(np.sqrt(np.einsum("i,i->", error, error)))
    largest = float(np.ldexp(error.max(initial=0.0), power))
    return (noise / norm if norm else (float("inf") if noise else 0.0)), largest


def _integral(kind: ElementType) -> bool:
    return not kind.lossy and kind.bits.kind in "iu"


def _parts(elements: Elements) -> Elements:
    if elements.dtype.kind == "c":
        return elements.view(elements.dtype.type(0).real.dtype)
    return elements


def _quiet(target: Elements) -> None:
    # Which bits a NaN made of NaNs has is the processor's choice.
    target[np.isnan(target)] = np.nan


def _wide(elements: NDArray[np.uint16]) -> NDArray[np.float32]:
    wide: NDArray[np.uint32] = elements.astype(np.uint32) << np.uint32(16)
    return wide.view(np.float32)


def _narrow(exact: NDArray[np.float32], out: NDArray[np.uint16]) -> None:
    bits = exact.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    out[:] = (bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)
    out[np.isnan(exact)] = _QUIET
