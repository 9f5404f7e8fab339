"""Tensor train: one small core for each axis, contracted from the first axis to the last."""

from collections.abc import Iterable, Sequence
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.networks import LARGEST_RANK, WIDTHS
from engram.codecs.fitting import Candidate, Fitting, Network, empty_layout, rounded_columns
from engram.codecs.networks import NetworkCodec
from engram.codecs.subspaces import left_basis, rank_within, tails

__all__ = ["TrainCodec"]

Reals = NDArray[np.float64]

# Shares of the norm that cutting the ranks may lose, from coarse to fine: to where rounding the
# cores loses as much.
_CUTS = {8: [2.0 ** (-i / 2) for i in range(16)], 16: [2.0 ** (-i / 2) for i in range(32)]}


class TrainCodec(NetworkCodec):
    """TT-SVD (Oseledets, SIAM J. Sci. Comput. 33, 2011) with each core fitted to the rounded
    ones before it. A tile costs about a tile: only the states of the prefixes that it has.
    """

    name = "train"

    def ladders(self, box: Reals, scale: int) -> Iterable[Sequence[Candidate]]:
        """Give trains of growing ranks, of 16 and of 8 bits."""
        left_out = []
        for axis in range(1, box.ndim):
            unfolded = box.reshape(prod(box.shape[:axis]), -1)
            left_out.append(tails(left_basis(unfolded)[1]))
        for width in reversed(WIDTHS):
            ladder = {}
            for cut in _CUTS[width]:
                share = cut / max(1, box.ndim - 1) ** 0.5
                ranks = tuple(min(rank_within(left, share), LARGEST_RANK) for left in left_out)
                if ranks not in ladder:
                    lost = [float(left[r]) for left, r in zip(left_out, ranks, strict=True)]
                    layout = empty_layout(self.name, box, width, (*ranks, 1))
                    build = partial(_train, box, scale, width, ranks)
                    ladder[ranks] = Candidate.of(layout, box, lost, build)
            yield list(ladder.values())


def _train(box: Reals, scale: int, width: int, ranks: tuple[int, ...]) -> Network:
    fitting = Fitting(empty_layout("train", box, width, (*ranks, 1)), box)
    for length, rank in zip(box.shape[:-1], ranks, strict=True):
        # Measure the fit where states are orthonormal, so that what is cut is what is lost.
        triangle = np.linalg.qr(fitting.state, mode="r")
        weighted = triangle @ fitting.fitted()
        left, _ = left_basis(weighted.reshape(len(triangle) * length, -1))
        before, after = len(triangle), min(rank, left.shape[1])
        core = np.linalg.pinv(triangle) @ left[:, :after].reshape(before, -1)
        columns = np.zeros((len(core) * length, rank))
        columns[:, :after] = core.reshape(-1, after)
        fitting.add(rounded_columns(columns, width).reshape(-1, length, rank))
    return fitting.finish(scale)
