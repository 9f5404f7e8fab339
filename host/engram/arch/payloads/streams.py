"""Streams of bytes, each compressed on its own, and the table that says where they are."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from engram.arch.payloads.parts import padded, refuse_unless, unpack
from engram.arch.tensors import ALIGNMENT

__all__ = ["Method", "Place", "find_streams", "first_stream"]

_PLACE = Struct("<QII")  # where the stream begins, its bytes, what compressed it


class Method(IntEnum):
    """What compresses a stream."""

    PLAIN = 0  # nothing
    ZLIB = 1  # RFC 1950, of the standard library everywhere
    ZSTD = 2  # one frame, RFC 8878


@dataclass(frozen=True)
class Place:
    """Where a stream is: its beginning is a multiple of ALIGNMENT."""

    start: int
    size: int
    method: Method

    def to_bytes(self) -> bytes:
        """Return its entry in the table."""
        return _PLACE.pack(self.start, self.size, self.method)


def first_stream(streams: int) -> int:
    """Return where the first of so many streams begins, behind a table that begins at ALIGNMENT."""
    return ALIGNMENT + padded(_PLACE.size * streams)


def find_streams(payload: memoryview, first: int, count: int, streams: int) -> list[Place]:
    """Return where ``count`` of all streams are; raise ValueError if that is not in the payload."""
    begin = first_stream(streams)
    places = []
    for stream in range(first, first + count):
        start, size, method = unpack(_PLACE, payload, ALIGNMENT + _PLACE.size * stream)
        inside = begin <= start <= start + size <= len(payload)
        refuse_unless(inside and method <= Method.ZSTD, f"hold stream {stream}")
        places.append(Place(start, size, Method(method)))
    return places
