"""Walker: the same answers and the same DRAM as the table in plain integers."""

from random import Random

import pytest

from engram.arch.commands import Fault
from engram.arch.page_table import (
    BUCKET_SLOTS,
    BUCKET_WORDS,
    CONTINUES,
    MAX_PROBES,
    PAGE_NUMBER_BITS,
    VALID,
    bucket_of,
    key_word,
)
from hdl.mmu.walker import Walker, WalkIntent
from tests.hdl.mmu.dram import ADDRESS_WIDTH, Bench
from tests.hdl.mmu.table import Table, key_address

TABLE = 0x12_3456_7080  # a multiple of a bucket, no more
FRAMES = 1000
FIND, CLAIM, INSERT, REMOVE = WalkIntent


class Probes:
    """Counts buckets by the walker's pulses."""

    def __init__(self, unit):
        self.unit = unit
        self.count = 0

    def drive(self, ctx):
        pass

    def observe(self, ctx):
        self.count += ctx.get(self.unit.probe)


def empty(buckets_log2):
    words = BUCKET_WORDS << buckets_log2
    return {TABLE + 8 * number: 0 for number in range(words)}


def put(dram, bucket, slot, key, frame=0):
    place = key_address(TABLE, bucket, slot)
    dram[place] = key
    dram[place + 8 * BUCKET_SLOTS] = frame


def pages_of(bucket, buckets_log2, count):
    """Return pages whose walk begins with a bucket."""
    pages = (page for page in range(1 << 20) if bucket_of(page, buckets_log2) == bucket)
    return [next(pages) for _ in range(count)]


def fill(dram, bucket, buckets_log2, count=BUCKET_SLOTS, *, skip=0, continues=False):
    """Fill slots with pages of that bucket; return the pages."""
    pages = pages_of(bucket, buckets_log2, skip + count)[skip:]
    for slot, page in enumerate(pages):
        last = continues and slot == BUCKET_SLOTS - 1
        put(dram, bucket, slot, key_word(page) | (CONTINUES if last else 0), 10 * bucket + slot)
    return pages


def walk(dram, requests, buckets_log2, **settings):
    """Check that the walker does what the model does; return it, and the model's answers."""
    errors = {name: settings[name] for name in ("read_error", "write_error") if name in settings}
    model = Table(dict(dram), TABLE, buckets_log2, FRAMES, **errors)
    bench = Bench(unit := Walker(ADDRESS_WIDTH), dram, **settings)
    expected = [model.answer(*request) for request in requests]
    bench.probes = Probes(unit)
    answers = bench.run(
        {"table": TABLE + 0x55, "buckets_log2": buckets_log2, "frame_count": FRAMES},
        [
            {"intent": intent, "page": page, "frame": frame[0] if frame else 0}
            for intent, page, *frame in requests
        ],
        watch=[bench.probes],
    )
    found = [
        (answer["found"], answer["frame"] if answer["found"] else None, answer["fault"])
        for answer in answers
    ]
    assert found == expected
    assert bench.dram == model.dram
    assert bench.probes.count == model.probes
    return bench, expected


def random_requests(random, dram, pages, buckets_log2, count):
    """Return requests of which an INSERT follows each CLAIM that allows it."""
    model = Table(dict(dram), TABLE, buckets_log2, FRAMES)
    requests = []
    while len(requests) < count:
        request = (random.choice([FIND, CLAIM, CLAIM, CLAIM, REMOVE]), random.choice(pages))
        requests.append(request)
        found, _, fault = model.answer(*request)
        if request[0] == CLAIM and not found and fault == Fault.OK and random.random() < 0.9:
            requests.append((INSERT, request[1], random.randrange(FRAMES)))
            model.answer(*requests[-1])
    return requests


@pytest.mark.parametrize(
    ("seed", "buckets_log2", "pause", "latency"),
    [(1, 0, 0.0, 0), (2, 1, 0.3, 2), (3, 2, 0.0, 20), (4, 3, 0.3, 0)],
)
def test_it_answers_and_writes_as_the_model_does(seed, buckets_log2, pause, latency) -> None:
    random = Random(seed)
    dram = empty(buckets_log2)
    # More pages than slots of their buckets, far apart, so that chains grow.
    pages = [random.getrandbits(PAGE_NUMBER_BITS) for _ in range(10 << buckets_log2)]
    pages += pages_of(0, buckets_log2, 12)
    requests = random_requests(random, dram, pages, buckets_log2, 40 + (20 << buckets_log2))
    walk(dram, requests, buckets_log2, seed=seed, pause=pause, latency=latency, source=pause,
         sink=pause)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_in_the_table_a_walk_ends_as_the_model_says(seed) -> None:
    random = Random(seed)
    buckets_log2 = random.randrange(4)
    pages = pages_of(random.randrange(1 << buckets_log2), buckets_log2, 12)
    dram = empty(buckets_log2)
    for bucket in range(1 << buckets_log2):
        for slot in range(BUCKET_SLOTS):
            # Pages in the wrong bucket or twice, flags anywhere, bits that are void, bad frames.
            key = random.choice(pages) | random.getrandbits(7) << PAGE_NUMBER_BITS
            key |= (random.random() < 0.8) * VALID | random.getrandbits(1) * CONTINUES
            put(dram, bucket, slot, key, random.getrandbits(64) & ~random.choice([0, 0xFFC00]))
    requests = random_requests(random, dram, pages, buckets_log2, 30)
    bench, _ = walk(dram, requests, buckets_log2, seed=seed)
    assert bench.probes.count <= MAX_PROBES * len(requests)


def test_chains_go_round_from_the_last_bucket_to_the_first() -> None:
    dram = empty(2)
    fill(dram, 3, 2, continues=True)
    late = fill(dram, 0, 2, continues=True)
    page = pages_of(3, 2, 9)[8]
    put(dram, 1, 5, key_word(page), 77)
    _, expected = walk(dram, [(FIND, page), (FIND, late[7]), (REMOVE, page), (FIND, page)], 2)
    assert expected == [(1, 77, 0), (1, 7, 0), (1, 77, 0), (0, None, 0)]


def test_a_full_bucket_is_continued_where_the_next_page_goes() -> None:
    dram = empty(1)
    fill(dram, 0, 1)
    page = pages_of(0, 1, 9)[8]
    bench, expected = walk(dram, [(FIND, page), (CLAIM, page), (INSERT, page, 5), (FIND, page)], 1)
    assert expected == [(0, None, 0), (0, None, 0), (1, 5, 0), (1, 5, 0)]
    # The frame is written before the key that makes it count.
    next_bucket = key_address(TABLE, 1, 0)
    continued = key_address(TABLE, 0, 7)
    assert [address for address, _ in bench.write.bursts] == [
        continued, next_bucket + 64, next_bucket,
    ]  # fmt: skip


def test_a_full_table_is_full_after_eight_buckets_and_only_continues() -> None:
    dram = empty(4)
    for bucket in range(16):
        fill(dram, bucket, 4)
    page = pages_of(12, 4, 9)[8]
    bench, expected = walk(dram, [(CLAIM, page)], 4)
    assert expected == [(0, None, Fault.TABLE_FULL)]
    changed = {place for place in dram if dram[place] != bench.dram[place]}
    # Of the eighth bucket, number 3, nothing: no walk may go on from there.
    assert changed == {key_address(TABLE, bucket % 16, 7) for bucket in range(12, 19)}
    assert bench.probes.count == MAX_PROBES


def test_the_first_free_slot_of_the_chain_is_taken_and_keeps_its_mark() -> None:
    dram = empty(1)
    pages = fill(dram, 0, 1, continues=True)
    fill(dram, 1, 1, 3)
    put(dram, 1, 7, CONTINUES)
    page = pages_of(0, 1, 9)[8]
    requests = [(REMOVE, pages[7]), (CLAIM, page), (INSERT, page, 3), (REMOVE, page)]
    bench, _ = walk(dram, requests, 1)
    assert bench.dram[key_address(TABLE, 0, 7)] == CONTINUES
    bench, _ = walk(dram, requests[:3], 1)
    assert bench.dram[key_address(TABLE, 0, 7)] == key_word(page) | CONTINUES


@pytest.mark.parametrize("intent", [FIND, CLAIM, REMOVE])
def test_a_frame_outside_the_pool_is_refused_and_stays(intent) -> None:
    dram = empty(0)
    put(dram, 0, 2, key_word(5), FRAMES)
    put(dram, 0, 3, key_word(6), FRAMES - 1 | 1 << 20)
    _, expected = walk(dram, [(intent, 5), (intent, 6)], 0)
    assert expected == [(0, None, Fault.BAD_FRAME), (1, FRAMES - 1, Fault.OK)]


ERROR_PLACES = [(bucket, word) for bucket in range(3) for word in (0, 3, 7, 11)]


@pytest.mark.parametrize("reads", [True, False])
def test_an_error_at_any_word_ends_in_its_fault(reads) -> None:
    dram = empty(2)
    fill(dram, 0, 2, continues=True)
    second = fill(dram, 1, 2)
    page = pages_of(0, 2, 9)[8]
    requests = [
        (FIND, page), (FIND, second[3]), (CLAIM, second[7]), (REMOVE, second[3]), (CLAIM, page)
    ]  # fmt: skip
    faults = set()
    for bucket, word in ERROR_PLACES:
        bad = key_address(TABLE, bucket, word)
        error = {"read_error" if reads else "write_error": lambda address, bad=bad: address == bad}
        _, expected = walk(dram, requests, 2, **error)
        faults |= {fault for *_, fault in expected}
    assert faults == {Fault.OK, Fault.READ_ERROR if reads else Fault.WRITE_ERROR}


@pytest.mark.parametrize(("word", "found"), [(8, 0), (0, 1)])
def test_an_insert_says_whether_its_key_was_begun(word, found) -> None:
    bad = key_address(TABLE, 0, word)
    requests = [(CLAIM, 9), (INSERT, 9, 4)]
    bench, expected = walk(empty(0), requests, 0, write_error=lambda address: address == bad)
    assert expected[1] == (found, 4 if found else None, Fault.WRITE_ERROR)
    assert len(bench.write.bursts) == 1 + found


@pytest.mark.parametrize("latency", [0, 20])
@pytest.mark.parametrize("intent", [FIND, CLAIM])
def test_an_absent_page_is_told_of_in_the_clock_after_the_last_key(intent, latency) -> None:
    bench, _ = walk(empty(2), [(intent, 5)], 2, latency=latency)
    # 0: taken, 1: address, 2 + latency: first key, 9 + latency: last key.
    assert bench.sink.at == [10 + latency]


@pytest.mark.parametrize("slot", [0, 4, 7])
def test_a_page_is_told_of_in_the_clock_after_its_frame(slot) -> None:
    dram = empty(0)
    fill(dram, 0, 0)
    bench, _ = walk(dram, [(FIND, pages_of(0, 0, 8)[slot])], 0, latency=20)
    assert bench.sink.at == [22 + 8 + slot + 1]


def test_the_next_request_is_taken_when_the_burst_of_the_last_is_over() -> None:
    bench, _ = walk(empty(0), [(FIND, 5), (FIND, 6)], 0)
    # The last word of the first burst comes in clock 17.
    assert bench.sink.at == [10, 18 + 10]
