"""Laws 1 and 4: the Feistel permutation of one word, and of whole vectors of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engram.arch.laws import LAWS, FeistelLaw
from engram.cpu.kernels.intrinsics import I32, I64, pointer, splat
from engram.cpu.kernels.kernel import inlined
from engram.cpu.layout import LawBlock

__all__ = [
    "BLOCK",
    "FEISTEL4",
    "FEISTEL6",
    "SMALL_BLOCK",
    "blocks_of",
    "feistel",
    "feistel_inverse",
    "gathers_of",
]

U32 = np.uint32
U64 = np.uint64


def _law(number: int) -> FeistelLaw:
    law = LAWS[number]
    assert isinstance(law, FeistelLaw)
    return law


FEISTEL6, FEISTEL4 = _law(1), _law(4)
assert FEISTEL6.factors == FEISTEL4.factors
assert FEISTEL6.premix == FEISTEL4.premix

_M1, _M2 = (U32(factor) for factor in FEISTEL6.factors)
_STEP = U32(FEISTEL6.key_step)
_ROTL, _ROTR = U32(FEISTEL6.premix), U32(32 - FEISTEL6.premix)
_IN, _OUT = U32(FEISTEL6.shift_in), U32(FEISTEL6.shift_out)

# Words a vector block makes at once. 4 x 32 lanes keep both multipliers of an AVX-512 core busy;
# narrower machines see the same vectors cut into their own.
_LANES, _UNROLL = 32, 4
BLOCK = _LANES * _UNROLL
SMALL_BLOCK = _LANES


@inlined
def _round(half, key, factor):
    t = U32(half + key)
    t = U32(U32(t ^ U32(t >> _IN)) * factor)
    return U32(t ^ U32(t >> _OUT))


@inlined
def feistel(rounds, address, k0, k1, k2, k3):
    """Return the word of an address; keys are uint32, rounds 4 or 6."""
    right, left = U32(address & U64(0xFFFFFFFF)), U32(address >> U64(32))
    right = U32(right ^ U32(U32(left << _ROTL) | U32(left >> _ROTR)))
    left = U32(left ^ _round(right, k0, _M1))
    right = U32(right ^ _round(left, k1, _M2))
    left = U32(left ^ _round(right, k2, _M1))
    right = U32(right ^ _round(left, k3, _M2))
    if rounds == 6:
        left = U32(left ^ _round(right, U32(k0 + _STEP), _M1))
        right = U32(right ^ _round(left, U32(k1 + _STEP), _M2))
    return U64(right) | (U64(left) << U64(32))


@inlined
def feistel_inverse(rounds, word, k0, k1, k2, k3):
    """Return the address of a word."""
    right, left = U32(word & U64(0xFFFFFFFF)), U32(word >> U64(32))
    if rounds == 6:
        right = U32(right ^ _round(left, U32(k1 + _STEP), _M2))
        left = U32(left ^ _round(right, U32(k0 + _STEP), _M1))
    right = U32(right ^ _round(left, k3, _M2))
    left = U32(left ^ _round(right, k2, _M1))
    right = U32(right ^ _round(left, k1, _M2))
    left = U32(left ^ _round(right, k0, _M1))
    right = U32(right ^ U32(U32(left << _ROTL) | U32(left >> _ROTR)))
    return U64(right) | (U64(left) << U64(32))


def _network(builder: Any, law: FeistelLaw, right: Any, left: Any, keys: list[Any]) -> Any:
    """Emit the rounds on vectors of halves; return (right, left)."""
    vector = right.type

    def constant(value: int) -> Any:
        return ir.Constant(vector, [value] * vector.count)

    rotated = builder.or_(
        builder.shl(left, constant(law.premix)), builder.lshr(left, constant(32 - law.premix))
    )
    halves = [builder.xor(right, rotated), left]
    for i in range(law.rounds):
        key = keys[i % 4]
        if i >= 4:
            key = builder.add(key, constant(law.key_step * (i // 4)))
        t = builder.add(halves[i % 2], key)
        t = builder.xor(t, builder.lshr(t, constant(law.shift_in)))
        t = builder.mul(t, constant(law.factors[i % 2]))
        t = builder.xor(t, builder.lshr(t, constant(law.shift_out)))
        halves[1 - i % 2] = builder.xor(halves[1 - i % 2], t)
    return halves[0], halves[1]


_HALVES = ir.VectorType(I32, _LANES)
_WORDS = ir.VectorType(I32, 2 * _LANES)
_INTERLEAVE = ir.Constant(_WORDS, [lane for i in range(_LANES) for lane in (i, _LANES + i)])


def _keys(builder: Any, law_block: Any) -> list[Any]:
    """Emit the loads of the four keys into whole vectors."""
    keys = []
    for i in range(4):
        address = builder.add(law_block, ir.Constant(I64, 8 * (LawBlock.KEY0 + i)))
        key = builder.trunc(builder.load(pointer(builder, address, I64), align=8), I32)
        keys.append(splat(builder, key, _HALVES))
    return keys


def _store_words(builder: Any, halves: Any, address: Any, nontemporal: bool) -> None:
    words = builder.shuffle_vector(*halves, _INTERLEAVE)
    made = builder.store(words, pointer(builder, address, _WORDS), align=64 if nontemporal else 8)
    if nontemporal:
        made.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))


def blocks_of(
    law: FeistelLaw, *, words: int = BLOCK, nontemporal: bool = False
) -> Callable[..., Any]:
    """Return an intrinsic ``f(out, low, high, law_block)`` that stores ``words`` words.

    ``low`` and ``high`` are the halves of the first address; the low halves must not wrap inside
    the block. Non-temporal stores bypass the caches and need ``out`` aligned to 64 bytes.
    """

    def typing(
        typingctx: Any, out: Any, low: Any, high: Any, law_block: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            out, low, high, law_block = arguments
            keys = _keys(builder, law_block)
            lows, left = splat(builder, low, _HALVES), splat(builder, high, _HALVES)
            made = []
            for u in range(words // _LANES):
                lanes = ir.Constant(_HALVES, [u * _LANES + i for i in range(_LANES)])
                made.append(_network(builder, law, builder.add(lows, lanes), left, keys))
            for u, halves in enumerate(made):
                address = builder.add(out, ir.Constant(I64, u * _LANES * 8))
                _store_words(builder, halves, address, nontemporal)
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint32, types.uint32, types.uint64), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


def gathers_of(law: FeistelLaw, *, words: int = BLOCK) -> Callable[..., Any]:
    """Return an intrinsic ``f(addresses, out, law_block)``: words of ``words`` stored addresses."""

    def typing(
        typingctx: Any, addresses: Any, out: Any, law_block: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            addresses, out, law_block = arguments
            keys = _keys(builder, law_block)
            even = ir.Constant(_HALVES, [2 * i for i in range(_LANES)])
            odd = ir.Constant(_HALVES, [2 * i + 1 for i in range(_LANES)])
            none = ir.Constant(_WORDS, ir.Undefined)
            made = []
            for u in range(words // _LANES):
                address = builder.add(addresses, ir.Constant(I64, u * _LANES * 8))
                halves = builder.load(pointer(builder, address, _WORDS), align=8)
                right = builder.shuffle_vector(halves, none, even)
                left = builder.shuffle_vector(halves, none, odd)
                made.append(_network(builder, law, right, left, keys))
            for u, pair in enumerate(made):
                address = builder.add(out, ir.Constant(I64, u * _LANES * 8))
                _store_words(builder, pair, address, False)
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64, types.uint64), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made
