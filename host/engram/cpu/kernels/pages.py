"""Resolving a page: clean by the filter, framed by the directory, or words by the word table."""

import numpy as np

from engram.arch.pages import PAGE_BITS, PAGE_WORDS
from engram.cpu.kernels.intrinsics import load, ones, store
from engram.cpu.kernels.kernel import function, inlined
from engram.cpu.kernels.laws import fill_words
from engram.cpu.kernels.table import (
    ABSENT,
    filter_bits,
    filter_word,
    find,
    frame_bits,
    home,
    insert,
    scramble,
)
from engram.cpu.layout import FRAME_BITMAP, FRAME_WORDS, SENTINEL_PAGE, TOMB, State

__all__ = [
    "PAGE",
    "PAGE_SHIFT",
    "add",
    "find_frame",
    "find_word",
    "frame_for_writing",
    "get",
    "is_clean",
    "mark_page",
    "put",
    "set_written",
    "stays_framed",
]

U64 = np.uint64

PAGE = U64(PAGE_WORDS)
PAGE_SHIFT = U64(PAGE_BITS)
_BITMAP = U64(8 * FRAME_BITMAP)
_SENTINEL = U64(SENTINEL_PAGE)
_ALL = U64(0xFFFFFFFFFFFFFFFF)


@inlined
def get(state, field):
    """Return a field of a state block."""
    return load(state + U64(8 * field))


@inlined
def put(state, field, word):
    """Set a field of a state block."""
    store(state + U64(8 * field), word)


@inlined
def add(state, field, change):
    """Add to a field of a state block, modulo 2**64."""
    put(state, field, get(state, field) + change)


@inlined
def is_clean(state, hashed_page):
    """Return True if nothing was written in the page; False may be a false alarm."""
    word = filter_word(hashed_page, get(state, State.FILTER), get(state, State.FILTER_WORDS))
    bits = filter_bits(hashed_page)
    return load(word) & bits != bits


@inlined
def mark_page(state, hashed_page, framed):
    """Tell readers that something may be written in the page; do this before writing it.

    ``framed`` tells them also that it may have a frame.
    """
    word = filter_word(hashed_page, get(state, State.FILTER), get(state, State.FILTER_WORDS))
    bits = filter_bits(hashed_page)
    if framed:
        bits |= frame_bits(hashed_page)
    if load(word) & bits != bits:  # else the line need not be dirtied
        store(word, load(word) | bits)
        put(state, State.WRITTEN, U64(1))


@inlined
def stays_framed(page):
    """Return True for the page that never uses the word table, whose two sentinels it holds."""
    return page == _SENTINEL


@inlined
def find_frame(state, page, hashed_page):
    """Return the address of the page's frame, or ABSENT."""
    # The filter word is at hand whenever anyone asks, the directory may not be.
    word = filter_word(hashed_page, get(state, State.FILTER), get(state, State.FILTER_WORDS))
    bits = frame_bits(hashed_page)
    if load(word) & bits != bits:
        return ABSENT
    table = get(state, State.PAGES)
    end, bucket = home(table, get(state, State.PAGE_BUCKETS), hashed_page)
    where = find(table, end, bucket, page)
    return load(where) if where != ABSENT else ABSENT


@inlined
def find_word(state, address):
    """Return the address of the value of a word in the word table, or ABSENT."""
    if address >= U64(TOMB):  # the two sentinels are in every bucket, and never words
        return ABSENT
    table = get(state, State.BUCKETS)
    end, bucket = home(table, get(state, State.BUCKET_COUNT), scramble(address))
    return find(table, end, bucket, address)


@inlined
def set_written(frame, first, last):
    """Set the bits of words first..last of a frame; return how many were not set before."""
    fresh = U64(0)
    for i in range(first >> U64(6), (last >> U64(6)) + U64(1)):
        low = max(first, i << U64(6)) & U64(63)
        high = min(last, (i << U64(6)) + U64(63)) & U64(63)
        mask = (_ALL >> (U64(63) - (high - low))) << low
        where = frame + _BITMAP + U64(8) * i
        before = load(where)
        store(where, before | mask)
        fresh += ones(mask & ~before)
    return fresh


@function
def frame_for_writing(state, page, hashed_page):
    """Return the page's frame, made and filled if it has none; ABSENT if none can be had.

    Words of the page in the word table are copied into the frame and stay behind, stale: readers
    look for the frame first, and building the table anew drops them.
    """
    frame = find_frame(state, page, hashed_page)
    if frame != ABSENT:
        return frame
    free = get(state, State.FREE_COUNT)
    if free == U64(0) or get(state, State.PAGE_SLOTS_USED) >= get(state, State.PAGE_SLOTS_LIMIT):
        return ABSENT
    add(state, State.FREE_COUNT, _ALL)
    frame = load(get(state, State.FREE_FRAMES) + U64(8) * (free - U64(1)))
    base = page << PAGE_SHIFT
    fill_words(get(state, State.LAW_BLOCK), base, PAGE, frame, U64(0))
    for i in range(U64(FRAME_WORDS - FRAME_BITMAP)):
        store(frame + _BITMAP + U64(8) * i, U64(0))
    if get(state, State.WORDS) != U64(0) and not is_clean(state, hashed_page):
        moved = U64(0)
        for i in range(PAGE):
            value = find_word(state, base + i)
            if value != ABSENT:
                store(frame + U64(8) * i, load(value))
                moved += set_written(frame, i, i)
        add(state, State.WORDS, U64(0) - moved)
        add(state, State.FRAMED_WORDS, moved)
    mark_page(state, hashed_page, True)
    table = get(state, State.PAGES)
    end, bucket = home(table, get(state, State.PAGE_BUCKETS), hashed_page)
    insert(table, end, bucket, page, frame)
    add(state, State.PAGE_SLOTS_USED, U64(1))
    add(state, State.FRAMES, U64(1))
    return frame
