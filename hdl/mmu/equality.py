"""Equality of page numbers, as few LUTs as it can be."""

from amaranth.hdl import Cat, Value

__all__ = ["equal"]

LUT_PAIRS = 3  # pairs of bits that a LUT of six inputs compares


def equal(one: Value, other: Value, *conditions: Value) -> Value:
    """Return whether two values of one width are equal and all conditions, bits, hold.

    A LUT says of each three bits whether they agree, and adding 1 carries through all these if
    they all do. The carry chain costs nothing beside its LUTs; left as gates, synthesis makes a
    tree of them that needs twice as many.
    """
    agree = Cat(
        *conditions,
        *(
            one[low : low + LUT_PAIRS] == other[low : low + LUT_PAIRS]
            for low in range(0, len(one), LUT_PAIRS)
        ),
    )
    return (agree + 1)[len(agree)]
