"""Tensors as bytes: element types, codec numbers, and the flat layout of a descriptor."""

import struct
from dataclasses import dataclass

import numpy as np

__all__ = [
    "ALIGNMENT",
    "CODECS",
    "DESCRIPTOR_VERSION",
    "DIGEST_BYTES",
    "HEADER",
    "LARGEST_NAME",
    "LARGEST_NDIM",
    "MAGIC",
    "REGIONS_BASE",
    "TILE_ELEMENTS",
    "ElementType",
    "TYPES",
    "type_by_name",
]

MAGIC = b"ENGRAMTD"
DESCRIPTOR_VERSION = 1
DIGEST_BYTES = 32  # SHA-256, and HMAC-SHA256
ALIGNMENT = 64  # of a payload and of what it holds: a cache line, and 8 AXI beats

TILE_ELEMENTS = 1 << 16  # a tile is so many consecutive elements in C order

LARGEST_NAME = 1024  # bytes of UTF-8
LARGEST_NDIM = 32

# Regions of tensors begin here unless their caller says otherwise; each is a whole number of pages.
REGIONS_BASE = 1 << 63

# In this order, little-endian, without padding: magic, version, codec, element type, ndim, flags,
# elements in a tile, elements, bytes of payload, version of the tensor, address of its region,
# relative error (Frobenius), largest absolute error, Merkle root of its tiles, digest of the
# parent's descriptor (zeros: none), bytes of the name. There follow ndim 64-bit lengths, the name,
# zeros up to ALIGNMENT, the payload, and the MAC of all that.
HEADER = struct.Struct("<8sHHHHIIQQQQdd32s32sI")


@dataclass(frozen=True)
class ElementType:
    """A type of elements: its number in descriptors, its name, and the NumPy type of its bits.

    ``lossy`` says whether codecs that round may be used on it; complex numbers are pairs.
    """

    number: int
    name: str
    bits: "np.dtype[np.generic]"
    lossy: bool


TYPES: dict[int, ElementType] = {
    kind.number: kind
    for kind in (
        ElementType(1, "bool", np.dtype("?"), False),
        ElementType(2, "int8", np.dtype("<i1"), False),
        ElementType(3, "int16", np.dtype("<i2"), False),
        ElementType(4, "int32", np.dtype("<i4"), False),
        ElementType(5, "int64", np.dtype("<i8"), False),
        ElementType(6, "uint8", np.dtype("<u1"), False),
        ElementType(7, "uint16", np.dtype("<u2"), False),
        ElementType(8, "uint32", np.dtype("<u4"), False),
        ElementType(9, "uint64", np.dtype("<u8"), False),
        ElementType(10, "float16", np.dtype("<f2"), True),
        # NumPy has no bfloat16: its bits travel as unsigned integers.
        ElementType(11, "bfloat16", np.dtype("<u2"), True),
        ElementType(12, "float32", np.dtype("<f4"), True),
        ElementType(13, "float64", np.dtype("<f8"), True),
        ElementType(14, "complex64", np.dtype("<c8"), True),
        ElementType(15, "complex128", np.dtype("<c16"), True),
    )
}

# Numbers of codecs in descriptors; one is never used again for another format.
CODECS = {
    "raw": 1,
    "lossless": 2,
    "sparse": 3,
    "grouped": 4,
    "factors": 5,
    "train": 6,
    "cp": 7,
    "tucker": 8,
    "seeded": 9,
    "stepped": 10,
}


def type_by_name(name: str) -> ElementType:
    """Return an element type; raise ValueError naming those there are."""
    for kind in TYPES.values():
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in TYPES.values())
    raise ValueError(f"element type must be one of {names}, not {name!r}")
