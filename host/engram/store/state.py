"""The one record that says what a store is and how much it holds, and the entries of its spaces."""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass
from hashlib import blake2b

from engram.errors import StoreCorrupt, VersionMismatch

__all__ = ["FORMAT", "Identity", "SpaceEntry", "State", "pack_space", "unpack_space"]

FORMAT = 1
DIGEST_BYTES = 16
TOKEN_BYTES = 16
WORD_LIMIT = 1 << 64
NAME_BYTES = 500  # LMDB keys end at 511 bytes

_MAGIC = b"EngramSt"
_STATE = struct.Struct("<8sIIQ16s9Q")
_SPACE = struct.Struct("<QQQQ")


def _check_integer(name: str, number: object, limit: int) -> None:
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name} must be an int, not {number!r}")
    if not 0 <= number < limit:
        raise ValueError(f"{name} must be in 0..{limit - 1}, not {number!r}")


@dataclass(frozen=True, slots=True)
class Identity:
    """The seed and the law that a store's unwritten words come from; fixed at creation."""

    seed: int
    law: int

    def __post_init__(self) -> None:
        _check_integer("seed", self.seed, WORD_LIMIT)
        _check_integer("law", self.law, 1 << 32)


@dataclass(frozen=True, slots=True)
class SpaceEntry:
    """A named space: its number in records, its own seed, and its quota in words if it has one."""

    id: int
    name: str
    seed: int
    quota: int | None = None

    def __post_init__(self) -> None:
        _check_integer("id", self.id, 1 << 32)
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a str, not {self.name!r}")
        if not 0 < len(self.name.encode()) <= NAME_BYTES:
            raise ValueError(f"name must be 1..{NAME_BYTES} bytes of UTF-8, not {self.name!r}")
        _check_integer("seed", self.seed, WORD_LIMIT)
        if self.quota is not None:
            _check_integer("quota", self.quota, WORD_LIMIT)


@dataclass(frozen=True, slots=True)
class State:
    """Identity and totals of a store as of one LMDB transaction, sealed by a digest.

    `batches`, `records`, `words` and `size` (in bytes) count what LMDB holds, not the journal.
    """

    identity: Identity
    token: bytes
    journal_bytes: int
    generation: int = 0
    epoch: int = 0
    commits: int = 1
    batches: int = 0
    records: int = 0
    words: int = 0
    size: int = 0
    spaces: int = 0

    def pack(self) -> bytes:
        """Return the bytes kept in LMDB, digest last."""
        _, token, *numbers = astuple(self)
        seed, law = self.identity.seed, self.identity.law
        body = _STATE.pack(_MAGIC, FORMAT, law, seed, token, *numbers)
        return body + blake2b(body, digest_size=DIGEST_BYTES).digest()

    @classmethod
    def unpack(cls, data: bytes) -> State:
        """Read the bytes back; StoreCorrupt if damaged, VersionMismatch if of another format."""
        body, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        # The digest comes first: a flipped format number is damage, not another version.
        if blake2b(body, digest_size=DIGEST_BYTES).digest() != digest or body[:8] != _MAGIC:
            raise StoreCorrupt("the state record does not match its digest")
        (version,) = struct.unpack_from("<I", body, 8)
        if version != FORMAT:
            raise VersionMismatch(f"the store has format {version}, this Engram reads {FORMAT}")
        if len(body) != _STATE.size:
            raise StoreCorrupt(f"the state record has {len(body)} bytes instead of {_STATE.size}")
        _, _, law, seed, token, *numbers = _STATE.unpack(body)
        return cls(Identity(seed, law), token, *numbers)


def _space_digest(name: bytes, body: bytes, token: bytes) -> bytes:
    return blake2b(name + body, digest_size=DIGEST_BYTES, key=token, person=b"space").digest()


def pack_space(entry: SpaceEntry, token: bytes) -> tuple[bytes, bytes]:
    """Return key and value of a space's entry, the digest covering both."""
    name = entry.name.encode()
    limited = entry.quota is not None
    body = _SPACE.pack(entry.id, entry.seed, entry.quota or 0, limited)
    return name, body + _space_digest(name, body, token)


def unpack_space(name: bytes, value: bytes, token: bytes) -> SpaceEntry:
    """Read a space's entry back, or raise StoreCorrupt."""
    body = value[: _SPACE.size]
    if len(body) != _SPACE.size or value[_SPACE.size :] != _space_digest(name, body, token):
        raise StoreCorrupt(f"the entry of space {name!r} does not match its digest")
    number, seed, quota, limited = _SPACE.unpack(body)
    return SpaceEntry(number, name.decode(), seed, quota if limited else None)
