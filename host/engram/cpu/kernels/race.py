"""The race of a recall: the potentials of all patterns, and when they fire.

Potentials are counted in planes, 512 patterns at a time, and stay planes. What is kept of pattern
``i`` is ``G``, the step that is the last of the race minus its latency, so the first to fire have
the largest. With ``T`` the threshold and ``2**r`` the ramp, both as in the law::

    G = min(floor((T + potential) / 2**r), 2 T / 2**r)

as T is a multiple of ``2**r``. A pattern whose G would be negative never fires.
"""

import numpy as np

from engram.cpu.kernels.intrinsics import load, store
from engram.cpu.kernels.kernel import function, inlined
from engram.cpu.kernels.pages import get
from engram.cpu.kernels.planes import (
    add,
    add_inverted,
    add_wide,
    add_wide_inverted,
    copy,
    drop,
    fill,
    join,
    keep,
    take,
)
from engram.cpu.layout import (
    BLOCK_PATTERNS,
    PAYLOAD_BITS,
    PLANES,
    ROW_BYTES,
    WIDE_PLANES,
    CueRecord,
    PatternBlock,
    PatternState,
    Workspace,
)

__all__ = [
    "ABOVE",
    "BLOCK",
    "LOG_BLOCK",
    "ROW",
    "alive_row",
    "at_least",
    "block_at",
    "plane_row",
    "race",
    "slot_of",
]

I64 = np.int64
U64 = np.uint64

ROW = U64(ROW_BYTES)
BLOCK = U64(BLOCK_PATTERNS)
LOG_BLOCK = U64(BLOCK_PATTERNS.bit_length() - 1)
_ALL = U64(0xFFFF_FFFF_FFFF_FFFF)
_RECORD = U64(8 * CueRecord.SIZE)

# What the counters of one block and cue take: planes, as many above them that nobody reads as a
# payload has bits, then rows for other ends.
_TOP = U64(WIDE_PLANES + PAYLOAD_BITS)
_BLANK = ROW * _TOP  # two rows that add nothing: zeros, and ones for who inverts
_EQUAL = ROW * (_TOP + U64(2))
ABOVE = ROW * (_TOP + U64(3))

# From so many cues on a block is read ahead, in order, as that is the fastest way to a core.
_MANY = U64(8)


@inlined
def block_at(state, b):
    """Return the address of the entry of a pattern block."""
    return get(state, PatternState.BLOCKS) + U64(8 * PatternBlock.SIZE) * b


@inlined
def slot_of(state, place):
    """Return the slot of a place: the number of a block's entry, and of a pattern in it."""
    first = get(block_at(state, place >> LOG_BLOCK), PatternBlock.FIRST_SLOT)
    return first + (place & (BLOCK - U64(1)))


@inlined
def plane_row(state, work, c, p, b):
    """Return the address of a kept plane of a block of a cue."""
    blocks = get(state, PatternState.BLOCK_COUNT)
    row = (c * get(work, Workspace.PLANE_COUNT) + p) * blocks + b
    return get(work, Workspace.PLANES) + ROW * row


@inlined
def alive_row(state, work, c, b):
    """Return the address of the row of patterns of a block that fire for a cue."""
    blocks = get(state, PatternState.BLOCK_COUNT)
    return get(work, Workspace.ALIVE) + ROW * (c * blocks + b)


@function
def _count(rows, record, counters, wide):
    """Add the spikes of a cue to the counters of a block."""
    for bit in range(U64(PAYLOAD_BITS)):
        planes = counters + ROW * bit
        exciting = load(record + U64(8) * (U64(CueRecord.EXCITING) + bit))
        if exciting:
            numbers = load(record + U64(8) * (U64(CueRecord.LISTS + CueRecord.EXCITING) + bit))
            if wide:
                add_wide(rows, numbers, exciting, planes, counters + _BLANK)
            else:
                add(rows, numbers, exciting, planes, counters + _BLANK)
        inhibiting = load(record + U64(8) * (U64(CueRecord.INHIBITING) + bit))
        if inhibiting:
            # One that inhibits takes away what it conducts: it adds what it does not, less one.
            numbers = load(record + U64(8) * (U64(CueRecord.LISTS + CueRecord.INHIBITING) + bit))
            if wide:
                add_wide_inverted(rows, numbers, inhibiting, planes, counters + _BLANK + ROW)
            else:
                add_inverted(rows, numbers, inhibiting, planes, counters + _BLANK + ROW)


@function
def at_least(counters, planes, bound):
    """Store at ABOVE which non-negative counts reach a bound of fewer bits than they have."""
    above, equal = counters + ABOVE, counters + _EQUAL
    fill(above, U64(0))
    fill(equal, _ALL)
    p = planes
    while p:
        p -= U64(1)
        if (bound >> p) & U64(1):
            keep(equal, counters + ROW * p)
        else:
            take(equal, counters + ROW * p, above)
    join(above, equal)


@function
def _clamp(counters, planes, most):
    """Lower the counts above ``most`` to it."""
    at_least(counters, planes, most)
    for p in range(planes):
        if (most >> p) & U64(1):
            join(counters + ROW * p, counters + ABOVE)
        else:
            drop(counters + ROW * p, counters + ABOVE)


@function
def _race_block(state, work, records, cues, b, threshold, ramp, clamped, wide):
    counters = get(work, Workspace.COUNTERS)
    block = block_at(state, b)
    rows = get(block, PatternBlock.ROWS)
    planes = U64(WIDE_PLANES) if wide else U64(PLANES)
    sign = counters + ROW * (planes - U64(1))
    fill(counters + _BLANK, U64(0))
    fill(counters + _BLANK + ROW, _ALL)
    for c in range(cues):
        record = records + _RECORD * c
        start = threshold
        for bit in range(U64(PAYLOAD_BITS)):
            start -= load(record + U64(8) * (U64(CueRecord.INHIBITING) + bit)) << bit
        for p in range(planes):
            fill(counters + ROW * p, U64(0) - ((start >> p) & U64(1)))
        _count(rows, record, counters, wide)
        alive = alive_row(state, work, c, b)
        copy(alive, get(block, PatternBlock.OCCUPIED))
        drop(alive, sign)
        if clamped and (threshold << U64(1)) >> (planes - U64(1)) == U64(0):
            _clamp(counters, planes - U64(1), threshold << U64(1))
        for p in range(get(work, Workspace.PLANE_COUNT)):
            copy(plane_row(state, work, c, p, b), counters + ROW * (p + ramp))


@function
def race(state, work, records, cues, threshold, ramp, clamped, wide):
    """Store the planes of G and the rows of who fires, for each cue and block.

    ``clamped`` is false where G may pass the last step; ``wide`` must be true where it or the sum
    of a cue's payloads may pass what PLANES hold with a sign.
    """
    neurons = get(state, PatternState.NEURONS)
    for b in range(get(state, PatternState.BLOCK_COUNT)):
        if cues >= _MANY:
            rows = get(block_at(state, b), PatternBlock.ROWS)
            seen = U64(0)
            for i in range(neurons):
                seen |= load(rows + ROW * i)
            store(get(work, Workspace.COUNTERS) + _EQUAL, seen)
        _race_block(state, work, records, cues, b, threshold, ramp, clamped, wide)
