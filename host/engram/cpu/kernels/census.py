"""Walking all that is written: to build larger tables, and to copy it out."""

import numpy as np

from engram.cpu.kernels.intrinsics import load, store
from engram.cpu.kernels.kernel import kernel
from engram.cpu.kernels.pages import PAGE_SHIFT, add, find_frame, get, mark_page
from engram.cpu.kernels.table import ABSENT, home, insert, scramble
from engram.cpu.layout import BUCKET_BYTES, BUCKET_SLOTS, EMPTY, TOMB, State

__all__: list[str] = []

U64 = np.uint64
_VALUES = U64(8 * BUCKET_SLOTS)


@kernel()
def rebuild(old, new):
    """Carry a state's words and pages into the empty tables and filter of a new one.

    Tables that both blocks share are only walked, for the filter. Buckets keep their order, so
    both tables are passed through front to back. Tombs and stale words are left behind.
    """
    table = get(old, State.PAGES)
    move = table != get(new, State.PAGES)
    for bucket in range(get(old, State.PAGE_BUCKETS)):
        for slot in range(BUCKET_SLOTS):
            where = table + bucket * U64(BUCKET_BYTES) + U64(8 * slot)
            page = load(where)
            if page == U64(EMPTY):
                break
            if page == U64(TOMB):
                continue
            hashed = scramble(page)
            mark_page(new, hashed, True)
            if move:
                target = get(new, State.PAGES)
                end, place = home(target, get(new, State.PAGE_BUCKETS), hashed)
                insert(target, end, place, page, load(where + _VALUES))
                add(new, State.PAGE_SLOTS_USED, U64(1))
    table = get(old, State.BUCKETS)
    move = table != get(new, State.BUCKETS)
    for bucket in range(get(old, State.BUCKET_COUNT)):
        for slot in range(BUCKET_SLOTS):
            where = table + bucket * U64(BUCKET_BYTES) + U64(8 * slot)
            address = load(where)
            if address == U64(EMPTY):
                break
            if address == U64(TOMB):
                continue
            page = address >> PAGE_SHIFT
            hashed = scramble(page)
            if find_frame(old, page, hashed) != ABSENT:
                continue
            mark_page(new, hashed, False)
            if move:
                target = get(new, State.BUCKETS)
                end, place = home(target, get(new, State.BUCKET_COUNT), scramble(address))
                insert(target, end, place, address, load(where + _VALUES))
                add(new, State.SLOTS_USED, U64(1))
    return U64(0)


@kernel()
def list_words(state, addresses, values):
    """Store the written words of the word table, in no order; return how many."""
    count = U64(0)
    table = get(state, State.BUCKETS)
    for bucket in range(get(state, State.BUCKET_COUNT)):
        for slot in range(BUCKET_SLOTS):
            where = table + bucket * U64(BUCKET_BYTES) + U64(8 * slot)
            address = load(where)
            if address == U64(EMPTY):
                break
            if address == U64(TOMB):
                continue
            page = address >> PAGE_SHIFT
            if find_frame(state, page, scramble(page)) == ABSENT:
                store(addresses + U64(8) * count, address)
                store(values + U64(8) * count, load(where + _VALUES))
                count += U64(1)
    return count


@kernel()
def list_frames(state, pages, frames):
    """Store page number and frame address of every framed page; return how many."""
    count = U64(0)
    table = get(state, State.PAGES)
    for bucket in range(get(state, State.PAGE_BUCKETS)):
        for slot in range(BUCKET_SLOTS):
            where = table + bucket * U64(BUCKET_BYTES) + U64(8 * slot)
            page = load(where)
            if page == U64(EMPTY):
                break
            if page != U64(TOMB):
                store(pages + U64(8) * count, page)
                store(frames + U64(8) * count, load(where + _VALUES))
                count += U64(1)
    return count
