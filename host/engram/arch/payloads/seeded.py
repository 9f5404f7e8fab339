"""The seeded payload: of each block of numbers a seed, which draws a basis, and coefficients."""

from dataclasses import dataclass
from struct import Struct

from engram.arch.payloads.parts import padded, refuse_unless, unpack
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS

__all__ = [
    "BASIS_SEED",
    "BASIS_STREAM",
    "BLOCKS",
    "BLOCK_SIZES",
    "COEFFICIENTS",
    "ENTRY_BITS",
    "LARGEST_EXPONENT",
    "MANTISSA_BITS",
    "MOST_COLUMNS",
    "SEEDS",
    "SMALLEST_EXPONENT",
    "VERSION",
    "SeededForm",
    "SeededParts",
    "SeededPayload",
]

VERSION = 1

# The basis of a block comes from law 1 with this seed and stream, whatever memory it is in: the
# word at address ``seed + (k << 16)`` holds as many whole columns as fit, lowest bits first, and
# k counts the words. Entry i of a column is ``2 * field - 3`` of its field of ENTRY_BITS bits.
# A linear feedback shift register instead, drawing the same four values, made errors 1.7 % larger
# over six sorts of weights; entries of 3 or 4 bits, or ternary ones, were within 1 % of these.
BASIS_SEED = 0
BASIS_STREAM = 4
SEEDS = 1 << 16
ENTRY_BITS = 2

BLOCK_SIZES = (8, 16)  # numbers in a block: a column is a quarter or a half of a word
BLOCKS = 16  # in a group; they share a scale
COEFFICIENTS = (-8, 7)
MOST_COLUMNS = 8
MANTISSA_BITS = 3

SMALLEST_EXPONENT = -1074  # of the smallest float64
LARGEST_EXPONENT = 1000

# Version, numbers in a block, columns of a basis, exponent, numbers, bytes of payload. The tiles
# begin at ALIGNMENT.
_HEADER = Struct("<HBBiQQ")


@dataclass(frozen=True)
class SeededParts:
    """Where the parts of one tile are, from where the tile begins; each on a multiple of ALIGNMENT.

    A tile is whole groups; what is behind its last number means nothing. A group has 32 bytes of
    seeds (unsigned, 16 bits); ``columns`` words of coefficients, column by column, that of block i
    signed in bits ``4 * i`` to ``4 * i + 3``; and one byte of scale.
    """

    seeds: int
    coefficients: int
    scales: int
    size: int


@dataclass(frozen=True)
class SeededForm:
    """What is chosen under a budget: ``columns`` coefficients for each ``block`` of numbers.

    A number is ``sum(coefficient * entry) * (8 + mantissa) * 2**(field + exponent)``: the scale's
    byte is its mantissa of three bits, and above it the field of five; the exponent is the whole
    tensor's. That product stays below 2**12.
    """

    block: int
    columns: int

    @property
    def group(self) -> int:
        """How many numbers share a scale."""
        return BLOCKS * self.block

    @property
    def columns_of_word(self) -> int:
        """How many columns one word of the law makes."""
        return 64 // (ENTRY_BITS * self.block)

    @property
    def words(self) -> int:
        """How many words of the law make a basis."""
        return -(-self.columns // self.columns_of_word)

    def groups(self, numbers: int) -> int:
        """Return how many groups hold so many numbers."""
        return -(-numbers // self.group)

    def parts(self, numbers: int) -> SeededParts:
        """Return where the parts of a tile of so many numbers are."""
        groups = self.groups(numbers)
        coefficients = padded(2 * BLOCKS * groups)
        scales = coefficients + padded(8 * self.columns * groups)
        return SeededParts(0, coefficients, scales, scales + padded(groups))

    def size(self, numbers: int) -> int:
        """Return the bytes of the payload of so many numbers."""
        whole, rest = divmod(numbers, TILE_ELEMENTS)
        tiles = whole * self.parts(TILE_ELEMENTS).size + self.parts(rest).size
        return ALIGNMENT + tiles


@dataclass(frozen=True)
class SeededPayload:
    """A form, a tensor's exponent and its numbers; tiles here are of TILE_ELEMENTS *numbers*."""

    form: SeededForm
    exponent: int
    numbers: int

    def header(self) -> bytes:
        """Return the header, with the zeros after it."""
        form = self.form
        fields = (form.block, form.columns, self.exponent, self.numbers, form.size(self.numbers))
        return _HEADER.pack(VERSION, *fields).ljust(ALIGNMENT, b"\0")

    @classmethod
    def from_bytes(cls, payload: memoryview, numbers: int) -> "SeededPayload":
        """Return what a payload of so many numbers says; raise ValueError if it is not one."""
        version, block, columns, exponent, own, size = unpack(_HEADER, payload)
        refuse_unless(version == VERSION, f"be a seeded one of version {VERSION}")
        known = block in BLOCK_SIZES and 1 <= columns <= MOST_COLUMNS
        refuse_unless(known, "have blocks of 8 or 16 numbers and 1 to 8 columns")
        within = SMALLEST_EXPONENT <= exponent <= LARGEST_EXPONENT
        refuse_unless(within, f"have an exponent of a float64's range, not {exponent!r}")
        refuse_unless(own == numbers, "fit the tensor")
        form = SeededForm(block, columns)
        right = size == len(payload) == form.size(numbers)
        refuse_unless(right, f"have {form.size(numbers)} bytes, not {len(payload)}")
        rest = payload[_HEADER.size : ALIGNMENT]
        refuse_unless(not any(rest), "have zeros where its header has nothing")
        return cls(form, exponent, numbers)

    def tile(self, tile: int) -> tuple[int, int]:
        """Return where a tile begins, and how many numbers it has."""
        start = ALIGNMENT + tile * self.form.parts(TILE_ELEMENTS).size
        return start, min(TILE_ELEMENTS, self.numbers - tile * TILE_ELEMENTS)
