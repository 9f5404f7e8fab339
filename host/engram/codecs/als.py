"""Canonical polyadic decomposition by alternating least squares, with some factors held."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import LAWS
from engram.codecs.subspaces import left_basis
from engram.numpy_laws import generate

__all__ = ["decompose", "sweep"]

Reals = NDArray[np.float64]

_SWEEPS = 60
_STARTS = 2
_ENOUGH = 1e-6  # of the norm, left over: less than any core's rounding
_SETTLED = 1e-4  # a sweep that improves the error by less, of what it is, is the last


def decompose(box: Reals, rank: int) -> list[Reals]:
    """Return a factor of ``rank`` columns for each axis.

    Works on the box within its leading subspaces (Bro and Andersson 1998: the same optimum for
    far less work), from several starts drawn from law 1, and keeps the best.
    """
    bases = []
    for axis in range(box.ndim):
        unfolded = np.moveaxis(box, axis, 0).reshape(box.shape[axis], -1)
        bases.append(left_basis(unfolded)[0][:, :rank])
    small = box
    for basis in bases:
        small = np.tensordot(small, basis, axes=(0, 0))
    best: tuple[float, list[Reals]] = (float("inf"), [])
    for start in range(_STARTS):
        factors = [_drawn(length, rank, start, axis) for axis, length in enumerate(small.shape)]
        error = _settle(small, factors)
        if error < best[0]:
            best = error, factors
        if error < _ENOUGH:
            break
    return [basis @ factor for basis, factor in zip(bases, best[1], strict=True)]


def _drawn(length: int, rank: int, start: int, axis: int) -> Reals:
    """Return a near-orthonormal start: the identity, stirred a little; later ones more."""
    words = generate(
        LAWS[1], axis, np.arange(length * rank, dtype=np.uint64) + np.uint64(start << 32)
    )
    noise = (words >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    stirred: Reals = np.eye(length, rank) * (start == 0) + noise.reshape(length, rank)
    return stirred


def _settle(box: Reals, factors: list[Reals]) -> float:
    """Improve factors in place until they hardly change; return the share of the norm left."""
    last = 1.0
    for _ in range(_SWEEPS):
        left = sweep(box, factors, set())
        if left > last * (1 - _SETTLED) or left < _ENOUGH:
            break
        last = left
    return left


def _products(factors: list[Reals], rank: int) -> Reals:
    """Return the products of every row with every row of the next: Khatri and Rao's."""
    rows = np.ones((1, rank))
    for factor in factors:
        rows = (rows[:, None, :] * factor).reshape(-1, factor.shape[1])
    return rows


def sweep(box: Reals, factors: list[Reals], held: set[int]) -> float:
    """Fit each factor that is not held to the others by least squares, in place.

    Return what is left of the norm after that, to about 1e-8.
    """
    rank = factors[0].shape[1]
    size = float(np.einsum("i,i->", box.reshape(-1), box.reshape(-1)))
    left = size
    for axis in range(box.ndim):
        if axis in held:
            continue
        before, after = factors[:axis], factors[axis + 1 :]
        gram = np.ones((rank, rank))
        for factor in (*before, *after):
            gram *= factor.T @ factor
        target = _projected(box, axis, _products(before, rank), _products(after, rank))
        solved = np.linalg.lstsq(gram, target.T, rcond=None)[0]
        found: Reals = solved.T.astype(np.float64, copy=False)
        left = size - 2 * float((target * found).sum()) + float((found.T @ found * gram).sum())
        if axis < box.ndim - 1:
            # Only the last factor carries the sizes: else some columns grow and others vanish.
            length = np.linalg.norm(found, axis=0)
            found /= np.where(length > 0, length, 1.0)
        factors[axis] = found
    return (max(left, 0.0) / size) ** 0.5 if size else 0.0


def _projected(box: Reals, axis: int, left: Reals, right: Reals) -> Reals:
    """Return sums over all other axes of the box times the products of their columns."""
    length = box.shape[axis]
    if len(right) >= len(left):
        inner = (box.reshape(-1, len(right)) @ right).reshape(len(left), length, -1)
        made: Reals = np.einsum("pr,pnr->nr", left, inner)
    else:
        inner = (left.T @ box.reshape(len(left), -1)).reshape(-1, length, len(right))
        made = np.einsum("rnq,qr->nr", inner, right)
    return made
