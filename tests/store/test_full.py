"""A full store refuses what has no room and keeps everything else."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engram.errors import StoreFull
from engram.store import Identity, Store, WriteRange, verify


def range_of(number: int, words: int) -> WriteRange:
    return WriteRange(0, number << 32, np.full(words, number, np.uint64))


def fill(store: Store, expected: list[WriteRange], words: int) -> None:
    """Commit until there is no room left."""
    try:
        while len(expected) < 10_000:
            record = range_of(len(expected), words)
            store.commit([record])
            expected.append(record)
    except StoreFull:
        return
    pytest.fail("the store never got full")


def test_a_full_map_refuses_large_commits_and_takes_small_ones(create, place, identity) -> None:
    expected: list[WriteRange] = []
    with create(map_bytes=1 << 20) as store:
        fill(store, expected, 20_000)
        assert len(expected) >= 4
        assert list(store.replay()) == expected
        expected.append(range_of(99, 10))
        store.commit(expected[-1:])
    assert verify(place).ok
    with Store.open(place, map_bytes=2 << 20) as store:
        expected.append(range_of(100, 20_000))
        store.commit(expected[-1:])
        assert list(store.replay()) == expected


def test_a_map_too_full_for_a_checkpoint_keeps_the_journal(create, place) -> None:
    expected: list[WriteRange] = []
    with create(map_bytes=256 << 10, journal_bytes=128 << 10) as store:
        fill(store, expected, 4000)
        assert store.journal_used
        assert list(store.replay()) == expected
    assert verify(place).ok
    with Store.open(place, map_bytes=256 << 10) as store:  # has no room for the journal either
        assert list(store.replay()) == expected
        with pytest.raises(StoreFull):
            store.commit([range_of(0, 4000)])
    with Store.open(place, read_only=True) as store:
        assert list(store.replay()) == expected
    with Store.open(place) as store:
        store.commit([range_of(7, 5)])
        assert list(store.replay()) == [*expected, range_of(7, 5)]


def test_a_full_map_can_be_compacted_to_less(create) -> None:
    expected: list[WriteRange] = []
    store = create(map_bytes=1 << 20)
    fill(store, expected, 20_000)
    with pytest.raises(StoreFull):  # the old log stays until the new one is complete
        store.compact(expected[1:])
    assert list(store.replay()) == expected
    store.compact([range_of(1, 9)])
    store.commit([range_of(2, 20_000)])
    assert list(store.replay()) == [range_of(1, 9), range_of(2, 20_000)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_refuses_large_commits_and_takes_small_ones(small_disk) -> None:
    place = small_disk / "memory"
    expected: list[WriteRange] = []
    with Store.open(place, identity=Identity(1, 1), journal_bytes=64 << 10) as store:
        fill(store, expected, 20_000)
        assert len(expected) > 5
        assert list(store.replay()) == expected
        for number in range(3):
            expected.append(range_of(number, 10))
            store.commit(expected[-1:])
        with pytest.raises(StoreFull):
            store.shrink()
        assert list(store.replay()) == expected
    assert verify(place).ok
    with Store.open(place, read_only=True) as store:
        assert list(store.replay()) == expected


def test_a_disk_filled_by_others_frees_up_again(small_disk) -> None:
    place = small_disk / "memory"
    with Store.open(place, identity=Identity(1, 1), journal_bytes=64 << 10) as store:
        store.commit([range_of(0, 10)])
        with open(small_disk / "other", "wb") as other:
            try:
                while True:
                    os.write(other.fileno(), bytes(4096))
            except OSError:
                pass
        applied: list[int] = []
        with pytest.raises(StoreFull):
            store.commit([range_of(1, 20_000)], lambda: applied.append(1))
        store.commit([range_of(2, 10)])
        (small_disk / "other").unlink()
        store.commit([range_of(3, 20_000)])
        assert list(store.replay()) == [range_of(0, 10), range_of(2, 10), range_of(3, 20_000)]
        assert not applied


def test_a_store_cannot_be_created_on_a_full_disk(small_disk) -> None:
    place = small_disk / "memory"
    with pytest.raises(StoreFull):
        Store.open(place, identity=Identity(1, 1))  # the journal alone is 4 MiB
    Store.open(place, identity=Identity(1, 1), journal_bytes=64 << 10).close()
    assert verify(place).ok
