"""Groups between integers and the bytes of a payload; back by the kernel where it can."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.grouped import BLOCK, EXPONENTS, PLANES, GroupedForm, GroupedPayload
from engram.arch.tensors import TILE_ELEMENTS, ElementType
from engram.codecs.groups import GroupedTile
from engram.codecs.rounding import round_into
from engram.codecs.runs import pieces
from engram.cpu.library import library_if_ready

__all__ = ["numbers_in", "packed_groups", "regrow_groups"]

Reals = NDArray[np.float64]
Singles = NDArray[np.float32]

# Between these a product is no float32 below the normal ones, whose bits some processors drop, and
# none above the largest.
_EXPONENTS = (-100, 60)
_STREAMED = 1 << 23  # bytes from which stores bypass the caches
_PIECE = 1 << 24  # numbers at a time: kernels do not hear Ctrl-C


def numbers_in(kind: ElementType) -> int:
    """Return how many numbers an element is."""
    return 2 if kind.bits.kind == "c" else 1


def packed_groups(tile: GroupedTile, form: GroupedForm) -> bytes:
    """Return the bytes of a tile."""
    parts = form.parts(tile.codes.size)
    content = bytearray(parts.size)
    beside = [(parts.scales, tile.scales)]
    if form.offsets:
        beside.append((parts.offsets, tile.offsets))
    for at, integers in beside:
        narrow = integers.astype(f"<i{form.width}").tobytes()
        content[at : at + len(narrow)] = narrow
    whole = -(-tile.codes.size // BLOCK) * BLOCK
    codes = np.pad(tile.codes, (0, whole - tile.codes.size)).reshape(-1, BLOCK)
    for at, width in zip(parts.planes, PLANES[form.bits], strict=True):
        fields = codes.reshape(len(codes), 8 // width, 4 * width) & np.uint8((1 << width) - 1)
        plane = np.bitwise_or.reduce(fields << _shifts(width), axis=1).tobytes()
        content[at : at + len(plane)] = plane
        codes = codes >> np.uint8(width % 8)
    return bytes(content)


def regrow_groups(
    payload: memoryview,
    layout: GroupedPayload,
    kind: ElementType,
    start: int,
    stop: int,
    out: NDArray[Any],
) -> None:
    """Regrow numbers ``start`` to ``stop`` (a complex element is two) into elements."""
    if not _fits_kernel(payload, layout, kind, start, stop):
        each = numbers_in(kind)
        done = 0
        for tile, first, last in pieces(start, stop):
            count = (last - first) // each
            exact = _exact(payload, layout, tile, first, last)
            round_into(exact, kind, out[done : done + count])
            done += count
    elif kind.name in ("float32", "complex64"):
        _by_kernel(payload, layout, start, stop, out.view(np.float32))
    else:
        scratch = np.empty(min(TILE_ELEMENTS, stop - start), np.float32)
        for at in range(start, stop, TILE_ELEMENTS):
            end = min(at + TILE_ELEMENTS, stop)
            _by_kernel(payload, layout, at, end, scratch[: end - at])
            _round_singles(scratch[: end - at], kind, out[at - start : end - start])


def _shifts(width: int) -> NDArray[np.uint8]:
    return np.arange(0, 8, width, dtype=np.uint8)[:, None]


def _exact(payload: memoryview, layout: GroupedPayload, tile: int, first: int, last: int) -> Reals:
    """Return numbers ``first`` to ``last`` of a tile, all their bits."""
    form = layout.form
    start, numbers = layout.tile(tile)
    parts = form.parts(numbers)
    block, blocks = first // BLOCK, -(-last // BLOCK) - first // BLOCK
    codes = np.zeros((blocks, BLOCK), np.uint8)
    low = 0
    for at, width in zip(parts.planes, PLANES[form.bits], strict=True):
        size = 4 * width  # bytes of a block
        plane = np.frombuffer(payload, np.uint8, size * blocks, start + at + size * block)
        fields = (plane.reshape(-1, 1, size) >> _shifts(width)) & np.uint8((1 << width) - 1)
        codes |= fields.reshape(codes.shape) << np.uint8(low)
        low += width
    # Products stay below (2**8 + 2**15) * 2**15: float64 has every bit of them.
    exact = codes.reshape(-1)[first - BLOCK * block :][: last - first].astype(np.float64)
    exact -= 1 << (form.bits - 1)
    groups = np.arange(first, last) // form.group
    if form.offsets:
        exact += _beside(payload, start + parts.offsets, form, numbers)[groups]
    exact *= _beside(payload, start + parts.scales, form, numbers)[groups]
    exact += 0.0  # integers have one zero: of the two it is the positive one
    with np.errstate(over="ignore"):  # what is too large becomes the largest number
        return np.ldexp(exact, layout.exponent(payload, tile))


def _beside(payload: memoryview, at: int, form: GroupedForm, numbers: int) -> NDArray[Any]:
    return np.frombuffer(payload, f"<i{form.width}", -(-numbers // form.group), at)


def _fits_kernel(
    payload: memoryview, layout: GroupedPayload, kind: ElementType, start: int, stop: int
) -> bool:
    """Return whether the kernel is there and rounds as the law does.

    It multiplies two exact float32s, so it rounds once to float32. To a narrower type it may only
    lead by way of products that are exact, those without wide offsets.
    """
    form = layout.form
    if kind.name in ("float16", "bfloat16"):
        if form.offsets and form.width > 1:
            return False
    elif kind.name not in ("float32", "complex64"):
        return False
    if stop - start < form.group or library_if_ready("tensors") is None:
        return False
    first, last = start // TILE_ELEMENTS, -(-stop // TILE_ELEMENTS)
    exponents = np.frombuffer(payload, "<i2", last - first, EXPONENTS + 2 * first)
    least, most = _EXPONENTS
    return least <= int(exponents.min()) and int(exponents.max()) <= most


def _by_kernel(
    payload: memoryview, layout: GroupedPayload, start: int, stop: int, out: Singles
) -> None:
    group = layout.form.group
    # The kernel takes whole groups; a part of one before them and behind them is left.
    low = min(-(-start // group) * group, stop)
    high = max(stop // group * group, low)
    for at, end in ((start, low), (high, stop)):
        for tile, first, last in pieces(at, end):
            begin = at - start
            out[begin : begin + end - at] = _exact(payload, layout, tile, first, last)
    base = int(np.frombuffer(payload, np.uint8).ctypes.data)
    target = out.ctypes.data
    stream = _streamed(target + 4 * (low - start)) if out.nbytes >= _STREAMED else 0
    short = layout.numbers // TILE_ELEMENTS * TILE_ELEMENTS  # where the last tile begins
    for begin, end in ((low, min(high, short)), (max(low, short), high)):
        tile = 0 if begin < short else short // TILE_ELEMENTS
        for at in range(begin, end, _PIECE):
            _call_kernel(
                base,
                layout,
                tile,
                at - tile * TILE_ELEMENTS,
                min(at + _PIECE, end) - tile * TILE_ELEMENTS,
                target + 4 * (at - start),
                stream,
            )


def _streamed(address: int) -> int:
    """Return to how many bytes an address is aligned, 64 or 16; else 0."""
    return next((width for width in (64, 16) if address % width == 0), 0)


def _call_kernel(
    base: int, layout: GroupedPayload, tile: int, first: int, last: int, out: int, stream: int
) -> None:
    """Regrow numbers counted from a tile, which all lie in tiles as large as that one."""
    form = layout.form
    kernels = library_if_ready("tensors")
    assert kernels is not None
    start, numbers = layout.tile(tile)
    parts = form.parts(numbers)
    kernels.grouped_float32(
        base + start,
        parts.size,
        base + EXPONENTS + 2 * tile,
        form.bits,
        form.group,
        form.width,
        parts.offsets if form.offsets else 0,
        parts.planes[0],
        parts.planes[-1],
        first // form.group,
        last // form.group,
        out,
        stream,
    )


def _round_singles(exact: Singles, kind: ElementType, out: NDArray[Any]) -> None:
    """Round float32s once, to nearest and even, into a narrower type."""
    if kind.name == "float16":
        largest = np.float32(np.finfo(np.float16).max)
        out[:] = np.clip(exact, -largest, largest)
        return
    bits = exact.view(np.uint32)  # far from the largest bfloat16
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    out[:] = (bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)
