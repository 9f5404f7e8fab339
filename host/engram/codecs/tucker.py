"""Tucker: a small core box, and for each axis a factor that spreads it out."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.networks import LARGEST_RANK, WIDTHS, NetworkLayout
from engram.codecs.fitting import Candidate, Fitting, Network, empty_layout, rounded_columns
from engram.codecs.networks import NetworkCodec
from engram.codecs.subspaces import left_basis, rank_within, tails

__all__ = ["TuckerCodec"]

Reals = NDArray[np.float64]

# Shares of the norm that cutting the ranks may lose, from coarse to fine: to where rounding loses
# as much.
_CUTS = {8: [2.0 ** (-i / 2) for i in range(16)], 16: [2.0 ** (-i / 2) for i in range(32)]}


class TuckerCodec(NetworkCodec):
    """HOSVD (De Lathauwer, De Moor and Vandewalle, SIAM J. Matrix Anal. 21, 2000), the core fitted
    to the rounded factors, and the last factor to that. A tile costs the core's first contraction,
    which is small if the core is, and about a tile.
    """

    name = "tucker"

    def ladders(self, box: Reals, scale: int) -> Iterable[Sequence[Candidate]]:
        """Give boxes of growing ranks, with each width of factors and of the core."""
        bases, left_out = [], []
        for axis in range(box.ndim):
            unfolded = np.moveaxis(box, axis, 0).reshape(box.shape[axis], -1)
            basis, values = left_basis(unfolded)
            bases.append(basis)
            left_out.append(tails(values))
        for width, core_width in product(reversed(WIDTHS), reversed(WIDTHS)):
            ladder = {}
            for cut in _CUTS[min(width, core_width)]:
                share = cut / box.ndim**0.5
                ranks = tuple(min(rank_within(left, share), LARGEST_RANK) for left in left_out)
                if ranks not in ladder:
                    lost = [float(left[r]) for left, r in zip(left_out, ranks, strict=True)]
                    columns = [left[:, :r] for left, r in zip(bases, ranks, strict=True)]
                    layout = empty_layout(self.name, box, width, ranks, core_width)
                    build = partial(_tucker, box, scale, columns, layout)
                    ladder[ranks] = Candidate.of(layout, box, lost, build)
            yield list(ladder.values())


def _tucker(box: Reals, scale: int, columns: list[Reals], layout: NetworkLayout) -> Network:
    factors = [rounded_columns(part, layout.width) for part in columns]
    core = box
    for factor in factors:
        # Each turn takes the first axis away and puts its rank last: after all, the order is back.
        core = np.tensordot(core, np.linalg.pinv(factor.astype(np.float64)), axes=(0, 1))
    largest = float(np.abs(core).max())
    most = (1 << (layout.core_width - 1)) - 1
    own = np.rint(core * (most / largest if largest else 0.0)).astype(np.int64)
    fitting = Fitting(layout, box, own)
    for factor in factors[:-1]:
        fitting.add(factor)
    return fitting.finish(scale)
