"""The table behind normal variates: an inverse normal distribution in 32 x 32 line segments."""

from decimal import Decimal, localcontext
from functools import cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

__all__ = ["FRACTION_BITS", "OCTAVES", "SEGMENTS", "SEGMENT_BITS", "normal_table"]

# The rule, for one 32-bit half h of a word: u = 2 * (h mod 2**31) + 1 stands for the tail
# probability u / 2**33. With z the leading zeros of the 32-bit u, its bits after the leading one,
# left-aligned in 32 bits, give a segment s (5 bits) and a position t in it (the next 16 bits).
# The magnitude is start[z, s] - (slope[z, s] * t >> 16) in units of 2**-24; bit 31 is the sign.
FRACTION_BITS = 24
OCTAVES = 32
SEGMENT_BITS = 5
SEGMENTS = 1 << SEGMENT_BITS


@cache
def normal_table() -> NDArray[np.int32]:
    """Return the table, shape (32, 32, 2), int32: start and slope of each segment, in 2**-24.

    Each line is shifted by half of its greatest deviation from the curve (at mid-segment, to
    first order). Computed in 50-digit decimals, so every machine gets the same integers.
    """
    table = np.zeros((OCTAVES, SEGMENTS, 2), np.int32)
    with localcontext() as context:
        context.prec = 50
        unit = Decimal(1 << FRACTION_BITS)
        for octave in range(OCTAVES):
            first = Decimal(1 << (OCTAVES - 1 - octave))
            edges = [_quantile(first * (1 + Decimal(i) / SEGMENTS)) for i in range(SEGMENTS + 1)]
            for segment, (near, far) in enumerate(pairwise(edges)):
                middle = _quantile(first * (1 + Decimal(2 * segment + 1) / (2 * SEGMENTS)))
                shift = (middle - (near + far) / 2) / 2
                table[octave, segment, 0] = int(((near + shift) * unit).to_integral_value())
                table[octave, segment, 1] = int(((near - far) * unit).to_integral_value())
    table.flags.writeable = False
    return table


def _quantile(u: Decimal) -> Decimal:
    """Return the z >= 0 that a normal variate exceeds with probability u / 2**33."""
    tail = u / (1 << 33)
    if tail == Decimal("0.5"):
        return Decimal(0)
    z = Decimal(-NormalDist().inv_cdf(float(tail)))
    # Two Newton steps take the 53-bit start far beyond the 2**-24 the table keeps.
    for _ in range(2):
        density = (-z * z / 2).exp() / (2 * _PI).sqrt()
        z += (_tail(z, density) - tail) / density
    return z


def _tail(z: Decimal, density: Decimal) -> Decimal:
    """Return 1 - Phi(z) by the series of Abramowitz and Stegun 26.2.11."""
    term, total, odd = z, z, 1
    while term > Decimal("1e-45"):
        odd += 2
        term = term * z * z / odd
        total += term
    return Decimal("0.5") - density * total


_PI = Decimal("3.14159265358979323846264338327950288419716939937510582")
