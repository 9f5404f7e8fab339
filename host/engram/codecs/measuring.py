"""How large numbers are, and how far rounding takes them."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import ElementType

__all__ = ["magnitude", "norm", "rounding_error"]

Reals = NDArray[np.float64]


def magnitude(exact: Reals) -> int:
    """Return the least e with all numbers below 2**e; 0 if all are zero."""
    largest = float(np.abs(exact).max(initial=0.0))
    return int(np.frexp(largest)[1]) if largest else 0


def norm(exact: Reals) -> float:
    """Return the Frobenius norm of numbers below some 2**500, so that squares do not overflow."""
    flat = exact.reshape(-1)
    return float(np.sqrt(flat @ flat))


def rounding_error(kind: ElementType) -> float:
    """Return about the relative error that rounding to a type makes, whatever comes before."""
    if kind.name == "bfloat16":
        bits = 8
    else:
        bits = int(np.finfo(kind.bits.type(0).real.dtype).nmant) + 1
    return 2.0**-bits / 3**0.5
