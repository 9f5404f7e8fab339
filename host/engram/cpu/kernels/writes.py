"""Writing and erasing: one writer at a time, readers all the while.

A writing kernel stops where it needs a larger table or another frame and returns how far it got;
the overlay makes room and calls it again from there.
"""

import numpy as np
from numba import carray

from engram.cpu.kernels.intrinsics import (
    load,
    ones,
    prefetch_write,
    store,
    store_release,
    words_at,
)
from engram.cpu.kernels.kernel import function, inlined, kernel
from engram.cpu.kernels.laws import generate
from engram.cpu.kernels.pages import (
    PAGE,
    PAGE_SHIFT,
    add,
    find_frame,
    find_word,
    frame_for_writing,
    get,
    is_clean,
    mark_page,
    put,
    set_written,
    stays_framed,
)
from engram.cpu.kernels.table import (
    ABSENT,
    VALUE_AT,
    bury,
    filter_word,
    find,
    home,
    insert,
    next_key,
    scramble,
)
from engram.cpu.layout import (
    BUCKET_BYTES,
    FRAME_BITMAP,
    FRAME_ERASURES,
    MIN_FRAMED_RUN,
    State,
)

__all__: list[str] = []

U64 = np.uint64

_RUN = U64(MIN_FRAMED_RUN)
_BITMAP = U64(8 * FRAME_BITMAP)
_MINUS_ONE = U64(0xFFFFFFFFFFFFFFFF)
_AHEAD = U64(24)  # addresses whose lines are fetched before they are needed


@inlined
def _put_word(state, hashed_page, address, value):
    """Write a word of an unframed page into the word table; return False if that is full."""
    if get(state, State.SLOTS_USED) >= get(state, State.SLOTS_LIMIT):
        return False
    mark_page(state, hashed_page, False)
    table = get(state, State.BUCKETS)
    end, bucket = home(table, get(state, State.BUCKET_COUNT), scramble(address))
    fresh = insert(table, end, bucket, address, value)
    add(state, State.SLOTS_USED, fresh)
    add(state, State.WORDS, fresh)
    return True


@function
def _put_run(state, page, hashed, address, values, count):
    """Write a run inside one page into its frame; return False if it has none and gets none."""
    frame = frame_for_writing(state, page, hashed)
    if frame == ABSENT:
        return False
    offset = address & (PAGE - U64(1))
    source = carray(words_at(values), count)
    target = carray(words_at(frame + U64(8) * offset), count)
    for i in range(count):
        target[i] = source[i]
    add(state, State.FRAMED_WORDS, set_written(frame, offset, offset + count - U64(1)))
    return True


@kernel()
def write_range(state, base, values, count, start):
    """Write words from ``base + start`` on; return how many of ``count`` are written by now."""
    done = start
    while done < count:
        address = base + done
        page = address >> PAGE_SHIFT
        hashed = scramble(page)
        run = min(count - done, PAGE - (address & (PAGE - U64(1))))
        frame = find_frame(state, page, hashed)
        if frame != ABSENT or run >= _RUN or stays_framed(page):
            if not _put_run(state, page, hashed, address, values + U64(8) * done, run):
                return done
        else:
            for i in range(run):
                value = load(values + U64(8) * (done + i))
                if not _put_word(state, hashed, address + i, value):
                    return done + i
        done += run
    return done


@inlined
def _run_length(source, i, count):
    """Return how many addresses from ``i`` on count up by one inside a page, if enough of them
    do to take a frame, else 0."""
    address = source[i]
    room = min(count - i, PAGE - (address & (PAGE - U64(1))))
    if room < _RUN or source[i + _RUN - U64(1)] - address != _RUN - U64(1):
        return U64(0)
    length = U64(1)
    while length < room and source[i + length] == address + length:
        length += U64(1)
    return length if length >= _RUN else U64(0)


@kernel()
def write_words(state, addresses, values, count, start):
    """Write words at any addresses, the later of two to one address winning; return how many of
    ``count`` are written by now."""
    source = carray(words_at(addresses), count)
    table, buckets = get(state, State.BUCKETS), get(state, State.BUCKET_COUNT)
    filter_, filter_words = get(state, State.FILTER), get(state, State.FILTER_WORDS)
    i = start
    while i < count:
        if i + _AHEAD < count:
            # One at a time: requests to memory that come in a burst queue up behind one another.
            ahead = source[i + _AHEAD]
            prefetch_write(home(table, buckets, scramble(ahead))[1])
            prefetch_write(filter_word(scramble(ahead >> PAGE_SHIFT), filter_, filter_words))
        address = source[i]
        page = address >> PAGE_SHIFT
        hashed = scramble(page)
        run = U64(0)
        if i + U64(1) < count and source[i + U64(1)] == address + U64(1):
            run = _run_length(source, i, count)
        if run == U64(0) and (stays_framed(page) or find_frame(state, page, hashed) != ABSENT):
            run = U64(1)
        if run:
            if not _put_run(state, page, hashed, address, values + U64(8) * i, run):
                return i
            i += run
        else:
            if not _put_word(state, hashed, address, load(values + U64(8) * i)):
                return i
            i += U64(1)
    return i


@kernel(nogil=False)
def write_word(state, address, value):
    """Write one word; return 0 if the overlay must grow first, else 1."""
    page = address >> PAGE_SHIFT
    hashed = scramble(page)
    frame = find_frame(state, page, hashed)
    if frame == ABSENT and not stays_framed(page):
        return U64(_put_word(state, hashed, address, value))
    if frame == ABSENT:
        frame = frame_for_writing(state, page, hashed)
        if frame == ABSENT:
            return U64(0)
    offset = address & (PAGE - U64(1))
    store(frame + U64(8) * offset, value)
    add(state, State.FRAMED_WORDS, set_written(frame, offset, offset))
    return U64(1)


@function
def _erase_word(state, address):
    """Let one word's generated value show again; return 1 if it was written."""
    page = address >> PAGE_SHIFT
    hashed = scramble(page)
    if is_clean(state, hashed):
        return U64(0)
    frame = find_frame(state, page, hashed)
    if frame != ABSENT:
        offset = address & (PAGE - U64(1))
        where = frame + _BITMAP + U64(8) * (offset >> U64(6))
        bit = U64(1) << (offset & U64(63))
        if load(where) & bit == U64(0):
            return U64(0)
        # In this order: a reader of another law that saw the bit and then loads the generated word
        # finds the count changed.
        store_release(where, load(where) & ~bit)
        erasures = frame + U64(8 * FRAME_ERASURES)
        store_release(erasures, load(erasures) + U64(1))
        word = generate(get(state, State.LAW_BLOCK), address)
        store_release(frame + U64(8) * offset, word)
        add(state, State.FRAMED_WORDS, _MINUS_ONE)
        return U64(1)
    value = find_word(state, address)
    if value == ABSENT:
        return U64(0)
    bury(value)
    add(state, State.WORDS, _MINUS_ONE)
    return U64(1)


@kernel()
def erase_words(state, addresses, count):
    """Erase words at any addresses; return how many were written."""
    erased = U64(0)
    for i in range(count):
        erased += _erase_word(state, load(addresses + U64(8) * i))
    return erased


@function
def _free_frame(state, page, hashed):
    """Take a page's frame out of the directory; return how many of its words were written."""
    table = get(state, State.PAGES)
    end, bucket = home(table, get(state, State.PAGE_BUCKETS), hashed)
    where = find(table, end, bucket, page)
    frame = load(where)
    erased = U64(0)
    for i in range(PAGE >> U64(6)):
        erased += ones(load(frame + _BITMAP + U64(8) * i))
    bury(where)
    freed = get(state, State.FREED_COUNT)
    # A reader may be in the middle of it: the overlay hands it out again when all have left.
    store(get(state, State.FREED) + U64(8) * freed, frame)
    put(state, State.FREED_COUNT, freed + U64(1))
    add(state, State.FRAMES, _MINUS_ONE)
    add(state, State.FRAMED_WORDS, U64(0) - erased)
    return erased


@function
def _erase_pages(state, first, last):
    """Erase a range page by page."""
    erased = U64(0)
    for page in range(first >> PAGE_SHIFT, (last >> PAGE_SHIFT) + U64(1)):
        hashed = scramble(page)
        if is_clean(state, hashed):
            continue
        low = max(first, page << PAGE_SHIFT)
        high = min(last, (page << PAGE_SHIFT) + (PAGE - U64(1)))
        whole = high - low == PAGE - U64(1)
        if whole and find_frame(state, page, hashed) != ABSENT:
            for i in range(PAGE):  # stale copies of its words must not show again
                value = find_word(state, low + i)
                if value != ABSENT:
                    bury(value)
            erased += _free_frame(state, page, hashed)
        else:
            for i in range(high - low + U64(1)):
                erased += _erase_word(state, low + i)
    return erased


@function
def _erase_by_scan(state, first, last):
    """Erase a range that is larger than the tables, by looking at all they hold."""
    erased = U64(0)
    table = get(state, State.BUCKETS)
    end = table + get(state, State.BUCKET_COUNT) * U64(BUCKET_BYTES)
    where = next_key(table, end)
    while where < end:
        address = load(where)
        if first <= address and address <= last:
            page = address >> PAGE_SHIFT
            bury(where + VALUE_AT)
            if find_frame(state, page, scramble(page)) == ABSENT:  # else it was stale
                add(state, State.WORDS, _MINUS_ONE)
                erased += U64(1)
        where = next_key(where + U64(8), end)
    table = get(state, State.PAGES)
    end = table + get(state, State.PAGE_BUCKETS) * U64(BUCKET_BYTES)
    where = next_key(table, end)
    while where < end:
        page = load(where)
        low, high = page << PAGE_SHIFT, (page << PAGE_SHIFT) + (PAGE - U64(1))
        if low >= first and high <= last:
            erased += _free_frame(state, page, scramble(page))
        elif high >= first and low <= last:
            low, high = max(low, first), min(high, last)
            for i in range(high - low + U64(1)):
                erased += _erase_word(state, low + i)
        where = next_key(where + U64(8), end)
    return erased


@kernel()
def erase_range(state, first, last):
    """Erase all words of first..last, both included; return how many were written."""
    pages = (last >> PAGE_SHIFT) - (first >> PAGE_SHIFT) + U64(1)
    held = get(state, State.BUCKET_COUNT) + get(state, State.PAGE_BUCKETS)
    if pages > held:
        return _erase_by_scan(state, first, last)
    return _erase_pages(state, first, last)
