"""Page tables on the host's side: taken, enlarged and joined again, as the device reads them."""

import random

import pytest

from engram.arch.page_table import BUCKET_BYTES, bucket_of
from engram.errors import QuotaExceeded
from engram.fpga.tables import Table, Tables
from sim.golden.bus import GoldenBus
from sim.golden.page_table import PageTable
from tests.fpga.buses import COHERENCE, golden_bus

SIZE = 1 << 16  # 512 buckets


@pytest.fixture(params=COHERENCE)
def bus(request) -> GoldenBus:
    return golden_bus(request.param)


@pytest.fixture
def tables(bus) -> Tables:
    bus.dram[:] = 0xEE
    return Tables(bus.allocate(SIZE), SIZE)


def seen_by_device(bus: GoldenBus, table: Table) -> PageTable:
    return PageTable(bus.accelerator.dram, table.address, table.buckets_log2, 1 << 19)


def test_a_new_table_is_empty(bus, tables) -> None:
    assert seen_by_device(bus, tables.make(4)).pages() == {}


def test_making_a_table_leaves_what_the_device_wrote_into_others(bus, tables) -> None:
    table = tables.make(4)
    device = seen_by_device(bus, table)
    device.claim(9)
    device.insert(9, 3)
    tables.make(4)
    assert device.pages() == {9: 3}


def test_tables_never_overlap_and_what_is_free_is_joined(tables) -> None:
    draw = random.Random(1)
    held: list[Table] = []
    for _ in range(300):
        if held and draw.randrange(2):
            tables.free(held.pop(draw.randrange(len(held))))
            continue
        try:
            table = tables.make(draw.randrange(4, 8))
        except QuotaExceeded:
            continue
        assert not any(
            table.address < other.address + other.nbytes
            and other.address < table.address + table.nbytes
            for other in held
        )
        assert table.address % BUCKET_BYTES == 0
        held.append(table)
    for table in held:
        tables.free(table)
    whole = tables.make(9)
    with pytest.raises(QuotaExceeded, match="no room for a page table of 2048 bytes"):
        tables.make(4)
    tables.free(whole)


def test_an_enlarged_table_has_all_pages_for_the_device(bus, tables) -> None:
    other = tables.make(4)
    seen_by_device(bus, other).claim(1)
    table = tables.make(4)
    draw = random.Random(2)
    held = {}
    while len(held) < 110:
        page, frame = draw.randrange(1 << 55), draw.randrange(1 << 19)
        device = seen_by_device(bus, table)
        if device.claim(page).fault:
            break
        device.insert(page, frame)
        held[page] = frame
    for log2 in (5, 6, 7):
        table = tables.enlarge(table)
        assert table.buckets_log2 == log2
        device = seen_by_device(bus, table)
        assert device.pages() == held
        for page, frame in held.items():
            walk = device.find(page)
            assert (walk.found, walk.frame) == (True, frame)
        assert not device.find(3).found
    assert seen_by_device(bus, other).pages() == {}


def test_a_table_grows_to_what_is_asked(tables) -> None:
    table = tables.enlarge(tables.make(4), pages=500)
    assert table.buckets_log2 == 7
    assert table.comfortable_pages == 512


def test_pages_that_crowd_one_bucket_are_chained_or_spread(bus, tables) -> None:
    draw = random.Random(3)
    pages: list[int] = []
    while len(pages) < 60:
        page = draw.randrange(1 << 55)
        if bucket_of(page, 6) == 62:
            pages.append(page)
    table = tables.make(4)
    device = seen_by_device(bus, table)
    for frame, page in enumerate(pages):
        assert not device.claim(page).fault
        device.insert(page, frame)
    larger = tables.enlarge(tables.enlarge(table))
    device = seen_by_device(bus, larger)
    assert device.pages() == {page: frame for frame, page in enumerate(pages)}
    assert [device.find(page).frame for page in pages] == list(range(60))
    assert max(device.find(page).probes for page in pages) == 8


def test_what_does_not_fit_leaves_the_table_as_it_was(bus, tables) -> None:
    table = tables.make(8)
    seen_by_device(bus, table).claim(5)
    with pytest.raises(QuotaExceeded):
        tables.enlarge(table)
    assert tables.make(8)


@pytest.mark.parametrize("size", [0, 1024, 3 << 12])
def test_a_buffer_must_be_a_power_of_two_that_holds_a_table(bus, size) -> None:
    with pytest.raises(ValueError, match=f"size must be a power of two .* not {size}"):
        Tables(bus.allocate(4096), size)
