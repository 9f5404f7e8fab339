"""Checks of what callers pass to the associations: embeddings, codes, ids, and what goes along."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import LARGEST_IMPORTANCE, LARGEST_WIDTH
from engram.inputs import is_integer

__all__ = [
    "LONGEST_ID",
    "LONGEST_METADATA",
    "as_codes",
    "as_embeddings",
    "as_fraction",
    "as_id",
    "as_ids",
    "as_importances",
    "as_metadata",
    "as_positive",
]

LONGEST_ID = 1024  # bytes of UTF-8
LONGEST_METADATA = 64 << 10  # bytes of JSON

# Rows above this are halved that often, exactly, so that 127 times them is still finite.
_LARGE = 2.0**1000
_HALVINGS = 100


def as_embeddings(
    x: object, width: int | None, name: str = "embedding"
) -> tuple[NDArray["np.floating[Any]"], bool]:
    """Return embeddings as finite float rows none of which is zero, and whether it was one.

    Args:
        x: real numbers, one dimension for one embedding or two for rows of them.
        width: how many dimensions an embedding must have; None: any from 1 to 65,536.
        name: what to call it in an error.

    Raises:
        TypeError: the numbers are not real (booleans, text, complex numbers or objects).
        ValueError: another shape or width, NaN, infinity, or an embedding that is all zeros.
    """
    array = _array(x, name)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be real numbers, not {array.dtype}")
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have one dimension, or two for many, not {array.ndim}")
    found = array.shape[-1]
    if width is not None and found != width:
        raise ValueError(f"{name} must have {width} dimensions, not {found}")
    if not 1 <= found <= LARGEST_WIDTH:
        raise ValueError(f"{name} must have 1 to {LARGEST_WIDTH:,} dimensions, not {found}")
    rows = np.atleast_2d(array)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # a long double may become infinite, which is told below
            rows = rows.astype(np.float64)
    # Of many rows no second array of their size is made.
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    if not np.isfinite(largest).all():
        row, column = np.argwhere(~np.isfinite(rows))[0].tolist()
        where = f" in row {row}" if array.ndim == 2 else ""
        raise ValueError(f"{name} must be finite, not {float(rows[row, column])!r}{where}")
    if not largest.all():
        where = f" as in row {int(np.argmin(largest))}" if array.ndim == 2 else ""
        raise ValueError(f"{name} must have a direction, not be all zeros{where}")
    large = largest.astype(np.float64) > _LARGE
    if large.any():
        rows = np.where(large[:, None], np.ldexp(rows, -_HALVINGS), rows)
    return rows, array.ndim == 1


def as_codes(x: object, neurons: int, count: int | None = None) -> tuple[NDArray[np.uint16], bool]:
    """Return codes as rows of ascending active neurons, uint16, and whether it was one.

    Args:
        x: distinct integers below ``neurons``, one dimension for one code or two for many.
        neurons: how many code neurons there are.
        count: how many must be active; None: any number from one on.

    Raises:
        TypeError: they are not integers.
        ValueError: another shape or number, one out of range, or one twice.
    """
    array = _array(x, "code")
    if array.dtype.kind not in "iu":
        raise TypeError(f"code must be the integers of active neurons, not {array.dtype}")
    if array.ndim not in (1, 2):
        raise ValueError(f"code must have one dimension, or two for many, not {array.ndim}")
    found = array.shape[-1]
    if not found or (count is not None and found != count):
        wanted = "one or more" if count is None else str(count)
        raise ValueError(f"code must have {wanted} active neurons, not {found}")
    rows = np.sort(np.atleast_2d(array), axis=1)
    if rows.size and (int(rows.min()) < 0 or int(rows.max()) >= neurons):
        wrong = int(rows.min()) if int(rows.min()) < 0 else int(rows.max())
        raise ValueError(f"code must be of neurons 0..{neurons - 1}, not {wrong}")
    if (rows[:, 1:] == rows[:, :-1]).any():
        raise ValueError("code must name every neuron once, not twice")
    return np.ascontiguousarray(rows, np.uint16), array.ndim == 1


def as_id(x: object) -> str:
    """Return an id: text of 1 to 1,024 bytes of UTF-8."""
    if not isinstance(x, str):
        raise TypeError(f"id must be a string, not {x!r}")
    # Plain str, for NumPy has strings of its own.
    name = str(x)
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"id must be text that UTF-8 can encode, not {name!r}") from None
    if not 1 <= length <= LONGEST_ID:
        short = repr(name) if length < 100 else f"{name[:40]!r}..., which has {length}"
        raise ValueError(f"id must be 1 to {LONGEST_ID:,} bytes of UTF-8, not {short}")
    return name


def as_ids(x: object) -> list[str]:
    """Return several ids as a list."""
    if isinstance(x, bytes | dict) or not hasattr(x, "__iter__"):
        raise TypeError(f"ids must be a string or a sequence of strings, not {x!r}")
    return [as_id(name) for name in x]


def as_importances(x: object, count: int) -> NDArray[np.int64]:
    """Return importances of 0..1, one for all or one each, in units of 1/256."""
    array = _array(x, "importance")
    if array.dtype.kind not in "fiu":
        raise TypeError(f"importance must be a real number, not {x!r}")
    if array.shape not in ((), (count,)):
        raise ValueError(
            f"importance must be one number or {count}, one an id, not of shape {array.shape!r}"
        )
    values = array.astype(np.float64)
    wrong = ~((values >= 0) & (values <= 1))  # NaN is wrong, too
    if wrong.any():
        raise ValueError(f"importance must be in 0..1, not {float(values[wrong].flat[0])!r}")
    units: NDArray[np.int64] = np.rint(LARGEST_IMPORTANCE * values).astype(np.int64)
    return np.broadcast_to(units, (count,))


def as_metadata(x: object) -> bytes:
    """Return a small dict as JSON; empty for None.

    Raises:
        TypeError: it is no dict, or holds what JSON cannot bring back as it was.
        ValueError: it takes more than 64 KiB.
    """
    if x is None:
        return b""
    if not isinstance(x, dict):
        raise TypeError(f"metadata must be a dict, not {x!r}")
    try:
        text = json.dumps(x, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        same = json.loads(text) == x
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"metadata must be a dict of JSON values ({error})") from None
    if not same:
        raise TypeError(
            "metadata must come back from JSON as it was (keys are strings, sequences are lists), "
            f"not {x!r}"
        )
    if len(text) > LONGEST_METADATA:
        raise ValueError(
            f"metadata must be at most {LONGEST_METADATA:,} bytes of JSON, not {len(text):,}"
        )
    return text


def as_fraction(x: object, name: str) -> float:
    """Return a real number of 0..1."""
    if isinstance(x, bool | np.bool_) or not isinstance(x, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a real number, not {x!r}")
    value = float(x)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be in 0..1, not {value!r}")
    return value


def as_positive(x: object, name: str, least: int = 1) -> int:
    """Return an integer that is not below ``least``."""
    if not is_integer(x):
        raise TypeError(f"{name} must be an integer, not {x!r}")
    value = x.__index__()
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value!r}")
    return value


def _array(x: object, name: str) -> NDArray[Any]:
    if isinstance(x, str | bytes | dict | set) or x is None:
        raise TypeError(f"{name} must be numbers, not {x!r}")
    try:
        return np.asarray(x)
    except (ValueError, TypeError) as error:
        kind = "a ragged sequence" if isinstance(x, Sequence) else type(x).__name__
        raise ValueError(f"{name} must be an array of numbers, not {kind} ({error})") from None
