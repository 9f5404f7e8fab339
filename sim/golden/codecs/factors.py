"""Decoding of payloads of factors, element by element."""

from sim.golden.codecs.floats import float_bits
from sim.golden.codecs.integers import aligned, integers, unsigned

__all__ = ["decode"]


def decode(payload: bytes, numbers: int, name: str) -> list[int]:
    """Return the bits of all numbers, as floats of this name; complex elements are two."""
    bits, rank = payload[0], unsigned(payload, 4, 4)
    rows, columns, bound = (unsigned(payload, at, 8) for at in (8, 16, 24))
    (exponent,) = integers(payload, 32, 1, 32)
    assert rows * columns == numbers
    shifts = payload[64 : 64 + rank]
    at = aligned(64 + rank)
    left = integers(payload, at, rows * rank, bits)
    at = aligned(at + rows * rank * bits // 8)
    right = integers(payload, at, rank * columns, bits)
    assert at + rank * columns * bits // 8 == len(payload)
    found = []
    for i in range(rows):
        for j in range(columns):
            terms = [left[i * rank + r] * right[r * columns + j] << shifts[r] for r in range(rank)]
            assert sum(map(abs, terms)) <= bound < 2**53
            found.append(float_bits(sum(terms), exponent, name))
    return found
