"""Ratio against error: every codec on noise, on low rank, and on both, beside the bound."""

import logging

from threadpoolctl import threadpool_limits

from benchmarks.harness import Figure
from benchmarks.tables import Section, Table
from benchmarks.tensor_data import AUTO, DATA, bound, coded, low_rank, noise
from engram.codecs.catalogue import codec, names
from engram.codecs.codec import Codec

__all__ = ["RATIOS", "rates"]

logger = logging.getLogger(__name__)

RATIOS = (1 / 3.8, 1 / 7.5, 1 / 10, 1 / 16, 1 / 32)
GOAL_RATIO = 0.1
NOISE_GOAL = 0.14
LOW_RANK_GOAL = 1e-5


def rates() -> Section:
    """Measure each codec's least error at each ratio, headers and MAC counted."""
    # Threads of BLAS that wait for a busy core cost more than they bring.
    with threadpool_limits(1):
        return Section([_rates(), _exactly()], _goals())


def _rates() -> Table:
    columns = ("tensor", "codec", *(f"1/{1 / ratio:g}" for ratio in RATIOS))
    table = Table("rates", columns)
    for tensor, make in DATA.items():
        values = make()
        for name in [each for each in names() if not _lossless(each)]:
            found = [coded(name, values, ratio) for ratio in RATIOS]
            logger.info("%s: %s", tensor, name)
            table.add(tensor, name, *(each and each.error for each in found))
        won = [coded(AUTO, values, ratio) for ratio in RATIOS]
        table.add(tensor, f"**{AUTO}**", *(each and each.error for each in won))
        table.add(tensor, "which is", *(each and each.codec for each in won))
        table.add(tensor, "bound for noise", *map(bound, RATIOS))
    table.note(
        "Relative errors in Frobenius norms at a part of the float32 bytes, everything stored "
        "counted; where nothing stands, the codec cannot become so small."
    )
    table.note(
        "The bound, sqrt(2^-2R) at R bits a number, holds for independent Gaussian numbers, "
        "whatever the method. Low rank is not that: its numbers tell of each other."
    )
    return table


def _lossless(name: str) -> bool:
    one: Codec = codec(name)
    return one.lossless


def _exactly() -> Table:
    table = Table("exact", ("tensor", "codec", "ratio"))
    tensors = {tensor: make() for tensor, make in DATA.items()}
    sparse = noise()
    sparse[low_rank() < 1.6] = 0
    tensors[f"noise, {(sparse == 0).mean():.0%} zeros"] = sparse
    for tensor, values in tensors.items():
        for name in filter(_lossless, names()):
            found = coded(name, values, 2)
            table.add(tensor, name, found and found.ratio)
    table.note("Every bit comes back; the ratio counts everything stored.")
    return table


def _goals() -> list[Figure]:
    figures = []
    for name, values, goal in (
        ("Gaussian noise, ratio 0.1", noise(), NOISE_GOAL),
        ("rank 16, ratio 0.1", low_rank(), LOW_RANK_GOAL),
    ):
        best = coded(AUTO, values, GOAL_RATIO)
        if best is None:
            raise RuntimeError(f"no codec takes {name}")
        least = bound(GOAL_RATIO) if goal == NOISE_GOAL else None
        figures.append(
            Figure(
                f"{name}: {best.codec}, {best.ratio:.4f} with all headers",
                best.error,
                "relative error",
                "bound" if least else "",
                least,
                least and least / best.error,
                f"≤ {goal:g}",
                best.error <= goal and best.ratio <= GOAL_RATIO,
            )
        )
    return figures
