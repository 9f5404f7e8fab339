"""Changes of the tensors as the words that a log keeps, in pieces that fit its runs."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.errors import StoreCorrupt

__all__ = [
    "Change",
    "Dropped",
    "Headed",
    "Kept",
    "Sealed",
    "check_piece",
    "decode_changes",
    "encode_change",
    "pack_change",
    "unpack_change",
]

Words = NDArray[np.uint64]

# form, unused, bytes of the whole change, where this piece begins, bytes of this piece
_PIECE = struct.Struct("<IIQQQ")
_PIECE_BYTES = 1 << 19
_KEPT, _HEADED, _DROPPED, _SEALED = 1, 2, 3, 4
# first, latest and next version, digest of the latest one's descriptor, MAC; the name follows
_HEAD = struct.Struct("<QQQ32s32s")


@dataclass(frozen=True)
class Kept:
    """One version: the bytes of its descriptor."""

    data: bytes


@dataclass(frozen=True)
class Headed:
    """Which versions of a tensor there are: none before the first, none behind the latest.

    ``mac`` covers the rest, so that no older version passes for the latest.
    """

    name: str
    first: int
    latest: int
    following: int
    digest: bytes
    mac: bytes

    def signed(self) -> bytes:
        """Return what the MAC covers."""
        numbers = struct.pack("<QQQ", self.first, self.latest, self.following)
        return b"engram head\0" + numbers + self.digest + self.name.encode()


@dataclass(frozen=True)
class Dropped:
    """A tensor is no more, nor any version of it."""

    name: str


@dataclass(frozen=True)
class Sealed:
    """Another change, packed, and encrypted by whoever has the key."""

    data: bytes


Change = Kept | Headed | Dropped | Sealed


def pack_change(change: Change) -> bytes:
    """Return a change as bytes, to be sealed."""
    form, data = _encoded(change)
    return bytes((form,)) + data


def unpack_change(data: bytes) -> Change:
    """Return the change that was packed, or raise StoreCorrupt."""
    if not data or data[0] not in (_KEPT, _HEADED, _DROPPED):
        raise StoreCorrupt("a sealed change of a tensor is none")
    return _decoded(data[0], data[1:])


def encode_change(change: Change) -> Iterator[Words]:
    """Yield a change as words, one piece after another; they belong side by side in the log."""
    form, data = _encoded(change)
    for at in range(0, len(data), _PIECE_BYTES):
        part = data[at : at + _PIECE_BYTES]
        piece = _PIECE.pack(form, 0, len(data), at, len(part)) + part + bytes(-len(part) % 8)
        yield np.frombuffer(piece, "<u8").astype(np.uint64, copy=False)


def _encoded(change: Change) -> tuple[int, bytes]:
    if isinstance(change, Kept):
        return _KEPT, change.data
    if isinstance(change, Sealed):
        return _SEALED, change.data
    if isinstance(change, Dropped):
        return _DROPPED, change.name.encode()
    head = _HEAD.pack(change.first, change.latest, change.following, change.digest, change.mac)
    return _HEADED, head + change.name.encode()


def check_piece(words: Words) -> tuple[int, int, int, memoryview]:
    """Return form, size, start and content of one piece, or raise StoreCorrupt."""
    data = np.ascontiguousarray(words).view(np.uint8).data
    if len(data) < _PIECE.size:
        raise StoreCorrupt(f"a change of a tensor has only {len(data)} bytes")
    form, unused, size, start, length = _PIECE.unpack_from(data)
    content, rest = data[_PIECE.size :][:length], data[_PIECE.size :][length:]
    possible = (
        form in (_KEPT, _HEADED, _DROPPED, _SEALED)
        and not unused
        and 0 < length == len(content)
        and start + length <= size
        and len(rest) < 8
        and not any(rest)
    )
    if not possible:
        raise StoreCorrupt(f"a change of a tensor, form {form}, is impossible")
    return form, size, start, content


def decode_changes(pieces: Iterable[Words]) -> Iterator[Change]:
    """Put changes together again from all their pieces, or raise StoreCorrupt."""
    parts: list[memoryview] = []
    begun, have = (0, 0), 0
    for words in pieces:
        form, size, start, content = check_piece(words)
        if start != have or (parts and begun != (form, size)):
            raise StoreCorrupt("a piece of a change of a tensor is missing")
        begun = form, size
        parts.append(content)
        have += len(content)
        if have == size:
            yield _decoded(form, b"".join(parts))
            parts, have = [], 0
    if parts:
        raise StoreCorrupt("the last change of a tensor is cut off")


def _decoded(form: int, data: bytes) -> Change:
    if form == _KEPT:
        return Kept(data)
    if form == _SEALED:
        return Sealed(data)
    try:
        if form == _DROPPED:
            return Dropped(data.decode())
        first, latest, following, digest, mac = _HEAD.unpack_from(data)
        return Headed(data[_HEAD.size :].decode(), first, latest, following, digest, mac)
    except (struct.error, UnicodeDecodeError):
        raise StoreCorrupt("a change of a tensor cannot be read") from None
