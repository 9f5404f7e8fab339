"""A matrix as a sequence of integer columns times integer rows, each stage fitted to what is left.

Rounding a factor to 8 bits costs a hundredth of what it carries. So a stage rounds its columns,
fits the rows to the *rounded* columns by least squares, rounds the rows, and hands on what is
left, errors of rounding included: a few more columns in the next stage take them away.
"""

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.factors import (
    LARGEST_EXPONENT,
    LARGEST_RANK,
    LARGEST_SHIFT,
    SMALLEST_EXPONENT,
)
from engram.codecs.measuring import magnitude, norm
from engram.codecs.subspaces import leading

__all__ = ["Pursuit"]

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

_STAGE = 64  # most columns of one stage: what is left is looked at again after so many
# Columns below this share of a stage's first wait: what rounding that one costs may be greater.
_SHARE = {8: 2.0**-5, 16: 2.0**-12}


class Pursuit:
    """The columns found so far: any first few of them are a factorisation, each with its error.

    The sequence depends on the matrix and the width alone, never on a budget; so of two budgets
    the larger can always choose what the smaller chose.

    Attributes:
        exponent: of what a shift of zero counts.
        left, right: the integers of each column and row, in the order found.
        shifts: the left shift of each.
        errors: relative error with none, the first, the first two, ... before rounding to a type.
    """

    def __init__(self, matrix: Reals, width: int) -> None:
        self.width = width
        self.left: list[Integers] = []
        self.right: list[Integers] = []
        self.shifts: list[int] = []
        # Numbers between -1 and 1, so that no square overflows or vanishes.
        self._scale = magnitude(matrix)
        self._rest = np.ldexp(matrix, -self._scale)
        self._size = norm(self._rest)
        self._lowest: int | None = None
        self.errors = [1.0 if self._size else 0.0]

    @property
    def exponent(self) -> int:
        """The power of two of the finest step."""
        return 0 if self._lowest is None else self._lowest + self._scale

    def reach(self, columns: int, error: float, needed: float = 1.0) -> None:
        """Find stages until there are so many columns, or the error is so small, or no more help,
        or so many columns cannot bring it down to what is ``needed``.

        A stage is never cut, so there may be more columns than asked for.
        """
        columns = min(columns, LARGEST_RANK)
        while len(self.left) < columns and self.errors[-1] > error:
            if not self._stage(columns - len(self.left), needed):
                break

    def _stage(self, allowed: int, needed: float) -> bool:
        """Find some more columns; return whether there may be more after them."""
        most = (1 << (self.width - 1)) - 1
        vectors, values = leading(self._rest, _STAGE)
        # No column to come takes away more than the first.
        least = self.errors[-1] ** 2 - allowed * (float(values[0]) / self._size) ** 2
        if least > needed**2:
            return False
        vectors = vectors[:, (values > 0) & (values >= values[0] * _SHARE[self.width])]
        if not vectors.size:
            return False
        left = np.rint(vectors * (most / np.abs(vectors).max(axis=0)))
        gram = left.T @ left
        projected = left.T @ self._rest
        right = np.linalg.lstsq(gram, projected, rcond=None)[0]
        steps = np.frexp(np.abs(right).max(axis=1) / most)[1].astype(int)
        shifts, right = self._quantised(right, steps, most)
        useful = right.any(axis=1)
        if not useful.any():
            return False
        left, right, shifts = left[:, useful], right[useful], shifts[useful]
        assert self._lowest is not None
        scaled = np.ldexp(right, (shifts + self._lowest)[:, None])
        # |E - sum of a b'|**2 = |E|**2 - 2 sum a'Eb + sum (a'c)(b'd), for the first few pairs.
        gained = np.cumsum(2 * (projected[useful] * scaled).sum(axis=1))
        crossed = gram[np.ix_(useful, useful)] * (scaled @ scaled.T)
        spent = np.cumsum(2 * np.tril(crossed).sum(axis=1) - np.diag(crossed))
        squares = norm(self._rest) ** 2 - gained + spent
        rest = self._rest - left @ scaled
        errors = np.sqrt(np.maximum(squares, 0.0)) / self._size
        errors[-1] = norm(rest) / self._size
        if errors[-1] >= self.errors[-1]:
            return False
        self._rest = rest
        self.left += list(left.T.astype(np.int64))
        self.right += list(right.astype(np.int64))
        self.shifts += shifts.tolist()
        self.errors += errors.tolist()
        return bool(useful.all())  # else the finest step is too coarse for what is left

    def _quantised(self, right: Reals, steps: Integers, most: int) -> tuple[Integers, Reals]:
        """Return shifts and integers; the first stage sets the finest step of all."""
        if self._lowest is None:
            lowest = max(int(steps.max()) - LARGEST_SHIFT, SMALLEST_EXPONENT - self._scale)
            self._lowest = min(lowest, LARGEST_EXPONENT - self._scale)
        shifts = np.clip(steps - self._lowest, 0, LARGEST_SHIFT)
        integers = np.rint(np.ldexp(right, -(shifts + self._lowest)[:, None]))
        return shifts, np.clip(integers, -most, most)
