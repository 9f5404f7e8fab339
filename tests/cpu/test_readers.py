"""Readers without locks beside the one writer: every word is one that was current."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from engram.arch.elements import ELEMENTS
from engram.arch.laws import LAWS
from engram.cpu.backend import CpuSpace

SECONDS = 1.5
WORD = ELEMENTS["uint64"]


@pytest.fixture
def space() -> CpuSpace:
    return CpuSpace(LAWS[1], 5)


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Repeat ``work`` on a thread of its own; raise what it raised."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def repeat() -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if errors:
        raise errors[0]


def for_a_while() -> Iterator[None]:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        yield


def read_range(space: CpuSpace, first: int, count: int, law: int) -> np.ndarray:
    out = np.empty(count, np.uint64)
    space.read_range(first, count, LAWS[law], WORD, out)
    return out


def test_words_stay_put_while_the_table_grows(space) -> None:
    mine = np.arange(2000, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
    space.write_words(mine, mine)
    written = [0]

    def grow() -> None:
        start = 10_000 + written[0]
        others = np.arange(start, start + 5000, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
        space.write_words(others, others)
        written[0] += 5000

    with beside(grow):
        for _ in for_a_while():
            assert (space.read_words(mine, LAWS[1]) == mine).all()
            assert [space.read_word(at) for at in mine[:50].tolist()] == mine[:50].tolist()
            assert space.are_written(mine).all()
    assert written[0] > 0


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("law", [1, 3])
def test_a_page_written_and_erased_shows_one_or_the_other(space, whole, law) -> None:
    addresses = np.arange(10 * 512, 11 * 512, dtype=np.uint64)
    values = np.arange(512, dtype=np.uint64)
    generated = space.generate_words(addresses, LAWS[law])

    def turn() -> None:
        space.write_range(int(addresses[0]), values)
        if whole:
            space.erase_range(int(addresses[0]), 512)
        else:
            space.erase_words(addresses[:500])

    with beside(turn):
        for _ in for_a_while():
            for read in (
                read_range(space, int(addresses[0]), 512, law),
                space.read_words(addresses, LAWS[law]),
            ):
                odd = read[(read != values) & (read != generated)]
                assert not len(odd), f"{len(odd)} words were never current, such as {odd[0]:#x}"
            if law == 1:
                for offset in range(0, 512, 50):
                    word = space.read_word(int(addresses[offset]))
                    assert word in (offset, generated[offset])


def test_frames_change_hands_without_a_reader_noticing(space) -> None:
    """Each page holds its own number only; a frame used again too early shows another's."""
    pages = 64
    turns = [0]

    def turn() -> None:
        first = turns[0] % pages
        for page in range(first, first + 8):
            space.write_range(page % pages * 512, np.full(512, page % pages, np.uint64))
        space.erase_range((first + 3) % pages * 512, 512)
        space.erase_range((first + 5) % pages * 512, 512)
        turns[0] += 1

    with beside(turn):
        expected = np.repeat(np.arange(pages, dtype=np.uint64), 512)
        generated = read_range(CpuSpace(LAWS[1], 5), 0, pages * 512, 1)
        gather = np.arange(pages * 512, dtype=np.uint64)[::-1].copy()
        for _ in for_a_while():
            read = read_range(space, 0, pages * 512, 1)
            assert ((read == expected) | (read == generated)).all()
            read = space.read_words(gather, LAWS[1])[::-1]
            assert ((read == expected) | (read == generated)).all()
    assert turns[0] > 10


def test_words_move_into_a_frame_without_being_lost(space) -> None:
    """A page turns from single words to a frame and back while readers look."""
    addresses = np.arange(512 * 7, 512 * 8, dtype=np.uint64)
    kept = addresses[::8].copy()

    def turn() -> None:
        space.write_words(kept, kept)
        space.write_range(int(addresses[100]), addresses[100:300])
        space.erase_range(int(addresses[0]), 512)

    generated = space.generate_words(addresses, LAWS[1])
    with beside(turn):
        for _ in for_a_while():
            read = read_range(space, int(addresses[0]), 512, 1)
            assert ((read == addresses) | (read == generated)).all()
            read = space.read_words(kept, LAWS[1])
            assert ((read == kept) | (read == generated[::8])).all()


def test_what_is_never_erased_is_never_lost_beside_frames_and_tombs(space) -> None:
    steady = np.array([512 * 7 + 3, 512 * 9 + 500, 2**64 - 1, 2**64 - 2, 2**40], np.uint64)
    space.write_words(steady, steady)

    def turn() -> None:
        space.write_range(512 * 7 + 10, np.zeros(200, np.uint64))
        space.erase_range(512 * 7 + 4, 508)
        space.write_words(steady + np.uint64(2048), steady)
        space.erase_words(steady + np.uint64(2048))

    with beside(turn):
        for _ in for_a_while():
            assert space.read_words(steady, LAWS[1]).tolist() == steady.tolist()
            assert [space.read_word(at) for at in steady.tolist()] == steady.tolist()
            assert read_range(space, 512 * 7 + 3, 1, 1)[0] == 512 * 7 + 3
