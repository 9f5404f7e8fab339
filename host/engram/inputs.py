"""Checks of what callers pass: addresses, counts, values and buffers, once and before any cast."""

from typing import Any, SupportsIndex, TypeGuard

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import Element
from engram.arch.pages import MASK64, SPACE_WORDS

__all__ = [
    "as_address",
    "as_addresses",
    "as_count",
    "as_output",
    "as_seed",
    "as_value",
    "as_values",
    "check_range",
    "is_integer",
]

Words = NDArray[np.uint64]

_TOP = "2**64-1"


def is_integer(x: object) -> TypeGuard[SupportsIndex]:
    """Return True for Python's and NumPy's integers, which booleans are not."""
    return isinstance(x, int | np.integer) and not isinstance(x, bool)


def as_address(x: object, name: str = "address") -> int:
    """Return a word address as an int; TypeError unless an integer, ValueError unless in range."""
    if not is_integer(x):
        raise TypeError(f"{name} must be an integer, not {x!r}")
    address = x.__index__()
    if not 0 <= address <= MASK64:
        raise ValueError(f"{name} must be in 0..{_TOP}, not {address!r}")
    return address


def as_value(x: object) -> int:
    """Return a word to write."""
    return as_address(x, "value")


def as_seed(x: object) -> int:
    """Return a seed."""
    return as_address(x, "seed")


def as_count(x: object, name: str = "count") -> int:
    """Return a number of words, 0 to 2**64."""
    if not is_integer(x):
        raise TypeError(f"{name} must be an integer, not {x!r}")
    count = x.__index__()
    if not 0 <= count <= SPACE_WORDS:
        raise ValueError(f"{name} must be in 0..2**64, not {count!r}")
    return count


def check_range(address: int, count: int) -> None:
    """Refuse a range that passes the end of the address space."""
    if address + count > SPACE_WORDS:
        raise ValueError(
            f"a range must end at or before 2**64, not at {address:#x} + {count} words"
        )


def as_addresses(x: object) -> Words:
    """Return word addresses as a contiguous uint64 array of the same shape."""
    return _as_words(x, "addresses")


def as_values(x: object) -> Words:
    """Return words to write as a contiguous uint64 array of the same shape."""
    return _as_words(x, "values")


def _as_words(x: object, name: str) -> Words:
    array = x if isinstance(x, np.ndarray) else _array_of(x, name)
    kind = array.dtype.kind
    if kind == "O":
        checked = [as_address(item, f"an item of {name}") for item in array.reshape(-1)]
        return np.array(checked, np.uint64).reshape(array.shape)
    if kind not in "iu":
        hint = "; write floats as words with values.view('uint64')" if kind == "f" else ""
        raise TypeError(f"{name} must be integers, not {array.dtype}{hint}")
    if kind == "i" and array.size and int(array.min()) < 0:
        raise ValueError(f"{name} must be in 0..{_TOP}, not {int(array.min())!r}")
    # The kind and the sign are right, so this cast cannot change a value.
    return np.ascontiguousarray(array, np.dtype("<u8")).reshape(array.shape)


def _array_of(x: object, name: str) -> NDArray[Any]:
    """Return a sequence as an array without letting NumPy reinterpret its items."""
    if not isinstance(x, list | tuple | range):
        raise TypeError(f"{name} must be an integer, a sequence or an array, not {x!r}")
    if isinstance(x, range):
        if len(x) and (min(x) < 0 or max(x) > MASK64):
            raise ValueError(f"{name} must be in 0..{_TOP}, not {x!r}")
        return np.array(x, np.uint64) if len(x) else np.empty(0, np.uint64)
    array = np.array(x, dtype=object)
    return array if array.size else np.empty(array.shape, np.uint64)


def as_output(out: object, count: int, element: Element) -> NDArray[np.generic]:
    """Return a caller's buffer as one run of elements; it must fit exactly."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, not {type(out).__name__}")
    size = count * element.lanes
    if out.dtype != element.dtype:
        raise TypeError(f"out must be of dtype {element.dtype}, not {out.dtype}")
    if out.size != size:
        raise ValueError(f"out must have {size} elements, not {out.size}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError("out must be contiguous and writeable")
    return out.reshape(-1)
