"""Decoding of seeded payloads, number by number, each basis drawn anew from law 1."""

from engram.arch.laws import LAWS
from sim.golden.codecs.floats import float_bits
from sim.golden.codecs.integers import aligned, unsigned
from sim.golden.laws import generate

__all__ = ["decode"]

TILE = 65536
STREAM = 4


def decode(payload: bytes, numbers: int, name: str) -> list[int]:
    """Return the bits of all numbers, as floats of this name; complex elements are two."""
    block, columns = payload[2], payload[3]
    exponent = int.from_bytes(payload[4:8], "little", signed=True)
    found = []
    start = 64
    for first in range(0, numbers, TILE):
        count = min(TILE, numbers - first)
        groups = -(-count // (16 * block))
        coefficients = start + aligned(32 * groups)
        scales = coefficients + aligned(8 * columns * groups)
        for number in range(count):
            place, i = divmod(number, block)
            group, member = divmod(place, 16)
            seed = unsigned(payload, start + 2 * place, 2)
            total = 0
            for column in range(columns):
                word = unsigned(payload, coefficients + 8 * (group * columns + column), 8)
                coefficient = word >> (4 * member) & 15
                if coefficient >= 8:
                    coefficient -= 16
                total += coefficient * _entry(seed, block, column, i)
            field, mantissa = divmod(payload[scales + group], 8)
            found.append(float_bits(total * (8 + mantissa), field + exponent, name))
        start = scales + aligned(groups)
    assert start == len(payload)
    return found


def _entry(seed: int, block: int, column: int, i: int) -> int:
    """Return entry i of a column of a seed's basis: -3, -1, 1 or 3."""
    index, place = divmod(column, 64 // (2 * block))
    word = generate(LAWS[1], 0, seed + (index << 16), stream=STREAM)
    return 2 * (word >> (2 * (place * block + i)) & 3) - 3
