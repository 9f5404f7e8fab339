"""The end of a recall: similarities of the candidates, the best of them, and how sure they are."""

import numpy as np
from numba import carray

from engram.arch.associations import ONE
from engram.cpu.kernels.choice import first_spikes, list_chosen, pop, score, sift
from engram.cpu.kernels.encode import GROUP, code_cue, cue, project
from engram.cpu.kernels.intrinsics import (
    int8s_at,
    int64s_at,
    load,
    prefetch,
    square_root,
    store,
    uint32s_at,
)
from engram.cpu.kernels.kernel import function, inlined, kernel
from engram.cpu.kernels.lanes import DOT_STEP, dot
from engram.cpu.kernels.pages import add, get
from engram.cpu.kernels.race import (
    BLOCK,
    LOG_BLOCK,
    block_at,
    race,
    slot_of,
)
from engram.cpu.layout import CueRecord, PatternBlock, PatternState, Workspace

__all__ = ["count_cue", "look_up", "norm_of", "vector_at"]

I64 = np.int64
U64 = np.uint64

_RECORD = U64(8 * CueRecord.SIZE)
_ONE = I64(ONE)
_SQUARE_ONE = U64(ONE * ONE)
_LOG2_E = U64(369)  # in units of 2**-8
# From this exponent on a weight of at most 2**16, halved every 256, is gone.
_GONE = U64(17 * 256)
_AHEAD = U64(4)  # candidates whose embeddings are fetched before they are needed
_LINE = U64(64)
_STEP = U64(DOT_STEP)


@inlined
def vector_at(state, place):
    """Return the address of the stored embedding of a place."""
    vectors = get(block_at(state, place >> LOG_BLOCK), PatternBlock.VECTORS)
    return vectors + get(state, PatternState.STRIDE) * (place & (BLOCK - U64(1)))


@inlined
def _norm_at(state, place):
    norms = get(block_at(state, place >> LOG_BLOCK), PatternBlock.NORMS)
    return U64(carray(uint32s_at(norms), BLOCK)[place & (BLOCK - U64(1))])


@function
def _dot(first, second, width):
    steps = width // _STEP
    total = dot(first, second, steps)
    a, b = carray(int8s_at(first), width), carray(int8s_at(second), width)
    for i in range(steps * _STEP, width):
        total += I64(a[i]) * I64(b[i])
    return total


@function
def norm_of(vector, width):
    """Return the norm of an embedding in units of 2**-8, rounded down."""
    square = _dot(vector, vector, width) << I64(16)
    root = I64(square_root(np.float64(square)))  # right to one unit
    if root * root > square:
        root -= I64(1)
    if (root + I64(1)) * (root + I64(1)) <= square:
        root += I64(1)
    return U64(root)


@inlined
def _cosine(dot, product):
    """Return ``min(floor(dot * 2**32 / product), 2**16)``; 0 where the product is 0."""
    if product == U64(0):
        return I64(0)
    if dot >= I64(0):
        return min(I64((U64(dot) << U64(32)) // product), _ONE)
    return -I64(((U64(-dot) << U64(32)) + product - U64(1)) // product)


@function
def _compare(state, vector, keys, count):
    """Turn places into keys that ascend as similarities fall, then as slots rise."""
    width = get(state, PatternState.WIDTH)
    norm = norm_of(vector, width)
    for i in range(count):
        if i + _AHEAD < count:
            ahead = vector_at(state, load(keys + U64(8) * (i + _AHEAD)))
            for line in range(U64(0), width, _LINE):
                prefetch(ahead + line)
        place = load(keys + U64(8) * i)
        dot = _dot(vector, vector_at(state, place), width)
        similarity = _cosine(dot, norm * _norm_at(state, place))
        store(keys + U64(8) * i, U64(_ONE - similarity) << U64(32) | place)


@function
def look_up(state, work, c, last, keys, count):
    """Turn places into keys that ascend with latencies, then as slots rise."""
    for i in range(count):
        place = load(keys + U64(8) * i)
        latency = last - score(state, work, c, place)
        store(keys + U64(8) * i, latency << U64(32) | place)


@inlined
def _similarity(key, table):
    """Return what a key says of similarity, by a table of latencies if there is one."""
    if table:
        return I64(load(table + U64(8) * (key >> U64(32))))
    return _ONE - I64(key >> U64(32))


@function
def _weigh(state, value, first):
    """Return how likely a candidate of a similarity is, that of the best being 2**16."""
    gap = U64(max(first - value, I64(0)))
    rise = gap * U64(first) * get(state, PatternState.WIDTH) * _LOG2_E
    fall = _SQUARE_ONE - U64(first * first)
    if rise >= _GONE * fall:
        return U64(0)
    exponent = rise // fall
    entry = load(get(state, PatternState.DECAY) + U64(8) * (exponent & U64(255)))
    return entry >> (exponent >> U64(8))


@function
def _answer(state, work, c, last, table, found, count, out):
    """Store the best of ``found`` keys, rows of slot, similarity, confidence and latency."""
    keys = get(work, Workspace.KEYS)
    sift(keys, found)
    first = min(max(_similarity(load(keys), table), I64(0)), _ONE - I64(1))
    total = U64(0)
    for i in range(found):
        total += _weigh(state, _similarity(load(keys + U64(8) * i), table), first)
    for i in range(min(count, found)):
        key = pop(keys, found - i)
        place = key & U64(0xFFFFFFFF)
        value = _similarity(key, table)
        row = carray(int64s_at(out + U64(32) * i), 4)
        row[0] = slot_of(state, place)
        row[1] = value
        row[2] = (_weigh(state, value, first) << U64(16)) // total
        row[3] = last - score(state, work, c, place)


@inlined
def count_cue(work, record):
    add(work, Workspace.SPIKES, get(record, CueRecord.SPIKES))
    add(work, Workspace.EVENTS, get(record, CueRecord.EVENTS))


@kernel()
def recall(state, work, vectors, cues, clamped, wide, wanted, count, out):
    """Answer embeddings: store the ``count`` best of ``wanted`` candidates of each, rows of slot,
    similarity, confidence and latency; rows without an answer stay as they are."""
    width, neurons = get(state, PatternState.WIDTH), get(state, PatternState.NEURONS)
    records, lists = get(work, Workspace.RECORDS), get(work, Workspace.LISTS)
    for first in range(U64(0), cues, GROUP):
        here = min(GROUP, cues - first)
        project(state, work, vectors + width * first, here)
        for i in range(here):
            c = first + i
            sums = get(work, Workspace.SUMS) + U64(2) * neurons * i
            record = records + _RECORD * c
            cue(state, sums, record, lists + get(work, Workspace.LIST_BYTES) * c)
            count_cue(work, record)
    threshold = get(state, PatternState.WINNERS) * get(state, PatternState.LEVELS)
    ramp = get(state, PatternState.RAMP)
    race(state, work, records, cues, threshold, ramp, clamped, wide)
    last = U64(2) * threshold >> ramp
    words = get(state, PatternState.BLOCK_COUNT) * BLOCK >> U64(6)
    keys = get(work, Workspace.KEYS)
    for c in range(cues):
        if not first_spikes(state, work, c, wanted):
            continue
        found = list_chosen(get(work, Workspace.CHOSEN), words, keys)
        table = U64(0)
        if get(state, PatternState.RERANK):
            _compare(state, vectors + width * c, keys, found)
            add(work, Workspace.COMPARED, found)
        else:
            table = get(state, PatternState.BY_LATENCY)
            look_up(state, work, c, last, keys, found)
        _answer(state, work, c, last, table, found, count, out + U64(32) * count * c)
    return cues


@kernel()
def recall_codes(state, work, codes, length, cues, clamped, wide, wanted, count, out):
    """Answer codes of ``length`` neurons each; else as above."""
    records = get(work, Workspace.RECORDS)
    for c in range(cues):
        code_cue(state, records + _RECORD * c, codes + U64(2) * length * c, length)
        count_cue(work, records + _RECORD * c)
    threshold = get(state, PatternState.WINNERS)
    race(state, work, records, cues, threshold, U64(0), clamped, wide)
    last = U64(2) * threshold
    words = get(state, PatternState.BLOCK_COUNT) * BLOCK >> U64(6)
    keys = get(work, Workspace.KEYS)
    for c in range(cues):
        if not first_spikes(state, work, c, wanted):
            continue
        found = list_chosen(get(work, Workspace.CHOSEN), words, keys)
        look_up(state, work, c, last, keys, found)
        table = get(state, PatternState.BY_CODE_LATENCY)
        _answer(state, work, c, last, table, found, count, out + U64(32) * count * c)
    return cues
