"""An integer times a power of two as the bits of a float, rounded once, in plain integers."""

__all__ = ["FLOATS", "float_bits", "half_even"]

# By name: bits of the significand after the point, bits of the exponent. IEEE 754, and bfloat16.
FLOATS = {"float16": (10, 5), "bfloat16": (7, 8), "float32": (23, 8), "float64": (52, 11)}


def half_even(integer: int, drop: int) -> int:
    """Return ``integer / 2**drop`` of an integer that is not negative, rounded, ties to even."""
    if drop <= 0:
        return integer << -drop
    quotient, rest = integer >> drop, integer & ((1 << drop) - 1)
    half = 1 << (drop - 1)
    return quotient + (rest > half or (rest == half and quotient & 1))


def float_bits(integer: int, exponent: int, name: str) -> int:
    """Return the bits of ``integer * 2**exponent``; what is too large is the largest finite."""
    fraction, width = FLOATS[name]
    bias = (1 << (width - 1)) - 1
    sign = (integer < 0) << (fraction + width)
    size = abs(integer)
    if size == 0:
        return 0
    # The weight of the last place kept: that of the number's size, or of the smallest numbers.
    last = max(exponent + size.bit_length() - 1 - fraction, 1 - bias - fraction)
    kept = half_even(size, last - exponent)
    # A carry out of the significand goes into the exponent, where it belongs.
    field = last + fraction + bias
    bits = ((field - 1) << fraction) + kept
    return sign | min(bits, (((1 << width) - 1) << fraction) - 1)
