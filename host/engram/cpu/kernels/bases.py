"""Bases of few numbers as vectors: sums of their columns, and the search for the nearest one."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engram.arch.payloads.seeded import BLOCKS, ENTRY_BITS
from engram.cpu.kernels.intrinsics import I32, I64, pointer, splat

__all__ = ["BATCH_NUMBERS", "regrow_of", "search_of"]

# Numbers searched for at once, as 16 vectors of 16: half the registers of an AVX-512 core, so that
# the other half has room for the sums.
BATCH_NUMBERS = 256

_LANES = 16
_F32 = ir.FloatType()
_FLOATS = ir.VectorType(_F32, _LANES)
_INTEGERS = ir.VectorType(I32, _LANES)
_I8 = ir.IntType(8)
_SHORTS = ir.VectorType(ir.IntType(16), BLOCKS)
# A product and a sum may be fused; searching is no law.
_FUSED = ("contract",)


def _constant(value: int) -> Any:
    return ir.Constant(I64, value)


def search_of(block: int) -> Callable[..., Any]:
    """Return an intrinsic that finds, for each of 256 / ``block`` blocks, the best of some bases.

    ``f(bases, stride, columns, count, first, batch, energies, seeds)``: ``bases`` are ``count``
    bases, ``stride`` bytes apart, of orthonormal columns of ``block`` float32s; ``batch`` the
    blocks' float32s, all their first ones before all their second ones, and so on. Stores how much
    of each block's square lies in the basis that has most of it, and ``first`` + its place.
    """
    vectors = BATCH_NUMBERS // block // _LANES

    def typing(
        typingctx: Any,
        bases: Any,
        stride: Any,
        columns: Any,
        count: Any,
        first: Any,
        batch: Any,
        energies: Any,
        seeds: Any,
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            bases, stride, columns, count, first, batch, energies, seeds = arguments

            def vector_at(address: Any, place: int, kind: Any) -> Any:
                where = builder.add(address, _constant(4 * _LANES * place))
                return pointer(builder, where, kind)

            numbers = [
                [
                    builder.load(vector_at(batch, i * vectors + v, _FLOATS), align=64)
                    for v in range(vectors)
                ]
                for i in range(block)
            ]
            nothing = ir.Constant(_FLOATS, [-float("inf")] * _LANES)
            zeros = ir.Constant(_FLOATS, [0.0] * _LANES)
            nobody = ir.Constant(_INTEGERS, [0] * _LANES)
            best = [cgutils.alloca_once_value(builder, nothing) for _ in range(vectors)]
            chosen = [cgutils.alloca_once_value(builder, nobody) for _ in range(vectors)]
            sums = [cgutils.alloca_once_value(builder, zeros) for _ in range(vectors)]
            with cgutils.for_range(builder, count) as turn:
                basis = builder.add(bases, builder.mul(turn.index, stride))
                for total in sums:
                    builder.store(zeros, total)
                with cgutils.for_range(builder, columns) as step:
                    column = builder.add(basis, builder.mul(step.index, _constant(4 * block)))
                    inner: list[Any] = [None] * vectors
                    for i in range(block):
                        where = pointer(builder, builder.add(column, _constant(4 * i)), _F32)
                        entry = splat(builder, builder.load(where, align=4), _FLOATS)
                        for v in range(vectors):
                            product = builder.fmul(entry, numbers[i][v], flags=_FUSED)
                            if i:
                                product = builder.fadd(inner[v], product, flags=_FUSED)
                            inner[v] = product
                    for total, share in zip(sums, inner, strict=True):
                        square = builder.fmul(share, share, flags=_FUSED)
                        builder.store(
                            builder.fadd(builder.load(total), square, flags=_FUSED), total
                        )
                own = builder.trunc(builder.add(first, turn.index), I32)
                own = splat(builder, own, _INTEGERS)
                for total, most, which in zip(sums, best, chosen, strict=True):
                    energy, before = builder.load(total), builder.load(most)
                    more = builder.fcmp_ordered(">", energy, before)
                    builder.store(builder.select(more, energy, before), most)
                    builder.store(builder.select(more, own, builder.load(which)), which)
            for v in range(vectors):
                builder.store(builder.load(best[v]), vector_at(energies, v, _FLOATS), align=4)
                builder.store(builder.load(chosen[v]), vector_at(seeds, v, _INTEGERS), align=4)
            return context.get_dummy_value()

        return types.void(*[types.uint64] * 8), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


def _interleaved(builder: Any, rows: list[Any]) -> Any:
    """Emit one vector of the first lanes of all rows, their second lanes, and so on."""
    if len(rows) == 1:
        return rows[0]
    even, odd = (_interleaved(builder, rows[side::2]) for side in (0, 1))
    lanes = even.type.count
    order = [lane for i in range(lanes) for lane in (i, lanes + i)]
    return builder.shuffle_vector(even, odd, ir.Constant(ir.VectorType(I32, 2 * lanes), order))


def _coefficients(builder: Any, packed: Any) -> Any:
    """Emit sixteen signed integers of four bits, lowest first, out of a word."""
    bytes_ = builder.bitcast(packed, ir.VectorType(_I8, BLOCKS // 2))
    twice = ir.Constant(_INTEGERS, [i // 2 for i in range(BLOCKS)])
    wide = builder.shuffle_vector(bytes_, ir.Constant(bytes_.type, ir.Undefined), twice)
    # Each nibble to the top of its sixteen bits, and from there down with its sign.
    up = ir.Constant(_SHORTS, [12 - 4 * (i % 2) for i in range(BLOCKS)])
    top = builder.shl(builder.zext(wide, _SHORTS), up)
    return builder.ashr(top, ir.Constant(_SHORTS, [12] * BLOCKS))


def regrow_of(block: int) -> Callable[..., Any]:
    """Return an intrinsic ``f(words, coefficients, columns, scale, out)`` that regrows a group.

    ``words``: of the law, those of all 16 blocks before the next of each; ``coefficients``: a word
    for each column; ``scale``: the bits of a float32, whose products with the sums are exact;
    ``out``: 16 * ``block`` float32s. A lane is a block until the sums are done.
    """
    column_bits = ENTRY_BITS * block
    per_word = 64 // column_bits
    per_short = 16 // ENTRY_BITS
    words_type = ir.VectorType(I64, BLOCKS)

    def short(value: int) -> Any:
        return ir.Constant(_SHORTS, [value] * BLOCKS)

    def typing(
        typingctx: Any, words: Any, coefficients: Any, columns: Any, scale: Any, out: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            words, coefficients, columns, scale, out = arguments
            sums = [cgutils.alloca_once_value(builder, short(0)) for _ in range(block)]
            # An entry is twice its field less 3: all entries' 3 times the coefficients at once.
            less = cgutils.alloca_once_value(builder, short(0))
            with cgutils.for_range(builder, columns) as step:
                word = builder.udiv(step.index, _constant(per_word))
                where = builder.add(words, builder.mul(word, _constant(8 * BLOCKS)))
                drawn = builder.load(pointer(builder, where, words_type), align=8)
                low = builder.urem(step.index, _constant(per_word))
                low = builder.mul(low, _constant(column_bits))
                drawn = builder.lshr(drawn, splat(builder, low, words_type))
                where = builder.add(coefficients, builder.shl(step.index, _constant(3)))
                packed = builder.load(pointer(builder, where, I64), align=8)
                own = _coefficients(builder, packed)
                builder.store(builder.add(builder.load(less), own), less)
                for i, total in enumerate(sums):
                    above = ir.Constant(words_type, [16 * (i // per_short)] * BLOCKS)
                    fields = builder.trunc(builder.lshr(drawn, above), _SHORTS)
                    fields = builder.lshr(fields, short(ENTRY_BITS * (i % per_short)))
                    fields = builder.and_(fields, short((1 << ENTRY_BITS) - 1))
                    product = builder.mul(fields, own)
                    builder.store(builder.add(builder.load(total), product), total)
            three = builder.mul(builder.load(less), short(3))
            rows = [
                builder.sub(builder.shl(builder.load(total), short(1)), three) for total in sums
            ]
            turned = _interleaved(builder, rows)
            nothing = ir.Constant(turned.type, ir.Undefined)
            factor = splat(builder, builder.bitcast(builder.trunc(scale, I32), _F32), _FLOATS)
            for first in range(0, BLOCKS * block, _LANES):
                lanes = ir.Constant(_INTEGERS, list(range(first, first + _LANES)))
                piece = builder.shuffle_vector(turned, nothing, lanes)
                made = builder.sitofp(builder.sext(piece, _INTEGERS), _FLOATS)
                where = pointer(builder, builder.add(out, _constant(4 * first)), _FLOATS)
                builder.store(builder.fmul(made, factor), where, align=4)
            return context.get_dummy_value()

        return types.void(*[types.uint64] * 5), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made
