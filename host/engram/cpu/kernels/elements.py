"""Words to elements of the other number views, eight to thirty-two at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from engram.arch.normal import FRACTION_BITS, OCTAVES, SEGMENT_BITS, normal_table
from engram.cpu.kernels.intrinsics import I32, I64, leading_zeros32, load, pointer, words_at
from engram.cpu.kernels.kernel import function, inlined, kernel
from engram.cpu.layout import ElementCode

__all__ = ["to_elements"]

U32 = np.uint32
U64 = np.uint64

_F32, _F64 = ir.FloatType(), ir.DoubleType()
_VECTOR_WORDS = 16
_BLOCK = 4 * _VECTOR_WORDS

_TABLE = np.ascontiguousarray(normal_table().reshape(-1, 2))


def _convert(
    integer: Any, lanes: int, floating: Any, drop: int, scale: float, nontemporal: bool
) -> Callable[..., Any]:
    """Return an intrinsic ``f(words, out)``: ``(x >> drop) * scale`` of _VECTOR_WORDS words."""

    def typing(typingctx: Any, words: Any, out: Any) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source = ir.VectorType(integer, lanes)
            target = ir.VectorType(floating, lanes)
            x = builder.load(pointer(builder, arguments[0], source), align=8)
            if drop:
                # The sign bit is free now, and machines convert signed integers best.
                x = builder.lshr(x, ir.Constant(source, [drop] * lanes))
                x = builder.sitofp(x, target)
            else:
                x = builder.uitofp(x, target)
            x = builder.fmul(x, ir.Constant(target, [scale] * lanes))
            where = pointer(builder, arguments[1], target)
            made = builder.store(x, where, align=64 if nontemporal else 4)
            if nontemporal:
                made.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64), generate

    converted: Callable[..., Any] = intrinsic(typing)
    return converted


_float32 = _convert(I32, 2 * _VECTOR_WORDS, _F32, 8, 2.0**-24, False)
_float32_nt = _convert(I32, 2 * _VECTOR_WORDS, _F32, 8, 2.0**-24, True)
_float64 = _convert(I64, _VECTOR_WORDS, _F64, 11, 2.0**-53, False)
_float64_nt = _convert(I64, _VECTOR_WORDS, _F64, 11, 2.0**-53, True)
_unit64 = _convert(I64, _VECTOR_WORDS, _F64, 0, 2.0**-64, False)


@intrinsic
def _float32s_at(typingctx: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a pointer to float32s, for ``numba.carray``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float32)(types.uint64), generate


@intrinsic
def _float64s_at(typingctx: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a pointer to float64s, for ``numba.carray``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float64)(types.uint64), generate


@inlined
def _normal(half):
    u = U32(U32(half << U32(1)) | U32(1))
    octave = leading_zeros32(u)
    # Two shifts: one of octave + 1 would be 32, and undefined, for u = 1.
    fraction = U32(U32(u << octave) << U32(1))
    segment = U32(fraction >> U32(32 - SEGMENT_BITS))
    position = np.int64(U32(fraction >> U32(16 - SEGMENT_BITS)) & U32(0xFFFF))
    line = U64(octave) * U64(OCTAVES) + U64(segment)
    magnitude = np.int64(_TABLE[line, 0]) - ((np.int64(_TABLE[line, 1]) * position) >> 16)
    sign = -np.int64(half >> U32(31))
    return np.float32((magnitude ^ sign) - sign) * np.float32(2.0**-FRACTION_BITS)


@function
def to_elements(words, count, element, out, stream):
    """Store at ``out`` the elements of ``count`` words stored at ``words``.

    ``stream`` bypasses the caches where ``out`` is aligned for it.
    """
    if element == U64(ElementCode.NORMAL):
        normals = carray(_float32s_at(out), U64(2) * count)
        for i in range(count):
            word = load(words + U64(8) * i)
            normals[U64(2) * i] = _normal(U32(word & U64(0xFFFFFFFF)))
            normals[U64(2) * i + U64(1)] = _normal(U32(word >> U64(32)))
        return
    aligned = stream != U64(0) and out & U64(63) == U64(0)
    vectors = count // U64(_VECTOR_WORDS)
    whole = vectors * U64(_VECTOR_WORDS)
    for i in range(vectors):
        source = words + i * U64(8 * _VECTOR_WORDS)
        target = out + i * U64(8 * _VECTOR_WORDS)
        if element == U64(ElementCode.FLOAT32):
            if aligned:
                _float32_nt(source, target)
            else:
                _float32(source, target)
        elif element == U64(ElementCode.FLOAT64):
            if aligned:
                _float64_nt(source, target)
            else:
                _float64(source, target)
        else:
            _unit64(source, target)
    rest = carray(words_at(words), count)
    if element == U64(ElementCode.FLOAT32):
        singles = carray(_float32s_at(out), U64(2) * count)
        for i in range(whole, count):
            low, high = U32(rest[i] & U64(0xFFFFFFFF)), U32(rest[i] >> U64(32))
            singles[U64(2) * i] = np.float32(np.int32(low >> U32(8))) * np.float32(2.0**-24)
            singles[U64(2) * i + U64(1)] = np.float32(np.int32(high >> U32(8))) * np.float32(
                2.0**-24
            )
        return
    doubles = carray(_float64s_at(out), count)
    for i in range(whole, count):
        if element == U64(ElementCode.FLOAT64):
            doubles[i] = np.float64(np.int64(rest[i] >> U64(11))) * 2.0**-53
        else:
            doubles[i] = np.float64(rest[i]) * 2.0**-64


@kernel()
def convert_words(words, count, element, out):
    """Convert stored words to elements (any view but uint64 and int8)."""
    to_elements(words, count, element, out, U64(0))
    return count
