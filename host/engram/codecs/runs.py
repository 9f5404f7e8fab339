"""Runs of elements as pieces of tiles, and elements as the unsigned numbers of their bits."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import TILE_ELEMENTS, ElementType

__all__ = ["Bits", "as_bits", "bits_width", "pieces"]

Bits: TypeAlias = "NDArray[np.unsignedinteger[Any]]"


def pieces(start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Yield (tile, first, last) of the tiles that a run touches, places counted from the tile's."""
    while start < stop:
        tile, first = divmod(start, TILE_ELEMENTS)
        last = min(TILE_ELEMENTS, first + stop - start)
        yield tile, first, last
        start += last - first


def bits_width(kind: ElementType) -> int:
    """Return the bytes of a number: an element, or half of a complex one."""
    size = kind.bits.itemsize
    return size // 2 if kind.bits.kind == "c" else size


def as_bits(elements: NDArray[Any], kind: ElementType) -> Bits:
    """Return the bits of elements (one dimension) as unsigned numbers; complex ones are two."""
    return elements.view(f"<u{bits_width(kind)}")
