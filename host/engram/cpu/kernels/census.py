"""Walking all that is written: to build larger tables, and to copy it out."""

import numpy as np

from engram.cpu.kernels.intrinsics import load, store
from engram.cpu.kernels.kernel import inlined, kernel
from engram.cpu.kernels.pages import PAGE_SHIFT, add, find_frame, get, mark_page
from engram.cpu.kernels.table import ABSENT, VALUE_AT, home, insert, next_key, scramble
from engram.cpu.layout import BUCKET_BYTES, State

__all__: list[str] = []

U64 = np.uint64


@inlined
def _table(state, address, buckets):
    """Return where a table of a state begins and ends."""
    table = get(state, address)
    return table, table + get(state, buckets) * U64(BUCKET_BYTES)


@inlined
def _put(state, address, buckets, hashed, where):
    """Insert the key and value at a slot into a table of a state."""
    table = get(state, address)
    end, bucket = home(table, get(state, buckets), hashed)
    insert(table, end, bucket, load(where), load(where + VALUE_AT))


@kernel()
def rebuild(old, new):
    """Carry a state's words and pages into the empty tables and filter of a new one.

    Tables that both blocks share are only walked, for the filter. Buckets keep their order, so
    both tables are passed through front to back. Tombs and stale words are left behind.
    """
    where, end = _table(old, State.PAGES, State.PAGE_BUCKETS)
    move = where != get(new, State.PAGES)
    where = next_key(where, end)
    while where < end:
        hashed = scramble(load(where))
        mark_page(new, hashed, True)
        if move:
            _put(new, State.PAGES, State.PAGE_BUCKETS, hashed, where)
            add(new, State.PAGE_SLOTS_USED, U64(1))
        where = next_key(where + U64(8), end)
    where, end = _table(old, State.BUCKETS, State.BUCKET_COUNT)
    move = where != get(new, State.BUCKETS)
    where = next_key(where, end)
    while where < end:
        address = load(where)
        page = address >> PAGE_SHIFT
        hashed = scramble(page)
        if find_frame(old, page, hashed) == ABSENT:
            mark_page(new, hashed, False)
            if move:
                _put(new, State.BUCKETS, State.BUCKET_COUNT, scramble(address), where)
                add(new, State.SLOTS_USED, U64(1))
        where = next_key(where + U64(8), end)
    return U64(0)


@kernel()
def list_words(state, addresses, values):
    """Store the written words of the word table, in no order; return how many."""
    count = U64(0)
    where, end = _table(state, State.BUCKETS, State.BUCKET_COUNT)
    where = next_key(where, end)
    while where < end:
        address = load(where)
        page = address >> PAGE_SHIFT
        if find_frame(state, page, scramble(page)) == ABSENT:
            store(addresses + U64(8) * count, address)
            store(values + U64(8) * count, load(where + VALUE_AT))
            count += U64(1)
        where = next_key(where + U64(8), end)
    return count


@kernel()
def list_frames(state, pages, frames):
    """Store page number and frame address of every framed page; return how many."""
    count = U64(0)
    where, end = _table(state, State.PAGES, State.PAGE_BUCKETS)
    where = next_key(where, end)
    while where < end:
        store(pages + U64(8) * count, load(where))
        store(frames + U64(8) * count, load(where + VALUE_AT))
        count += U64(1)
        where = next_key(where + U64(8), end)
    return count
