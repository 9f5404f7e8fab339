"""A rectangle of a sum of columns times rows, of 8-bit integers, as float32."""

import numpy as np
from numba import carray

from engram.cpu.kernels.intrinsics import int8s_at, int16s_at, prefetch_write, uint32s_at
from engram.cpu.kernels.kernel import function, inlined, kernel
from engram.cpu.kernels.products import COLUMNS, ROWS, multiply_block, multiply_rows

__all__ = ["multiply_factors"]

I8 = np.int8
I32 = np.int32
U32 = np.uint32
U64 = np.uint64

_BLOCK = U64(COLUMNS)
_ROWS = U64(ROWS)
_ONE, _TWO, _FOUR = U64(1), U64(2), U64(4)
_LINE = U64(64)
_LOW = U32(0xFFFF)
_HALF = U32(16)
_MOST = np.int8(8)  # 127 << 8 is still an int16


@inlined
def _right_shift(shift):
    return U32(min(shift, _MOST))


@inlined
def _left_shift(shift):
    return U32(shift) - _right_shift(shift)


@inlined
def _pair(near, near_shift, far, far_shift):
    low, high = U32(I32(near)) << near_shift, U32(I32(far)) << far_shift
    return U32(low & _LOW) | U32(high << _HALF)


@function
def _pack_right(right, shifts, rank, stride, columns, out):
    """Store blocks of columns, each pair by pair: two rows' integers, shifted, as one word."""
    pairs = (rank + _ONE) // _TWO
    source = carray(int8s_at(right), rank * stride)
    shift = carray(int8s_at(shifts), rank)
    blocks = (columns + _BLOCK - _ONE) // _BLOCK
    packed = carray(uint32s_at(out), blocks * pairs * _BLOCK)
    for block in range(blocks):
        first = U64(block) * _BLOCK
        count = min(_BLOCK, columns - first)
        for pair in range(pairs):
            row = _TWO * U64(pair)
            at = (U64(block) * pairs + U64(pair)) * _BLOCK
            near = row * stride + first
            near_shift = _right_shift(shift[row])
            if row + _ONE < rank:
                far, far_shift = near + stride, _right_shift(shift[row + _ONE])
                for j in range(count):
                    near_one, far_one = source[near + U64(j)], source[far + U64(j)]
                    packed[at + U64(j)] = _pair(near_one, near_shift, far_one, far_shift)
            else:
                for j in range(count):
                    packed[at + U64(j)] = _pair(source[near + U64(j)], near_shift, I8(0), U32(0))
            for j in range(count, _BLOCK):
                packed[at + U64(j)] = U32(0)


@function
def _pack_left(left, shifts, rank, rows, out):
    """Store rows of pairs, shifted by what the right factor's integers were not."""
    pairs = (rank + _ONE) // _TWO
    source = carray(int8s_at(left), rank * rows)
    shift = carray(int8s_at(shifts), rank)
    shifted = U32(0)
    for r in range(rank):
        shifted |= _left_shift(shift[r])
    if shifted == U32(0) and rank == _TWO * pairs:
        wide = carray(int16s_at(out), rank * rows)
        for i in range(rank * rows):
            wide[i] = source[i]
        return
    packed = carray(uint32s_at(out), rows * pairs)
    for pair in range(pairs):
        column = _TWO * U64(pair)
        near_shift = _left_shift(shift[column])
        if column + _ONE < rank:
            far_shift = _left_shift(shift[column + _ONE])
            for i in range(rows):
                at = U64(i) * rank + column
                word = _pair(source[at], near_shift, source[at + _ONE], far_shift)
                packed[U64(i) * pairs + U64(pair)] = word
        else:
            for i in range(rows):
                near = source[U64(i) * rank + column]
                packed[U64(i) * pairs + U64(pair)] = _pair(near, near_shift, I8(0), U32(0))


@kernel()
def multiply_factors(left, right, shifts, rank, stride, rows, columns, scale, scratch, out):
    """Store ``rows`` x ``columns`` float32s at ``out``, one row after the other.

    ``left``: int8 rows of ``rank``. ``right``: ``rank`` rows of int8, ``stride`` bytes apart.
    ``shifts``: bytes of at most 15. No sum of any of the shifted products may reach 2**31.
    ``scale``: the bits of a float32 power of two whose products with the sums are normal.
    ``scratch``: 4 * pairs * (rows + columns + 31) bytes at a multiple of 64, where ``pairs`` is
    half of ``rank``, rounded up.
    """
    pairs = (rank + _ONE) // _TWO
    blocks = (columns + _BLOCK - _ONE) // _BLOCK
    packed_left = scratch + _FOUR * pairs * blocks * _BLOCK
    _pack_right(right, shifts, rank, stride, columns, scratch)
    _pack_left(left, shifts, rank, rows, packed_left)
    row_bytes = _FOUR * columns
    quads = rows // _ROWS
    for i in range(quads):
        row = _ROWS * U64(i)
        these = packed_left + _FOUR * pairs * row
        for block in range(blocks):
            first = U64(block) * _BLOCK
            those = scratch + _FOUR * pairs * first
            target = out + row * row_bytes + _FOUR * first
            for k in range(_ROWS):  # the stores come soon, and would wait for the cache
                prefetch_write(target + U64(k) * row_bytes)
                prefetch_write(target + U64(k) * row_bytes + _LINE)
            multiply_rows(these, those, pairs, scale, target, row_bytes, columns - first)
    for single in range(_ROWS * quads, rows):
        these = packed_left + _FOUR * pairs * U64(single)
        for block in range(blocks):
            first = U64(block) * _BLOCK
            those = scratch + _FOUR * pairs * first
            target = out + U64(single) * row_bytes + _FOUR * first
            multiply_block(these, those, pairs, scale, target, row_bytes, columns - first)
    return rows * columns
