"""Numbers of a payload of factors: by the kernel where it can, else by BLAS, the same bits."""

import threading
from ctypes import addressof, c_char
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.factors import FactorsLayout
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS, ElementType
from engram.codecs.blas import one_thread
from engram.codecs.expansion import expand, rectangles
from engram.codecs.rounding import round_into
from engram.cpu.library import library_if_ready

__all__ = ["multiply"]

_BLOCK = 32  # the kernel works on so many columns at a time
_KEPT = 1 << 20  # bytes of scratch that outlive a call
_FLOAT32_BITS = 24  # integers up to 2**24 are float32s
_SMALLEST_NORMAL, _LARGEST_POWER = -126, 127  # of float32


def multiply(
    payload: memoryview,
    layout: FactorsLayout,
    kind: ElementType,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Regrow numbers ``start`` to ``stop`` (a complex element is two) into elements."""
    if start == stop:
        return
    if _fits_kernel(layout, kind) and out.flags.c_contiguous and out.flags.aligned:
        kernels = library_if_ready("tensors")
        if kernels is not None:
            _by_kernel(kernels.multiply_factors, payload, layout, (start, stop), out)
            return
    with one_thread():
        _by_blas(payload, layout, kind, (start, stop), out)


def _fits_kernel(layout: FactorsLayout, kind: ElementType) -> bool:
    """Return whether all sums are int32s, and all results zero or normal float32s.

    A sum is rounded to float32 once; times a power of two it then stays exact, if it is normal.
    """
    bits = layout.bound.bit_length()
    return (
        layout.width == 8
        and 0 < bits < 32
        and kind.name in ("float32", "complex64")
        and layout.exponent >= _SMALLEST_NORMAL
        and layout.exponent + bits <= _LARGEST_POWER
    )


def _by_kernel(
    kernel: Any,
    payload: memoryview,
    layout: FactorsLayout,
    run: tuple[int, int],
    out: NDArray[Any],
) -> None:
    rank, columns = layout.rank, layout.columns
    base = _address(np.frombuffer(payload, np.uint8))
    left, right = base + layout.left_at, base + layout.right_at
    scale = (layout.exponent + 127) << 23  # a float32 power of two
    target = addressof(c_char.from_buffer(out.data))
    for row, column, height, width in rectangles(columns, *run):
        place = _scratch.address(4 * ((rank + 1) // 2) * (height + width + _BLOCK - 1))
        kernel(
            left + row * rank,
            right + column,
            base + layout.shifts_at,
            rank,
            columns,
            height,
            width,
            scale,
            place,
            target,
        )
        target += 4 * height * width


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


class _Scratch(threading.local):
    """Aligned bytes of a thread's own, kept while they are few."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)
        self._address = 0

    def address(self, size: int) -> int:
        """Return where so many bytes may be written until the next call."""
        if not size <= len(self._bytes) - ALIGNMENT <= max(size, _KEPT):
            self._bytes = np.empty(size + ALIGNMENT, np.uint8)
            place = _address(self._bytes)
            self._address = place + -place % ALIGNMENT
        return self._address


_scratch = _Scratch()


def _by_blas(
    payload: memoryview,
    layout: FactorsLayout,
    kind: ElementType,
    run: tuple[int, int],
    out: NDArray[Any],
) -> None:
    """Regrow a run in float32 or float64.

    No sum of any of the terms passes ``layout.bound``: below 2**24 float32 holds all of them, and
    below 2**53, where every layout is, float64 does.
    """
    rank, columns = layout.rank, layout.columns
    integers = np.dtype(f"<i{layout.itemsize}")
    narrow = layout.bound.bit_length() <= _FLOAT32_BITS
    sums = np.dtype(np.float32 if narrow else np.float64)
    left = np.frombuffer(payload, integers, layout.rows * rank, layout.left_at)
    left = left.reshape(layout.rows, rank)
    right = np.frombuffer(payload, integers, rank * columns, layout.right_at)
    right = right.reshape(rank, columns)
    shifts = np.frombuffer(payload, np.uint8, rank, layout.shifts_at)
    weights = np.ldexp(np.ones(1, sums), shifts)
    start, stop = run
    each = (stop - start) // max(len(out), 1)
    step = -(-TILE_ELEMENTS // columns) * columns  # whole rows, so that few are cut
    at = start
    while at < stop:
        end = min(stop, at - at % columns + step)
        first, beyond = at // columns, -(-end // columns)
        base = first * columns
        made = expand(left[first:beyond] * weights, right, at - base, end - base)
        with np.errstate(over="ignore"):  # what is too large is rounded to the largest
            exact = np.ldexp(made.astype(np.float64), layout.exponent)
        round_into(exact, kind, out[(at - start) // each : (end - start) // each])
        at = end
