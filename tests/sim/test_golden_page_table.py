"""The golden page table: what is where in DRAM, and what a walk says of it."""

import random

import numpy as np
import pytest

from engram.arch.commands import Fault
from engram.arch.page_table import (
    BUCKET_BYTES,
    BUCKET_WORDS,
    CONTINUES,
    MAX_PROBES,
    VALID,
    bucket_of,
)
from sim.golden.dram import Dram
from sim.golden.page_table import PageTable

BASE = 1 << 33
LOG2 = 3
TOP = (1 << 55) - 1


@pytest.fixture
def words() -> np.ndarray:
    return np.zeros((1 << LOG2) * BUCKET_WORDS, np.uint64)


@pytest.fixture
def table(words) -> PageTable:
    return PageTable(Dram(words.view(np.uint8), BASE), BASE, LOG2, frame_count=1000)


def pages_of_bucket(bucket: int, count: int) -> list[int]:
    draw = random.Random(bucket)
    pages: list[int] = []
    while len(pages) < count:
        page = draw.randrange(TOP + 1)
        if bucket_of(page, LOG2) == bucket and page not in pages:
            pages.append(page)
    return pages


def enter(table: PageTable, page: int, frame: int) -> None:
    walk = table.claim(page)
    assert (walk.found, walk.fault) == (False, Fault.OK)
    assert table.insert(page, frame).found


def test_a_page_is_entered_as_frame_and_key(table, words) -> None:
    enter(table, TOP, 7)
    first = bucket_of(TOP, LOG2) * BUCKET_WORDS
    assert words[first] == VALID | TOP
    assert words[first + 8] == 7
    assert np.count_nonzero(words) == 2
    walk = table.find(TOP)
    assert (walk.found, walk.frame, walk.probes) == (True, 7, 1)
    assert not table.find(TOP - 1).found
    assert table.claim(TOP).found


def test_a_full_bucket_goes_on_in_the_next_modulo_their_number(table, words) -> None:
    pages = pages_of_bucket(7, 20)
    for frame, page in enumerate(pages):
        enter(table, page, frame)
    keys = words.reshape(-1, BUCKET_WORDS)[:, :8]
    assert [(keys[b] >= VALID).sum() for b in range(8)] == [8, 4, 0, 0, 0, 0, 0, 8]
    continues = [bool(keys[b, 7] & np.uint64(CONTINUES)) for b in range(8)]
    assert continues == [True, False, False, False, False, False, False, True]
    for frame, page in enumerate(pages):
        walk = table.find(page)
        assert (walk.found, walk.frame, walk.probes) == (True, frame, 1 + frame // 8)


def test_removing_keeps_the_chain_and_frees_the_first_slot(table, words) -> None:
    pages = pages_of_bucket(2, 12)
    for frame, page in enumerate(pages):
        enter(table, page, frame)
    walk = table.remove(pages[7])
    assert (walk.found, walk.frame) == (True, 7)
    assert words.reshape(-1, BUCKET_WORDS)[2, 7] == CONTINUES
    assert not table.find(pages[7]).found
    assert not table.remove(pages[7]).found
    assert table.find(pages[11]).frame == 11
    enter(table, pages[7], 99)
    assert words.reshape(-1, BUCKET_WORDS)[2, 7] == VALID | CONTINUES | pages[7]
    assert table.pages() == {**{page: i for i, page in enumerate(pages)}, pages[7]: 99}


def test_a_chain_of_eight_full_buckets_is_full(table, words) -> None:
    pages = pages_of_bucket(0, 65)
    for frame, page in enumerate(pages[:64]):
        enter(table, page, frame)
    before = words.copy()
    walk = table.claim(pages[64])
    assert (walk.fault, walk.probes) == (Fault.TABLE_FULL, MAX_PROBES)
    assert (words == before).all()
    walk = table.find(pages[64])
    assert (walk.found, walk.fault, walk.probes) == (False, Fault.OK, MAX_PROBES)


def test_an_insert_must_follow_its_claim(table) -> None:
    table.claim(5)
    with pytest.raises(ValueError, match="page must be the one claimed last, not 6"):
        table.insert(6, 0)


def test_a_frame_outside_the_pool_is_a_fault_and_nothing_is_removed(table, words) -> None:
    enter(table, 5, 1000)
    before = words.copy()
    for walk in (table.find(5), table.claim(5), table.remove(5)):
        assert (walk.found, walk.fault) == (False, Fault.BAD_FRAME)
    assert (words == before).all()


def test_bits_above_numbers_are_void_and_the_first_of_two_counts(table, words) -> None:
    enter(table, 5, 1)
    first = bucket_of(5, LOG2) * BUCKET_WORDS
    words[first] |= np.uint64(1 << 60)
    words[first + 8] |= np.uint64(0xFFF << 20)
    words[first + 3], words[first + 11] = VALID | 5, 2
    assert table.find(5).frame == 1
    table.remove(5)
    assert table.find(5).frame == 2


@pytest.mark.parametrize("intent", ["find", "claim", "remove"])
def test_a_key_that_cannot_be_read_is_a_fault(intent) -> None:
    dram = Dram(np.zeros(8 * BUCKET_WORDS * 8, np.uint8), BASE)
    table = PageTable(dram, BASE, LOG2, 10)
    enter(table, 5, 3)
    dram.failing_reads = {BASE + bucket_of(5, LOG2) * BUCKET_BYTES + 8 * 6 + 3}
    walk = getattr(table, intent)(5)
    assert (walk.found, walk.fault) == (False, Fault.READ_ERROR)


def test_writes_that_fail_say_how_far_they_came() -> None:
    dram = Dram(np.zeros(8 * BUCKET_WORDS * 8, np.uint8), BASE)
    table = PageTable(dram, BASE, LOG2, 10)
    first = BASE + bucket_of(5, LOG2) * BUCKET_BYTES
    table.claim(5)
    dram.failing_writes = {first + 64}
    walk = table.insert(5, 3)
    assert (walk.found, walk.fault) == (False, Fault.WRITE_ERROR)
    table.claim(5)
    dram.failing_writes = {first}
    walk = table.insert(5, 3)
    assert (walk.found, walk.fault) == (True, Fault.WRITE_ERROR)
    dram.failing_writes = set()
    enter(table, 5, 3)
    dram.failing_writes = {first}
    walk = table.remove(5)
    assert (walk.found, walk.frame, walk.fault) == (True, 3, Fault.WRITE_ERROR)


def test_any_sequence_leaves_what_a_dict_would(table) -> None:
    draw = random.Random(3)
    pages = [draw.randrange(TOP + 1) for _ in range(50)]
    held: dict[int, int] = {}
    for step in range(1500):
        page = draw.choice(pages)
        if draw.randrange(3):
            walk = table.claim(page)
            assert (walk.found, walk.fault) == (page in held, Fault.OK)
            if not walk.found:
                assert table.insert(page, step % 1000).found
                held[page] = step % 1000
        else:
            walk = table.remove(page)
            assert walk.found == (page in held)
            if walk.found:
                assert walk.frame == held.pop(page)
        assert table.find(page).found == (page in held)
    assert table.pages() == held


def test_a_malformed_table_ends_every_walk() -> None:
    rubbish = np.random.default_rng(5).integers(0, 2**63, 8 * BUCKET_WORDS, np.uint64) * 2 + 1
    rubbish |= np.uint64(CONTINUES)
    table = PageTable(Dram(rubbish.view(np.uint8), BASE), BASE, LOG2, 10)
    for page in range(100):
        assert table.find(page).probes <= MAX_PROBES
        assert table.claim(page).probes <= MAX_PROBES
