"""Signed little-endian integers out of bytes, and the narrowing of sums, in plain integers."""

__all__ = ["aligned", "integers", "narrow", "unsigned"]

LINE = 64


def unsigned(payload: bytes, at: int, size: int) -> int:
    """Return a field of a header."""
    return int.from_bytes(payload[at : at + size], "little")


def integers(payload: bytes, at: int, count: int, bits: int) -> list[int]:
    """Return so many signed integers that follow each other."""
    size = bits // 8
    places = range(at, at + count * size, size)
    return [int.from_bytes(payload[i : i + size], "little", signed=True) for i in places]


def aligned(at: int) -> int:
    """Return the next place where a part may begin."""
    return -(-at // LINE) * LINE


def narrow(integer: int, shift: int, bits: int) -> int:
    """Return ``saturate(round_shift(integer, shift), bits)``: halves go up, no least integer."""
    if shift:
        integer = (integer + (1 << (shift - 1))) >> shift
    largest = (1 << (bits - 1)) - 1
    return max(-largest, min(largest, integer))
