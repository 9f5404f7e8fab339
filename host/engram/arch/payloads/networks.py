"""Payloads of tensor networks (train, cp, tucker): integer cores, contracted axis by axis."""

import struct
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from engram.arch.payloads.parts import padded, refuse_unless
from engram.arch.tensors import ALIGNMENT, LARGEST_NDIM

__all__ = [
    "HEADER",
    "LARGEST_RANK",
    "LARGEST_SHIFT",
    "STATE_BITS",
    "WIDTHS",
    "NetworkLayout",
]

# In this order, little-endian, without padding: bits of a factor's integers, bits of those of
# tucker's core (else 0), axes, exponent, bytes of the payload. There follow, from ALIGNMENT on,
# for every axis its length (64 bits), rank (32), shift (8) and three zero bytes; then, each at a
# multiple of ALIGNMENT, the cores as signed integers in C order.
#
# The tensor's numbers in C order (complex ones two each) fill a box of these axes. Each of the
# box's numbers begins as a state of integers, which every axis contracts with what its core has
# at the number's place on it. After axis k every integer x of the state becomes
# saturate(round_shift(x, shift[k]), STATE_BITS), except after the last axis: the one integer left
# is multiplied by 2**exponent and rounded once into the tensor's type. With ranks r[k]:
#   train  : cores r[k-1] x n[k] x r[k], r[-1] = 1; the state (1) becomes sum over a of
#            state[a] * core[a, i, b], r[k] integers; the last rank is 1.
#   cp     : cores n[k] x r, all ranks equal; the state (1, ..., 1) of r integers is multiplied
#            by core[i], one by one; after the last axis they are summed.
#   tucker : first a core r[0] x r[1] x ..., which is the first state, then cores n[k] x r[k];
#            the state loses its first axis to sum over a of core[i, a] * state[a, ...].
# round_shift(x, s) is floor((x + floor(2**(s-1))) / 2**s): halves go up.
HEADER = struct.Struct("<BBHiQ")
_AXIS = struct.Struct("<QIBBH")

WIDTHS = (8, 16)
# A state fits the wide side of the 27 x 18 multiplier of Xilinx's DSP48E2, a factor the narrow.
STATE_BITS = 27
# So that no sum of state times factor reaches 2**52, whatever its order: 26 + 15 + 11 bits.
LARGEST_RANK = 1 << 11
LARGEST_SHIFT = 52
_LARGEST_EXPONENT, _SMALLEST_EXPONENT = 1023, -1074  # those of float64


@dataclass(frozen=True)
class NetworkLayout:
    """Numbers of a header, and where the cores are.

    Attributes:
        codec: "train", "cp" or "tucker".
        lengths, ranks, shifts: one for each axis.
    """

    codec: str
    width: int
    core_width: int
    exponent: int
    lengths: tuple[int, ...]
    ranks: tuple[int, ...]
    shifts: tuple[int, ...]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the cores, tucker's own core first."""
        pairs = list(zip(self.lengths, self.ranks, strict=True))
        if self.codec == "train":
            before = (1, *self.ranks[:-1])
            return [(a, n, b) for a, (n, b) in zip(before, pairs, strict=True)]
        return [self.ranks, *pairs] if self.codec == "tucker" else list(pairs)

    @property
    def widths(self) -> list[int]:
        """Bits of each core's integers."""
        own = [self.core_width] if self.codec == "tucker" else []
        return own + [self.width] * len(self.lengths)

    @property
    def places(self) -> list[int]:
        """Where each core begins, and after them the end of the payload."""
        at = ALIGNMENT + padded(len(self.lengths) * _AXIS.size)
        places = []
        for shape, width in zip(self.shapes, self.widths, strict=True):
            places.append(at)
            end = at + prod(shape) * width // 8
            at = padded(end)
        return [*places, end]

    def header(self) -> bytes:
        """Return all that comes before the cores."""
        fixed = HEADER.pack(
            self.width, self.core_width, len(self.lengths), self.exponent, self.places[-1]
        )
        axes = b"".join(
            _AXIS.pack(length, rank, shift, 0, 0)
            for length, rank, shift in zip(self.lengths, self.ranks, self.shifts, strict=True)
        )
        return fixed.ljust(ALIGNMENT, b"\0") + axes.ljust(padded(len(axes)), b"\0")

    @staticmethod
    def parse(payload: memoryview, codec: str, numbers: int) -> "NetworkLayout":
        """Read the header of a payload that must hold so many numbers.

        Raises:
            ValueError: it is too short or too long, or says what cannot be.
        """
        longest = ALIGNMENT + padded((LARGEST_NDIM + 1) * _AXIS.size)
        return _checked(bytes(payload[:longest]), codec, len(payload), numbers)


@lru_cache(maxsize=1024)
def _checked(start: bytes, codec: str, nbytes: int, numbers: int) -> NetworkLayout:
    """Return what a header says; tiles of one tensor ask again and again."""
    refuse_unless(nbytes >= ALIGNMENT, f"be at least {ALIGNMENT} bytes long")
    width, core_width, axes, exponent, size = HEADER.unpack_from(start)
    refuse_unless(size == nbytes, f"have {size} bytes, not {nbytes}")
    refuse_unless(width in WIDTHS, f"have factors of 8 or 16 bits, not {width!r}")
    refuse_unless(
        core_width in (WIDTHS if codec == "tucker" else (0,)),
        f"have a core of bits that fit {codec}, not {core_width!r}",
    )
    refuse_unless(1 <= axes <= LARGEST_NDIM + 1, f"have 1 to 33 axes, not {axes!r}")
    refuse_unless(
        _SMALLEST_EXPONENT <= exponent <= _LARGEST_EXPONENT,
        f"have an exponent of a float64's range, not {exponent!r}",
    )
    refuse_unless(len(start) >= ALIGNMENT + axes * _AXIS.size, "hold all its axes")
    refuse_unless(not any(start[HEADER.size : ALIGNMENT]), "have zeros after its header")
    rows = [_AXIS.unpack_from(start, ALIGNMENT + k * _AXIS.size) for k in range(axes)]
    lengths, ranks, shifts, zeros, more = zip(*rows, strict=True)
    refuse_unless(not any(zeros + more), "have zeros where an axis has nothing")
    refuse_unless(prod(lengths) == numbers, f"make {numbers} numbers, not those of {lengths}")
    refuse_unless(
        all(1 <= rank <= LARGEST_RANK for rank in ranks), f"have ranks of 1 to {LARGEST_RANK}"
    )
    refuse_unless(max(shifts) <= LARGEST_SHIFT, f"shift by at most {LARGEST_SHIFT}")
    refuse_unless(shifts[-1] == 0, "not narrow the last sum")
    refuse_unless(_ranks_fit(codec, lengths, ranks), f"have ranks that {codec} can have")
    layout = NetworkLayout(codec, width, core_width, exponent, lengths, ranks, shifts)
    refuse_unless(layout.places[-1] == nbytes, f"have {layout.places[-1]} bytes, not {nbytes}")
    return layout


def _ranks_fit(codec: str, lengths: tuple[int, ...], ranks: tuple[int, ...]) -> bool:
    """Return whether no rank is more than any tensor needs, so that a tile's work is bounded."""
    if codec == "train":
        return ranks[-1] == 1 and all(
            rank <= prod(lengths[k + 1 :]) for k, rank in enumerate(ranks)
        )
    if codec == "tucker":
        return all(rank <= length for rank, length in zip(ranks, lengths, strict=True))
    return len(set(ranks)) == 1
