"""Number views of a word, element by element."""

import struct

from engram.arch.normal import FRACTION_BITS, SEGMENT_BITS, normal_table

__all__ = ["elements"]


def elements(word: int, name: str) -> list[int | float]:
    """Return the elements of one word, lowest bits first, each exactly as the dtype holds it."""
    halves = (word & 0xFFFF_FFFF, word >> 32)
    if name == "uint64":
        return [word]
    if name == "float64":
        return [(word >> 11) / 2**53]
    if name == "unit64":
        return [word / 2**64]  # Python divides integers with one correct rounding
    if name == "float32":
        return [(half >> 8) / 2**24 for half in halves]
    if name == "int8":
        octets = [word >> shift & 0xFF for shift in range(0, 64, 8)]
        return [octet - 256 if octet >= 128 else octet for octet in octets]
    assert name == "normal"
    return [_single(_normal(half) / 2**FRACTION_BITS) for half in halves]


def _normal(half: int) -> int:
    """Return a normal variate in units of 2**-24, by the rule of ``engram.arch.normal``."""
    u = 2 * (half & 0x7FFF_FFFF) + 1
    octave = 32 - u.bit_length()
    fraction = (u << (octave + 1)) & 0xFFFF_FFFF
    segment = fraction >> (32 - SEGMENT_BITS)
    position = (fraction >> (16 - SEGMENT_BITS)) & 0xFFFF
    start, slope = (int(entry) for entry in normal_table()[octave, segment])
    magnitude = start - (slope * position >> 16)
    return -magnitude if half >> 31 else magnitude


def _single(x: float) -> float:
    """Round to the nearest float32, ties to even."""
    (rounded,) = struct.unpack("<f", struct.pack("<f", x))
    return float(rounded)
