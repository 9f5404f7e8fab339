"""The lossless payload: streams of filtered bytes, each compressed on its own, by tile."""

from dataclasses import dataclass
from enum import IntFlag
from struct import Struct

from engram.arch.payloads.parts import refuse_unless, unpack
from engram.arch.payloads.streams import Place, find_streams, first_stream
from engram.arch.tensors import ALIGNMENT

__all__ = ["VERSION", "Filter", "LosslessHeader"]

VERSION = 1

# Version, filters, bytes of a number, zero, tiles, zero, bytes of payload. At ALIGNMENT begins the
# table of streams, those of a tile together; each stream begins at a multiple of ALIGNMENT.
_HEADER = Struct("<HHHHIIQ")


class Filter(IntFlag):
    """What is done to the numbers of a tile before its streams are compressed, in this order."""

    DELTA = 1  # each number less its predecessor in the tile, modulo its width
    ROTATE = 2  # each number's bits rotated left by one: the sign leaves the exponent alone
    SHUFFLE = 4  # a stream of every number's lowest byte, one of its second, and so on; else one


@dataclass(frozen=True)
class LosslessHeader:
    """What holds for all tiles."""

    filters: Filter
    width: int  # bytes of a number; a complex element is two
    tiles: int

    @property
    def streams(self) -> int:
        """How many streams a tile has."""
        return self.width if self.filters & Filter.SHUFFLE else 1

    @property
    def first_stream(self) -> int:
        """Where the first stream begins."""
        return first_stream(self.streams * self.tiles)

    def to_bytes(self, size: int) -> bytes:
        """Return the header of a payload of ``size`` bytes."""
        fields = (VERSION, self.filters, self.width, 0, self.tiles, 0, size)
        return _HEADER.pack(*fields).ljust(ALIGNMENT, b"\0")

    @classmethod
    def from_bytes(cls, payload: memoryview, width: int, tiles: int) -> "LosslessHeader":
        """Return the header of a payload for so many tiles; raise ValueError if it is not one."""
        version, filters, own_width, _, own_tiles, _, size = unpack(_HEADER, payload)
        refuse_unless(version == VERSION, f"be a lossless one of version {VERSION}")
        refuse_unless((own_width, own_tiles) == (width, tiles), "fit the tensor")
        refuse_unless(size == len(payload), f"have {size} bytes, not {len(payload)}")
        refuse_unless(filters <= 7, "have known filters")
        header = cls(Filter(filters), width, tiles)
        refuse_unless(len(payload) >= header.first_stream, "hold the table of its streams")
        return header

    def places(self, payload: memoryview, tile: int) -> list[Place]:
        """Return where a tile's streams are; raise ValueError if that is not in the payload."""
        return find_streams(payload, self.streams * tile, self.streams, self.streams * self.tiles)
