"""The tables under a space on the CPU: growth, tombs, frames, filters, and what they weigh."""

import itertools

import numpy as np
import pytest

from engram.arch.elements import ELEMENTS
from engram.arch.laws import GOLDEN_RATIO_64, LAWS
from engram.cpu.backend import CpuSpace
from engram.cpu.layout import FRAME_WORDS, State
from engram.cpu.library import library
from engram.cpu.overlay import Overlay
from sim.golden.backend import GoldenSpace

PAGE = 512
SPREAD = 0xD1B54A32D192ED03  # odd: counting times this visits different addresses all over
LAST_PAGE = 2**64 - PAGE
ELEMENT = ELEMENTS["uint64"]


def spread(count: int, start: int = 0) -> np.ndarray:
    """Different addresses of different pages."""
    return np.arange(start, start + count, dtype=np.uint64) * np.uint64(SPREAD)


def run_of(first: int, count: int) -> np.ndarray:
    """Addresses that count up."""
    return np.arange(count, dtype=np.uint64) + np.uint64(first)


@pytest.fixture
def overlay() -> Overlay:
    return Overlay(library(), LAWS[1], 5)


@pytest.fixture
def space() -> CpuSpace:
    return CpuSpace(LAWS[1], 5)


@pytest.fixture
def golden() -> GoldenSpace:
    return GoldenSpace(LAWS[1], 5)


def read(space: CpuSpace, addresses: np.ndarray) -> np.ndarray:
    return space.read_words(np.ascontiguousarray(addresses, np.uint64), LAWS[1])


def generated(space: CpuSpace, addresses: np.ndarray) -> np.ndarray:
    return space.generate_words(np.ascontiguousarray(addresses, np.uint64), LAWS[1])


def held(overlay: Overlay) -> dict[int, int]:
    """All that ``written`` yields."""
    found: dict[int, int] = {}
    for where, values in overlay.written():
        addresses = range(where, where + len(values)) if isinstance(where, int) else where.tolist()
        assert not found.keys() & set(addresses)
        found.update(zip(addresses, values.tolist(), strict=True))
    return found


def test_words_written_one_by_one_outlive_every_growth(space) -> None:
    addresses = spread(5000)
    for i, address in enumerate(addresses.tolist()):
        space.write_word(address, i)
        if i % 97 == 0:
            assert read(space, addresses[: i + 1]).tolist() == list(range(i + 1))
    assert space.written_words == 5000
    assert [space.read_word(address) for address in addresses.tolist()] == list(range(5000))
    unwritten = spread(5000, 5000)
    assert (read(space, unwritten) == generated(space, unwritten)).all()


def test_words_written_in_lots_outlive_every_growth(space) -> None:
    total = 0
    for size in (1, 2, 3, 10, 50, 500, 4095, 4096, 4097, 20_000, 100_000, 7, 300_000):
        addresses = spread(size, total)
        space.write_words(addresses, addresses ^ np.uint64(size))
        total += size
        assert space.written_words == total
        assert (read(space, addresses) == addresses ^ np.uint64(size)).all()
    everything = spread(total)
    assert space.are_written(everything).all()
    assert not space.are_written(spread(total, total)).any()


def test_the_later_of_many_values_wins_in_a_huge_scatter(space) -> None:
    draw = np.random.default_rng(3)
    addresses = spread(70_000)[draw.integers(0, 70_000, 1_000_000)]
    values = np.arange(1_000_000, dtype=np.uint64)
    space.write_words(addresses, values)
    _, last = np.unique(addresses[::-1], return_index=True)
    distinct = np.unique(addresses)
    assert space.written_words == len(distinct)
    assert (read(space, distinct) == values[::-1][last]).all()


def test_a_scatter_of_one_address_is_one_word(space) -> None:
    space.write_words(np.full(300_000, 77, np.uint64), np.arange(300_000, dtype=np.uint64))
    assert (space.written_words, space.read_word(77)) == (1, 299_999)
    assert space.ram_bytes < 64 * 300_000  # 299,999 of them needed no place


def test_a_word_can_be_written_again_where_it_was_erased(space) -> None:
    addresses = spread(3)
    for turn in range(50):
        space.write_words(addresses, np.full(3, turn, np.uint64))
        assert read(space, addresses).tolist() == [turn] * 3
        assert space.erase_words(addresses) == 3
        assert (read(space, addresses) == generated(space, addresses)).all()
        assert space.erase_words(addresses) == 0
        assert space.written_words == 0


def test_tombs_take_no_room_for_ever(space) -> None:
    space.write_words(spread(100), spread(100))
    first = None
    for turn in range(300):
        addresses = spread(1000, 1000 * (turn + 1))
        space.write_words(addresses, addresses)
        assert space.erase_words(addresses) == 1000
        if turn == 5:
            first = space.ram_bytes
    assert space.ram_bytes <= 2 * first
    assert space.written_words == 100
    assert (read(space, spread(100)) == spread(100)).all()


def unscramble(hashed: int) -> int:
    """Return the key that the word table and the page directory hash to this."""
    x = hashed * pow(0xD6E8FEB86659FD93, -1, 2**64) % 2**64
    x ^= x >> 32
    return x * pow(GOLDEN_RATIO_64, -1, 2**64) % 2**64


@pytest.mark.parametrize("top", [0, 0x80000000, 0xFFFFFFFF])
def test_words_that_all_hash_to_one_bucket_are_kept_apart(space, top) -> None:
    """The last bucket overflows around the end of the table."""
    keys = np.array([unscramble(top << 32 | low) for low in range(1500)], np.uint64)
    mine, others, never = keys[:500], keys[500:1000], keys[1000:]
    for i, key in enumerate(mine.tolist()):
        space.write_word(key, i)
    space.write_words(others, others)
    assert read(space, mine).tolist() == list(range(500))
    assert (read(space, others) == others).all()
    assert not space.are_written(never).any()
    assert (read(space, never) == generated(space, never)).all()
    assert space.erase_words(mine[::2].copy()) == 250
    assert read(space, mine[1::2]).tolist() == list(range(1, 500, 2))
    assert [space.read_word(key) for key in mine[1::40].tolist()] == list(range(1, 500, 40))
    assert (read(space, mine[::2]) == generated(space, mine[::2])).all()
    assert (read(space, others) == others).all()


def test_pages_that_all_hash_to_one_bucket_are_kept_apart(space) -> None:
    keys = (unscramble(0xFFFFFFFF << 32 | low) for low in range(2**32))
    pages = list(itertools.islice((key for key in keys if key < 2**55), 60))
    for i, page in enumerate(pages):
        space.write_range(page * PAGE, np.full(PAGE, i, np.uint64))
    for i, page in enumerate(pages):
        assert read(space, run_of(page * PAGE, 3)).tolist() == [i] * 3
    for page in pages[::2]:
        assert space.erase_range(page * PAGE, PAGE) == PAGE
    for i, page in enumerate(pages):
        first = np.array([page * PAGE + 9], np.uint64)
        assert read(space, first)[0] == (i if i % 2 else generated(space, first)[0])


def test_pages_that_look_touched_read_as_generated(space) -> None:
    """A filter of one bit in twelve cries wolf for hundreds of these pages."""
    written = spread(20_000)
    space.write_words(written, written)
    clean = np.setdiff1d(spread(200_000, 10**6) >> np.uint64(9), written >> np.uint64(9))
    addresses = clean * np.uint64(PAGE) + np.uint64(5)
    assert not space.are_written(addresses).any()
    assert (read(space, addresses) == generated(space, addresses)).all()
    for address in addresses[:20_000:10].tolist():
        assert space.read_word(address) == generated(space, np.array([address]))[0]
    hits = space.counters.hit
    assert hits == 0
    for address in addresses[:300].tolist():
        out = np.empty(PAGE, np.uint64)
        space.read_range(address, PAGE, LAWS[1], ELEMENT, out)
        assert (out == read(space, run_of(address, PAGE))).all()


def test_unwritten_neighbours_of_a_written_word_read_as_generated(space) -> None:
    addresses = spread(2000)
    space.write_words(addresses, np.zeros(2000, np.uint64))
    for step in (1, 2, PAGE, 2**40):
        near = addresses + np.uint64(step)
        near = near[~space.are_written(near)]
        assert (read(space, near) == generated(space, near)).all()
        assert len(near) > 1900


def test_a_run_makes_a_frame_and_takes_the_pages_words_along(overlay) -> None:
    for offset in (0, 7, 511):
        overlay.write_word(10 * PAGE + offset, offset)
    assert (overlay.tables[State.FRAMES], overlay.tables[State.WORDS]) == (0, 3)
    overlay.write_range(10 * PAGE + 5, np.arange(100, 300, dtype=np.uint64))
    assert (overlay.tables[State.FRAMES], overlay.tables[State.WORDS]) == (1, 0)
    assert overlay.tables[State.FRAMED_WORDS] == overlay.written_words == 202
    expected = {10 * PAGE: 0, 10 * PAGE + 511: 511}
    expected |= {10 * PAGE + 5 + i: 100 + i for i in range(200)}
    assert held(overlay) == expected
    overlay.write_words(spread(3000), spread(3000))  # the word table is built anew
    expected |= {address: address for address in spread(3000).tolist()}
    assert held(overlay) == expected


def test_a_short_run_takes_no_frame_but_goes_into_one_that_is_there(overlay) -> None:
    overlay.write_range(PAGE, np.arange(127, dtype=np.uint64))
    assert overlay.tables[State.FRAMES] == 0
    overlay.write_range(2 * PAGE, np.arange(128, dtype=np.uint64))
    overlay.write_range(2 * PAGE + 500, np.arange(20, dtype=np.uint64))
    overlay.write_words(np.arange(2 * PAGE + 300, 2 * PAGE + 310, dtype=np.uint64), spread(10))
    assert overlay.tables[State.FRAMES] == 1
    assert overlay.tables[State.FRAMED_WORDS] == 150
    assert overlay.tables[State.WORDS] == 135


def test_the_last_page_is_always_a_frame(overlay) -> None:
    """Its last two addresses mean 'free' and 'tomb' in the word table."""
    overlay.write_word(2**64 - 1, 1)
    overlay.write_words(np.array([2**64 - 2, LAST_PAGE], np.uint64), spread(2))
    overlay.write_range(2**64 - 9, np.arange(5, dtype=np.uint64))
    assert (overlay.tables[State.FRAMES], overlay.tables[State.WORDS]) == (1, 0)
    found = held(overlay)
    assert len(found) == 8
    assert found[2**64 - 1] == 1
    assert overlay.erase_range(LAST_PAGE, PAGE) == 8
    assert overlay.erase_range(LAST_PAGE, PAGE) == 0
    assert held(overlay) == {}


def test_an_erased_frame_is_used_again(overlay) -> None:
    values = np.arange(64 * PAGE, dtype=np.uint64)
    overlay.write_range(0, values)
    frames = overlay._pool.frames
    for turn in range(1, 40):
        assert overlay.erase_range((turn - 1) * 64 * PAGE, 64 * PAGE) == 64 * PAGE
        overlay.write_range(turn * 64 * PAGE, values + np.uint64(turn))
    # Frames that were free at the last growth, and those erased since: not 40 times as many.
    assert overlay._pool.frames <= 3 * frames
    assert held(overlay) == dict(
        zip(range(39 * 64 * PAGE, 40 * 64 * PAGE), range(39, 39 + 64 * PAGE), strict=True)
    )


def frame_addresses(overlay: Overlay) -> set[int]:
    frames = overlay.tables[State.FRAMES]
    pages, places = np.empty(frames, np.uint64), np.empty(frames, np.uint64)
    library().list_frames(overlay.tables.address, pages.ctypes.data, places.ctypes.data)
    return set(places.tolist())


def test_a_frame_is_not_used_again_before_its_readers_left(overlay) -> None:
    count = 32 * PAGE
    overlay.write_range(0, np.full(count, 7, np.uint64))
    watched = frame_addresses(overlay)
    early, ticket = overlay.enter(), overlay.enter()
    overlay.leave(early)
    overlay.erase_range(0, count)
    late = overlay.enter()
    for turn in range(1, 30):
        overlay.write_range(turn * 2**30, np.full(count, turn, np.uint64))
        assert not frame_addresses(overlay) & watched
    for place in watched:
        assert (overlay._pool.frame(place)[:PAGE] == 7).all()
    overlay.leave(ticket)
    overlay.leave(late)  # it came after the erasure, and held nothing up
    for turn in range(30, 90):
        overlay.write_range(turn * 2**30, np.full(count, turn, np.uint64))
    assert frame_addresses(overlay) >= watched
    assert overlay.written_words == 89 * count


def test_a_reader_that_came_after_an_erasure_holds_nothing_up(overlay) -> None:
    overlay.write_range(0, np.full(32 * PAGE, 7, np.uint64))
    watched = frame_addresses(overlay)
    overlay.erase_range(0, 32 * PAGE)
    ticket = overlay.enter()
    for turn in range(1, 30):
        overlay.write_range(turn * 2**30, np.full(32 * PAGE, turn, np.uint64))
    overlay.leave(ticket)
    assert frame_addresses(overlay) >= watched


def test_readers_of_old_tables_still_find_their_words(overlay) -> None:
    addresses = spread(300)
    overlay.write_words(addresses, addresses)
    before = overlay.tables
    overlay.write_words(spread(100_000, 1000), spread(100_000))
    overlay.write_range(2**50, np.zeros(20 * PAGE, np.uint64))
    assert overlay.tables is not before
    assert [library().read_word(before.address, at) for at in addresses.tolist()] == list(addresses)


def test_written_yields_single_words_in_order(overlay) -> None:
    addresses = spread(1000)
    overlay.write_words(addresses, addresses + np.uint64(1))
    overlay.write_range(2**40, np.arange(1000, dtype=np.uint64))
    overlay.erase_range(2**40 + 200, 3)
    parts = list(overlay.written())
    ordered, values = parts[-1]
    assert (ordered[1:] > ordered[:-1]).all()
    assert (values == ordered + np.uint64(1)).all()
    runs = {first: len(run) for first, run in parts[:-1]}
    assert runs == {2**40: 200, 2**40 + 203: 309, 2**40 + 512: 488}


@pytest.mark.parametrize("count", [100_000, 140_000, 196_000, 300_000])
def test_random_words_weigh_what_the_overlay_says(space, count) -> None:
    for start in range(0, count, 20_000):
        space.write_words(spread(20_000, start), spread(20_000))
    words = -(-count // 20_000) * 20_000
    assert 21 <= space.ram_bytes / words <= 32.5


def test_words_written_one_by_one_weigh_the_same(space) -> None:
    for address in spread(60_000).tolist():
        space.write_word(address, 0)
    assert 21 <= space.ram_bytes / 60_000 <= 32.5


@pytest.mark.parametrize(("run", "most"), [(128, 33.5), (256, 17.5), (512, 9)])
def test_runs_weigh_what_the_overlay_says(space, run, most) -> None:
    """A quarter of frames may be free, and each has a place on two lists."""
    pages = 4000
    for page in range(pages):
        space.write_range(page * 3 * PAGE, np.zeros(run, np.uint64))
    assert 8 * FRAME_WORDS / run <= space.ram_bytes / (pages * run) <= 1.25 * most


def test_a_long_run_weighs_little_more_than_its_words(space) -> None:
    space.write_range(100, np.zeros(2_000_000, np.uint64))
    assert space.ram_bytes / 2_000_000 < 8.5


def test_the_golden_model_agrees_after_thousands_of_mixed_writes(space, golden) -> None:
    draw = np.random.default_rng(8)
    bases = np.concatenate([spread(40), np.array([0, LAST_PAGE, LAST_PAGE - 4 * PAGE], np.uint64)])
    for _ in range(600):
        base = int(draw.choice(bases)) & ~511
        count = int(draw.choice([1, 3, 60, 128, 512, 2000]))
        kind = draw.integers(5)
        values = draw.integers(0, 2**64, count, np.uint64)
        first = base + int(draw.integers(512))
        if kind == 0:
            count = min(count, 2**64 - first)
            space.write_range(first, values[:count])
            golden.write_range(first, values[:count])
        elif kind == 1:
            addresses = draw.integers(base, base + 511, count, np.uint64)
            space.write_words(addresses, values)
            golden.write_words(addresses, values)
        elif kind == 2:
            count = min(count, 2**64 - first)
            assert space.erase_range(first, count) == golden.erase_range(first, count)
        elif kind == 3:
            addresses = draw.integers(base, base + 511, count, np.uint64)
            assert space.erase_words(addresses) == golden.erase_words(addresses)
        else:
            space.write_words(values, values)
            golden.write_words(values, values)
            assert space.erase_words(values[::2].copy()) == golden.erase_words(values[::2])
        assert space.written_words == golden.written_words
    for base in bases.tolist():
        page = run_of(base & ~511, PAGE)
        assert (read(space, page) == golden.read_words(page, LAWS[1])).all()
    ((addresses, values),) = golden.written()
    assert (read(space, addresses) == values).all()
    assert held(space._overlay) == dict(zip(addresses.tolist(), values.tolist(), strict=True))
