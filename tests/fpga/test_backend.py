"""Spaces on one accelerator: what they share, what runs out, and what a fault leaves behind."""

import gc

import numpy as np
import pytest

from engram.arch.elements import ELEMENTS
from engram.arch.laws import LAWS
from engram.arch.page_table import bucket_of
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault, QuotaExceeded
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from sim.golden.backend import GoldenSpace
from sim.golden.bus import GoldenBus
from tests.fpga.buses import COHERENCE, accelerator, golden_bus, random_words

WORDS = ELEMENTS["uint64"]
FRAMES_USED = REGISTERS["FRAMES_USED"].offset


@pytest.fixture(params=COHERENCE)
def bus(request) -> GoldenBus:
    return golden_bus(request.param)


@pytest.fixture
def board(bus) -> Accelerator:
    return accelerator(bus)


def numbers(*addresses: int) -> np.ndarray:
    return np.array(addresses, np.uint64)


def read(space, first: int, count: int, law: int = 1) -> list[int]:
    out = np.empty(count, np.uint64)
    space.read_range(first, count, LAWS[law], WORDS, out)
    return out.tolist()


def pair(device: Accelerator, seed: int = 7, law: int = 1) -> tuple[FpgaSpace, GoldenSpace]:
    return FpgaSpace(LAWS[law], seed, accelerator=device), GoldenSpace(LAWS[law], seed)


def crowd(count: int, log2: int) -> np.ndarray:
    """Return addresses in pages that all have bucket 0 in a table of up to 2**log2 buckets."""
    pages = []
    for page in random_words(count, log2) >> np.uint64(9):
        crowded = int(page)
        # A bit of the page turns the same bit of the bucket, and lower ones.
        for bit in reversed(range(log2)):
            crowded ^= bucket_of(crowded, log2) & 1 << bit
        assert bucket_of(crowded, log2) == 0
        pages.append(crowded << 9)
    return np.array(pages, np.uint64)


@pytest.mark.parametrize("other", [1, 2, 3, 4])
def test_spaces_share_a_device_and_nothing_else(board, other) -> None:
    pairs = [pair(board, seed, law) for seed, law in ((1, 1), (2, other), (3, 3))]
    for number, (space, golden) in enumerate(pairs):
        for each in (space, golden):
            each.write_range(500 + number, random_words(40, number))
            each.write_words(numbers(9, 2**64 - 1, 9), numbers(1, 2, number))
    for space, golden in pairs:
        for law in (1, other):
            assert read(space, 490, 100, law) == read(golden, 490, 100, law)
        assert [space.read_word(at) for at in (9, 10)] == [golden.read_word(at) for at in (9, 10)]
    assert board.frames_free == 64 - 3 * 3


@pytest.mark.parametrize("kind", ["read", "read_law", "gather", "write", "scatter", "erase"])
def test_a_job_takes_at_most_three_register_accesses(bus, board, kind) -> None:
    spaces = [pair(board, seed)[0] for seed in (1, 2)]
    jobs = {
        "read": lambda space: space.read_word(5),
        "read_law": lambda space: read(space, 0, 400, 2),
        "gather": lambda space: space.read_words(numbers(1, 600), LAWS[1]),
        "write": lambda space: space.write_range(0, random_words(400, 1)),
        "scatter": lambda space: space.write_words(numbers(5, 6), numbers(1, 2)),
        "erase": lambda space: space.erase_words(numbers(5, 700)),
    }
    for space in spaces:
        space.write_words(numbers(5, 6, 700), numbers(1, 2, 3))
    for _ in range(4):
        for space in spaces:
            before = bus.reads + bus.writes
            jobs[kind](space)
            assert bus.reads + bus.writes - before <= 3


def test_long_runs_and_gathers_are_cut_to_fit_the_staging_memory(board) -> None:
    space, golden = pair(board)
    values = random_words(3000, 1)
    addresses = np.random.default_rng(2).permutation(np.arange(100, 2600, dtype=np.uint64))
    for each in (space, golden):
        each.write_range(300, values)
        each.write_words(addresses, values[:2500])
    assert read(space, 0, 4000) == read(golden, 0, 4000)
    assert read(space, 0, 4000, 3) == read(golden, 0, 4000, 3)
    for law in (1, 2):
        gathered = [each.read_words(addresses[::-1].copy(), LAWS[law]) for each in (space, golden)]
        assert (gathered[0] == gathered[1]).all()
        made = [each.generate_words(addresses, LAWS[law]) for each in (space, golden)]
        assert (made[0] == made[1]).all()


def test_a_write_that_needs_too_many_frames_changes_nothing(bus, board) -> None:
    space, golden = pair(board)
    for each in (space, golden):
        each.write_range(0, random_words(60 * 512, 1))
    writes = [
        lambda: space.write_range(59 * 512, random_words(6 * 512 + 1, 2)),
        lambda: space.write_words(
            np.arange(59, 66, dtype=np.uint64) * np.uint64(512), random_words(7, 3)
        ),
    ]
    for write in writes:
        accesses = bus.reads + bus.writes
        with pytest.raises(QuotaExceeded, match=r"has 4 of its 64 frames .* needs [56]"):
            write()
        assert bus.reads + bus.writes == accesses
    assert space.written_words == 60 * 512
    assert read(space, 58 * 512, 8 * 512) == read(golden, 58 * 512, 8 * 512)
    for each in (space, golden):
        each.write_range(60 * 512 - 1, random_words(4 * 512 + 1, 4))
    assert board.frames_free == 0
    assert read(space, 58 * 512, 8 * 512) == read(golden, 58 * 512, 8 * 512)


def test_frames_come_back_when_the_last_word_of_a_page_goes(bus, board) -> None:
    space, _ = pair(board)
    space.write_range(0, random_words(1024, 1))
    assert space.erase_range(0, 511) == 511
    assert (bus.accelerator.read(FRAMES_USED), board.frames_free) == (2, 62)
    assert space.erase_words(numbers(511, 511, 3)) == 1
    assert (bus.accelerator.read(FRAMES_USED), board.frames_free) == (1, 63)
    assert space.erase_range(0, 2**64) == 512
    assert (bus.accelerator.read(FRAMES_USED), board.frames_free) == (0, 64)
    assert space.written_words == 0


def test_a_page_table_grows_with_its_space(bus) -> None:
    device = accelerator(bus, frames=600)
    space, golden = pair(device)
    before = space.ram_bytes
    draw = np.random.default_rng(5)
    for step in range(30):
        pages = draw.integers(0, 1 << 55, 20, np.uint64)
        for each in (space, golden):
            each.write_words(pages << np.uint64(9), random_words(20, step))
    assert space._tenant.table.buckets_log2 == 8
    assert space.ram_bytes > before + 600 * 4096
    (where, values), *rest = list(golden.written())
    found = [(np.atleast_1d(np.array(w, np.uint64)), v) for w, v in space.written()]
    assert (np.concatenate([w for w, _ in found]) == where).all()
    assert (np.concatenate([v for _, v in found]) == values).all()
    assert not rest


def test_a_table_that_turns_out_full_is_enlarged_and_the_write_goes_on(bus) -> None:
    board = accelerator(bus, frames=100)
    space, golden = pair(board)
    addresses = crowd(80, 5)
    for each in (space, golden):
        each.write_words(addresses[:30], random_words(30, 1))
        each.write_words(addresses, random_words(80, 2))
    assert space._tenant.table.buckets_log2 > 5
    assert (space.read_words(addresses, LAWS[1]) == golden.read_words(addresses, LAWS[1])).all()


def test_pages_for_which_no_table_is_large_enough_are_refused_whole(bus) -> None:
    device = accelerator(bus, frames=100)
    space, golden = pair(device)
    addresses = crowd(70, 20)
    for each in (space, golden):
        each.write_words(addresses[:40], random_words(40, 1))
    accepted = space.written_words
    # Words that are held already come first, and must not be touched all the same.
    with pytest.raises(QuotaExceeded, match="no room for a page table"):
        space.write_words(addresses, random_words(70, 2))
    assert space.written_words == accepted
    assert device.frames_free == 100 - 40
    assert bus.accelerator.read(FRAMES_USED) == 40
    assert (space.read_words(addresses, LAWS[1]) == golden.read_words(addresses, LAWS[1])).all()


@pytest.mark.parametrize("close", [True, False])
def test_a_space_that_ends_gives_back_frames_and_table(bus, board, close) -> None:
    keeper, golden = pair(board, 1)
    for each in (keeper, golden):
        each.write_range(100, random_words(2000, 1))
    for _ in range(5):
        space, _ = pair(board, 2)
        space.write_range(0, random_words(30 * 512, 2))
        if close:
            space.close()
            space.close()
        del space
        gc.collect()
    assert read(keeper, 0, 2600) == read(golden, 0, 2600)
    assert board.frames_free == 64 - 5
    assert bus.accelerator.read(FRAMES_USED) == 5


def test_every_fault_names_itself_its_command_and_its_place(bus, board) -> None:
    space, _ = pair(board)
    space.write_range(0, random_words(5, 1))
    dram = bus.accelerator.dram
    frame = sum(
        bus.accelerator.read(REGISTERS[f"FRAME_BASE_{half}"].offset) << shift
        for half, shift in (("LO", 0), ("HI", 32))
    )
    dram.failing_reads = {frame + 8}
    with pytest.raises(DeviceFault, match="fpga-golden: READ of 5 words at 0x0 ended in READ_ERR"):
        read(space, 0, 5)
    dram.failing_reads = set()
    dram.failing_writes = {frame + 8}
    with pytest.raises(DeviceFault, match="WRITE of 2 words at 0x1 ended in WRITE_ERROR"):
        space.write_range(1, numbers(3, 4))
    with pytest.raises(DeviceFault, match="ERASE of 2 words at 0x1 ended in WRITE_ERROR"):
        space.erase_range(1, 2)
    dram.failing_writes = set()
    table = space._tenant.table.address
    dram.failing_reads = set(range(table, table + space._tenant.table.nbytes, 8))
    with pytest.raises(DeviceFault, match="READ of 1 words at 0x1f4000 ended in READ_ERROR at"):
        space.read_word(512 * 4000)
    dram.failing_reads = set()
    assert not board.is_lost
    assert read(space, 0, 1) == random_words(5, 1)[:1].tolist()


def test_elements_are_converted(board) -> None:
    space, golden = pair(board)
    for element in ELEMENTS.values():
        made = [np.empty(1500 * element.lanes, element.dtype) for _ in range(2)]
        for each, out in zip((space, golden), made, strict=True):
            each.read_range(100, 1500, LAWS[1], element, out)
        assert made[0].tobytes() == made[1].tobytes()


def test_inverses_are_those_of_the_law(board) -> None:
    for law in (1, 3, 4):
        space, golden = pair(board, 5, law)
        words = random_words(20, law)
        assert (space.invert(words, LAWS[law]) == golden.invert(words, LAWS[law])).all()


def test_a_growing_table_loses_no_word_that_the_window_wrote(bus, monkeypatch) -> None:
    board = accelerator(bus, frames=200)
    space, _ = pair(board)
    space.write_range(0, numbers(1))
    board.open_window(0, writable=True)
    enlarge = board.tables.enlarge
    answers = []

    def disturbed(*arguments):
        # Another manager writes to a new page in the middle of the copy.
        table = enlarge(*arguments)
        answers.append(bus.accelerator.window_write(1000 << 9, numbers(5)))
        return table

    monkeypatch.setattr(board.tables, "enlarge", disturbed)
    pages = numbers(*range(1, 100)) << np.uint64(9)
    bus.accelerator.window_write(2000 << 9, numbers(6))
    space.write_words(pages[:40], pages[:40])
    space.write_words(pages[40:], pages[40:])
    assert answers, "no table grew"
    assert all(answers), "the window took a word that the larger table does not know"
    assert read(space, 2000 << 9, 1) == [6]
    assert not bus.accelerator.window_write(2000 << 9, numbers(7)), "the window is open again"
    assert read(space, 2000 << 9, 1) == [7]
