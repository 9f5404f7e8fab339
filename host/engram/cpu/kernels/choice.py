"""Who fires first in a race: chosen by descent through its planes, then listed and ordered."""

import numpy as np

from engram.cpu.kernels.intrinsics import highest_one, load, ones, store, trailing_zeros
from engram.cpu.kernels.kernel import function, inlined
from engram.cpu.kernels.pages import get
from engram.cpu.kernels.planes import copy, fill, keep, ones_of, ones_of_both, take
from engram.cpu.kernels.race import (
    ABOVE,
    BLOCK,
    LOG_BLOCK,
    ROW,
    alive_row,
    at_least,
    plane_row,
)
from engram.cpu.layout import PatternState, Workspace

__all__ = ["first_spikes", "list_chosen", "mark_at_least", "pop", "score", "sift"]

U64 = np.uint64


@function
def first_spikes(state, work, c, wanted):
    """Store the rows of the first ``wanted`` patterns to fire for a cue; return how many."""
    blocks = get(state, PatternState.BLOCK_COUNT)
    chosen, tied = get(work, Workspace.CHOSEN), alive_row(state, work, c, U64(0))
    total = U64(0)
    for b in range(blocks):
        total += ones_of(tied + ROW * b)
    if total <= wanted:
        for b in range(blocks):
            copy(chosen + ROW * b, tied + ROW * b)
        return total
    for b in range(blocks):
        fill(chosen + ROW * b, U64(0))
    left = wanted
    p = get(work, Workspace.PLANE_COUNT)
    while p:
        p -= U64(1)
        plane = plane_row(state, work, c, p, U64(0))
        found = U64(0)
        for b in range(blocks):
            found += ones_of_both(tied + ROW * b, plane + ROW * b)
        if found > left:
            for b in range(blocks):
                keep(tied + ROW * b, plane + ROW * b)
        elif found:
            for b in range(blocks):
                take(tied + ROW * b, plane + ROW * b, chosen + ROW * b)
            left -= found
            if not left:
                return wanted
    _take_lowest(chosen, tied, blocks * BLOCK >> U64(6), left)
    return wanted


@function
def _take_lowest(chosen, tied, words, left):
    """Choose the first ``left`` of those that are tied to the end: the lowest slots."""
    for w in range(words):
        word = load(tied + U64(8) * w)
        there = ones(word)
        while there > left:
            word ^= highest_one(word)
            there -= U64(1)
        store(chosen + U64(8) * w, load(chosen + U64(8) * w) | word)
        left -= there
        if not left:
            return


@function
def list_chosen(chosen, words, out):
    """Store the places of the chosen patterns, ascending."""
    n = U64(0)
    for w in range(words):
        word = load(chosen + U64(8) * w)
        while word:
            store(out + U64(8) * n, (w << U64(6)) + trailing_zeros(word))
            word &= word - U64(1)
            n += U64(1)
    return n


@function
def score(state, work, c, place):
    """Return G of the pattern at a place for a cue."""
    b, i = place >> LOG_BLOCK, place & (BLOCK - U64(1))
    total = U64(0)
    for p in range(get(work, Workspace.PLANE_COUNT)):
        word = load(plane_row(state, work, c, p, b) + U64(8) * (i >> U64(6)))
        total |= ((word >> (i & U64(63))) & U64(1)) << p
    return total


@function
def mark_at_least(state, work, c, bound):
    """Store as chosen the occupied slots whose G reaches a bound."""
    counters, planes = get(work, Workspace.COUNTERS), get(work, Workspace.PLANE_COUNT)
    chosen = get(work, Workspace.CHOSEN)
    for b in range(get(state, PatternState.BLOCK_COUNT)):
        for p in range(planes):
            copy(counters + ROW * p, plane_row(state, work, c, p, b))
        row = chosen + ROW * b
        copy(row, alive_row(state, work, c, b))
        if bound >> planes:
            fill(row, U64(0))
        else:
            at_least(counters, planes, bound)
            keep(row, counters + ABOVE)


@inlined
def _down(keys, count, i):
    """Let a key sink to its place in a heap whose smallest key is on top."""
    key = load(keys + U64(8) * i)
    while True:
        child = U64(2) * i + U64(1)
        if child >= count:
            break
        least = load(keys + U64(8) * child)
        if child + U64(1) < count:
            other = load(keys + U64(8) * (child + U64(1)))
            if other < least:
                child += U64(1)
                least = other
        if least >= key:
            break
        store(keys + U64(8) * i, least)
        i = child
    store(keys + U64(8) * i, key)


@function
def sift(keys, count):
    """Make a heap of keys: a few of many are in order sooner than all."""
    i = count >> U64(1)
    while i:
        i -= U64(1)
        _down(keys, count, i)


@function
def pop(keys, count):
    """Take the smallest of ``count`` keys out of a heap and return it."""
    least = load(keys)
    store(keys, load(keys + U64(8) * (count - U64(1))))
    _down(keys, count - U64(1), U64(0))
    return least
