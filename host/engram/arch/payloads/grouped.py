"""The grouped payload: narrow integers, and for each group of them an integer scale beside."""

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct

from engram.arch.payloads.parts import padded, refuse_unless, unpack
from engram.arch.tensors import TILE_ELEMENTS

__all__ = [
    "BLOCK",
    "EXPONENTS",
    "GROUPS",
    "PLANES",
    "VERSION",
    "GroupedForm",
    "GroupedPayload",
    "Parts",
]

VERSION = 1

BLOCK = 32  # numbers packed together
GROUPS = (32, 64, 128)
# By bits of a code, the widths of the planes that hold it, lowest bits first: an odd width is
# split, so that no code crosses a byte.
PLANES = {2: (2,), 3: (2, 1), 4: (4,), 8: (8,)}

# Version, bits, bytes of a scale, numbers in a group, whether groups have offsets, numbers, bytes
# of payload. At EXPONENTS begin those of the tiles; at the next multiple of ALIGNMENT, the tiles.
_HEADER = Struct("<HBBHHQQ")
EXPONENTS = 32
_EXPONENT = Struct("<h")


@dataclass(frozen=True)
class Parts:
    """Where the parts of one tile are, from where the tile begins; each on a multiple of ALIGNMENT.

    A plane holds, for every BLOCK of numbers, ``4 * width`` bytes; in byte j are the bits of the
    numbers ``j + 4 * width * i``, at bit ``width * i``. So bytes widen to numbers without a
    permutation, in gates as in vectors.
    """

    scales: int
    offsets: int
    planes: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class GroupedForm:
    """What is chosen under a budget.

    A number is ``(code - 2**(bits - 1) + offset) * scale * 2**exponent``: an unsigned code for
    each number, for each group a signed scale of ``width`` bytes and, if ``offsets``, a signed
    offset as wide, and for each tile a power of two.
    """

    bits: int
    group: int
    width: int
    offsets: bool

    def parts(self, numbers: int) -> Parts:
        """Return where the parts of a tile of so many numbers are."""
        return _parts(self, numbers)

    def first_tile(self, numbers: int) -> int:
        """Return where the tiles of a tensor of so many numbers begin."""
        return padded(EXPONENTS + _EXPONENT.size * -(-numbers // TILE_ELEMENTS))

    def size(self, numbers: int) -> int:
        """Return the bytes of the payload of so many numbers."""
        whole, rest = divmod(numbers, TILE_ELEMENTS)
        tiles = whole * self.parts(TILE_ELEMENTS).size + self.parts(rest).size
        return self.first_tile(numbers) + tiles


@lru_cache(maxsize=256)  # every decoding asks for the same few
def _parts(form: GroupedForm, numbers: int) -> Parts:
    beside = padded(-(-numbers // form.group) * form.width)
    at = 2 * beside if form.offsets else beside
    planes = []
    for width in PLANES[form.bits]:
        planes.append(at)
        at += padded(-(-numbers // BLOCK) * 4 * width)
    return Parts(0, beside, tuple(planes), at)


@dataclass(frozen=True)
class GroupedPayload:
    """A form and how many numbers there are; tiles here are of TILE_ELEMENTS *numbers*."""

    form: GroupedForm
    numbers: int

    def header(self) -> bytes:
        """Return the header, without exponents."""
        form = self.form
        fields = (form.bits, form.width, form.group, form.offsets, self.numbers)
        return _HEADER.pack(VERSION, *fields, form.size(self.numbers)).ljust(EXPONENTS, b"\0")

    @classmethod
    def from_bytes(cls, payload: memoryview, numbers: int) -> "GroupedPayload":
        """Return what a payload of so many numbers says; raise ValueError if it is not one."""
        version, bits, width, group, offsets, own, size = unpack(_HEADER, payload)
        refuse_unless(version == VERSION, f"be a grouped one of version {VERSION}")
        known = bits in PLANES and width in (1, 2) and group in GROUPS and offsets in (0, 1)
        refuse_unless(known, "have known bits, scales and groups")
        form = GroupedForm(bits, group, width, bool(offsets))
        refuse_unless(own == numbers, "fit the tensor")
        right = size == len(payload) == form.size(numbers)
        refuse_unless(right, f"have {form.size(numbers)} bytes, not {len(payload)}")
        return cls(form, numbers)

    def exponent(self, payload: memoryview, tile: int) -> int:
        """Return the exponent of a tile."""
        (exponent,) = unpack(_EXPONENT, payload, EXPONENTS + _EXPONENT.size * tile)
        return int(exponent)

    def tile(self, tile: int) -> tuple[int, int]:
        """Return where a tile begins, and how many numbers it has."""
        start = self.form.first_tile(self.numbers) + tile * self.form.parts(TILE_ELEMENTS).size
        return start, min(TILE_ELEMENTS, self.numbers - tile * TILE_ELEMENTS)
