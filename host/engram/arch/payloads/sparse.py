"""The sparse payload: by tile, which elements have a bit that is not zero, and those elements."""

from dataclasses import dataclass
from struct import Struct

from engram.arch.payloads.parts import padded, refuse_unless, unpack
from engram.arch.tensors import ALIGNMENT

__all__ = ["VERSION", "SparseHeader", "SparseTile"]

VERSION = 1

# Version, bytes of an element, tiles, bytes of payload. At ALIGNMENT begins the table of tiles.
_HEADER = Struct("<HHIQ")
# Where the tile begins, how many elements it holds, bytes of its gaps (0: it has a bitmap).
_TILE = Struct("<QII")


@dataclass(frozen=True)
class SparseTile:
    """One entry of the table.

    At ``start``, a multiple of ALIGNMENT, begin the positions: either a bitmap, a bit for each
    element of the tile, lowest bit first; or gaps, of each element held how many were left out
    since the one before, as LEB128. At the next multiple of ALIGNMENT begin the elements. A tile
    of zeros has none of it.
    """

    start: int
    count: int
    gaps: int

    def positions(self, elements: int) -> int:
        """Return the bytes of the positions in a tile of so many elements."""
        return self.gaps or -(-elements // 8)

    def to_bytes(self) -> bytes:
        """Return the entry."""
        return _TILE.pack(self.start, self.count, self.gaps)


@dataclass(frozen=True)
class SparseHeader:
    """What holds for all tiles."""

    width: int  # bytes of an element
    tiles: int

    @property
    def first_tile(self) -> int:
        """Where the first tile begins."""
        return ALIGNMENT + padded(_TILE.size * self.tiles)

    def to_bytes(self, size: int) -> bytes:
        """Return the header of a payload of ``size`` bytes."""
        return _HEADER.pack(VERSION, self.width, self.tiles, size).ljust(ALIGNMENT, b"\0")

    @classmethod
    def from_bytes(cls, payload: memoryview, width: int, tiles: int) -> "SparseHeader":
        """Return the header of a payload for so many tiles; raise ValueError if it is not one."""
        version, own_width, own_tiles, size = unpack(_HEADER, payload)
        refuse_unless(version == VERSION, f"be a sparse one of version {VERSION}")
        refuse_unless((own_width, own_tiles) == (width, tiles), "fit the tensor")
        refuse_unless(size == len(payload), f"have {size} bytes, not {len(payload)}")
        header = cls(width, tiles)
        refuse_unless(len(payload) >= header.first_tile, "hold the table of its tiles")
        return header

    def tile(self, payload: memoryview, number: int, elements: int) -> SparseTile:
        """Return an entry; raise ValueError if the tile is not inside the payload."""
        tile = SparseTile(*unpack(_TILE, payload, ALIGNMENT + _TILE.size * number))
        refuse_unless(tile.count <= elements, f"hold at most {elements} elements in tile {number}")
        if tile.count:
            size = padded(tile.positions(elements)) + tile.count * self.width
            inside = self.first_tile <= tile.start <= tile.start + size <= len(payload)
            refuse_unless(inside, f"hold tile {number}")
        return tile
