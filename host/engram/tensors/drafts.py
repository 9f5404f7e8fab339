"""Drafts: a tensor encoded and measured, before it has a version, a place and a signature."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.deltas import WHOLE
from engram.arch.tensors import CODECS, LARGEST_NAME, LARGEST_NDIM
from engram.codecs.codec import Budget, Geometry
from engram.codecs.tournament import choose
from engram.errors import CannotMeet
from engram.tensors.deltas import relative_error
from engram.tensors.descriptors import overhead
from engram.tensors.regrowing import tree_of

__all__ = ["Draft", "as_name", "budget_of", "delta_draft", "draft", "payload_codecs"]

Elements = NDArray[Any]


@dataclass(frozen=True)
class Draft:
    """What a descriptor is made of, but for its place among others."""

    geometry: Geometry
    payload: bytes
    codec_number: int
    root: bytes
    form: int = WHOLE
    error: float = 0.0
    largest_error: float = 0.0


def as_name(name: object) -> str:
    """Return a tensor's name; TypeError or ValueError if it cannot be one."""
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, not {name!r}")
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"name must be text that UTF-8 can encode, not {name!r}") from None
    if not 1 <= length <= LARGEST_NAME:
        raise ValueError(f"name must be 1 to {LARGEST_NAME} bytes of UTF-8, not {name!r}")
    return name


def budget_of(
    name: str, geometry: Geometry, ratio: float | None, max_error: float | None, exact: bool
) -> Budget:
    """Return the budget of a payload, everything around it taken off; exact if nothing is asked.

    Raises:
        TypeError, ValueError: a bound is no number, or impossible.
        CannotMeet: no payload at all has room.
    """
    for label, bound in (("ratio", ratio), ("max_error", max_error)):
        if bound is None:
            continue
        if isinstance(bound, bool) or not isinstance(bound, int | float | np.floating | np.integer):
            raise TypeError(f"{label} must be a number, not {bound!r}")
        if not (isfinite(bound) and bound >= 0) or (label == "ratio" and bound == 0):
            raise ValueError(f"{label} must be finite and positive, not {bound!r}")
    if not isinstance(exact, bool):
        raise TypeError(f"exact must be true or false, not {exact!r}")
    if exact and max_error is not None:
        raise ValueError("exact must go without max_error")
    size = None
    if ratio is not None:
        size = int(ratio * geometry.nbytes) - overhead(name, len(geometry.shape))
        if size < 0:
            raise CannotMeet(
                f"a ratio of {ratio:.3g} leaves {int(ratio * geometry.nbytes)} bytes for tensor "
                f"{name!r}, and its descriptor takes {overhead(name, len(geometry.shape))} "
                "without any payload"
            )
    return Budget(size, max_error, exact or (ratio is None and max_error is None))


def payload_codecs(codec: object) -> list[str] | None:
    """Return the codecs that a caller's word means: None for all of them."""
    if not isinstance(codec, str):
        raise TypeError(f"codec must be a name or 'auto', not {codec!r}")
    if codec == "auto":
        return None
    if codec not in CODECS:
        raise ValueError(f"codec must be 'auto' or one of {', '.join(CODECS)}, not {codec!r}")
    return [codec]


def draft(values: Elements, geometry: Geometry, budget: Budget, codecs: list[str] | None) -> Draft:
    """Encode a tensor; its root is that of what comes back, not of what went in.

    Raises:
        CannotMeet: no codec meets the budget.
    """
    if len(geometry.shape) > LARGEST_NDIM:
        raise ValueError(f"tensor must have {LARGEST_NDIM} dimensions at most, not {values.ndim}")
    encoded = choose(values, geometry, budget, codecs)
    found = np.empty(geometry.size, geometry.kind.bits)
    encoded.codec.decode(memoryview(encoded.payload), geometry, 0, geometry.size, found)
    if encoded.codec.lossless and not _same(found, values):
        # A lossless codec gives back what it was given, so that was not the same all the time.
        raise ValueError("tensor must stay as it is while it is stored")
    return Draft(
        geometry,
        encoded.payload,
        encoded.codec.number,
        tree_of(found).root,
        error=encoded.error,
        largest_error=encoded.largest_error,
    )


def delta_draft(
    geometry: Geometry,
    form: int,
    payload: bytes,
    codec_number: int,
    found: Elements,
    wanted: Elements | None = None,
) -> Draft:
    """Return the draft of a delta: ``found`` comes out of it, ``wanted`` should have."""
    error = largest = 0.0
    if wanted is not None:
        error, largest = relative_error(found, wanted, geometry.kind)
    return Draft(geometry, payload, codec_number, tree_of(found).root, form, error, largest)


def _same(found: Elements, values: Elements) -> bool:
    one, other = found.view(np.uint8), values.reshape(-1).view(np.uint8)
    return bool(np.array_equal(one, other))
