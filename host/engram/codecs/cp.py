"""CP: a tensor as a sum of products of one column for each axis."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.networks import WIDTHS, NetworkLayout
from engram.codecs.als import decompose, sweep
from engram.codecs.fitting import Candidate, Fitting, Network, empty_layout, rounded_columns
from engram.codecs.networks import NetworkCodec
from engram.codecs.subspaces import left_basis, tails

__all__ = ["CpCodec"]

Reals = NDArray[np.float64]

_RANKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_REFITS = 2  # sweeps over the other axes after one's factor was rounded


class CpCodec(NetworkCodec):
    """Canonical polyadic decomposition by alternating least squares; factors are rounded one by
    one, each time with the others fitted anew. A tile costs about a tile.
    """

    name = "cp"
    hopeless = float("inf")  # a few products may err far more than the unfoldings' ranks tell

    def ladders(self, box: Reals, scale: int) -> Iterable[Sequence[Candidate]]:
        """Give sums of more and more products, of 16 and of 8 bits."""
        left_out = []
        for axis in range(box.ndim):
            unfolded = np.moveaxis(box, axis, 0).reshape(box.shape[axis], -1)
            left_out.append(tails(left_basis(unfolded)[1]))
        found = cache(partial(decompose, box))
        ranks = [rank for rank in _RANKS if rank == 1 or rank * sum(box.shape) <= box.size]
        for width in reversed(WIDTHS):
            ladder = []
            for rank in ranks:
                # No unfolding of so many products has a higher rank.
                lost = [float(left[min(rank, len(left) - 1)]) for left in left_out]
                layout = empty_layout(self.name, box, width, (rank,) * box.ndim)
                build = partial(_rounded, box, scale, layout, found)
                ladder.append(Candidate.of(layout, box, lost, build))
            yield ladder


def _rounded(
    box: Reals, scale: int, layout: NetworkLayout, found: Callable[[int], list[Reals]]
) -> Network:
    factors = list(found(layout.ranks[0]))
    fitting = Fitting(layout, box)
    for axis in range(box.ndim - 1):
        rounded = rounded_columns(factors[axis], layout.width)
        factors[axis] = rounded / np.maximum(np.abs(rounded).max(axis=0), 1)
        for _ in range(_REFITS):
            sweep(box, factors, set(range(axis + 1)))
        fitting.add(rounded)
    return fitting.finish(scale)
