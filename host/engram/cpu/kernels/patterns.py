"""Writing, clearing and reading patterns: columns of the rows of their block, and embeddings."""

import numpy as np
from numba import carray

from engram.cpu.kernels.intrinsics import int8s_at, load, store, uint16s_at, uint32s_at
from engram.cpu.kernels.kernel import function, kernel
from engram.cpu.kernels.pages import get
from engram.cpu.kernels.planes import drop, ones_of_both
from engram.cpu.kernels.race import BLOCK, LOG_BLOCK, ROW, block_at
from engram.cpu.kernels.rerank import norm_of, vector_at
from engram.cpu.layout import PatternBlock, PatternState

__all__ = ["column"]

U32 = np.uint32
U64 = np.uint64

_MOST_NEURONS = U64(1 << 16)


@kernel()
def write_patterns(state, places, codes, length, vectors, count):
    """Write patterns into places that are free: rows of ``length`` conducting neurons each."""
    width = get(state, PatternState.WIDTH)
    fan_out = carray(uint32s_at(get(state, PatternState.FAN_OUT)), _MOST_NEURONS)
    for n in range(count):
        place = load(places + U64(8) * n)
        block, i = block_at(state, place >> LOG_BLOCK), place & (BLOCK - U64(1))
        word, bit = U64(8) * (i >> U64(6)), U64(1) << (i & U64(63))
        rows = get(block, PatternBlock.ROWS) + word
        row = carray(uint16s_at(codes + U64(2) * length * n), length)
        for j in range(length):
            where = rows + ROW * U64(row[j])
            store(where, load(where) | bit)
            fan_out[row[j]] += U32(1)
        occupied = get(block, PatternBlock.OCCUPIED) + word
        store(occupied, load(occupied) | bit)
        source = carray(int8s_at(vectors + width * n), width)
        target = carray(int8s_at(vector_at(state, place)), width)
        for j in range(width):
            target[j] = source[j]
        norms = carray(uint32s_at(get(block, PatternBlock.NORMS)), BLOCK)
        norms[i] = U32(norm_of(vectors + width * n, width))
    return count


@kernel()
def clear_patterns(state, b, mask):
    """Clear the patterns of a block that a row at ``mask`` has."""
    block = block_at(state, b)
    rows = get(block, PatternBlock.ROWS)
    neurons = get(state, PatternState.NEURONS)
    fan_out = carray(uint32s_at(get(state, PatternState.FAN_OUT)), neurons)
    for neuron in range(neurons):
        row = rows + ROW * neuron
        lost = ones_of_both(row, mask)
        if lost:
            fan_out[neuron] -= U32(lost)
            drop(row, mask)
    drop(get(block, PatternBlock.OCCUPIED), mask)
    return b


@function
def column(state, place, out):
    """List the conducting neurons of a pattern, uint16, ascending; return how many."""
    i = place & (BLOCK - U64(1))
    rows = get(block_at(state, place >> LOG_BLOCK), PatternBlock.ROWS) + U64(8) * (i >> U64(6))
    neurons = get(state, PatternState.NEURONS)
    listed = carray(uint16s_at(out), neurons)
    n = U64(0)
    for neuron in range(neurons):
        listed[n] = neuron  # past the end of the list unless it conducts
        n += (load(rows + ROW * neuron) >> (i & U64(63))) & U64(1)
    return n


@kernel()
def read_pattern(state, place, out):
    """Store the conducting neurons of a pattern, with room for all; return how many."""
    return column(state, place, out)
