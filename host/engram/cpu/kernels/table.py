"""The hash table behind words and pages: buckets of four keys and four values, open addressing.

Readers take no lock. A value is stored before its key, a key is never moved or reused inside one
generation of a table, and an erased key becomes a tomb until the table is built anew.
"""

import numpy as np

from engram.arch.laws import GOLDEN_RATIO_64
from engram.cpu.kernels.intrinsics import (
    load,
    match4,
    store,
    store_release,
    trailing_zeros,
)
from engram.cpu.kernels.kernel import inlined
from engram.cpu.layout import BUCKET_BYTES, BUCKET_SLOTS, EMPTY, TOMB

__all__ = [
    "ABSENT",
    "VALUE_AT",
    "bucket_of",
    "bury",
    "filter_bits",
    "filter_word",
    "find",
    "frame_bits",
    "home",
    "insert",
    "next_key",
    "scramble",
]

U64 = np.uint64

ABSENT = U64(0)  # no slot has address zero
_EMPTY, _TOMB = U64(EMPTY), U64(TOMB)
_BUCKET = U64(BUCKET_BYTES)
_LAST = U64(8 * (BUCKET_SLOTS - 1))
VALUE_AT = U64(8 * BUCKET_SLOTS)
_G = U64(GOLDEN_RATIO_64)
_H = U64(0xD6E8FEB86659FD93)  # an odd 64-bit constant of Rrmxmx (Pelle Evensen, 2018)


@inlined
def scramble(key):
    """Return a hash whose high half picks a bucket and whose low half picks filter bits."""
    x = key * _G
    x ^= x >> U64(32)
    return x * _H


@inlined
def bucket_of(hashed, count):
    """Map the high half of a hash onto 0..count-1 by multiplication, so any count will do."""
    return ((hashed >> U64(32)) * count) >> U64(32)


@inlined
def home(table, count, hashed):
    """Return where a table of ``count`` buckets ends, and where the bucket of a hash is."""
    return table + count * _BUCKET, table + bucket_of(hashed, count) * _BUCKET


@inlined
def filter_word(hashed, filter_, filter_words):
    """Return the address of the filter word of a hashed page."""
    return filter_ + U64(8) * bucket_of(hashed, filter_words)


@inlined
def filter_bits(hashed):
    """Return the three filter bits of a hashed page, all in one word (some may coincide)."""
    one, six = U64(1), U64(63)
    return (
        one << ((hashed >> U64(14)) & six)
        | one << ((hashed >> U64(20)) & six)
        | one << ((hashed >> U64(26)) & six)
    )


@inlined
def frame_bits(hashed):
    """Return the two further bits that a hashed page has in its filter word if it has a frame."""
    one, six = U64(1), U64(63)
    return one << ((hashed >> U64(2)) & six) | one << ((hashed >> U64(8)) & six)


@inlined
def find(table, end, where, key):
    """Return the address of the value of ``key``, searched from its bucket at ``where`` on, or
    ABSENT; the table reaches from ``table`` to ``end``."""
    while True:
        mask = match4(where, key)
        if mask:
            return where + VALUE_AT + U64(8) * trailing_zeros(mask)
        # Buckets fill from the front, so one whose last slot is empty ends the search.
        if load(where + _LAST) == _EMPTY:
            return ABSENT
        where += _BUCKET
        if where == end:
            where = table


@inlined
def insert(table, end, where, key, value):
    """Store a value under a key, whose bucket is at ``where``; return 1 if it is new, else 0.

    The table must have a free slot; its owner grows it long before it fills.
    """
    while True:
        mask = match4(where, key)
        if mask:
            store(where + VALUE_AT + U64(8) * trailing_zeros(mask), value)
            return U64(0)
        free = match4(where, _EMPTY)
        if free:
            slot = where + U64(8) * trailing_zeros(free)
            store(slot + VALUE_AT, value)
            store_release(slot, key)
            return U64(1)
        where += _BUCKET
        if where == end:
            where = table


@inlined
def bury(value_address):
    """Turn the key of a found value into a tomb."""
    store_release(value_address - VALUE_AT, _TOMB)


@inlined
def next_key(where, end):
    """Return the place of the first key at or after a slot, or ``end``; its value lies VALUE_AT
    further on. Walks a whole table from its address by ``next_key(place + 8, end)``."""
    while where < end:
        if where & U64(BUCKET_BYTES - 1) >= VALUE_AT:
            where = (where | U64(BUCKET_BYTES - 1)) + U64(1)
            continue
        key = load(where)
        if key == _EMPTY:  # buckets fill from the front: the rest of this one is empty too
            where = (where | U64(BUCKET_BYTES - 1)) + U64(1)
        elif key == _TOMB:
            where += U64(8)
        else:
            break
    return min(where, end)
