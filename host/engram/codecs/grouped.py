"""Narrow integers in groups that share a scale: what trained weights stand without any data."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.grouped import GROUPS, PLANES, GroupedForm, GroupedPayload
from engram.arch.tensors import TILE_ELEMENTS, ElementType
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.group_packing import numbers_in, packed_groups, regrow_groups
from engram.codecs.groups import quantised
from engram.codecs.rounding import finite, reals

__all__ = ["FORMS", "GroupedCodec", "pack"]

Reals = NDArray[np.float64]

# Scales of two bytes only pay where codes are fine as well.
FORMS = tuple(
    GroupedForm(bits, group, width, offsets)
    for bits in PLANES
    for group in GROUPS
    for width, offsets in (
        ((1, False), (2, False), (2, True)) if bits == 8 else ((1, False), (1, True))
    )
)

_SAMPLES = 4  # tiles on which forms are compared
# How much worse than the best a form may look on the samples and still be tried on the whole.
_DOUBT = 1.05
_SURE = 1.001  # the same where the samples are the whole
# And what rounding the elements may add.
_ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8}


class GroupedCodec(Codec):
    """Codes of 2, 3, 4 or 8 bits, groups of 32, 64 or 128, with or without offsets.

    The budget chooses among the FORMS. A run costs the blocks of 32 numbers it touches.
    """

    name = "grouped"
    lossless = False

    def accepts(self, geometry: Geometry, values: NDArray[Any]) -> bool:
        return geometry.kind.lossy and geometry.size > 0 and finite(values, geometry.kind)

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        if budget.exact:
            return None
        numbers = geometry.size * numbers_in(geometry.kind)
        most = budget.bytes
        forms = [form for form in FORMS if most is None or form.size(numbers) <= most]
        forms.sort(key=lambda form: form.size(numbers))
        tiles = -(-numbers // TILE_ELEMENTS)
        chosen = sorted({i * tiles // _SAMPLES for i in range(_SAMPLES)})
        samples = [_numbers(values, geometry.kind, tile) for tile in chosen]
        doubt = _SURE if len(chosen) == tiles else _DOUBT
        if budget.error is not None:
            for form in forms:
                if _foretold(samples, form) <= budget.error * doubt:
                    payload, error = self._packed(values, geometry, form)
                    if error <= budget.error:
                        return payload
            return None
        errors = {form: _foretold(samples, form) for form in forms}
        enough = doubt * min(errors.values(), default=0.0) + _ROUNDING.get(geometry.kind.name, 0.0)
        hopeful = [form for form in forms if errors[form] <= enough]
        packed = [self._packed(values, geometry, form) for form in hopeful]
        return min(packed, key=lambda found: found[1])[0] if packed else None

    def _packed(
        self, values: NDArray[Any], geometry: Geometry, form: GroupedForm
    ) -> tuple[bytes, float]:
        """Return a payload of this form and its relative error."""
        payload = pack(values, geometry, form)
        return payload, deviation(self, payload, values, geometry).relative

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        each = numbers_in(geometry.kind)
        layout = GroupedPayload.from_bytes(payload, geometry.size * each)
        regrow_groups(payload, layout, geometry.kind, start * each, stop * each, out)


def _numbers(values: NDArray[Any], kind: ElementType, tile: int) -> Reals:
    """Return a tile of TILE_ELEMENTS numbers."""
    elements = TILE_ELEMENTS // numbers_in(kind)
    flat = values.reshape(-1)[tile * elements : (tile + 1) * elements]
    return reals(flat, kind).reshape(-1)


def _foretold(samples: list[Reals], form: GroupedForm) -> float:
    """Return the relative error on some tiles, before elements are rounded."""
    top = max(float(np.abs(numbers).max()) for numbers in samples)
    power = int(np.frexp(top)[1])
    # Scaled by a power of two, which is exact, so that no square overflows or vanishes.
    scaled = [np.ldexp(numbers, -power) for numbers in samples]
    signal = sum(float(np.einsum("i,i->", numbers, numbers)) for numbers in scaled)
    noise = sum(quantised(numbers, form).error for numbers in scaled)
    return float(np.sqrt(noise / signal)) if signal else 0.0


def pack(values: NDArray[Any], geometry: Geometry, form: GroupedForm) -> bytes:
    """Return the payload of a tensor in one form."""
    payload = GroupedPayload(form, geometry.size * numbers_in(geometry.kind))
    tiles = range(-(-payload.numbers // TILE_ELEMENTS))
    packed = [quantised(_numbers(values, geometry.kind, tile), form) for tile in tiles]
    exponents = np.array([tile.exponent for tile in packed], "<i2").tobytes()
    head = (payload.header() + exponents).ljust(form.first_tile(payload.numbers), b"\0")
    return head + b"".join(packed_groups(tile, form) for tile in packed)
