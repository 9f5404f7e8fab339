"""Vectors of small integers: sums of rows, turning a tile around, comparisons, inner products."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engram.cpu.kernels.intrinsics import I32, I64, pointer, splat
from engram.cpu.layout import LANES

__all__ = ["DOT_STEP", "above16", "above32", "dot", "sum_rows", "turn_tile"]

DOT_STEP = 64  # numbers of an inner product in one step

_I8, _I16 = ir.IntType(8), ir.IntType(16)
_ROW = ir.VectorType(_I16, LANES)
_LOG_ROW_BYTES = 6


@intrinsic
def sum_rows(
    typingctx: Any, rows: Any, numbers: Any, count: Any, out: Any
) -> tuple[Any, Callable[..., Any]]:
    """Store the sum of ``count`` rows of 32 int16, whose uint32 numbers are at ``numbers``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, numbers, count, out = arguments
        total = cgutils.alloca_once_value(builder, ir.Constant(_ROW, [0] * LANES))
        with cgutils.for_range(builder, count) as loop:
            where = builder.add(numbers, builder.shl(loop.index, ir.Constant(I64, 2)))
            number = builder.zext(builder.load(pointer(builder, where, I32), align=4), I64)
            offset = builder.shl(number, ir.Constant(I64, _LOG_ROW_BYTES))
            row = builder.load(pointer(builder, builder.add(rows, offset), _ROW), align=64)
            builder.store(builder.add(builder.load(total), row), total)
        builder.store(builder.load(total), pointer(builder, out, _ROW), align=64)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, types.uint64, types.uint64), generate


@intrinsic
def turn_tile(typingctx: Any, tile: Any, out: Any, stride: Any) -> tuple[Any, Callable[..., Any]]:
    """Store the columns of a tile of 32 rows of 32 int16 as rows, ``stride`` bytes apart.

    Five rounds swap the halves that lie off the diagonal, of the whole, of its quarters, and so
    on down to single elements.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile, out, stride = arguments
        rows = [
            builder.load(
                pointer(builder, builder.add(tile, ir.Constant(I64, i << _LOG_ROW_BYTES)), _ROW),
                align=64,
            )
            for i in range(LANES)
        ]
        distance = LANES // 2
        while distance:
            first, second = (
                ir.Constant(ir.VectorType(I32, LANES), _swapped(distance, side)) for side in (0, 1)
            )
            for i in range(LANES):
                if not i & distance:
                    pair = rows[i], rows[i + distance]
                    rows[i] = builder.shuffle_vector(*pair, first)
                    rows[i + distance] = builder.shuffle_vector(*pair, second)
            distance //= 2
        for i, row in enumerate(rows):
            where = builder.add(out, builder.mul(stride, ir.Constant(I64, i)))
            builder.store(row, pointer(builder, where, _ROW), align=2)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, types.uint64), generate


def _swapped(distance: int, side: int) -> list[int]:
    """Return which lanes of a pair of rows make its upper or lower row after a swap."""
    if side == 0:
        return [i + LANES - distance if i & distance else i for i in range(LANES)]
    return [i + LANES if i & distance else i + distance for i in range(LANES)]


def _above(element: Any) -> Callable[..., Any]:
    """Return an intrinsic ``f(address, bound)``: a mask of which of 64 integers are greater."""
    vector = ir.VectorType(element, 64)

    def typing(typingctx: Any, address: Any, bound: Any) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            bound = builder.trunc(arguments[1], element)
            align = element.width // 8
            values = builder.load(pointer(builder, arguments[0], vector), align=align)
            above = builder.icmp_signed(">", values, splat(builder, bound, vector))
            return builder.bitcast(above, I64)

        return types.uint64(types.uint64, types.int64), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


above16 = _above(_I16)
above32 = _above(I32)


@intrinsic
def dot(typingctx: Any, first: Any, second: Any, steps: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the inner product of ``64 * steps`` int8 each; it must fit 32 bits.

    Products are added in pairs, as the multiply-add of 16-bit integers does that machines have.
    """
    bytes_, words = ir.VectorType(_I8, LANES), ir.VectorType(_I16, LANES)
    products, sums = ir.VectorType(I32, LANES), ir.VectorType(I32, LANES // 2)
    even, odd = (ir.Constant(sums, list(range(side, LANES, 2))) for side in (0, 1))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, second, steps = arguments
        none = ir.Constant(products, ir.Undefined)
        # Two totals, as a multiply-add takes some clocks before the next can use its result.
        totals = [
            cgutils.alloca_once_value(builder, ir.Constant(sums, [0] * (LANES // 2)))
            for _ in range(DOT_STEP // LANES)
        ]
        with cgutils.for_range(builder, steps) as loop:
            for part, total in enumerate(totals):
                offset = builder.mul(loop.index, ir.Constant(I64, DOT_STEP))
                offset = builder.add(offset, ir.Constant(I64, part * LANES))
                factors = []
                for base in (first, second):
                    where = pointer(builder, builder.add(base, offset), bytes_)
                    narrow = builder.load(where, align=1)
                    factors.append(builder.sext(builder.sext(narrow, words), products))
                product = builder.mul(*factors)
                pairs = (builder.shuffle_vector(product, none, side) for side in (even, odd))
                builder.store(builder.add(builder.load(total), builder.add(*pairs)), total)
        total = builder.add(*(builder.load(part) for part in totals))
        kind = ir.FunctionType(I32, [sums])
        name = f"llvm.vector.reduce.add.v{LANES // 2}i32"
        reduced = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.sext(builder.call(reduced, [total]), I64)

    return types.int64(types.uint64, types.uint64, types.uint64), generate
