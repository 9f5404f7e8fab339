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


def regrow_of(block: int) -> Callable[..., Any]:
    """Return an intrinsic ``f(words, coefficients, columns, scale, out)`` that regrows a group.

    ``words``: of the law, those of all 16 blocks before the next of each; ``coefficients``: a word
    for each column; ``scale``: the bits of a float32, whose products with the sums are exact;
    ``out``: 16 * ``block`` float32s.
    """
    sums = ir.VectorType(I32, block)
    column_bits = ENTRY_BITS * block
    per_word = 64 // column_bits
    narrow = ir.IntType(column_bits)

    def typing(
        typingctx: Any, words: Any, coefficients: Any, columns: Any, scale: Any, out: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            words, coefficients, columns, scale, out = arguments
            zeros = ir.Constant(sums, [0] * block)
            places = ir.Constant(sums, [ENTRY_BITS * i for i in range(block)])
            field = ir.Constant(sums, [(1 << ENTRY_BITS) - 1] * block)
            floats = ir.VectorType(_F32, block)
            factor = splat(builder, builder.bitcast(builder.trunc(scale, I32), _F32), floats)
            total = cgutils.alloca_once_value(builder, zeros)
            with cgutils.for_range(builder, _constant(BLOCKS)) as loop:
                member = loop.index
                builder.store(zeros, total)
                with cgutils.for_range(builder, columns) as step:
                    word = builder.udiv(step.index, _constant(per_word))
                    place = builder.urem(step.index, _constant(per_word))
                    where = builder.add(builder.mul(word, _constant(BLOCKS)), member)
                    where = builder.add(words, builder.mul(where, _constant(8)))
                    entries = builder.load(pointer(builder, where, I64), align=8)
                    entries = builder.lshr(entries, builder.mul(place, _constant(column_bits)))
                    entries = builder.zext(builder.trunc(entries, narrow), I32)
                    entries = builder.lshr(splat(builder, entries, sums), places)
                    entries = builder.and_(entries, field)
                    entries = builder.add(entries, entries)
                    entries = builder.sub(entries, ir.Constant(sums, [3] * block))
                    where = builder.add(coefficients, builder.mul(step.index, _constant(8)))
                    packed = builder.load(pointer(builder, where, I64), align=8)
                    # Its own four bits to the top, and from there down with their sign.
                    up = builder.sub(_constant(60), builder.mul(member, _constant(4)))
                    coefficient = builder.ashr(builder.shl(packed, up), _constant(60))
                    coefficient = splat(builder, builder.trunc(coefficient, I32), sums)
                    product = builder.mul(entries, coefficient)
                    builder.store(builder.add(builder.load(total), product), total)
                made = builder.fmul(builder.sitofp(builder.load(total), floats), factor)
                where = builder.add(out, builder.mul(member, _constant(4 * block)))
                builder.store(made, pointer(builder, where, floats), align=4)
            return context.get_dummy_value()

        return types.void(*[types.uint64] * 5), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made
