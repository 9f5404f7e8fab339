"""Seeded blocks: instead of eight numbers the seed of a basis, and what to take of its columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.seeded import (
    BLOCKS,
    MANTISSA_BITS,
    SEEDS,
    SMALLEST_EXPONENT,
    SeededForm,
    SeededPayload,
)
from engram.arch.tensors import TILE_ELEMENTS, ElementType
from engram.codecs.choice import Choice
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.measuring import magnitude
from engram.codecs.rounding import finite, reals
from engram.codecs.seed_search import Fit, fit, largest_scale
from engram.codecs.seeded_blocks import basis_entries, numbers_in, regrow_blocks, scale_values

__all__ = ["FORMS", "SeededCodec"]

Reals = NDArray[np.float64]

# From 2 to 5 bits a number, and a sixteenth of a bit or half of that for scales.
FORMS = tuple(
    SeededForm(block, columns)
    for block, columns in ((16, 4), (16, 6), (8, 2), (8, 3), (8, 4), (8, 5), (8, 6))
)

_FIELDS = 31  # octaves that a scale can be below the largest
_SAMPLES = 32  # groups on which forms are compared
# How much worse than the best a form may look on the samples and still be tried on the whole.
_DOUBT = 1.05


class SeededCodec(Codec):
    """Blocks of 8 or 16 numbers as a seed of 16 bits and 2 to 6 coefficients of 4 bits.

    Follows SeedLM (Shafipour et al., arXiv 2410.10714), with what measured better: bases of two
    bits an entry out of law 1, four columns where there were three, and instead of an exponent
    for each block a finer scale for each 16 of them. The budget chooses among the FORMS.

    A run costs the groups it touches, of 128 or 256 numbers. Encoding takes some seconds for a
    million numbers, and needs the kernels.
    """

    name = "seeded"
    lossless = False

    def __init__(self, seeds: int = SEEDS) -> None:
        """Search only among so many seeds: a quarter of them takes a quarter of the time.

        Raises:
            ValueError: it is no power of two from 256 to 65536.
        """
        if seeds not in (1 << bits for bits in range(8, 17)):
            raise ValueError(f"seeds must be a power of two from 256 to {SEEDS}, not {seeds!r}")
        self._seeds = seeds

    def accepts(self, geometry: Geometry, values: NDArray[Any]) -> bool:
        """Return whether these are finite numbers that may be rounded."""
        kind = geometry.kind
        return kind.lossy and geometry.size > 0 and finite(values.reshape(-1), kind)

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        """Return the payload of the form that meets the budget best, or None if none meets it."""
        if budget.exact or not self.accepts(geometry, values):
            return None
        numbers = geometry.size * numbers_in(geometry.kind)
        choice = Choice(budget, max(form.size(numbers) for form in FORMS))
        forms = [form for form in FORMS if form.size(numbers) <= choice.most]
        flat = values.reshape(-1)
        for form in self._promising(flat, geometry.kind, forms, budget):
            if choice.best is not None and budget.error is not None:
                break  # the forms come by size
            payload = self._packed(flat, geometry.kind, form)
            choice.offer(payload, deviation(self, payload, values, geometry).relative)
        return choice.best

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        """Regrow elements ``start`` to ``stop`` into ``out``; ValueError if the payload is bad."""
        kind = geometry.kind
        each = numbers_in(kind)
        layout = SeededPayload.from_bytes(payload, geometry.size * each)
        regrow_blocks(payload, layout, kind, start * each, stop * each, out)

    def _promising(
        self, flat: NDArray[Any], kind: ElementType, forms: list[SeededForm], budget: Budget
    ) -> list[SeededForm]:
        """Return the forms that may be the best, by what they do to samples; all if few numbers."""
        largest = max(form.group for form in FORMS)
        each = numbers_in(kind)
        step = flat.size // _SAMPLES
        if step * each <= largest or not forms:
            return forms
        places = np.arange(_SAMPLES)[:, None] * step + np.arange(largest // each)
        samples = reals(flat[places.reshape(-1)], kind).reshape(-1)
        if not samples.any():
            return forms
        scaled = np.ldexp(samples, -magnitude(samples))
        errors = [self._error(scaled, form) for form in forms]
        most = min(errors) if budget.error is None else budget.error
        return [form for form, e in zip(forms, errors, strict=True) if e <= _DOUBT * most]

    def _error(self, scaled: Reals, form: SeededForm) -> float:
        """Return the relative error of whole groups of numbers, before any is rounded."""
        groups = scaled.astype(np.float32).reshape(-1, form.group)
        exponent = _exponent(largest_scale(groups))
        values = scale_values(exponent)
        fitted = fit(groups, form, values.astype(np.float32), self._seeds)
        entries = basis_entries(form.block, form.columns)[fitted.seeds]
        sums = np.einsum("bp,bpi->bi", fitted.coefficients.astype(np.int32), entries)
        scales = np.repeat(values[fitted.codes], BLOCKS)
        rest = (sums * scales[:, None]).reshape(-1) - scaled
        return float(np.sqrt(np.square(rest).sum() / np.square(scaled).sum()))

    def _packed(self, flat: NDArray[Any], kind: ElementType, form: SeededForm) -> bytes:
        power = max(magnitude(tile) for tile in _tiles(flat, kind))
        scale = max(largest_scale(_groups(tile, power, form)) for tile in _tiles(flat, kind))
        exponent = max(_exponent(scale) + power, SMALLEST_EXPONENT)
        layout = SeededPayload(form, exponent, flat.size * numbers_in(kind))
        values = scale_values(exponent - power).astype(np.float32)
        content = bytearray(form.size(layout.numbers))
        header = layout.header()
        content[: len(header)] = header
        for i, tile in enumerate(_tiles(flat, kind)):
            start, numbers = layout.tile(i)
            parts = form.parts(numbers)
            fitted = fit(_groups(tile, power, form), form, values, self._seeds)
            for at, integers in (
                (parts.seeds, fitted.seeds.astype("<u2")),
                (parts.coefficients, _words(fitted, form)),
                (parts.scales, fitted.codes),
            ):
                part = integers.tobytes()
                content[start + at : start + at + len(part)] = part
        return bytes(content)


def _exponent(scale: float) -> int:
    """Return the exponent with which the largest scale is at least this one."""
    return int(np.frexp(scale)[1]) - _FIELDS - MANTISSA_BITS


def _tiles(flat: NDArray[Any], kind: ElementType) -> Iterator[Reals]:
    """Yield the numbers of the tiles, exactly."""
    step = TILE_ELEMENTS // numbers_in(kind)
    for start in range(0, flat.size, step):
        yield reals(flat[start : start + step], kind).reshape(-1)


def _groups(tile: Reals, power: int, form: SeededForm) -> NDArray[np.float32]:
    """Return a tile's numbers below 1, with zeros to whole groups: (groups, numbers in a group)."""
    padded = np.zeros(form.groups(tile.size) * form.group, np.float32)
    padded[: tile.size] = np.ldexp(tile, -power)
    return padded.reshape(-1, form.group)


def _words(fitted: Fit, form: SeededForm) -> NDArray[np.uint64]:
    """Return coefficients as they are stored: of each group a word for each column."""
    nibbles = (fitted.coefficients & 15).astype(np.uint64).reshape(-1, BLOCKS, form.columns)
    shifts = np.uint64(4) * np.arange(BLOCKS, dtype=np.uint64)[:, None]
    words: NDArray[np.uint64] = np.bitwise_or.reduce(nibbles << shifts, axis=1).astype("<u8")
    return words
