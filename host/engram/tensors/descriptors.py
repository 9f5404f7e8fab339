"""Descriptors: one version of a tensor as flat bytes under one MAC, from which it is regrown."""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan, prod

from engram.arch.pages import PAGE_WORDS, SPACE_WORDS
from engram.arch.payloads.deltas import FORMS, WHOLE
from engram.arch.tensors import (
    ALIGNMENT,
    CODECS,
    DESCRIPTOR_VERSION,
    DIGEST_BYTES,
    HEADER,
    LARGEST_NAME,
    LARGEST_NDIM,
    MAGIC,
    TILE_ELEMENTS,
    TYPES,
)
from engram.codecs.codec import Geometry
from engram.errors import IntegrityError, VersionMismatch
from engram.tensors.merkle import leaf, proves
from engram.tensors.regions import region_words

__all__ = ["NO_PARENT", "Descriptor", "default_key", "overhead"]

NO_PARENT = bytes(DIGEST_BYTES)

_CODEC_NAMES = {number: name for name, number in CODECS.items()}


def default_key(seed: int) -> bytes:
    """Return the key of a memory whose caller gave none.

    It is SHA-256 over a tag and the seed, so whoever knows the seed can make it: it guards against
    accident, not against attackers.
    """
    return hashlib.sha256(b"engram tensors\0" + seed.to_bytes(8, "little")).digest()


def overhead(name: str, ndim: int) -> int:
    """Return how many bytes a descriptor takes beside its payload."""
    return _payload_at(ndim, len(name.encode())) + DIGEST_BYTES


def _payload_at(ndim: int, name_bytes: int) -> int:
    return -(-(HEADER.size + 8 * ndim + name_bytes) // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Descriptor:
    """All there is to one version of a tensor; the bytes never change.

    ``verify`` tells whether its maker had the key, before anything of it is decoded.

    Attributes:
        version: its number; one is never used again for another version of the tensor.
        geometry: shape and element type.
        form: one of ``arch.payloads.deltas``: whole, or what it does to the version before.
        base: the word address of the tensor's region.
        error: the relative error in Frobenius norms, measured; of an update, what it added.
        largest_error: the largest absolute error, measured.
        root: of the Merkle tree over the regrown tiles.
        parent: SHA-256 of the descriptor of the version before, zeros if there is none.
    """

    name: str
    version: int
    geometry: Geometry
    codec_number: int
    form: int
    base: int
    error: float
    largest_error: float
    root: bytes = field(repr=False)
    parent: bytes = field(repr=False)
    data: bytes = field(repr=False)

    @classmethod
    def made(
        cls,
        payload: bytes,
        geometry: Geometry,
        *,
        key: bytes,
        name: str,
        version: int,
        codec_number: int,
        root: bytes,
        base: int,
        form: int = WHOLE,
        error: float = 0.0,
        largest_error: float = 0.0,
        parent: bytes = NO_PARENT,
    ) -> "Descriptor":
        """Put one together and sign it."""
        label = name.encode()
        ndim = len(geometry.shape)
        header = HEADER.pack(
            MAGIC,
            DESCRIPTOR_VERSION,
            codec_number,
            geometry.kind.number,
            ndim,
            form,
            TILE_ELEMENTS,
            geometry.size,
            len(payload),
            version,
            base,
            error,
            largest_error,
            root,
            parent,
            len(label),
        )
        front = header + struct.pack(f"<{ndim}Q", *geometry.shape) + label
        body = front.ljust(_payload_at(ndim, len(label)), b"\0") + payload
        return cls.from_bytes(body + hmac.digest(key, body, "sha256"))

    def to_bytes(self) -> bytes:
        """Return the descriptor as it is stored and sent."""
        return self.data

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes | None = None) -> "Descriptor":
        """Read a descriptor; with a key its MAC is verified first, else only its structure.

        Raises:
            IntegrityError: the MAC is wrong, or this is no descriptor.
            VersionMismatch: it is of a later format, or of a codec that this version lacks.
        """
        if not isinstance(data, bytes):
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        if key is not None:
            _check_mac(data, key, "a descriptor")
        try:
            return cls._parsed(data)
        except (struct.error, UnicodeDecodeError, KeyError) as error:
            raise IntegrityError(f"the descriptor is cut off or impossible: {error}") from None

    @classmethod
    def _parsed(cls, data: bytes) -> "Descriptor":
        (
            magic, layout, codec_number, kind, ndim, form, tile, size, payload_bytes, version, base,
            error, largest, root, parent, name_bytes,
        ) = HEADER.unpack_from(data)  # fmt: skip
        if magic != MAGIC:
            raise IntegrityError(f"a descriptor begins with {MAGIC!r}, not {magic!r}")
        if layout != DESCRIPTOR_VERSION:
            raise VersionMismatch(f"the descriptor has format {layout}, not {DESCRIPTOR_VERSION}")
        if codec_number not in _CODEC_NAMES or form not in FORMS:
            raise VersionMismatch(
                f"the descriptor needs codec {codec_number} in form {form}, "
                "which this version lacks"
            )
        if kind not in TYPES or ndim > LARGEST_NDIM or not 0 < name_bytes <= LARGEST_NAME:
            raise IntegrityError("the descriptor has an impossible type, shape or name")
        shape = struct.unpack_from(f"<{ndim}Q", data, HEADER.size)
        at = _payload_at(ndim, name_bytes)
        name_at = HEADER.size + 8 * ndim
        consistent = (
            prod(shape) == size
            and tile == TILE_ELEMENTS
            and version > 0
            and not base % PAGE_WORDS
            and base + region_words(size * TYPES[kind].bits.itemsize) <= SPACE_WORDS
            and error >= 0
            and not isnan(largest)
            and at + payload_bytes + DIGEST_BYTES == len(data)
            and not any(data[name_at + name_bytes : at])
        )
        if not consistent:
            raise IntegrityError("the descriptor's sizes do not fit together")
        return cls(
            name=data[name_at : name_at + name_bytes].decode(),
            version=version,
            geometry=Geometry(shape, TYPES[kind]),
            codec_number=codec_number,
            form=form,
            base=base,
            error=error,
            largest_error=largest,
            root=root,
            parent=parent,
            data=data,
        )

    def verify(self, key: bytes) -> None:
        """Return if the descriptor was signed with this key, every byte as it is.

        Raises:
            IntegrityError: it was not.
        """
        _check_mac(self.data, key, f"version {self.version} of tensor {self.name!r}")

    def verify_tile(self, index: int, tile: bytes | memoryview, proof: Sequence[bytes]) -> None:
        """Return if these bytes are the tensor's tile; the descriptor itself is to be verified.

        Args:
            tile: the elements, little-endian.
            proof: from ``Memory.prove``.

        Raises:
            IntegrityError: they are not, or the proof is another tile's.
        """
        if not proves(leaf(index, tile), index, self.geometry.tiles, proof, self.root):
            raise IntegrityError(f"tile {index} is not one of tensor {self.name!r}")

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of all its bytes: what the next version names as its parent."""
        return hashlib.sha256(self.data).digest()

    @cached_property
    def payload(self) -> memoryview:
        """What the codec made."""
        at = _payload_at(len(self.shape), len(self.name.encode()))
        return memoryview(self.data)[at:-DIGEST_BYTES]

    @property
    def codec(self) -> str:
        """The name of the codec."""
        return _CODEC_NAMES[self.codec_number]

    @property
    def dtype(self) -> str:
        """The name of the element type."""
        return self.geometry.kind.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.geometry.shape

    @property
    def nbytes(self) -> int:
        """How many bytes the plain tensor takes."""
        return self.geometry.nbytes

    @property
    def stored_bytes(self) -> int:
        """How many bytes the descriptor takes, all of it."""
        return len(self.data)

    @property
    def ratio(self) -> float:
        """Stored bytes a byte of the plain tensor; infinite for a tensor without elements."""
        return self.stored_bytes / self.nbytes if self.nbytes else float("inf")

    @property
    def whole(self) -> bool:
        """Whether it is regrown without the version before."""
        return self.form == WHOLE


def _check_mac(data: bytes, key: bytes, what: str) -> None:
    # Too short for both is too short for a descriptor, too.
    body, mac = memoryview(data)[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if not hmac.compare_digest(hmac.digest(key, body, "sha256"), mac):
        raise IntegrityError(f"the MAC of {what} is wrong: other bytes, or another key")
