"""The cosine transform by blocks: forward by SciPy, backward in integers that are law."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.images import BASIS_BITS, COEFFICIENT_BITS, FRACTION_BITS

__all__ = ["Blocks", "backward", "forward", "grid_of"]

# (rows of blocks, columns of blocks, rows in a block, columns in a block)
Blocks = NDArray[Any]


def grid_of(height: int, width: int, block: int) -> tuple[int, int]:
    """Return how many rows and columns of blocks cover a plane."""
    return -(-height // block), -(-width // block)


def forward(plane: NDArray[np.int64], block: int) -> tuple[Blocks, Blocks]:
    """Return the means of the blocks, transformed as one block, and the blocks with 0 for these.

    Both are orthonormal and of float64: an error of the coefficients is as large in the pixels.
    """
    from scipy.fft import dctn

    height, width = plane.shape
    rows, columns = grid_of(height, width, block)
    whole = np.pad(plane, ((0, rows * block - height), (0, columns * block - width)), mode="edge")
    cut = whole.reshape(rows, block, columns, block).swapaxes(1, 2).astype(np.float64)
    blocks = dctn(cut, axes=(2, 3), norm="ortho")
    means = dctn(blocks[:, :, 0, 0], norm="ortho")[None, None]
    blocks[:, :, 0, 0] = 0
    return means, blocks


def backward(means: Blocks, blocks: Blocks, height: int, width: int) -> NDArray[np.int64]:
    """Return the plane of coefficients in 2**-FRACTION_BITS, each pixel rounded once, half up.

    The sums are of integers, so they are the same on every machine: see `_product`.
    """
    blocks = _bounded(blocks)
    blocks[:, :, 0, 0] = _bounded(_rounded(_inverse(_bounded(means)), BASIS_BITS))[0, 0]
    whole = _rounded(_inverse(blocks), BASIS_BITS + FRACTION_BITS)
    rows, columns, tall, wide = whole.shape
    plane = whole.swapaxes(1, 2).reshape(rows * tall, columns * wide)
    return plane[:height, :width]


def _inverse(blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the inverse transform, in 2**-BASIS_BITS of the unit of its argument."""
    down = _rounded(_product(_basis(blocks.shape[2]).T, blocks), BASIS_BITS)
    return _product(down, _basis(blocks.shape[3]))


def _product(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a product of matrices by BLAS in float64.

    Coefficients are below 2**23. A column of the basis of N cosines sums to less than
    2**14 * sqrt(2 N), N is at most 2**11, so the first product stays below 2**43; brought back
    by 14 bits and multiplied again it stays below 2**49. Integers below 2**53 are exact in
    float64, and so is every partial sum of them in any order.
    """
    exact = np.matmul(left.astype(np.float64), right.astype(np.float64))
    product: NDArray[np.int64] = exact.astype(np.int64)
    return product


@lru_cache(maxsize=32)
def _basis(size: int) -> NDArray[np.int64]:
    """Return the orthonormal cosines, (frequency, place), in 2**-BASIS_BITS.

    None of them lies near a half, where two libraries of cosines could round apart: a test looks.
    """
    frequency, place = np.ogrid[:size, :size]
    # Reduced to one turn in integers, so that the cosine's argument is small and exact to the bit.
    turns = (2 * place + 1) * frequency % (4 * size)
    waves = np.cos(turns * (np.pi / (2 * size))) * np.sqrt(2 / size)
    waves[0] = np.sqrt(1 / size)
    basis: NDArray[np.int64] = np.rint(waves * (1 << BASIS_BITS)).astype(np.int64)
    return basis


def _bounded(coefficients: Blocks) -> NDArray[np.int64]:
    most = (1 << COEFFICIENT_BITS) - 1
    bounded: NDArray[np.int64] = np.clip(coefficients, -most, most).astype(np.int64)
    return bounded


def _rounded(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    return (values + (1 << bits - 1)) >> bits
