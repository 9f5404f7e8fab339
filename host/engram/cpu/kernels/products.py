"""Products of pairs of 16-bit integers, summed in 32 bits, rounded to float32 and scaled.

LLVM turns a pair's two products and their sum into one instruction where there is one: vpdpwssd
(AVX-512 VNNI) or vpmaddwd (AVX2) on x86.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engram.cpu.kernels.intrinsics import I32, I64, pointer, splat

__all__ = ["COLUMNS", "ROWS", "multiply_block", "multiply_rows"]

COLUMNS = 32  # of a block; its pairs are 2 vectors of 512 bits
ROWS = 4

_LANES = 16
_VECTORS = COLUMNS // _LANES
_PAIRS = ir.VectorType(ir.IntType(16), 2 * _LANES)
_PRODUCTS = ir.VectorType(I32, 2 * _LANES)
_SUMS = ir.VectorType(I32, _LANES)
_FLOATS = ir.VectorType(ir.FloatType(), _LANES)
_LOG_BLOCK_BYTES = 7  # of a pair of rows, COLUMNS wide
_VECTOR_BYTES = 64


def _at(builder: Any, address: Any, offset: int) -> Any:
    return builder.add(address, ir.Constant(I64, offset))


def _summed_pairs(builder: Any, left: Any, right: Any) -> Any:
    """Emit the sums of products of neighbours, in the shape that LLVM knows as vpmaddwd."""
    wide = [builder.sext(x, _PRODUCTS) for x in (left, right)]
    products = builder.mul(*wide)
    nothing = ir.Constant(_PRODUCTS, ir.Undefined)
    halves = [
        builder.shuffle_vector(
            products, nothing, ir.Constant(ir.VectorType(I32, _LANES), list(range(i, 32, 2)))
        )
        for i in (0, 1)
    ]
    return builder.add(*halves)


def _multiply(rows: int) -> Callable[..., Any]:
    """Return an intrinsic ``f(left, right, pairs, scale, out, stride, count)``.

    ``left``: ``rows`` rows of pairs; ``right``: a block of pairs, pair by pair; ``out``: the first
    row's floats, ``stride`` bytes from row to row, of which at most ``count`` are stored;
    ``scale``: the bits of a float32.
    """

    def typing(
        typingctx: Any,
        left: Any,
        right: Any,
        pairs: Any,
        scale: Any,
        out: Any,
        stride: Any,
        count: Any,
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            left, right, pairs, scale, out, stride, count = arguments
            zero = ir.Constant(_SUMS, [0] * _LANES)
            sums = [
                [cgutils.alloca_once_value(builder, zero) for _ in range(_VECTORS)]
                for _ in range(rows)
            ]
            row_bytes = builder.shl(pairs, ir.Constant(I64, 2))
            with cgutils.for_range(builder, pairs) as loop:
                block = builder.add(
                    right, builder.shl(loop.index, ir.Constant(I64, _LOG_BLOCK_BYTES))
                )
                columns = [
                    builder.load(
                        pointer(builder, _at(builder, block, _VECTOR_BYTES * i), _PAIRS), align=64
                    )
                    for i in range(_VECTORS)
                ]
                where = builder.add(left, builder.shl(loop.index, ir.Constant(I64, 2)))
                for row in sums:
                    pair = builder.load(pointer(builder, where, I32), align=4)
                    spread = builder.bitcast(splat(builder, pair, _SUMS), _PAIRS)
                    for total, column in zip(row, columns, strict=True):
                        products = _summed_pairs(builder, spread, column)
                        builder.store(builder.add(builder.load(total), products), total)
                    where = builder.add(where, row_bytes)
            factor = builder.bitcast(builder.trunc(scale, I32), ir.FloatType())
            factor = splat(builder, factor, _FLOATS)
            whole = builder.icmp_unsigned(">=", count, ir.Constant(I64, COLUMNS))
            with builder.if_else(whole) as (then, otherwise):
                with then:
                    _store(builder, sums, factor, out, stride, None)
                with otherwise:
                    _store(builder, sums, factor, out, stride, count)
            return context.get_dummy_value()

        return types.void(*[types.uint64] * 7), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


def _store(builder: Any, sums: Any, factor: Any, out: Any, stride: Any, count: Any) -> None:
    """Emit the stores of a block's floats, all of them or the first ``count`` of each row."""
    masked = None
    if count is not None:
        kind = ir.FunctionType(
            ir.VoidType(), [_FLOATS, _FLOATS.as_pointer(), I32, ir.VectorType(ir.IntType(1), 16)]
        )
        name = "llvm.masked.store.v16f32.p0"
        masked = cgutils.get_or_insert_function(builder.module, kind, name)
    for row in sums:
        for i, total in enumerate(row):
            value = builder.fmul(builder.sitofp(builder.load(total), _FLOATS), factor)
            where = pointer(builder, _at(builder, out, _VECTOR_BYTES * i), _FLOATS)
            if masked is None:
                builder.store(value, where, align=4)
            else:
                lanes = ir.Constant(_SUMS, list(range(i * _LANES, (i + 1) * _LANES)))
                few = splat(builder, builder.trunc(count, I32), _SUMS)
                wanted = builder.icmp_unsigned("<", lanes, few)
                builder.call(masked, [value, where, ir.Constant(I32, 4), wanted])
        out = builder.add(out, stride)


multiply_block = _multiply(1)
multiply_rows = _multiply(ROWS)
