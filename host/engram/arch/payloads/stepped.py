"""The stepped payload: whole multiples of one step, as streams of their bytes, by tile."""

from dataclasses import dataclass
from struct import Struct

from engram.arch.payloads.parts import refuse_unless, unpack
from engram.arch.payloads.streams import Place, find_streams, first_stream
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS

__all__ = ["LARGEST_EXPONENT", "LARGEST_LOW", "LARGEST_MANTISSA", "VERSION", "SteppedHeader"]

VERSION = 1

LARGEST_LOW = 8  # bits
LARGEST_MANTISSA = 1 << 16
LARGEST_EXPONENT = 2000  # of either sign: no number of any type needs more

# Version, low bits, numbers together, mantissa and exponent of the step, zero, numbers, bytes of
# payload. At ALIGNMENT begins the table of streams: for each tile one of the multiples without
# their low bits, and one of the low bits, if there are any.
_HEADER = Struct("<HBBIiIQQ")


@dataclass(frozen=True)
class SteppedHeader:
    """A number is ``(high * 2**low_bits + low) * mantissa * 2**exponent``.

    The first stream has a byte for so many numbers ``together``, 1, 2 or 4, the first one in its
    lowest bits: each is ``high``, signed, of 8, 4 or 2 bits. The second has the low bits, those of
    the first number in the lowest bits of the first byte, without a gap. Tiles are of
    TILE_ELEMENTS *numbers*.
    """

    low_bits: int
    together: int
    mantissa: int
    exponent: int
    numbers: int

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return -(-self.numbers // TILE_ELEMENTS)

    @property
    def streams(self) -> int:
        """How many streams a tile has."""
        return 2 if self.low_bits else 1

    @property
    def first_stream(self) -> int:
        """Where the first stream begins."""
        return first_stream(self.streams * self.tiles)

    def to_bytes(self, size: int) -> bytes:
        """Return the header of a payload of ``size`` bytes."""
        fields = (self.low_bits, self.together, self.mantissa, self.exponent, 0, self.numbers)
        return _HEADER.pack(VERSION, *fields, size).ljust(ALIGNMENT, b"\0")

    @classmethod
    def from_bytes(cls, payload: memoryview, numbers: int) -> "SteppedHeader":
        """Return the header of a payload of so many numbers; raise ValueError if it is not one."""
        version, low_bits, together, mantissa, exponent, _, own, size = unpack(_HEADER, payload)
        refuse_unless(version == VERSION, f"be a stepped one of version {VERSION}")
        refuse_unless(own == numbers, "fit the tensor")
        refuse_unless(size == len(payload), f"have {size} bytes, not {len(payload)}")
        known = low_bits <= LARGEST_LOW and together in (1, 2, 4)
        known &= mantissa < LARGEST_MANTISSA
        refuse_unless(known and abs(exponent) <= LARGEST_EXPONENT, "have known bits and step")
        header = cls(low_bits, together, mantissa, exponent, numbers)
        refuse_unless(len(payload) >= header.first_stream, "hold the table of its streams")
        return header

    def sizes(self, tile: int) -> tuple[int, ...]:
        """Return the bytes of a tile's streams before they were compressed."""
        numbers = min(TILE_ELEMENTS, self.numbers - tile * TILE_ELEMENTS)
        both = -(-numbers // self.together), -(-numbers * self.low_bits // 8)
        return both[: self.streams]

    def places(self, payload: memoryview, tile: int) -> list[Place]:
        """Return where a tile's streams are; raise ValueError if that is not in the payload."""
        return find_streams(payload, self.streams * tile, self.streams, self.streams * self.tiles)
