"""Updating: from what a caller asks of a tensor to a delta, applied once to see what it gives."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.deltas import ADD, FLIP, SCALE
from engram.arch.tensors import CODECS
from engram.codecs.codec import Budget, Geometry
from engram.codecs.tournament import choose
from engram.inputs import is_integer
from engram.tensors.deltas import add_into, flip_into, pack_scale, scale_into
from engram.tensors.descriptors import Descriptor
from engram.tensors.drafts import Draft, delta_draft, draft
from engram.tensors.values import elements_of

__all__ = ["CHANGES", "QUANTISED_ERROR", "as_whole", "updated", "whole_again"]

Elements = NDArray[Any]

CHANGES = ("add", "scale", "sparse", "dense", "quantised")
QUANTISED_ERROR = 0.01  # of what is added

_LONGEST_CHAIN = 16  # deltas; each costs a load another pass over the elements


def whole_again(chain: Sequence[Descriptor], delta: Draft) -> bool:
    """Return whether a version is better kept whole than as one delta more.

    It is after 16 deltas, and when their payloads would take more than the plain tensor: a whole
    version, which has to be exact, may take as much. So all versions together take at most about
    twice what their deltas do, and a load never more than 16 passes.
    """
    payloads = sum(len(each.payload) for each in chain[1:]) + len(delta.payload)
    return len(chain) > _LONGEST_CHAIN or payloads > delta.geometry.nbytes


def updated(current: Elements, geometry: Geometry, change: str, value: Any, error: float) -> Draft:
    """Return the delta that makes a change; ``current`` (one dimension) becomes what it gives.

    Raises:
        TypeError, ValueError: the change is of another shape or type, or its result would not fit.
    """
    if change == "scale":
        return _scaled(current, geometry, value)
    if change in ("add", "quantised"):
        return _added(current, geometry, value, error if change == "quantised" else None)
    if change == "dense":
        wanted = _operand(value, geometry, change).reshape(-1)
    else:
        wanted = _replaced(current, geometry, value)
    return _flipped(current, geometry, wanted)


def as_whole(
    current: Elements, geometry: Geometry, error: float = 0.0, largest_error: float = 0.0
) -> Draft:
    """Return a whole version of exactly these elements, which have these errors already."""
    whole = draft(current.reshape(geometry.shape), geometry, Budget(exact=True), None)
    return replace(whole, error=error, largest_error=largest_error)


def _scaled(current: Elements, geometry: Geometry, scale: Any) -> Draft:
    kind = geometry.kind
    if kind.bits.kind == "b":
        raise TypeError("scale must go with numbers, not with bool")
    if kind.bits.kind in "iu" and kind.name != "bfloat16":
        if not is_integer(scale):
            raise TypeError(f"scale must be an integer for {kind.name}, not {scale!r}")
        scale = scale.__index__()
        if not -(1 << 63) <= scale < 1 << 63:
            raise ValueError(f"scale must fit 64 bits, not {scale!r}")
    elif isinstance(scale, bool) or not isinstance(scale, int | float | np.integer | np.floating):
        raise TypeError(f"scale must be a number, not {scale!r}")
    else:
        scale = float(scale)
    scale_into(current, scale, kind)
    return delta_draft(geometry, SCALE, pack_scale(scale, kind), CODECS["raw"], current)


def _added(current: Elements, geometry: Geometry, value: Any, error: float | None) -> Draft:
    kind = geometry.kind
    if kind.bits.kind == "b":
        raise TypeError("add must go with numbers, not with bool")
    addend = _operand(value, geometry, "add" if error is None else "quantised")
    if error is None:
        encoded = choose(addend, geometry, Budget(exact=True))
        add_into(current, addend.reshape(-1), kind)
        return delta_draft(geometry, ADD, encoded.payload, encoded.codec.number, current)
    encoded = choose(addend, geometry, Budget(error=error))
    near = np.empty(geometry.size, kind.bits)
    encoded.codec.decode(memoryview(encoded.payload), geometry, 0, geometry.size, near)
    wanted = current.copy()
    add_into(wanted, addend.reshape(-1), kind)
    add_into(current, near, kind)
    return delta_draft(geometry, ADD, encoded.payload, encoded.codec.number, current, wanted)


def _flipped(current: Elements, geometry: Geometry, wanted: Elements) -> Draft:
    flips = wanted.copy()
    flip_into(flips, current)
    encoded = choose(flips.reshape(geometry.shape), geometry, Budget(exact=True))
    flip_into(current, flips)
    return delta_draft(geometry, FLIP, encoded.payload, encoded.codec.number, current)


def _operand(value: Any, geometry: Geometry, change: str) -> Elements:
    elements, own = elements_of(value, change)
    if own.kind != geometry.kind:
        raise TypeError(f"{change} must be of dtype {geometry.kind.name}, not {own.kind.name}")
    if own.shape != geometry.shape:
        raise ValueError(f"{change} must have shape {geometry.shape!r}, not {own.shape!r}")
    return elements


def _replaced(current: Elements, geometry: Geometry, value: Any) -> Elements:
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"sparse must be (indices, values), not {value!r}")
    indices = np.asarray(value[0])
    if indices.dtype.kind not in "iu" and indices.size:
        raise TypeError(f"indices must be integers, not {indices.dtype}")
    if indices.ndim != 1:
        raise ValueError(f"indices must have one dimension, not {indices.ndim}")
    values, own = elements_of(value[1], "values")
    if own.kind != geometry.kind:
        raise TypeError(f"values must be of dtype {geometry.kind.name}, not {own.kind.name}")
    if own.shape != indices.shape:
        raise ValueError(f"values must have shape {indices.shape!r}, not {own.shape!r}")
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= geometry.size):
        raise ValueError(f"indices must be in 0..{geometry.size - 1}")
    wanted = current.copy()
    wanted[indices.astype(np.int64)] = values
    return wanted
