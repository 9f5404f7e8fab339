"""The tournament: every codec tries, what comes back is measured, and the best payload wins."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import TILE_ELEMENTS
from engram.codecs.catalogue import LOCAL, codec, names
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.deviation import deviation
from engram.errors import CannotMeet

__all__ = ["Encoded", "choose"]

logger = logging.getLogger(__name__)

_SAMPLED = 4  # tiles from which it pays to try codecs on a sample first
_CROPPED = 1 << 18  # elements of a crop, for codecs that need the tensor's shape
# What looks so many times worse than the best on a sample is not tried on the whole.
_HOPELESS = 1.3
_LARGEST_ERROR = 0.999  # that of a payload which is asked for nothing but to be small


@dataclass(frozen=True)
class Encoded:
    """A payload that meets its budget, and the errors measured by decoding it.

    Attributes:
        error: relative, ``|x - y| / |x|`` in Frobenius norms.
        largest_error: the largest absolute difference.
    """

    codec: Codec
    payload: bytes
    error: float
    largest_error: float

    def __str__(self) -> str:
        return f"{len(self.payload)} bytes at a relative error of {self.error:.3g}"


def choose(
    values: NDArray[Any],
    geometry: Geometry,
    budget: Budget,
    codecs: Sequence[str] | None = None,
) -> Encoded:
    """Return the best payload of the named codecs (None: of all) within a budget.

    That is the smallest one if the budget bounds the error or is exact; else the one with the
    least error, and of equal errors the smallest.

    Args:
        values: the tensor, of ``geometry.shape`` and ``geometry.kind.bits``, C-contiguous.

    Raises:
        ValueError: the budget bounds nothing, or a codec has no such name.
        CannotMeet: no codec meets the budget; the message has what could be met.
    """
    if budget.bytes is None and budget.error is None and not budget.exact:
        raise ValueError("budget must bound bytes or error, or be exact")
    entered = [codec(name) for name in (names() if codecs is None else codecs)]
    exact = [each for each in entered if each.lossless and each.accepts(geometry, values)]
    found = _results(exact, values, geometry, budget)
    # No error is less than none, so the others can only win where small payloads do.
    lossy: list[Codec] = []
    if not budget.exact and not (found and budget.error is None):
        lossy = [each for each in entered if not each.lossless and each.accepts(geometry, values)]
        hopeful = _hopeful(lossy, values, geometry, budget)
        found += _results(hopeful, values, geometry, budget)
        if not found:  # the samples may have been unlike the rest
            rest = [each for each in lossy if each not in hopeful]
            found = _results(rest, values, geometry, budget)
    if not found:
        raise CannotMeet(_explained(exact, lossy, values, geometry, budget))
    return min(found, key=lambda each: _rank(each, budget))


def _rank(encoded: Encoded, budget: Budget) -> tuple[float, float, int]:
    size = len(encoded.payload)
    if budget.exact or budget.error is not None:
        return size, encoded.error, encoded.codec.number
    return encoded.error, size, encoded.codec.number


def _results(
    codecs: Iterable[Codec], values: NDArray[Any], geometry: Geometry, budget: Budget
) -> list[Encoded]:
    """Return what codecs make of a tensor, measured, as far as it keeps to the budget."""
    found = []
    for each in codecs:
        payload = each.encode(values, geometry, budget)
        if payload is None:
            continue
        error = largest = 0.0
        if not each.lossless:
            measured = deviation(each, payload, values, geometry)
            error, largest = measured.relative, measured.largest
        encoded = Encoded(each, payload, error, largest)
        kept = budget.bytes is None or len(payload) <= budget.bytes
        if kept and isfinite(error) and (budget.error is None or error <= budget.error):
            logger.debug("%s: %s", each.name, encoded)
            found.append(encoded)
    return found


def _hopeful(
    codecs: list[Codec], values: NDArray[Any], geometry: Geometry, budget: Budget
) -> list[Codec]:
    """Return the codecs that do well on a sample of a large tensor, in their order."""
    if geometry.tiles < _SAMPLED or len(codecs) < 2:
        return codecs
    tiles, some = _some_tiles(values, geometry)
    crop, cropped = _crop(values, geometry)
    share = some.size / geometry.size
    # What factors take grows with the sum of the lengths of the axes, not with their product.
    ratio = min(1.0, sum(cropped.shape) / sum(geometry.shape))
    if len(geometry.shape) < 2:
        ratio = (cropped.size / geometry.size) ** 0.5
    costs: dict[str, float] = {}
    for each in codecs:
        local = each.name in LOCAL
        sample, part, fraction = (tiles, some, share) if local else (crop, cropped, ratio)
        tried = budget
        if budget.bytes is not None:
            # A little more than its part, for headers are none.
            tried = replace(budget, bytes=int(budget.bytes * fraction * 1.02) + 512)
        for encoded in _results([each], sample, part, tried):
            size = len(encoded.payload) / fraction
            costs[each.name] = encoded.error if budget.error is None else size
    # A crop flatters, so it may rule out who was cropped, and nobody else.
    least = min((cost for name, cost in costs.items() if name in LOCAL), default=np.inf)
    return [each for each in codecs if costs.get(each.name, np.inf) <= _HOPELESS * least]


def _some_tiles(values: NDArray[Any], geometry: Geometry) -> tuple[NDArray[Any], Geometry]:
    """Return two tiles, one from each half."""
    flat = values.reshape(-1)
    starts = [TILE_ELEMENTS * (quarter * geometry.tiles // 4) for quarter in (1, 3)]
    tiles = np.concatenate([flat[at : at + TILE_ELEMENTS] for at in starts])
    return tiles, Geometry(tiles.shape, geometry.kind)


def _crop(values: NDArray[Any], geometry: Geometry) -> tuple[NDArray[Any], Geometry]:
    """Return a corner of the tensor, in which low rank is as low."""
    limit = max(8, int(_CROPPED ** (1 / len(geometry.shape))))
    corner = np.ascontiguousarray(values[tuple(slice(limit) for _ in geometry.shape)])
    return corner, Geometry(corner.shape, geometry.kind)


def _explained(
    exact: list[Codec],
    lossy: list[Codec],
    values: NDArray[Any],
    geometry: Geometry,
    budget: Budget,
) -> str:
    """Return what was asked and what could be met."""
    most = f"at most {budget.bytes} bytes"
    if budget.exact or not lossy:
        smallest = _smallest(_results(exact, values, geometry, Budget(exact=True)))
        reason = "exactly" if budget.exact else "exactly, as these elements must be kept,"
        need = "no codec can" if smallest is None else f"{smallest.codec.name} needs {smallest}"
        return f"no codec keeps the tensor {reason} within {most}: {need}"
    if budget.error is None:
        every = _results(exact + lossy, values, geometry, Budget(error=_LARGEST_ERROR))
        smallest = _smallest(every)
        need = "no codec can" if smallest is None else f"{smallest.codec.name} needs {smallest}"
        return f"no codec keeps the tensor within {most}: {need}"
    enough = _smallest(_results(exact + lossy, values, geometry, Budget(error=budget.error)))
    within = []
    if budget.bytes is not None:
        within = _results(exact + lossy, values, geometry, Budget(bytes=budget.bytes))
        within.sort(key=lambda each: each.error)
    asked = f"a relative error of at most {budget.error:.3g}"
    asked += "" if budget.bytes is None else f" within {most}"
    offers = [f"{each.codec.name} has {each}" for each in (enough, *within[:1]) if each]
    return f"no codec gives {asked}: {' and '.join(offers) or 'no codec can give less'}"


def _smallest(found: list[Encoded]) -> Encoded | None:
    return min(found, key=lambda each: len(each.payload), default=None)
