"""Factors, trains, sums of products, boxes: errors at given sizes, and the time of a tile."""

import sys
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Figure, interleaved, show, write
from engram.arch.payloads.factors import FactorsLayout
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS, type_by_name
from engram.codecs.blas import one_thread
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.cp import CpCodec
from engram.codecs.deviation import deviation
from engram.codecs.factors import FactorsCodec
from engram.codecs.train import TrainCodec
from engram.codecs.tucker import TuckerCodec
from engram.cpu.library import library

Floats = NDArray[np.float32]

KIND = type_by_name("float32")
ROUNDS = 301
MICRO = 1e6


def low_rank(rows: int, columns: int, rank: int) -> Floats:
    """Return a matrix of Gaussian factors."""
    chance = np.random.default_rng(rank)
    left, right = chance.standard_normal((rows, rank)), chance.standard_normal((rank, columns))
    return (left @ right).astype(np.float32)


def products(lengths: tuple[int, ...], rank: int) -> Floats:
    """Return a sum of ``rank`` products of Gaussian columns, one for each axis."""
    chance = np.random.default_rng(rank)
    rows = np.ones((1, rank))
    for length in lengths:
        rows = (rows[:, None, :] * chance.standard_normal((length, rank))).reshape(-1, rank)
    return rows.sum(axis=1).reshape(lengths).astype(np.float32)


def encoded(codec: Codec, values: Floats, budget: Budget) -> bytes:
    """Return a payload, which there must be."""
    payload = codec.encode(values, Geometry(values.shape, KIND), budget)
    if payload is None:
        raise RuntimeError(f"{codec.name} cannot meet {budget}")
    return payload


def float_svd_error(values: Floats, rank: int) -> float:
    """Return the relative error of the best approximation of a rank, in floats."""
    singular = np.linalg.svd(values.astype(np.float64), compute_uv=False)
    return float(np.sqrt((singular[rank:] ** 2).sum() / (singular**2).sum()))


def error_figures() -> list[Figure]:
    """Errors at a tenth of the bytes, beside what plain rounded or float factors would give."""
    figures = []
    values = low_rank(1024, 1024, 16)
    budget = Budget(bytes=values.nbytes // 10)
    geometry = Geometry(values.shape, KIND)
    for width, goal in ((8, 1e-3), (16, 1e-5)):
        codec = FactorsCodec((width,))
        payload = encoded(codec, values, budget)
        error = deviation(codec, payload, values, geometry).relative
        plain = plain_error(values, 16, width)
        rank = FactorsLayout.parse(memoryview(payload), values.size).rank
        figures.append(
            Figure(
                f"rank 16 of 1024, ratio 0.1, {width} bits",
                error,
                "relative error",
                f"{width}-bit rounding of the same rank",
                plain,
                plain / error,
                f"<= {goal:g}",
                error <= goal,
                f"{rank} columns, {len(payload):,} of {values.nbytes:,} bytes",
            )
        )
    noise = np.random.default_rng(0).standard_normal((1024, 1024)).astype(np.float32)
    codec = FactorsCodec()
    payload = encoded(codec, noise, budget)
    error = deviation(codec, payload, noise, geometry).relative
    best = float_svd_error(noise, values.nbytes // 10 // 4 // 2048)
    figures.append(
        Figure(
            "Gaussian noise, ratio 0.1",
            error,
            "relative error",
            "float32 factors of the same bytes",
            best,
            best / error,
            note="noise is not of low rank: other codecs are for it",
        )
    )
    return figures


def plain_error(values: Floats, rank: int, width: int) -> float:
    """Return the error of rounding the factors of an SVD, each column to its largest number."""
    left, singular, right = np.linalg.svd(values.astype(np.float64), full_matrices=False)
    most = (1 << (width - 1)) - 1
    rows, columns = left[:, :rank], (right[:rank] * singular[:rank, None]).T
    rounded = []
    for factor in (rows, columns):
        step = np.abs(factor).max(axis=0) / most
        rounded.append(np.rint(factor / step) * step)
    distance = np.linalg.norm(values - rounded[0] @ rounded[1].T)
    return float(distance / np.linalg.norm(values))


def network_figures() -> list[Figure]:
    """The fewest bytes of a sum of 5 products within an error, for each codec."""
    values = products((64, 64, 64), 5)
    geometry = Geometry(values.shape, KIND)
    figures = []
    for error in (0.03, 3e-4):
        budget = Budget(error=error)
        peer = len(encoded(FactorsCodec(), values, budget))
        for codec in (TrainCodec(), CpCodec(), TuckerCodec()):
            payload = encoded(codec, values, budget)
            found = deviation(codec, payload, values, geometry)
            figures.append(
                Figure(
                    f"{codec.name}, 5 products of 64 x 64 x 64, error {error:g}",
                    len(payload),
                    "bytes",
                    "factors",
                    peer,
                    peer / len(payload),
                    note=f"error {found.relative:.2g}",
                )
            )
    return figures


def tile_figures() -> list[Figure]:
    """The time of 65,536 float32 from 8-bit factors beside NumPy's product of float32 ones."""
    kernel = library("tensors").multiply_factors
    figures = []
    for rows, columns, rank in ((256, 256, 4), (256, 256, 12), (64, 1024, 16), (256, 256, 36)):
        values = low_rank(rows, columns, rank)
        codec = FactorsCodec((8,))
        payload = memoryview(encoded(codec, values, Budget(error=0.05)))
        layout = FactorsLayout.parse(payload, values.size)
        out, product = np.empty(TILE_ELEMENTS, np.float32), np.empty((rows, columns), np.float32)
        chance = np.random.default_rng(1)
        left = chance.standard_normal((rows, layout.rank)).astype(np.float32)
        right = chance.standard_normal((layout.rank, columns)).astype(np.float32)
        scratch = np.empty(2 * (layout.rank + 1) * (rows + columns + 31) + ALIGNMENT, np.uint8)
        base = np.frombuffer(payload, np.uint8).ctypes.data
        place = scratch.ctypes.data
        alone = partial(
            kernel,
            base + layout.left_at,
            base + layout.right_at,
            base + layout.shifts_at,
            layout.rank,
            columns,
            rows,
            columns,
            (layout.exponent + 127) << 23,
            place + -place % ALIGNMENT,
            out.ctypes.data,
        )
        with one_thread():
            taken = interleaved(
                ROUNDS,
                tile=partial(
                    codec.decode, payload, Geometry(values.shape, KIND), 0, TILE_ELEMENTS, out
                ),
                kernel=alone,
                numpy=partial(np.matmul, left, right, out=product),
            )
        twelve = layout.rank == 12
        faster, soon = taken["kernel"] < taken["numpy"], taken["tile"] * MICRO <= 20
        for name, what, goal, met in (
            ("kernel", "the kernel alone, from the payload's integers", "> 1", faster),
            ("tile", "the codec's decode, header and all", "<= 20 us", soon),
        ):
            figures.append(
                Figure(
                    f"tile of {rows} x {columns}, rank {layout.rank}, {name}",
                    taken[name] * MICRO,
                    "us",
                    "NumPy matmul, one thread",
                    taken["numpy"] * MICRO,
                    taken["numpy"] / taken[name],
                    goal if twelve else "",
                    met if twelve else None,
                    f"{what}, against a product of floats",
                )
            )
    return figures


def network_tiles() -> list[Figure]:
    """The time of one tile of a larger tensor, beside regrowing all of it."""
    values = products((64, 128, 128), 5)
    geometry = Geometry(values.shape, KIND)
    figures = []
    for codec in (FactorsCodec(), TrainCodec(), CpCodec(), TuckerCodec()):
        payload = memoryview(encoded(codec, values, Budget(error=0.03)))
        tile, whole = np.empty(TILE_ELEMENTS, np.float32), np.empty(values.size, np.float32)
        taken = interleaved(
            21,
            tile=partial(codec.decode, payload, geometry, 5 << 16, 6 << 16, tile),
            whole=partial(codec.decode, payload, geometry, 0, values.size, whole),
        )
        figures.append(
            Figure(
                f"{codec.name}: one tile of {geometry.tiles}",
                taken["tile"] * MICRO,
                "us",
                "all of them",
                taken["whole"] * MICRO,
                taken["whole"] / taken["tile"],
                note="a tile alone costs about a tile",
            )
        )
    return figures


def factor_figures() -> list[Figure]:
    """Return all figures."""
    return error_figures() + network_figures() + tile_figures() + network_tiles()


def main() -> None:
    """Measure, print, and write down."""
    figures = factor_figures()
    show(figures)
    if "--dry" not in sys.argv:
        write("tensor_factors", figures)


if __name__ == "__main__":
    main()
