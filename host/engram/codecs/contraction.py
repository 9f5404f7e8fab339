"""Any run of numbers of a tensor network: states of the prefixes it touches, axis by axis.

All integers are float64s: by the layout no sum reaches 2**52, so BLAS does them exactly in any
order, and adding the half of ``round_shift`` keeps them below 2**53.
"""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.networks import STATE_BITS, NetworkLayout
from engram.arch.tensors import TILE_ELEMENTS
from engram.codecs.expansion import expand, rectangles

__all__ = ["first_state", "last_sums", "narrow", "next_state", "numbers_at_once", "sums"]

Reals = NDArray[np.float64]
Cores = list[NDArray[Any]]

_LARGEST_STATE = float((1 << (STATE_BITS - 1)) - 1)
_WORK = 1 << 20  # integers of a state held at once


def narrow(state: Reals, shift: int) -> Reals:
    """Return ``saturate(round_shift(x, shift), STATE_BITS)`` of every integer."""
    if shift:
        state = np.floor((state + 2.0 ** (shift - 1)) * 2.0**-shift)
    kept: Reals = np.clip(state, -_LARGEST_STATE, _LARGEST_STATE)
    return kept


def first_state(layout: NetworkLayout, cores: Cores) -> Reals:
    """Return the state before any axis, one row."""
    if layout.codec == "train":
        return np.ones((1, 1))
    if layout.codec == "cp":
        return np.ones((1, layout.ranks[0]))
    return cores[0].reshape(1, -1).astype(np.float64)


def next_state(
    layout: NetworkLayout, cores: Cores, axis: int, state: Reals, start: int, stop: int
) -> Reals:
    """Return the rows ``start`` to ``stop`` after an axis but the last, not yet narrowed.

    Row ``p`` of ``state`` gives the rows ``p * length`` and on.
    """
    length, rank = layout.lengths[axis], layout.ranks[axis]
    if layout.codec == "train":
        core = cores[axis]
        wide = core.reshape(core.shape[0], length * rank)
        return expand(state, wide, start * rank, stop * rank).reshape(-1, rank)
    cp = layout.codec == "cp"
    factor = cores[axis if cp else axis + 1]
    width = rank if cp else state.shape[1] // rank
    made = np.empty((stop - start, width))
    done = 0
    for row, column, height, count in rectangles(length, start, stop):
        part = factor[column : column + count].astype(np.float64)
        block = made[done : done + height * count].reshape(height, count, width)
        if cp:
            np.multiply(state[row : row + height, None, :], part, out=block)
        else:
            np.matmul(part, state[row : row + height].reshape(height, rank, width), out=block)
        done += height * count
    return made


def last_sums(
    layout: NetworkLayout, cores: Cores, state: Reals, start: int, stop: int
) -> NDArray[Any]:
    """Return the integers ``start`` to ``stop`` that the last axis makes of states."""
    last = cores[-1]
    wide = last.reshape(last.shape[0], -1) if layout.codec == "train" else last.T
    return expand(state, wide, start, stop)


def sums(layout: NetworkLayout, cores: Cores, start: int, stop: int) -> NDArray[Any]:
    """Return the integers ``start`` to ``stop`` of the box in C order.

    Of the states after each axis only those are made that lie on the way to the run.
    """
    state = first_state(layout, cores)
    first = 0  # the prefix whose state is row 0
    for axis, length in enumerate(layout.lengths[:-1]):
        behind = prod(layout.lengths[axis + 1 :])
        low, high = start // behind, -(-stop // behind)
        state = next_state(layout, cores, axis, state, low - first * length, high - first * length)
        state = narrow(state, layout.shifts[axis])
        first = low
    base = first * layout.lengths[-1]
    return last_sums(layout, cores, state, start - base, stop - base)


def numbers_at_once(layout: NetworkLayout) -> int:
    """Return in what runs to decode, so that their states stay small."""
    if layout.codec != "cp":
        return TILE_ELEMENTS
    rows = max(1, _WORK // layout.ranks[0])
    return min(TILE_ELEMENTS, rows * layout.lengths[-1])
