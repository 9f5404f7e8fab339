"""Completion and replay: winners speak, codes settle, and stored codes race with noise."""

import numpy as np
from numba import carray

from engram.arch.associations import (
    MOVED_SHIFT,
    SETTLING_BITS,
    SETTLING_LOUDEST,
    SETTLING_STEPS,
    SETTLING_WINNERS,
)
from engram.cpu.kernels.choice import first_spikes, list_chosen, mark_at_least, sift
from engram.cpu.kernels.encode import code_cue, largest_spoken
from engram.cpu.kernels.intrinsics import (
    int32s_at,
    int64s_at,
    load,
    trailing_zeros,
    uint16s_at,
    words_at,
)
from engram.cpu.kernels.kernel import function, kernel
from engram.cpu.kernels.laws import generate
from engram.cpu.kernels.pages import get
from engram.cpu.kernels.patterns import column
from engram.cpu.kernels.race import (
    BLOCK,
    LOG_BLOCK,
    ROW,
    block_at,
    race,
    slot_of,
)
from engram.cpu.kernels.rerank import count_cue, look_up
from engram.cpu.layout import CueRecord, PatternBlock, PatternState, Workspace

__all__: list[str] = []

I32 = np.int32
I64 = np.int64
U64 = np.uint64

_RECORD = U64(8 * CueRecord.SIZE)
_LOUDEST, _SOFTER = U64(SETTLING_LOUDEST), U64(SETTLING_BITS)
_WINNERS, _STEPS = U64(SETTLING_WINNERS), U64(SETTLING_STEPS)
_LOUDEST_SUM = I64(SETTLING_WINNERS << SETTLING_LOUDEST)
_NONE = I64(-1)
_LOW = U64(0xFFFF_FFFF)


@function
def _hear(state, place, weight, sums):
    """Add a winner's weight to the sums of its neurons."""
    i = place & (BLOCK - U64(1))
    rows = get(block_at(state, place >> LOG_BLOCK), PatternBlock.ROWS) + U64(8) * (i >> U64(6))
    neurons = get(state, PatternState.NEURONS)
    totals = carray(int32s_at(sums), neurons)
    for neuron in range(neurons):
        bit = (load(rows + ROW * neuron) >> (i & U64(63))) & U64(1)
        totals[neuron] = I32(totals[neuron] + I32(weight * bit))


@function
def _speak(state, work, keys, count, shift, out):
    """Store the code that winners speak for; their keys hold what they are behind by, and where
    they are. The first key is the best."""
    sums = get(work, Workspace.SPEECH)
    neurons = get(state, PatternState.NEURONS)
    totals = carray(int32s_at(sums), neurons)
    for neuron in range(neurons):
        totals[neuron] = I32(0)
    best = load(keys) >> U64(32)
    for i in range(count):
        key = load(keys + U64(8) * i)
        softer = _SOFTER * (((key >> U64(32)) - best) >> shift)
        if softer <= _LOUDEST:
            _hear(state, key & _LOW, U64(1) << (_LOUDEST - softer), sums)
    winners = get(state, PatternState.WINNERS)
    largest_spoken(sums, neurons >> U64(6), winners, _NONE, _LOUDEST_SUM, U64(0), out)


@kernel()
def speak(state, work, keys, count, shift, codes):
    """Store what the winners of recalls speak for, eight keys each: how far behind a fixed mark
    each is, in the upper half, and its place; ascending, and all ones where there is none."""
    winners = get(state, PatternState.WINNERS)
    for c in range(count):
        here = keys + U64(8) * _WINNERS * c
        there = U64(0)
        while there < _WINNERS and ~load(here + U64(8) * there):
            there += U64(1)
        if there:
            _speak(state, work, here, there, shift, codes + U64(2) * winners * c)
    return count


@function
def _replace(old, new, count):
    """Copy a code over another; return how many neurons differ."""
    target, source = carray(uint16s_at(old), count), carray(uint16s_at(new), count)
    changed = U64(0)
    for i in range(count):
        changed += U64(target[i] != source[i])
        target[i] = source[i]
    return changed


@kernel()
def settle(state, work, codes, active, count, clamped, wide, room, slots, steps, converged):
    """Let codes settle where they are, each winner's slot, steps and end beside them.

    ``active`` are the numbers of those to settle, a list that is used up; ``steps`` says how many
    each has behind it. ``room`` is for one code more.
    """
    winners = get(state, PatternState.WINNERS)
    going = carray(words_at(active), count)
    slot, step = carray(int64s_at(slots), U64(1) << U64(32)), carray(int64s_at(steps), _LOW)
    ended = carray(words_at(converged), _LOW)
    records, keys = get(work, Workspace.RECORDS), get(work, Workspace.KEYS)
    words = get(state, PatternState.BLOCK_COUNT) * BLOCK >> U64(6)
    last = U64(2) * winners
    while count:
        for c in range(count):
            code = codes + U64(2) * winners * going[c]
            code_cue(state, records + _RECORD * c, code, winners)
            count_cue(work, records + _RECORD * c)
        race(state, work, records, count, winners, U64(0), clamped, wide)
        left = U64(0)
        for c in range(count):
            n = going[c]
            if not first_spikes(state, work, c, _WINNERS):
                slot[n] = _NONE
                ended[n] = U64(1)
                continue
            found = list_chosen(get(work, Workspace.CHOSEN), words, keys)
            look_up(state, work, c, last, keys, found)
            sift(keys, found)
            _speak(state, work, keys, found, U64(0), room)
            slot[n] = slot_of(state, load(keys) & _LOW)
            step[n] += I64(1)
            if not _replace(codes + U64(2) * winners * n, room, winners):
                ended[n] = U64(1)
            elif U64(step[n]) < _STEPS:
                going[left] = n
                left += U64(1)
        count = left
    return count


@function
def _move(state, slot, epoch, row, count, bits, out):
    """List a row with a quarter of its neurons moved, by way of one bit a neuron."""
    neurons = get(state, PatternState.NEURONS)
    law = get(state, PatternState.REPLAY_LAW)
    listed = carray(uint16s_at(row), count)
    words = carray(words_at(bits), neurons >> U64(6))
    for w in range(neurons >> U64(6)):
        words[w] = U64(0)
    for i in range(count):
        words[U64(listed[i]) >> U64(6)] |= U64(1) << (U64(listed[i]) & U64(63))
    start = (epoch & U64(0xFFFF)) << U64(48) | slot << U64(16)
    for j in range(count >> U64(MOVED_SHIFT)):
        word = generate(law, start + j)
        silent = U64(listed[((word >> U64(32)) * count) >> U64(32)])
        words[silent >> U64(6)] &= ~(U64(1) << (silent & U64(63)))
        spiking = ((word & _LOW) * neurons) >> U64(32)
        words[spiking >> U64(6)] |= U64(1) << (spiking & U64(63))
    made = carray(uint16s_at(out), neurons)
    n = U64(0)
    for w in range(neurons >> U64(6)):
        word = words[w]
        while word:
            made[n] = (w << U64(6)) + trailing_zeros(word)
            word &= word - U64(1)
            n += U64(1)
    return n


@function
def _judge(state, work, words, strengths, wins, losses):
    """Let the strongest of the chosen win, of equals the lowest slot, and the others lose."""
    chosen, keys = get(work, Workspace.CHOSEN), get(work, Workspace.KEYS)
    found = list_chosen(chosen, words, keys)
    if not found:
        return
    strength = carray(int64s_at(strengths), _LOW)
    won, lost = carray(int64s_at(wins), _LOW), carray(int64s_at(losses), _LOW)
    strongest = slot_of(state, load(keys))
    for i in range(found):
        slot = slot_of(state, load(keys + U64(8) * i))
        lost[slot] += I64(1)
        if strength[slot] > strength[strongest]:
            strongest = slot
    lost[strongest] -= I64(1)
    won[strongest] += I64(1)


@kernel()
def replay(state, work, places, count, epoch, overlap, strengths, wins, losses, clamped, wide):
    """Replay stored patterns with noise: add what each slot wins and loses.

    The planes kept are as many as either race needs: the one that the noisy codes start, then the
    one that counts what the rows of its winners share with all others.
    """
    records, lists = get(work, Workspace.RECORDS), get(work, Workspace.LISTS)
    room, bits = get(work, Workspace.SPEECH), get(work, Workspace.DOUBLED)
    list_bytes, keys = get(work, Workspace.LIST_BYTES), get(work, Workspace.KEYS)
    words = get(state, PatternState.BLOCK_COUNT) * BLOCK >> U64(6)
    for c in range(count):
        place = load(places + U64(8) * c)
        length = column(state, place, room)
        spiking = lists + list_bytes * c
        n = _move(state, slot_of(state, place), epoch, room, length, bits, spiking)
        code_cue(state, records + _RECORD * c, spiking, n)
        count_cue(work, records + _RECORD * c)
    race(state, work, records, count, get(state, PatternState.WINNERS), U64(0), clamped, wide)
    for c in range(count):
        first_spikes(state, work, c, U64(1))
        list_chosen(get(work, Workspace.CHOSEN), words, keys)
        row = lists + list_bytes * c
        code_cue(state, records + _RECORD * c, row, column(state, load(keys), row))
    race(state, work, records, count, U64(0), U64(0), U64(0), wide)
    for c in range(count):
        length = get(records + _RECORD * c, CueRecord.EXCITING)
        mark_at_least(state, work, c, overlap * length >> U64(8))
        _judge(state, work, words, strengths, wins, losses)
    return count
