"""From a seeded payload to elements: by the kernel where it can, else by the same sums in NumPy."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import LAWS
from engram.arch.payloads.seeded import (
    BASIS_SEED,
    BASIS_STREAM,
    BLOCKS,
    ENTRY_BITS,
    MANTISSA_BITS,
    SEEDS,
    SeededForm,
    SeededPayload,
)
from engram.arch.seeds import feistel_keys
from engram.arch.tensors import ElementType
from engram.codecs.rounding import round_into
from engram.codecs.runs import pieces
from engram.cpu.blocks import Block
from engram.cpu.layout import LawBlock
from engram.cpu.library import library_if_ready
from engram.numpy_laws import generate

__all__ = ["basis_entries", "numbers_in", "regrow_blocks", "scale_values"]

Reals = NDArray[np.float64]
Singles = NDArray[np.float32]

_KEYS = feistel_keys(BASIS_SEED, BASIS_STREAM)
# Between these every product, an integer below 2**12 times 2**(exponent + 0..31), is a normal
# float32, exactly, or zero.
_EXPONENTS = (-120, 80)
_SCRATCH = 1024  # words that the kernel wants behind its law


def numbers_in(kind: ElementType) -> int:
    """Return how many numbers an element is."""
    return 2 if kind.bits.kind == "c" else 1


@lru_cache(maxsize=4)
def basis_entries(block: int, columns: int) -> NDArray[np.int8]:
    """Return the bases of all seeds, (seeds, columns, block)."""
    form = SeededForm(block, columns)
    addresses = np.arange(SEEDS * form.words, dtype=np.uint64)
    words = generate(LAWS[1], BASIS_SEED, addresses, keys=_KEYS).reshape(form.words, SEEDS)
    entries = np.empty((SEEDS, columns, block), np.int8)
    for column in range(columns):
        word, place = divmod(column, form.columns_of_word)
        for i in range(block):
            low = np.uint64(ENTRY_BITS * (place * block + i))
            field = (words[word] >> low) & np.uint64((1 << ENTRY_BITS) - 1)
            entries[:, column, i] = 2 * field.astype(np.int8) - 3
    entries.flags.writeable = False
    return entries


def scale_values(exponent: int) -> Reals:
    """Return what each byte of a scale means."""
    fields, mantissas = np.divmod(np.arange(256), 1 << MANTISSA_BITS)
    with np.errstate(over="ignore"):  # what is too large becomes the largest number
        values: Reals = np.ldexp((1 << MANTISSA_BITS) + mantissas.astype(float), fields + exponent)
    return values


def regrow_blocks(
    payload: memoryview,
    layout: SeededPayload,
    kind: ElementType,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Regrow numbers ``start`` to ``stop`` (a complex element is two) into elements."""
    least, most = _EXPONENTS
    by_kernel = least <= layout.exponent <= most and library_if_ready("tensors") is not None
    group = layout.form.group
    done = 0
    for tile, first, last in pieces(start, stop):
        count = (last - first) // numbers_in(kind)
        target = out[done : done + count]
        done += count
        low, high = first // group, layout.form.groups(last)
        inside = slice(first - low * group, last - low * group)
        if not by_kernel:
            round_into(_exact(payload, layout, tile, low, high)[inside], kind, target)
        elif kind.name in ("float32", "complex64"):
            singles = target.view(np.float32)
            if inside == slice(0, (high - low) * group):
                _by_kernel(payload, layout, tile, low, high, singles)
            else:
                grown = np.empty((high - low) * group, np.float32)
                _by_kernel(payload, layout, tile, low, high, grown)
                singles[:] = grown[inside]
        else:
            grown = np.empty((high - low) * group, np.float32)
            _by_kernel(payload, layout, tile, low, high, grown)
            round_into(grown[inside].astype(np.float64), kind, target)


def _exact(payload: memoryview, layout: SeededPayload, tile: int, low: int, high: int) -> Reals:
    """Return the numbers of groups ``low`` to ``high`` of a tile, all their bits."""
    form, groups = layout.form, high - low
    start, numbers = layout.tile(tile)
    parts = form.parts(numbers)
    seeds = np.frombuffer(payload, "<u2", BLOCKS * groups, start + 2 * BLOCKS * low)
    at = start + parts.coefficients + 8 * form.columns * low
    packed = np.frombuffer(payload, "<u8", form.columns * groups, at)
    scales = np.frombuffer(payload, np.uint8, groups, start + parts.scales + low)
    nibbles = packed.reshape(groups, 1, form.columns) >> (
        np.uint64(4) * np.arange(BLOCKS, dtype=np.uint64)[:, None]
    )
    coefficients = ((nibbles & np.uint64(15)).astype(np.int16) ^ 8) - 8
    sums = np.zeros((groups * BLOCKS, form.block), np.int16)  # of at most 8 * 8 * 3
    entries = basis_entries(form.block, form.columns)
    for column in range(form.columns):
        own = coefficients[:, :, column].reshape(-1, 1)
        sums += own * entries[seeds, column]
    exact = sums.reshape(groups, -1).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        exact *= scale_values(layout.exponent)[scales][:, None]
    # Integers have one zero, the positive one, also where a scale is beyond float64; any other
    # product with such a scale becomes the largest number when it is rounded.
    return np.where(sums.reshape(groups, -1) == 0, 0.0, exact).reshape(-1)


@lru_cache(maxsize=16)
def _value_bits(exponent: int) -> Block:
    """Return the bits of the float32 that each byte of a scale means, as words."""
    block = Block(256)
    block.words[:] = scale_values(exponent).astype(np.float32).view(np.uint32)
    return block


def _by_kernel(
    payload: memoryview, layout: SeededPayload, tile: int, low: int, high: int, out: Singles
) -> None:
    """Regrow groups ``low`` to ``high`` of a tile."""
    kernels = library_if_ready("tensors")
    assert kernels is not None
    form = layout.form
    start, numbers = layout.tile(tile)
    parts = form.parts(numbers)
    base = int(np.frombuffer(payload, np.uint8).ctypes.data) + start
    law = Block(LawBlock.SIZE + _SCRATCH)  # each call its own: it has scratch in it
    law.words[LawBlock.KEY0 : LawBlock.KEY3 + 1] = _KEYS
    kernels.regrow_seeded(
        base + 2 * BLOCKS * low,
        base + parts.coefficients + 8 * form.columns * low,
        base + parts.scales + low,
        high - low,
        form.block,
        form.columns,
        form.words,
        _value_bits(layout.exponent).address,
        law.address,
        out.ctypes.data,
    )
