"""Singular vectors of a matrix: exact ones of a small one, of a large one those of a sketch."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import LAWS
from engram.numpy_laws import generate

__all__ = ["leading", "left_basis", "rank_within", "tails"]

Reals = NDArray[np.float64]

_LARGEST_GRAM = 1024  # beyond, all singular vectors cost too much, and a sketch is taken
_SKETCH = 256
_SPARE = 16  # columns of a sketch beyond those wanted: its last ones are the least accurate
_POWERS = 2  # each sharpens the sketch by the square of the singular values' ratios


def leading(matrix: Reals, count: int) -> tuple[Reals, Reals]:
    """Return at most ``count`` left singular vectors (as columns) and their singular values.

    Large matrices go by the randomised range finder with power iterations of Halko, Martinsson
    and Tropp (SIAM Review 53, 2011); its signs are drawn from law 1, so a tensor has one encoding.
    """
    rows, columns = matrix.shape
    sketched = count + _SPARE
    if min(rows, columns) <= 3 * sketched:
        left, values, _ = np.linalg.svd(matrix, full_matrices=False)
        return left[:, :count], values[:count]
    words = generate(LAWS[1], 0, np.arange(-(-columns * sketched // 64), dtype=np.uint64))
    bits = np.unpackbits(words.view(np.uint8))[: columns * sketched]
    signs = 1.0 - 2.0 * bits.reshape(columns, sketched)
    basis = np.linalg.qr(matrix @ signs)[0]
    for _ in range(_POWERS):
        across = np.linalg.qr(matrix.T @ basis)[0]
        basis = np.linalg.qr(matrix @ across)[0]
    inner, values, _ = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    found: Reals = basis @ inner[:, :count]
    return found, values[:count]


def left_basis(matrix: Reals) -> tuple[Reals, Reals]:
    """Return left singular vectors (as columns) and values, greatest first."""
    if min(matrix.shape) > _LARGEST_GRAM:
        return leading(matrix, _SKETCH)
    # Squares lose what is below 1e-8 of the whole: finer than any core's rounding.
    if matrix.shape[0] <= matrix.shape[1]:
        squares, left = np.linalg.eigh(matrix @ matrix.T)
        order = slice(None, None, -1)
        return left[:, order], np.sqrt(np.maximum(squares[order], 0.0))
    squares, right = np.linalg.eigh(matrix.T @ matrix)
    values = np.sqrt(np.maximum(squares[::-1], 0.0))
    left = matrix @ right[:, ::-1]
    left /= np.where(values > 0, values, 1.0)
    return left, values


def tails(values: Reals) -> Reals:
    """Return what none, the first, the first two, ... singular values leave out, of the norm."""
    squares = np.append(np.cumsum(values[::-1] ** 2)[::-1], 0.0)
    left_out: Reals = np.sqrt(squares / squares[0]) if squares[0] else squares
    return left_out


def rank_within(left_out: Reals, share: float) -> int:
    """Return how many singular values leave out no more than a share; at least one."""
    return max(1, int((left_out > share).sum()))
