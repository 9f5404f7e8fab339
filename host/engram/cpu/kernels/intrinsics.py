"""What numba lacks: loads and stores by address, prefetch, and a compare of four words at once."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "I32",
    "I64",
    "float32s_at",
    "highest_one",
    "int8s_at",
    "int16s_at",
    "int32s_at",
    "int64s_at",
    "leading_zeros32",
    "load",
    "load8",
    "load_acquire",
    "match4",
    "ones",
    "pointer",
    "prefetch",
    "prefetch_write",
    "splat",
    "square_root",
    "store",
    "store_release",
    "trailing_zeros",
    "uint16s_at",
    "uint32s_at",
    "words_at",
]

I8 = ir.IntType(8)
I32 = ir.IntType(32)
I64 = ir.IntType(64)


def pointer(builder: Any, address: Any, to: Any) -> Any:
    """Emit the conversion of an integer address to a pointer."""
    return builder.inttoptr(address, to.as_pointer())


def splat(builder: Any, scalar: Any, vector: Any) -> Any:
    """Emit a vector with ``scalar`` in every lane."""
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(I32, 0))
    lanes = ir.Constant(ir.VectorType(I32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), lanes)


@intrinsic
def load(typingctx: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the word at an 8-byte aligned address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(pointer(builder, arguments[0], I64), align=8)

    return types.uint64(types.uint64), generate


@intrinsic
def load8(typingctx: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the byte at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.load(pointer(builder, arguments[0], I8), align=1), I64)

    return types.uint64(types.uint64), generate


@intrinsic
def load_acquire(typingctx: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a word before anything that is loaded after it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(pointer(builder, arguments[0], I64), "acquire", 8, typ=I64)

    return types.uint64(types.uint64), generate


@intrinsic
def store(typingctx: Any, address: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """Store a word at an 8-byte aligned address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], pointer(builder, arguments[0], I64), align=8)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), generate


@intrinsic
def store_release(typingctx: Any, address: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """Store a word after everything stored before it, as other threads see it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where = pointer(builder, arguments[0], I64)
        builder.store_atomic(arguments[1], where, "release", 8)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), generate


def _prefetch(write: int) -> Callable[..., Any]:
    def typing(typingctx: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            byte_pointer = I8.as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [byte_pointer, I32, I32, I32])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            where = builder.inttoptr(arguments[0], byte_pointer)
            flags = [ir.Constant(I32, flag) for flag in (write, 3, 1)]
            builder.call(function, [where, *flags])
            return context.get_dummy_value()

        return types.void(types.uint64), generate

    return typing


prefetch = intrinsic(_prefetch(0))
prefetch_write = intrinsic(_prefetch(1))


@intrinsic
def match4(typingctx: Any, address: Any, key: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a mask of which of the four words at a 64-byte aligned address equal ``key``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(I64, 4)
        line = builder.load(pointer(builder, arguments[0], vector), align=64)
        equal = builder.icmp_unsigned("==", line, splat(builder, arguments[1], vector))
        return builder.zext(builder.bitcast(equal, ir.IntType(4)), I64)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def trailing_zeros(typingctx: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the place of the lowest one bit; 64 for zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic
def highest_one(typingctx: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the highest one bit of a word that is not zero, in its place."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        above = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.lshr(ir.Constant(I64, 1 << 63), above)

    return types.uint64(types.uint64), generate


@intrinsic
def square_root(typingctx: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the square root of a float64, correctly rounded, without a call of any library."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType()])
        root = cgutils.get_or_insert_function(builder.module, kind, "llvm.sqrt.f64")
        return builder.call(root, arguments)

    return types.float64(types.float64), generate


@intrinsic
def ones(typingctx: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the number of one bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def leading_zeros32(typingctx: Any, half: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the number of zero bits above the highest one bit of a non-zero 32-bit integer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint32(types.uint32), generate


def _pointer_to(element: Any) -> Callable[..., Any]:
    """Return an intrinsic that makes an address a pointer to elements, for ``numba.carray``."""

    def typing(typingctx: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(element)(types.uint64), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


words_at = _pointer_to(types.uint64)
float32s_at = _pointer_to(types.float32)
int64s_at = _pointer_to(types.int64)
int32s_at = _pointer_to(types.int32)
int16s_at = _pointer_to(types.int16)
int8s_at = _pointer_to(types.int8)
uint32s_at = _pointer_to(types.uint32)
uint16s_at = _pointer_to(types.uint16)
