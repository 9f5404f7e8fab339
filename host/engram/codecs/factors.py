"""Low rank: a matrix as a few columns times rows of small integers, regrown by exact sums."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.factors import (
    EXACT_BITS,
    LARGEST_EXPONENT,
    WIDTHS,
    FactorsLayout,
)
from engram.codecs.blas import one_thread
from engram.codecs.choice import Choice
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.factor_products import multiply
from engram.codecs.measuring import rounding_error
from engram.codecs.pursuit import Pursuit
from engram.codecs.rounding import finite, reals

__all__ = ["FactorsCodec", "fold"]

Reals = NDArray[np.float64]

# Below so many times the error of rounding to the type, or with so few numbers, a candidate's
# error is measured and not foretold; and only candidates are looked at that foretell this gain.
_MEASURED = 16.0
_FEW = 1 << 14
_GAIN = 0.99


def fold(geometry: Geometry) -> tuple[int, int]:
    """Return rows and columns: the tensor's axes cut in two groups, as square as they allow."""
    numbers = _numbers(geometry)
    lengths = (*geometry.shape, numbers // max(geometry.size, 1))
    cuts = accumulate(lengths, lambda rows, length: rows * length, initial=1)
    rows = min(cuts, key=lambda rows: rows + numbers // rows)
    return rows, numbers // rows


def _numbers(geometry: Geometry) -> int:
    return geometry.size * (2 if geometry.kind.bits.kind == "c" else 1)


@dataclass(frozen=True)
class _Candidate:
    """The first columns of a pursuit."""

    pursuit: Pursuit
    rank: int
    layout: FactorsLayout

    @property
    def foretold(self) -> float:
        return self.pursuit.errors[self.rank]

    def payload(self) -> bytes:
        pursuit, layout = self.pursuit, self.layout
        integers = np.dtype(f"<i{layout.itemsize}")
        spare = min(pursuit.shifts[: self.rank], default=0)
        out = bytearray(layout.nbytes)
        out[: layout.shifts_at] = layout.header()
        if self.rank:
            shifts = bytes(shift - spare for shift in pursuit.shifts[: self.rank])
            out[layout.shifts_at : layout.shifts_at + self.rank] = shifts
            left = np.stack(pursuit.left[: self.rank], axis=1).astype(integers).tobytes()
            out[layout.left_at : layout.left_at + len(left)] = left
            right = np.stack(pursuit.right[: self.rank]).astype(integers).tobytes()
            out[layout.right_at :] = right
        return bytes(out)


class FactorsCodec(Codec):
    """Any tensor as a matrix of low rank, with columns and rows of 8 or 16 bits.

    A tile costs the rows it lies in and, of the right factor, the columns it lies in: for a
    tensor of one long row nothing but what the tile needs, else the whole right factor.
    """

    name = "factors"
    lossless = False

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        """Encode with factors of these widths, the best of them; any width is decoded.

        Raises:
            ValueError: there is a width that is neither 8 nor 16, or none at all.
        """
        if not widths or not set(widths) <= set(WIDTHS):
            raise ValueError(f"widths must be 8, 16 or both, not {widths!r}")
        self._widths = widths

    def accepts(self, geometry: Geometry, values: NDArray[Any]) -> bool:
        """Return whether these are finite numbers that may be rounded."""
        kind = geometry.kind
        return kind.lossy and geometry.size > 0 and finite(values.reshape(-1), kind)

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        """Return the best first columns of a sequence of them, or None if none are good enough."""
        if budget.exact or not self.accepts(geometry, values):
            return None
        exact = reals(values.reshape(-1), geometry.kind).reshape(fold(geometry))
        with one_thread():
            return self._chosen(values, geometry, budget, exact)

    def _chosen(
        self, values: NDArray[Any], geometry: Geometry, budget: Budget, exact: Reals
    ) -> bytes | None:
        choice = Choice(budget, geometry.nbytes)
        enough = rounding_error(geometry.kind) / 8
        if budget.error is not None:
            enough = max(enough, budget.error * _GAIN**2)
        for width in self._widths:
            pursuit = Pursuit(exact, width)
            allowed = choice.most * 8 // (width * sum(exact.shape))
            pursuit.reach(allowed, enough, 1.0 if budget.error is None else budget.error)
            for candidate in _candidates(pursuit, exact.shape):
                if candidate.layout.nbytes > choice.most:
                    break
                error = self._error(candidate, values, geometry)
                if budget.error is None or error <= budget.error:
                    choice.offer(candidate.payload(), error)
        return choice.best

    def _error(self, candidate: _Candidate, values: NDArray[Any], geometry: Geometry) -> float:
        """Return a candidate's relative error, measured wherever rounding to the type matters."""
        unavoidable = rounding_error(geometry.kind)
        if geometry.size > _FEW and candidate.foretold > _MEASURED * unavoidable:
            return hypot(candidate.foretold, unavoidable)
        return deviation(self, candidate.payload(), values, geometry).relative

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        """Regrow elements ``start`` to ``stop`` into ``out``; ValueError if the payload is bad."""
        numbers = _numbers(geometry)
        layout = FactorsLayout.parse(payload, numbers)
        if geometry.size == 0:
            return
        each = numbers // geometry.size
        multiply(payload, layout, geometry.kind, start * each, stop * each, out)


def _candidates(pursuit: Pursuit, shape: tuple[int, int]) -> Iterator[_Candidate]:
    """Give the ranks worth a look, ascending, as long as float64 can do their sums."""
    last = float("inf")
    for rank in range(0 if pursuit.errors[0] == 0.0 else 1, len(pursuit.errors)):
        if pursuit.errors[rank] > last * _GAIN:
            continue
        spare = min(pursuit.shifts[:rank], default=0)
        shifts = bytes(shift - spare for shift in pursuit.shifts[:rank])
        bound = FactorsLayout.sum_bound(pursuit.width, shifts)
        exponent = pursuit.exponent + spare if rank else 0
        if bound.bit_length() > EXACT_BITS or exponent > LARGEST_EXPONENT:
            break
        last = pursuit.errors[rank]
        layout = FactorsLayout(pursuit.width, rank, *shape, bound, exponent)
        yield _Candidate(pursuit, rank, layout)
