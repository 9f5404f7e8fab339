"""Without room a write raises, and what was there stays."""

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import engram
from tests.durability.content import words_of


def fill_up(memory: engram.Memory, count: int) -> int:
    """Write records until there is no room; return how many were durable."""
    for number in range(10_000):
        try:
            memory.write(number << 24, words_of(number, count))
            memory.flush()
        except engram.StoreFull:
            return number
    raise AssertionError("never full")


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_a_full_store_keeps_what_it_has_and_goes_on(tmp_path, durability) -> None:
    place, count = tmp_path / "memory", 20_000
    settings = {"store_bytes": 4 << 20, "durability": durability}
    with engram.open(place, **settings) as memory:
        number = fill_up(memory, count)
        assert number > 5
        for i in range(number):
            assert (memory.read(i << 24, count) == words_of(i, count)).all()
        if durability == "return":
            assert not memory.is_written(number << 24)
            memory[1 << 23] = 4
        else:
            # It is written, and waits for room; the flush says so as often as it is asked.
            assert memory.is_written(number << 24)
            with pytest.raises(engram.StoreFull):
                memory.flush()
            with pytest.raises(engram.StoreFull):
                memory.close()
            assert (memory.read(number << 24, count) == words_of(number, count)).all()
            with engram.open(place, read_only=True) as reader:
                assert reader.written_words == number * count
            memory.erase(number << 24, count)  # the waiting words stay in the queue all the same
            with pytest.raises(engram.StoreFull):
                memory.flush()
            memory._ledger._waiting.clear()  # give them up, or closing could not succeed
    with engram.open(place, store_bytes=16 << 20) as memory:
        for i in range(number):
            assert (memory.read(i << 24, count) == words_of(i, count)).all()
        assert memory.written_words == number * count + (durability == "return")
        memory.write(number << 24, words_of(number, count))


def test_a_memory_is_usable_after_a_compaction_found_no_room(tmp_path) -> None:
    with engram.open(tmp_path / "memory", store_bytes=16 << 20) as memory:
        for number in range(15):
            memory.write(number << 24, words_of(number, 80_000))
            memory.flush()
        with pytest.raises(engram.StoreFull) as kept:  # whose traceback reaches into the memory
            memory.compact()
        assert kept.value
        memory[5] = 1
        memory.flush()
        assert memory.erase(0, 2**24) == 80_000
        assert memory[5] != 1
    with engram.open(tmp_path / "memory") as memory:
        assert memory.written_words == 14 * 80_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill_disk(ballast: Path) -> None:
    """Let a file take all the room there is."""

    def grow() -> None:
        with open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    with pytest.raises(OSError, match="No space left") as full:
        grow()
    assert full.value.errno == errno.ENOSPC


def test_a_full_disk_keeps_what_it_has_and_frees_up_again(small_disk) -> None:
    with engram.open(small_disk / "memory") as memory:
        ballast = small_disk / "ballast"
        memory.write(0, words_of(0, 1000))
        memory.flush()
        fill_disk(ballast)
        memory.write(1 << 24, words_of(1, 50_000))
        for _ in range(2):
            with pytest.raises(engram.StoreFull):
                memory.flush()
        assert (memory.read(1 << 24, 50_000) == words_of(1, 50_000)).all()
        ballast.unlink()
        memory.flush()
    with engram.open(small_disk / "memory") as memory:
        assert (memory.read(0, 1000) == words_of(0, 1000)).all()
        assert (memory.read(1 << 24, 50_000) == words_of(1, 50_000)).all()


def test_a_memory_cannot_be_made_on_a_full_disk(small_disk) -> None:
    fill_disk(small_disk / "ballast")
    with pytest.raises(engram.StoreFull):
        engram.open(small_disk / "memory")
    (small_disk / "ballast").unlink()
    with engram.open(small_disk / "memory") as memory:
        memory[5] = 1
