"""Rows of 512 bits, one for each pattern of a block, and counting many of them at once.

A count of every pattern is kept as *planes*: row ``p`` holds bit ``p`` of all 512 counts. Rows are
added by carry-save adders, in which three rows of one weight become one of that weight and one of
the double (R. M. Harley and A. Seal's population count; H. S. Warren, Hacker's Delight, 5-1).
"""

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engram.cpu.kernels.intrinsics import I32, I64, pointer, splat
from engram.cpu.layout import PLANES, WIDE_PLANES

__all__ = [
    "add",
    "add_inverted",
    "add_wide",
    "add_wide_inverted",
    "copy",
    "drop",
    "fill",
    "join",
    "keep",
    "ones_of",
    "ones_of_both",
    "take",
]

_ROW = ir.VectorType(I64, 8)
_I16 = ir.IntType(16)
_LOG_ROW_BYTES = 6
# Rows added at once: the more, the fewer times a carry runs through the upper planes.
_LOG_LARGEST, _LOG_SMALLEST = 5, 3

_TERNARY = bool(llvm.get_host_cpu_features().get("avx512f"))
# Truth tables of the majority of three rows, and of it with the first two inverted.
_MAJORITY, _INVERTED_MAJORITY = 0xE8, 0x2B

# What a step on rows does: from the builder and the rows to what it stores, None where nothing.
_Formula = Callable[[Any, Sequence[Any]], Sequence[Any]]


def _load(builder: Any, address: Any) -> Any:
    return builder.load(pointer(builder, address, _ROW), align=64)


def _store(builder: Any, row: Any, address: Any) -> None:
    builder.store(row, pointer(builder, address, _ROW), align=64)


def _at(builder: Any, address: Any, row: int) -> Any:
    return builder.add(address, ir.Constant(I64, row << _LOG_ROW_BYTES))


def _full_add(builder: Any, a: Any, b: Any, count: Any, inverted: bool = False) -> tuple[Any, Any]:
    """Emit the sum and the carry of three rows, the first two of them inverted if so said."""
    total = builder.xor(builder.xor(a, b), count)  # inverting two of three changes nothing
    if _TERNARY:  # one instruction, which LLVM does not find by itself
        kind = ir.FunctionType(_ROW, [_ROW, _ROW, _ROW, I32])
        name = "llvm.x86.avx512.pternlog.q.512"
        logic = cgutils.get_or_insert_function(builder.module, kind, name)
        table = ir.Constant(I32, _INVERTED_MAJORITY if inverted else _MAJORITY)
        return total, builder.call(logic, [a, b, count, table])
    if inverted:
        a, b = builder.not_(a), builder.not_(b)
    either = builder.and_(count, builder.or_(a, b))
    return total, builder.or_(builder.and_(a, b), either)


class _Adder:
    """Emits the addition of listed rows to planes that stay in registers meanwhile."""

    def __init__(self, builder: Any, arguments: Sequence[Any], planes: int, inverted: bool) -> None:
        self._builder = builder
        self._rows, self._numbers, self._count, self._planes, self._blank = arguments
        self._inverted = inverted
        self._counts = [cgutils.alloca_once(builder, _ROW) for _ in range(planes)]
        self._done = cgutils.alloca_once_value(builder, ir.Constant(I64, 0))

    def emit(self) -> None:
        """Emit the whole: blocks of 32 rows, then of 16 and 8, and one that is filled up."""
        builder = self._builder
        for p, count in enumerate(self._counts):
            builder.store(_load(builder, _at(builder, self._planes, p)), count)
        blocks = builder.lshr(self._count, ir.Constant(I64, _LOG_LARGEST))
        with cgutils.for_range(builder, blocks):
            self._add_block(_LOG_LARGEST)
        for log_rows in range(_LOG_LARGEST - 1, _LOG_SMALLEST - 1, -1):
            bit = builder.and_(self._count, ir.Constant(I64, 1 << log_rows))
            with builder.if_then(cgutils.is_not_null(builder, bit)):
                self._add_block(log_rows)
        rest = builder.icmp_unsigned("<", builder.load(self._done), self._count)
        with builder.if_then(rest):
            self._add_block(_LOG_SMALLEST, partial=True)
        for p, count in enumerate(self._counts):
            _store(builder, builder.load(count), _at(builder, self._planes, p))

    def _add_block(self, log_rows: int, partial: bool = False) -> None:
        builder = self._builder
        first = builder.load(self._done)
        carry = self._carried(first, log_rows, 0, partial)
        for count in self._counts[log_rows:]:
            old = builder.load(count)
            builder.store(builder.xor(old, carry), count)
            carry = builder.and_(old, carry)
        builder.store(builder.add(first, ir.Constant(I64, 1 << log_rows)), self._done)

    def _carried(self, first: Any, level: int, place: int, partial: bool) -> Any:
        """Emit what ``2**level`` rows from a place on carry out of plane ``level - 1``."""
        builder = self._builder
        if level == 0:
            return self._row(builder.add(first, ir.Constant(I64, place)), partial)
        low = self._carried(first, level - 1, place, partial)
        high = self._carried(first, level - 1, place + (1 << level - 1), partial)
        count = self._counts[level - 1]
        inverted = self._inverted and level == 1
        total, carry = _full_add(builder, low, high, builder.load(count), inverted)
        builder.store(total, count)
        return carry

    def _row(self, place: Any, partial: bool) -> Any:
        """Emit the load of a listed row; of a blank one, if it may be past the list and is."""
        builder = self._builder
        if partial:
            inside = builder.icmp_unsigned("<", place, self._count)
            place = builder.select(inside, place, ir.Constant(I64, 0))
        where = builder.add(self._numbers, builder.shl(place, ir.Constant(I64, 1)))
        number = builder.load(pointer(builder, where, _I16), align=2)
        offset = builder.shl(builder.zext(number, I64), ir.Constant(I64, _LOG_ROW_BYTES))
        address = builder.add(self._rows, offset)
        if partial:
            address = builder.select(inside, address, self._blank)
        return _load(builder, address)


def _adder(planes: int, inverted: bool = False) -> Callable[..., Any]:
    """Return an intrinsic ``f(rows, numbers, count, planes, blank)`` that adds rows to planes.

    The uint16 numbers of the rows are at ``numbers``. Sums are modulo ``2**planes``. The row at
    ``blank`` adds nothing: it is zero, or all ones where rows are inverted.
    """

    def typing(
        typingctx: Any, rows: Any, numbers: Any, count: Any, planes_at: Any, blank: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _Adder(builder, arguments, planes, inverted).emit()
            return context.get_dummy_value()

        return types.void(*[types.uint64] * 5), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


add = _adder(PLANES)
add_inverted = _adder(PLANES, inverted=True)
add_wide = _adder(WIDE_PLANES)
add_wide_inverted = _adder(WIDE_PLANES, inverted=True)


def _on(formula: _Formula, context: Any, builder: Any, addresses: Sequence[Any]) -> Any:
    rows = [_load(builder, address) for address in addresses]
    for made, address in zip(formula(builder, rows), addresses, strict=True):
        if made is not None:
            _store(builder, made, address)
    return context.get_dummy_value()


def _on_two(formula: _Formula) -> Callable[..., Any]:
    """Return an intrinsic of the addresses of two rows."""

    def typing(typingctx: Any, row: Any, other: Any) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _on(formula, context, builder, arguments)

        return types.void(types.uint64, types.uint64), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


def _on_three(formula: _Formula) -> Callable[..., Any]:
    """Return an intrinsic of the addresses of three rows."""

    def typing(typingctx: Any, row: Any, other: Any, third: Any) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _on(formula, context, builder, arguments)

        return types.void(types.uint64, types.uint64, types.uint64), generate

    made: Callable[..., Any] = intrinsic(typing)
    return made


def _taken(builder: Any, rows: Sequence[Any]) -> Sequence[Any]:
    row, plane, chosen = rows
    both = builder.and_(row, plane)
    return builder.xor(row, both), None, builder.or_(chosen, both)


# f(row, other): copy it, or keep of the row what both have, what either has, or what the other
# has not.
copy = _on_two(lambda builder, rows: (rows[1], None))
keep = _on_two(lambda builder, rows: (builder.and_(*rows), None))
join = _on_two(lambda builder, rows: (builder.or_(*rows), None))
drop = _on_two(lambda builder, rows: (builder.and_(rows[0], builder.not_(rows[1])), None))
# f(row, plane, chosen): move the bits of the row that the plane has to the chosen ones.
take = _on_three(_taken)


@intrinsic
def fill(typingctx: Any, row: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """Store a word eight times."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _store(builder, splat(builder, arguments[1], _ROW), arguments[0])
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), generate


def _ones(builder: Any, row: Any) -> Any:
    kind = ir.FunctionType(_ROW, [_ROW])
    count = cgutils.get_or_insert_function(builder.module, kind, "llvm.ctpop.v8i64")
    counts = builder.call(count, [row])
    kind = ir.FunctionType(I64, [_ROW])
    total = cgutils.get_or_insert_function(builder.module, kind, "llvm.vector.reduce.add.v8i64")
    return builder.call(total, [counts])


@intrinsic
def ones_of(typingctx: Any, row: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the number of one bits of a row."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _ones(builder, _load(builder, arguments[0]))

    return types.uint64(types.uint64), generate


@intrinsic
def ones_of_both(typingctx: Any, row: Any, other: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the number of one bits that two rows share."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, other = (_load(builder, address) for address in arguments)
        return _ones(builder, builder.and_(row, other))

    return types.uint64(types.uint64, types.uint64), generate
