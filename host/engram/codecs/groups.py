"""One tile of numbers as codes, scales and offsets; the search for the best of each group."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.grouped import GroupedForm

__all__ = ["GroupedTile", "quantised"]

Reals = NDArray[np.float64]
Singles = NDArray[np.float32]

# By bits, the scales that are tried, as parts of the one under which nothing is cut off: with few
# codes it pays to cut the largest numbers so that the many small ones lie closer.
_SHRINKS = {
    2: (1.08, 0.97, 0.87, 0.78, 0.69, 0.6),
    3: (1.04, 0.97, 0.9, 0.83, 0.76, 0.69),
    4: (1.02, 0.97, 0.92, 0.87, 0.82, 0.76),
    8: (1.008, 1.0, 0.985),
}


@dataclass(frozen=True)
class GroupedTile:
    """What stands for a tile: see ``GroupedForm``; and its squared error."""

    exponent: int
    scales: NDArray[np.int64]
    offsets: NDArray[np.int64]
    codes: NDArray[np.uint8]
    error: float


def quantised(numbers: Reals, form: GroupedForm) -> GroupedTile:
    """Return the best found for a tile; the last group may be short."""
    power = int(np.frexp(np.abs(numbers).max())[1])
    whole = -(-numbers.size // form.group) * form.group
    # A short group is filled up with what it has, lest zeros tell in the choice of its scale.
    filled = np.pad(np.ldexp(numbers, -power), (0, whole - numbers.size), mode="edge")
    groups = filled.reshape(-1, form.group).astype(np.float32)
    half = 1 << (form.bits - 1)
    most = (1 << (8 * form.width - 1)) - 1
    tried = list(_with_offsets(groups, form, most) if form.offsets else _without(groups, form))
    steepest = max(float(np.abs(steps).max()) for steps, _ in tried)
    exponent = int(np.frexp(steepest / most)[1]) if steepest else 0
    unit = np.float32(2.0**exponent)
    best_error = np.full(len(groups), np.inf, np.float32)
    best_scale = np.zeros(len(groups), np.float32)
    best_offset = np.zeros(len(groups), np.float32)
    for steps, centres in tried:
        scale = np.clip(np.rint(steps / unit), -most, most)
        step = scale * unit
        offset = _offset(centres, step, form, most)
        error = _error(groups, step, offset, half)
        better = error < best_error
        best_error = np.where(better, error, best_error)
        best_scale = np.where(better, scale, best_scale)
        best_offset = np.where(better, offset, best_offset)
    codes = _codes(groups, best_scale * unit, best_offset, half)
    regrown = np.ldexp(
        (codes + best_offset[:, None]).astype(np.float64) * best_scale[:, None], exponent + power
    )
    error = numbers - regrown.reshape(-1)[: numbers.size]
    return GroupedTile(
        exponent + power,
        best_scale.astype(np.int64),
        best_offset.astype(np.int64),
        (codes + np.float32(half)).astype(np.uint8).reshape(-1)[: numbers.size],
        float(np.einsum("i,i->", error, error)),
    )


Tried = tuple[Singles, Singles]  # by group, a step and the number in the middle of the codes


def _without(groups: Singles, form: GroupedForm) -> Iterator[Tried]:
    """Yield steps of either sign, so that the one code more is on the side that goes further."""
    where = np.abs(groups).argmax(axis=1)[:, None]
    top = np.take_along_axis(groups, where, axis=1)[:, 0]
    middle = np.zeros_like(top)
    for shrink in _SHRINKS[form.bits]:
        yield top * np.float32(-shrink / (1 << (form.bits - 1))), middle


def _with_offsets(groups: Singles, form: GroupedForm, most: int) -> Iterator[Tried]:
    """Yield steps and middles, of the whole span of a group and of less of it."""
    low, high = groups.min(axis=1), groups.max(axis=1)
    # Finer steps would put the middle out of reach of an offset.
    finest = np.maximum(np.abs(low), np.abs(high)) / np.float32(most)
    for shrink in _SHRINKS[form.bits]:
        step = (high - low) * np.float32(shrink / ((1 << form.bits) - 1))
        # Codes reach one further below their middle than above.
        step = np.maximum(step, finest)
        yield step, (low + high) * np.float32(0.5) + step * np.float32(0.5)


def _offset(centres: Singles, step: Singles, form: GroupedForm, most: int) -> Singles:
    if not form.offsets:
        return centres
    offset: Singles = np.rint(np.divide(centres, step, out=np.zeros_like(step), where=step != 0))
    return np.clip(offset, -most - 1, most)


def _codes(groups: Singles, step: Singles, offset: Singles, half: int) -> Singles:
    """Return codes less ``half``."""
    inverse = np.divide(np.float32(1), step, out=np.zeros_like(step), where=step != 0)
    codes: Singles = groups * inverse[:, None]
    np.rint(codes, out=codes)
    if offset.any():
        codes -= offset[:, None]
    return np.clip(codes, np.float32(-half), np.float32(half - 1), out=codes)


def _error(groups: Singles, step: Singles, offset: Singles, half: int) -> Any:
    """Return the squared error of every group."""
    codes = _codes(groups, step, offset, half)
    if offset.any():
        codes += offset[:, None]
    codes *= step[:, None]
    codes -= groups
    return np.einsum("ij,ij->i", codes, codes)
