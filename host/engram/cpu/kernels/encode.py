"""From embeddings to the sums of code neurons, and from those to codes and cues."""

import numpy as np
from numba import carray

from engram.arch.associations import LARGEST_QUANTITY
from engram.cpu.kernels.intrinsics import (
    highest_one,
    int8s_at,
    int16s_at,
    load,
    ones,
    store,
    trailing_zeros,
    uint16s_at,
    uint32s_at,
)
from engram.cpu.kernels.kernel import function, inlined, kernel
from engram.cpu.kernels.lanes import above16, above32, sum_rows, turn_tile
from engram.cpu.kernels.pages import get
from engram.cpu.layout import LANES, PAYLOAD_BITS, CueRecord, PatternState, Workspace

__all__ = ["GROUP", "code_cue", "cue", "largest_spoken", "project"]

I64 = np.int64
U64 = np.uint64

GROUP = U64(LANES)  # embeddings projected together

# Fewer embeddings than this are projected one by one.
_FEW = U64(6)
_QUANTITY = I64(LARGEST_QUANTITY)
_ALL = U64(0xFFFF_FFFF_FFFF_FFFF)
_TWO = U64(2)


@function
def _project_one(state, vector, doubled, sums):
    width, fan_in = get(state, PatternState.WIDTH), get(state, PatternState.FAN_IN)
    neurons = get(state, PatternState.NEURONS)
    source = carray(int8s_at(vector), width)
    either = carray(int16s_at(doubled), _TWO * width)
    for i in range(width):
        either[i] = source[i]
        either[width + i] = -source[i]
    inputs = carray(uint32s_at(get(state, PatternState.INPUTS)), neurons * fan_in)
    out = carray(int16s_at(sums), neurons)
    for i in range(neurons):
        total = I64(0)
        for j in range(fan_in):
            total += either[inputs[i * fan_in + j]]
        out[i] = total


@function
def _project_group(state, vectors, count, doubled, tile, sums):
    """Store the sums of up to 32 embeddings; those that are not there count as zero."""
    width, fan_in = get(state, PatternState.WIDTH), get(state, PatternState.FAN_IN)
    neurons = get(state, PatternState.NEURONS)
    source = carray(int8s_at(vectors), count * width)
    either = carray(int16s_at(doubled), _TWO * width * GROUP)
    for i in range(width):
        for lane in range(count):
            x = source[lane * width + i]
            either[i * GROUP + lane] = x
            either[(width + i) * GROUP + lane] = -x
        for lane in range(count, GROUP):
            either[i * GROUP + lane] = 0
            either[(width + i) * GROUP + lane] = 0
    inputs = get(state, PatternState.INPUTS)
    for first in range(U64(0), neurons, GROUP):
        for i in range(GROUP):
            numbers = inputs + U64(4) * fan_in * (first + i)
            sum_rows(doubled, numbers, fan_in, tile + _TWO * GROUP * i)
        turn_tile(tile, sums + _TWO * first, _TWO * neurons)


@function
def project(state, work, vectors, count):
    """Store the sums of up to 32 embeddings, a row of int16 each, at the workspace's SUMS."""
    doubled, sums = get(work, Workspace.DOUBLED), get(work, Workspace.SUMS)
    if count >= _FEW:
        _project_group(state, vectors, count, doubled, get(work, Workspace.TILE), sums)
        return
    width, neurons = get(state, PatternState.WIDTH), get(state, PatternState.NEURONS)
    for i in range(count):
        _project_one(state, vectors + width * i, doubled, sums + _TWO * neurons * i)


def _largest_of(above, word_bytes):
    """Return a numba function that lists the largest of many integers.

    ``f(values, words, count, floor, ceiling, lowest, out)`` looks at ``64 * words`` integers in
    ``floor..ceiling``, or at their negatives if ``lowest`` is all ones instead of zero. Of those
    above ``floor`` it stores where the ``count`` largest are, uint16, ascending, of equals the
    first, and returns how many they are.
    """

    @inlined
    def mask(values, w, bound, lowest):
        # -x > bound is x < -bound, which is not x > -bound - 1, which is not x > ~bound.
        return above(values + word_bytes * w, bound ^ I64(lowest)) ^ lowest

    @function
    def count_above(values, words, bound, lowest):
        total = U64(0)
        for w in range(words):
            total += ones(mask(values, w, bound, lowest))
        return total

    @function
    def largest(values, words, count, floor, ceiling, lowest, out):
        bound = floor
        spare = U64(0)  # how many of those at the bound are listed
        total = count_above(values, words, floor, lowest)
        if total > count:
            # Fewest above ``bound`` such that those and those at it are enough.
            short, bound = floor, ceiling
            total = U64(0)
            while bound - short > I64(1):
                middle = (bound + short) >> I64(1)
                found = count_above(values, words, middle, lowest)
                if found <= count:
                    bound, total = middle, found
                else:
                    short = middle
            spare = count - total
        chosen = carray(uint16s_at(out), count)
        n = U64(0)
        for w in range(words):
            word = mask(values, w, bound, lowest)
            if spare:
                level = mask(values, w, bound - I64(1), lowest) ^ word
                there = ones(level)
                if there > spare:
                    for _ in range(there - spare):
                        level ^= highest_one(level)
                    there = spare
                spare -= there
                word |= level
            while word:
                chosen[n] = w * U64(64) + trailing_zeros(word)
                word &= word - U64(1)
                n += U64(1)
        return n

    return largest


_largest = _largest_of(above16, U64(128))
largest_spoken = _largest_of(above32, U64(256))


@inlined
def _ceiling(state):
    return _QUANTITY * I64(get(state, PatternState.FAN_IN))


@function
def _grade(sums, top, levels, record, first, spiking, room):
    """Sort spiking neurons into a list for each bit of their payloads; return the room's end."""
    count = load(record + U64(8) * first)
    values = carray(int16s_at(sums), U64(1) << U64(16))
    neurons = carray(uint16s_at(spiking), count)
    for bit in range(U64(PAYLOAD_BITS)):
        chosen = carray(uint16s_at(room), count)
        n = U64(0)
        for i in range(count):
            size = U64(abs(I64(values[neurons[i]])))
            payload = max(U64(1), (_TWO * size * levels + top) // (_TWO * top))
            chosen[n] = neurons[i]
            n += (payload >> bit) & U64(1)
        store(record + U64(8) * (first + bit), n)
        store(record + U64(8) * (U64(CueRecord.LISTS) + first + bit), room)
        room += _TWO * n
    return room


@function
def _largest_size(sums, neurons, count, top):
    values = carray(int16s_at(sums), U64(1) << U64(16))
    chosen = carray(uint16s_at(neurons), count)
    for i in range(count):
        top = max(top, U64(abs(I64(values[chosen[i]]))))
    return top


@function
def _count_events(state, record, neurons, count):
    fan_out = carray(uint32s_at(get(state, PatternState.FAN_OUT)), U64(1) << U64(16))
    chosen = carray(uint16s_at(neurons), count)
    events = U64(0)
    for i in range(count):
        events += U64(fan_out[chosen[i]])
    store(record + U64(8 * CueRecord.SPIKES), get(record, CueRecord.SPIKES) + count)
    store(record + U64(8 * CueRecord.EVENTS), get(record, CueRecord.EVENTS) + events)


@inlined
def _clear(record):
    for i in range(U64(CueRecord.SIZE)):
        store(record + U64(8) * i, U64(0))


@function
def cue(state, sums, record, lists):
    """Make the record of the cue whose sums these are, and its lists."""
    words = get(state, PatternState.NEURONS) >> U64(6)
    spikes, levels = get(state, PatternState.SPIKES), get(state, PatternState.LEVELS)
    _clear(record)
    high = _largest(sums, words, spikes, I64(0), _ceiling(state), U64(0), lists)
    lows = lists + _TWO * high
    low = U64(0)
    if get(state, PatternState.SIGNED):
        low = _largest(sums, words, spikes, I64(0), _ceiling(state), _ALL, lows)
    _count_events(state, record, lists, high)
    _count_events(state, record, lows, low)
    store(record + U64(8 * CueRecord.EXCITING), high)
    store(record + U64(8 * CueRecord.INHIBITING), low)
    store(record + U64(8 * (CueRecord.LISTS + CueRecord.EXCITING)), lists)
    store(record + U64(8 * (CueRecord.LISTS + CueRecord.INHIBITING)), lows)
    if levels > U64(1) and high + low:
        top = _largest_size(sums, lists, high, U64(0))
        top = _largest_size(sums, lows, low, top)
        room = lows + _TWO * low
        room = _grade(sums, top, levels, record, U64(CueRecord.EXCITING), lists, room)
        _grade(sums, top, levels, record, U64(CueRecord.INHIBITING), lows, room)


@function
def code_cue(state, record, neurons, count):
    """Make the record of a cue of plain spikes, of the neurons of a code."""
    _clear(record)
    _count_events(state, record, neurons, count)
    store(record + U64(8 * CueRecord.EXCITING), count)
    store(record + U64(8 * (CueRecord.LISTS + CueRecord.EXCITING)), neurons)


@kernel()
def encode(state, work, vectors, count, codes):
    """Store the codes of embeddings, uint16 (count, k)."""
    neurons, winners = get(state, PatternState.NEURONS), get(state, PatternState.WINNERS)
    sums = get(work, Workspace.SUMS)
    for first in range(U64(0), count, GROUP):
        here = min(GROUP, count - first)
        project(state, work, vectors + get(state, PatternState.WIDTH) * first, here)
        for i in range(here):
            row, out = sums + _TWO * neurons * i, codes + _TWO * winners * (first + i)
            most = _ceiling(state)
            _largest(row, neurons >> U64(6), winners, ~most, most, U64(0), out)
    return count
