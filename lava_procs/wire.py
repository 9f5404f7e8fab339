"""Frames between host and worker: a small JSON head and arrays as raw bytes, nothing executable.

A frame is a prefix of 24 bytes, the head, the body. The prefix holds a magic word, the version of
this format, and the lengths of the other two, little-endian. The head is a JSON object; its entry
``arrays`` lists (dtype, shape) of the arrays, which follow in the body, each padded with zeros to a
multiple of eight bytes. Every length is checked before anything of it is believed.
"""

import json
import struct
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_BODY", "LARGEST_HEAD", "VERSION", "Frame", "WireError", "frame", "receive"]

Frame = tuple[dict[str, Any], list[NDArray[Any]]]

VERSION = 1
LARGEST_HEAD = 1 << 20
LARGEST_BODY = 1 << 32  # a million embeddings of 4,096 dimensions

_MAGIC = b"EgLv"
_PREFIX = struct.Struct("<4sHxxQQ")
_DTYPES = ("|b1", "|i1", "|u1", "<u2", "<i4", "<i8", "<u8")
_DIMENSIONS = 4
_ALIGNMENT = 8


class WireError(ValueError):
    """Bytes are not a frame of this version, or a frame cannot hold what it should."""


def frame(head: dict[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> list[bytes | memoryview]:
    """Return the pieces of a frame, to be written one after the other.

    Raises:
        WireError: an array's dtype is none of those that frames carry, or a length is too large.
    """
    described = []
    body: list[bytes | memoryview] = []
    length = 0
    for array in arrays:
        # Not ascontiguousarray, which makes a vector of a scalar.
        plain = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        if plain.dtype.str not in _DTYPES or plain.ndim > _DIMENSIONS:
            raise WireError(f"an array must be of {', '.join(_DTYPES)}, not {array.dtype.str!r}")
        described.append([plain.dtype.str, list(plain.shape)])
        body.append(plain.tobytes() if not plain.size else plain.data.cast("B"))
        padding = -plain.nbytes % _ALIGNMENT
        body.append(bytes(padding))
        length += plain.nbytes + padding
    text = json.dumps({**head, "arrays": described}).encode()
    _check_lengths(len(text), length)
    return [_PREFIX.pack(_MAGIC, VERSION, len(text), length) + text, *body]


def receive(read: Callable[[int], bytes | bytearray]) -> Frame:
    """Return the head and the arrays of the next frame.

    Args:
        read: returns exactly so many bytes, or raises (EOFError if the stream has ended).

    Raises:
        WireError: what came is no frame of this version.
    """
    magic, version, head_length, body_length = _PREFIX.unpack(read(_PREFIX.size))
    if magic != _MAGIC:
        raise WireError(f"a frame must start with {_MAGIC!r}, not {magic!r}")
    if version != VERSION:
        raise WireError(f"frames must be of version {VERSION}, not {version}")
    _check_lengths(head_length, body_length)
    head = _parsed(bytes(read(head_length)))
    described = head.pop("arrays", None)
    layout = _layout(described)
    expected = sum(_padded(dtype, shape) for dtype, shape in layout)
    if expected != body_length:
        raise WireError(f"a body must have the {expected} bytes of its arrays, not {body_length}")
    body = read(body_length)
    arrays = []
    offset = 0
    for dtype, shape in layout:
        count = prod(shape)
        arrays.append(np.frombuffer(body, dtype, count, offset).reshape(shape))
        offset += _padded(dtype, shape)
    return head, arrays


def _check_lengths(head: int, body: int) -> None:
    if head > LARGEST_HEAD:
        raise WireError(f"a head must be of {LARGEST_HEAD} bytes at most, not {head}")
    if body > LARGEST_BODY:
        raise WireError(f"a body must be of {LARGEST_BODY} bytes at most, not {body}")


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a head must be JSON: {error}") from None
    if not isinstance(head, dict):
        raise WireError(f"a head must be a JSON object, not {type(head).__name__}")
    return head


def _layout(described: Any) -> "list[tuple[np.dtype[Any], tuple[int, ...]]]":
    """Return the dtypes and shapes of a head's arrays, all checked."""
    if not isinstance(described, list):
        raise WireError(f"arrays must be a list, not {described!r}")
    layout = []
    for entry in described:
        if not isinstance(entry, list) or len(entry) != 2:
            raise WireError(f"an array must be a dtype and a shape, not {entry!r}")
        name, shape = entry
        if not isinstance(name, str) or name not in _DTYPES:
            raise WireError(f"a dtype must be one of {', '.join(_DTYPES)}, not {name!r}")
        if not isinstance(shape, list) or len(shape) > _DIMENSIONS:
            raise WireError(f"a shape must have at most {_DIMENSIONS} numbers, not {shape!r}")
        # A huge extent beside a zero one would pass the check of the body's length.
        if not all(type(extent) is int and 0 <= extent <= LARGEST_BODY for extent in shape):
            raise WireError(f"a shape must be of whole numbers, not {shape!r}")
        layout.append((np.dtype(name), tuple(shape)))
    return layout


def _padded(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    length = prod(shape) * dtype.itemsize
    return length + -length % _ALIGNMENT
