"""The search for seeds: which of all bases, with which small coefficients, comes nearest."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.seeded import BLOCKS, SEEDS, SeededForm
from engram.codecs.seeded_blocks import basis_entries
from engram.cpu.blocks import Block
from engram.cpu.library import library

__all__ = ["WIDEST", "Fit", "fit", "largest_scale"]

Singles = NDArray[np.float32]

WIDEST = 6  # columns of the bases that are searched
_BATCH = 256  # numbers, as the kernel takes them
_CHUNK = 128  # groups: their candidates stay in the second-level cache

# Runs of seeds, 64 if not told here: with more, errors were less than 1 % smaller.
_RUNS = {(8, 5): 128, (8, 6): 256}

# A first guess of a group's scale, in units of its root mean square: what was best with Gaussian
# numbers, from 0.058 with six columns to 0.087 with two.
_GUESS = 0.06
_HEADROOM = 4.0  # by how much the best scale may be larger than the guess


@dataclass(frozen=True)
class Fit:
    """Seeds (blocks,) uint16, coefficients (blocks, columns) int8, codes of scales (groups,)."""

    seeds: NDArray[np.uint16]
    coefficients: NDArray[np.int8]
    codes: NDArray[np.uint8]


@lru_cache(maxsize=2)
def _bases(block: int) -> tuple[Singles, Singles]:
    """Return orthonormal columns (seeds, WIDEST, block), and the triangles that make the bases.

    The first columns are those of the first columns' basis, so that one table does for them all. A
    column that the earlier ones make already becomes as good as zeros, its diagonal element 1.
    """
    columns = basis_entries(block, WIDEST).astype(np.float64)
    triangles = np.zeros((SEEDS, WIDEST, WIDEST))
    for column in range(WIDEST):
        rest = columns[:, column]
        for _ in range(2):  # what rounding leaves of the others goes in the second turn
            for other in range(column):
                share = np.einsum("si,si->s", columns[:, other], rest)
                triangles[:, other, column] += share
                rest -= share[:, None] * columns[:, other]
        size = np.sqrt(np.einsum("si,si->s", rest, rest))
        # Entries are integers, so what is left of one is far from zero or is rounding.
        dependent = size < 1e-6
        rest /= np.where(dependent, 1.0, size)[:, None]
        triangles[:, column, column] = np.where(dependent, 1.0, size)
    return columns.astype(np.float32), triangles.astype(np.float32)


def _guesses(groups: Singles) -> Singles:
    squares: Singles = np.einsum("gi,gi->g", groups, groups) / np.float32(groups.shape[1])
    return np.float32(_GUESS) * np.sqrt(squares)


def largest_scale(groups: Singles) -> float:
    """Return the largest scale that may be wanted for groups of numbers (groups, numbers)."""
    return _HEADROOM * float(_guesses(groups).max(initial=0.0))


def fit(numbers: Singles, form: SeededForm, values: Singles, seeds: int) -> Fit:
    """Fit whole groups of numbers, of magnitudes below 1, with the first ``seeds`` seeds.

    Of each run of seeds one basis is tried: that in which most of a block's square lies. Handicaps
    for what rounding its coefficients would leave changed errors by less than 2 %, both ways.

    Args:
        numbers: (groups, numbers in a group), float32.
        values: (256,), what the codes of scales mean, in the same unit.
    """
    runs = min(seeds, _RUNS.get((form.block, form.columns), 64))
    found = [
        _fit_chunk(numbers[start : start + _CHUNK], form, values, seeds // runs, runs)
        for start in range(0, len(numbers), _CHUNK)
    ]
    return Fit(
        np.concatenate([each.seeds for each in found]),
        np.concatenate([each.coefficients for each in found]),
        np.concatenate([each.codes for each in found]),
    )


def _fit_chunk(numbers: Singles, form: SeededForm, values: Singles, run: int, runs: int) -> Fit:
    kernels = library("tensors")
    bases, triangles = _bases(form.block)
    groups, blocks = len(numbers), len(numbers) * BLOCKS
    lanes = _BATCH // form.block
    batches = -(-blocks // lanes)
    batch = Block(batches * _BATCH // 2)
    spread = batch.words.view(np.float32).reshape(batches, form.block, lanes)
    padded = np.zeros((batches * lanes, form.block), np.float32)
    padded[:blocks] = numbers.reshape(blocks, form.block)
    spread[:] = padded.reshape(batches, lanes, form.block).transpose(0, 2, 1)
    energies = np.empty((runs, batches * lanes), np.float32)
    seeds = np.empty((runs, batches * lanes), np.uint32)
    kernels.search_seeds(
        bases.ctypes.data,
        bases.strides[0],
        form.block,
        form.columns,
        run,
        runs,
        batch.address,
        batches,
        energies.ctypes.data,
        seeds.ctypes.data,
    )
    own_energies = np.ascontiguousarray(energies.T[:blocks])
    own_seeds = np.ascontiguousarray(seeds.T[:blocks])
    scratch = np.empty(BLOCKS * runs * (form.columns + 1), np.float32)
    codes = np.minimum(np.searchsorted(values, _guesses(numbers)), 255).astype(np.uint32)
    coefficients = np.empty((2, blocks, form.columns), np.float32)
    kernels.fit_groups(
        bases.ctypes.data,
        triangles.ctypes.data,
        WIDEST,
        form.block,
        form.columns,
        padded.ctypes.data,
        groups,
        own_energies.ctypes.data,
        own_seeds.ctypes.data,
        runs,
        values.ctypes.data,
        scratch.ctypes.data,
        codes.ctypes.data,
        coefficients.ctypes.data,
    )
    return Fit(
        own_seeds[:, 0].astype(np.uint16),
        coefficients[0].astype(np.int8),
        codes.astype(np.uint8),
    )
