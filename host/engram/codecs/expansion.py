"""One run of a product of integer matrices: whole rows, and of the outermost what is wanted."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["expand", "rectangles"]


def rectangles(columns: int, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut a run into (row, column, height, width): parts of rows, and whole rows between them."""
    while start < stop:
        row, column = divmod(start, columns)
        if column or stop - start < columns:
            height, width = 1, min(columns - column, stop - start)
        else:
            height, width = (stop - start) // columns, columns
        yield row, column, height, width
        start += height * width


def expand(left: NDArray[Any], right: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
    """Return elements ``start`` to ``stop``, in C order, of ``left @ right``.

    Both hold integers; ``left`` has the floating type of the sums, whose caller knows that every
    sum of products, in whatever order BLAS takes them, is exact in it. A run within a row costs
    what it holds, not what the row would.
    """
    made = np.empty(stop - start, left.dtype)
    done = 0
    for row, column, height, width in rectangles(right.shape[1], start, stop):
        part = right[:, column : column + width].astype(left.dtype)
        block = made[done : done + height * width].reshape(height, width)
        np.matmul(left[row : row + height], part, out=block)
        done += height * width
    made += 0.0  # BLAS may leave -0.0 where integers have but one zero
    return made
