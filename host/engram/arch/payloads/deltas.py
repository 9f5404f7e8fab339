"""Versions that change the one before: what the flags of their descriptors say, and a scale's form.

A descriptor's flags are its form. A whole version stands alone. Any other is applied, element by
element, to the version whose descriptor has the digest that it names as its parent:

- ``ADD``: the payload regrows a tensor that is added, each sum rounded once to the element type.
- ``SCALE``: the payload is one number, by which every element is multiplied.
- ``FLIP``: the payload regrows a tensor whose bits are exchanged for their opposites where set.

What is no number comes out as the same bits everywhere: the positive quiet NaN without payload.
"""

import struct

__all__ = ["ADD", "FLIP", "FORMS", "SCALE", "SCALES_FLOATS", "SCALES_INTEGERS", "WHOLE"]

WHOLE, ADD, SCALE, FLIP = 0, 1, 2, 3
FORMS = {WHOLE: "whole", ADD: "add", SCALE: "scale", FLIP: "flip"}

# The number of a scale: of floats a float64, of integers an integer.
SCALES_FLOATS = struct.Struct("<d")
SCALES_INTEGERS = struct.Struct("<q")
