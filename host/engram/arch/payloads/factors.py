"""Payload of a matrix as a sum of columns times rows: small integers, shifts, one exponent."""

import struct
from dataclasses import dataclass
from functools import cached_property, lru_cache

from engram.arch.payloads.parts import padded, refuse_unless
from engram.arch.tensors import ALIGNMENT

__all__ = [
    "EXACT_BITS",
    "HEADER",
    "LARGEST_EXPONENT",
    "LARGEST_RANK",
    "LARGEST_SHIFT",
    "SMALLEST_EXPONENT",
    "WIDTHS",
    "FactorsLayout",
]

# In this order, little-endian, without padding: bits of a factor's integers, a zero byte, a zero
# 16-bit word, rank, rows, columns, bound of every sum, exponent, a zero word. There follow, each
# at a multiple of ALIGNMENT: ``rank`` shifts of one byte; the left factor, rows x rank; the right
# factor, rank x columns, both in C order as signed integers.
#
# Element (i, j) of the matrix is sum over r of (left[i, r] * right[r, j] << shift[r]), times
# 2**exponent, rounded once into the tensor's type. The matrix has the tensor's numbers in C order,
# complex ones as two each.
HEADER = struct.Struct("<BBHIQQQiI")

_RANK = struct.Struct("<I")
_RANK_AT = 4

WIDTHS = (8, 16)
LARGEST_RANK = 1 << 16
LARGEST_SHIFT = 15
EXACT_BITS = 53  # sums stay below 2**53, so that float64 does them exactly, in any order
SMALLEST_EXPONENT = -1074  # of the smallest float64
LARGEST_EXPONENT = 1023


@dataclass(frozen=True)
class FactorsLayout:
    """Numbers of a header, and where the parts are."""

    width: int
    rank: int
    rows: int
    columns: int
    bound: int
    exponent: int

    @property
    def itemsize(self) -> int:
        """Bytes of one integer."""
        return self.width // 8

    @property
    def shifts_at(self) -> int:
        """Where the shifts begin."""
        return ALIGNMENT

    @cached_property
    def left_at(self) -> int:
        """Where the left factor begins."""
        return padded(self.shifts_at + self.rank)

    @cached_property
    def right_at(self) -> int:
        """Where the right factor begins."""
        return padded(self.left_at + self.rows * self.rank * self.itemsize)

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the whole payload."""
        return self.right_at + self.rank * self.columns * self.itemsize

    def header(self) -> bytes:
        """Return the header, with the zeros after it."""
        packed = HEADER.pack(
            self.width, 0, 0, self.rank, self.rows, self.columns, self.bound, self.exponent, 0
        )
        return packed.ljust(ALIGNMENT, b"\0")

    @staticmethod
    def sum_bound(width: int, shifts: bytes) -> int:
        """Return what no sum, of any of its terms, can pass: each product at its largest."""
        scaled = sum(shifts.count(shift) << shift for shift in range(LARGEST_SHIFT + 1))
        return scaled << 2 * (width - 1)

    @staticmethod
    def parse(payload: memoryview, numbers: int) -> "FactorsLayout":
        """Read the header of a payload that must hold so many numbers.

        Raises:
            ValueError: it is too short or too long, or says what cannot be.
        """
        refuse_unless(len(payload) >= ALIGNMENT, "be at least 64 bytes long")
        rank = _RANK.unpack_from(payload, _RANK_AT)[0]
        return _checked(bytes(payload[: ALIGNMENT + rank]), len(payload), numbers)


@lru_cache(maxsize=1024)
def _checked(start: bytes, nbytes: int, numbers: int) -> FactorsLayout:
    """Return what the header and the shifts say; tiles of one tensor ask again and again."""
    width, zero, word, rank, rows, columns, bound, exponent, last = HEADER.unpack_from(start)
    refuse_unless(width in WIDTHS, f"have factors of 8 or 16 bits, not {width!r}")
    refuse_unless(not (zero or word or last), "have zeros where its header has nothing")
    refuse_unless(not any(start[HEADER.size : ALIGNMENT]), "have zeros after its header")
    refuse_unless(rank <= LARGEST_RANK, f"have a rank up to {LARGEST_RANK}, not {rank!r}")
    refuse_unless(
        SMALLEST_EXPONENT <= exponent <= LARGEST_EXPONENT,
        f"have an exponent of a float64's range, not {exponent!r}",
    )
    refuse_unless(rows * columns == numbers, f"make {numbers} numbers, not {rows} x {columns}")
    layout = FactorsLayout(width, rank, rows, columns, bound, exponent)
    refuse_unless(layout.nbytes == nbytes, f"have {layout.nbytes} bytes, not {nbytes}")
    shifts = start[ALIGNMENT:]
    refuse_unless(max(shifts, default=0) <= LARGEST_SHIFT, f"shift by at most {LARGEST_SHIFT}")
    refuse_unless(
        bound == FactorsLayout.sum_bound(width, shifts) and bound.bit_length() <= EXACT_BITS,
        f"have the bound of its shifts, below 2**{EXACT_BITS}, not {bound!r}",
    )
    return layout
