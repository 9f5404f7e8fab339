"""Grouped integers to float32: 32 codes widened at a time, one multiplication each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from engram.cpu.kernels.intrinsics import I32, int8s_at, int16s_at, pointer, splat
from engram.cpu.kernels.kernel import function, inlined, kernel

__all__: list[str] = []

U64 = np.uint64

_F32 = ir.FloatType()
_LANES = 16
_BLOCK = 32  # numbers packed together, see engram.arch.payloads.grouped
_TILE = 1 << 16


def _fields(builder: Any, address: Any, width: int, half: int) -> Any:
    """Emit the fields of 16 of the 32 numbers whose planes' bytes are at an address."""
    size = 4 * width
    packed = ir.VectorType(ir.IntType(8), size)
    wide = ir.VectorType(I32, _LANES)
    loaded = builder.load(pointer(builder, address, packed), align=4)
    numbers = range(_LANES * half, _LANES * (half + 1))
    places = ir.Constant(wide, [number % size for number in numbers])
    lanes = builder.shuffle_vector(loaded, ir.Constant(packed, ir.Undefined), places)
    lanes = builder.zext(lanes, wide)
    if width == 8:
        return lanes
    shifts = ir.Constant(wide, [number // size * width for number in numbers])
    mask = ir.Constant(wide, [(1 << width) - 1] * _LANES)
    return builder.and_(builder.lshr(lanes, shifts), mask)


def _block(planes: tuple[int, ...], streamed: int = 0) -> Callable[..., Any]:
    """Return an intrinsic ``f(plane, second plane, less, step, out)`` for 32 numbers.

    Its stores bypass the caches if ``out`` is ``streamed`` to so many bytes, 16 or 64.
    """

    def typing(
        typingctx: Any, plane: Any, second: Any, less: Any, step: Any, out: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            floats = ir.VectorType(_F32, _LANES)
            less = splat(builder, arguments[2], ir.VectorType(I32, _LANES))
            step = splat(builder, arguments[3], floats)
            for half in range(_BLOCK // _LANES):
                codes = _fields(builder, arguments[0], planes[0], half)
                if len(planes) > 1:
                    high = _fields(builder, arguments[1], planes[1], half)
                    above = ir.Constant(high.type, [planes[0]] * _LANES)
                    codes = builder.or_(codes, builder.shl(high, above))
                # Both factors are exact, so this rounds once; and there is but one zero, +0.
                exact = builder.sitofp(builder.sub(codes, less), floats)
                rounded = builder.fadd(
                    builder.fmul(exact, step), ir.Constant(floats, [0.0] * _LANES)
                )
                at = builder.add(arguments[4], ir.Constant(arguments[4].type, 4 * _LANES * half))
                made = builder.store(
                    rounded,
                    pointer(builder, at, floats),
                    align=streamed or 4,
                )
                if streamed:
                    flag = builder.module.add_metadata([ir.Constant(I32, 1)])
                    made.set_metadata("nontemporal", flag)
            return context.get_dummy_value()

        u64, i32, f32 = types.uint64, types.int32, types.float32
        return types.void(u64, u64, i32, f32, u64), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


_block2, _block2_16, _block2_64 = (_block((2,), streamed) for streamed in (0, 16, 64))
_block3, _block3_16, _block3_64 = (_block((2, 1), streamed) for streamed in (0, 16, 64))
_block4, _block4_16, _block4_64 = (_block((4,), streamed) for streamed in (0, 16, 64))
_block8, _block8_16, _block8_64 = (_block((8,), streamed) for streamed in (0, 16, 64))


def _groups(size, plain, streamed, aligned, second_size):
    """Return a function that stores blocks whose bytes in the planes are these."""
    size, second_size = U64(size), U64(second_size)

    @function
    def store(plane, second, block, blocks, less, step, out, stream):
        for i in range(block, block + blocks):
            if stream == U64(0):
                plain(plane + size * i, second + second_size * i, less, step, out)
            elif stream == U64(16):
                streamed(plane + size * i, second + second_size * i, less, step, out)
            else:
                aligned(plane + size * i, second + second_size * i, less, step, out)
            out += U64(4 * _BLOCK)

    return store


_store2 = _groups(8, _block2, _block2_16, _block2_64, 0)
_store3 = _groups(8, _block3, _block3_16, _block3_64, 4)
_store4 = _groups(16, _block4, _block4_16, _block4_64, 0)
_store8 = _groups(32, _block8, _block8_16, _block8_64, 0)


@function
def _group(bits, plane, second, block, blocks, less, step, out, stream):
    """Store the numbers of one group, from block ``block`` of its tile on."""
    if bits == U64(4):
        _store4(plane, second, block, blocks, less, step, out, stream)
    elif bits == U64(8):
        _store8(plane, second, block, blocks, less, step, out, stream)
    elif bits == U64(3):
        _store3(plane, second, block, blocks, less, step, out, stream)
    else:
        _store2(plane, second, block, blocks, less, step, out, stream)


@inlined
def _integer(address, width, index):
    """Return a signed integer of one or two bytes."""
    if width == U64(1):
        return np.int32(carray(int8s_at(address), _TILE)[index])
    return np.int32(carray(int16s_at(address), _TILE)[index])


@kernel()
def grouped_float32(
    tiles, stride, exponents, bits, group, width, offsets, plane, second, first, last, out, stream
):
    """Store the float32s of groups ``first`` to ``last``, counted over tiles; return how many.

    ``tiles`` is where the first tile begins, and each takes ``stride`` bytes; ``exponents`` are
    int16, between -100 and 60 so that no product is too large or loses bits. ``offsets`` (0: there
    are none), ``plane`` and ``second`` are places in a tile. ``stream`` is 0, or the
    alignment of ``out``, 16 or 64 bytes: then stores bypass the caches.
    """
    of_tile = U64(_TILE) // group
    blocks = group // U64(_BLOCK)
    half = np.int32(1) << np.int32(bits - U64(1))
    powers = carray(int16s_at(exponents), last // of_tile + U64(1))
    at = first
    while at < last:
        tile = at // of_tile
        start = tiles + tile * stride
        end = min(last, (tile + U64(1)) * of_tile)
        unit = np.float32(1.0)
        base = np.float32(2.0) if powers[tile] >= 0 else np.float32(0.5)
        for _ in range(abs(np.int64(powers[tile]))):
            unit *= base
        for index in range(at - tile * of_tile, end - tile * of_tile):
            less = half
            if offsets:
                less -= _integer(start + offsets, width, index)
            step = np.float32(_integer(start, width, index)) * unit
            _group(
                bits, start + plane, start + second, index * blocks, blocks, less, step, out, stream
            )
            out += U64(4) * group
        at = end
    return last - first
