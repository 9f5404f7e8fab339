"""Number views: how the 64 bits of a word are read as elements of a dtype."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.arch.normal import FRACTION_BITS, SEGMENT_BITS, SEGMENTS, normal_table

__all__ = ["ELEMENTS", "Element", "element_by_name", "to_elements"]


@dataclass(frozen=True)
class Element:
    """One number view: ``lanes`` elements of NumPy type ``dtype`` in each word, low bits first."""

    name: str
    dtype: np.dtype
    lanes: int
    formula: str


ELEMENTS: dict[str, Element] = {
    element.name: element
    for element in (
        Element("uint64", np.dtype("<u8"), 1, "the word"),
        Element("float64", np.dtype("<f8"), 1, "(word >> 11) * 2**-53, in [0, 1)"),
        Element("float32", np.dtype("<f4"), 2, "(half >> 8) * 2**-24, in [0, 1)"),
        Element("int8", np.dtype("i1"), 8, "the byte, two's complement, in -128..127"),
        Element("normal", np.dtype("<f4"), 2, "inverse normal of a half, |z| < 6.4"),
        # Law 2 was published with this view; it rounds to nearest, so words from
        # 2**64 - 2**10 on give exactly 1.0.
        Element("unit64", np.dtype("<f8"), 1, "word / 2**64 rounded to nearest, in [0, 1]"),
    )
}


def element_by_name(dtype: object) -> Element:
    """Return the number view of a name or NumPy type; raise ValueError naming all there are."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if name in ELEMENTS:
        return ELEMENTS[name]
    raise ValueError(f"dtype must be one of {', '.join(ELEMENTS)}, not {dtype!r}")


def to_elements(words: NDArray[np.uint64], element: Element) -> NDArray[np.generic]:
    """Return the elements of contiguous words; shape ``words.shape + (lanes,)``, or that of
    ``words`` where a word is one element. Views share memory where no conversion is needed.
    """
    shape = words.shape if element.lanes == 1 else (*words.shape, element.lanes)
    if element.name == "uint64":
        return words
    if element.name == "float64":
        return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    if element.name == "unit64":
        return words.astype(np.float64) * 2.0**-64
    if element.name == "int8":
        return words.reshape(-1).view(np.int8).reshape(shape)
    halves = words.reshape(-1).view(np.uint32).reshape(shape)
    if element.name == "float32":
        return (halves >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    return _normals(halves)


def _normals(halves: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Apply the rule of ``engram.arch.normal`` to 32-bit halves."""
    table = normal_table()
    u = ((halves << np.uint32(1)) | np.uint32(1)).astype(np.uint64)
    # The exponent of an exactly converted float is the place of the leading one.
    octave = 32 - np.frexp(u.astype(np.float64))[1].astype(np.uint64)
    fraction = (u << (octave + np.uint64(1))) & np.uint64(0xFFFF_FFFF)
    segment = (fraction >> np.uint64(32 - SEGMENT_BITS)).astype(np.intp)
    position = ((fraction >> np.uint64(16 - SEGMENT_BITS)) & np.uint64(0xFFFF)).astype(np.int64)
    lines = table.reshape(-1, 2)[octave.astype(np.intp) * SEGMENTS + segment].astype(np.int64)
    magnitude = lines[..., 0] - ((lines[..., 1] * position) >> 16)
    signed = np.where(halves >> np.uint32(31), -magnitude, magnitude)
    # One rounding, to nearest even, at the conversion; the scale is a power of two.
    normals: NDArray[np.float32] = signed.astype(np.float32)
    normals *= np.float32(2.0**-FRACTION_BITS)
    return normals
