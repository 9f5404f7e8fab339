"""The journal gives back what was acknowledged, nothing else, and says so when it cannot."""

import errno
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from engram.errors import StoreCorrupt
from engram.store import Identity, Store, WriteRange
from engram.store.journal import Journal
from engram.store.records import Run, decode, encode

TOKEN = b"t" * 16


@pytest.fixture
def journal(tmp_path):
    Journal.create(tmp_path / "journal", 4096)
    journal = Journal(tmp_path / "journal", 4096, TOKEN, writable=True)
    yield journal
    journal.close()


def run(number: int, size: int = 40) -> Run:
    return Run(bytes([number]) * size, 1, 1)


def found(journal: Journal, epoch: int) -> list[bytes]:
    return [bytes(run.data) for run in journal.scan(epoch)[0]]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_new_journal_is_empty(journal) -> None:
    runs, end = journal.scan(0)
    assert (runs, end.offset, end.torn_bytes) == ([], 0, 0)


def test_records_fill_the_file_to_its_last_byte(journal) -> None:
    for number in range(32):
        assert journal.fits(64)
        journal.append(run(number, 64))
    assert not journal.fits(0)
    assert found(journal, 0) == [run(number, 64).data for number in range(32)]


def test_records_of_an_earlier_epoch_are_stale_at_once(journal) -> None:
    for number in range(10):
        journal.append(run(number))
    journal.begin(1)
    assert found(journal, 1) == []
    journal.append(run(50, 100))
    assert found(journal, 1) == [run(50, 100).data]


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_an_earlier_epoch_behind_the_end_is_never_read(journal, size) -> None:
    for epoch in range(1, 20):
        journal.begin(epoch)
        for number in range(epoch % 7 + 1):
            journal.append(run(number, size + epoch))
        assert len(found(journal, epoch)) == epoch % 7 + 1
        assert journal.scan(epoch)[1].torn_bytes == 0


def test_a_journal_of_another_store_is_not_read(journal, tmp_path) -> None:
    journal.append(run(1))
    other = Journal(tmp_path / "journal", 4096, b"u" * 16, writable=False)
    assert found(other, 0) == []
    other.close()


@pytest.mark.parametrize("offset", [0, 9, 17, 25, 40, 50, 64, 103])
def test_damage_to_the_last_record_drops_it_and_keeps_the_others(journal, tmp_path, offset) -> None:
    for number in range(3):
        journal.append(run(number))
    overwrite(tmp_path / "journal", 2 * 128 + offset, b"\xaa")
    assert found(journal, 0) == [run(0).data, run(1).data]


@pytest.mark.parametrize("offset", [0, 9, 17, 25, 40, 50, 64, 103])
def test_damage_before_a_valid_record_is_corruption(journal, tmp_path, offset) -> None:
    for number in range(3):
        journal.append(run(number))
    overwrite(tmp_path / "journal", 128 + offset, b"\xaa")
    with pytest.raises(StoreCorrupt, match="record 1 at byte 128 is damaged, and record 2 at byte"):
        journal.scan(0)


def test_a_record_behind_an_overlong_gap_is_found(journal, tmp_path) -> None:
    journal.append(run(0, 3000))
    journal.append(run(1))
    overwrite(tmp_path / "journal", 0, bytes(2000))
    with pytest.raises(StoreCorrupt, match="record 0 at byte 0"):
        journal.scan(0)


def test_following_step_by_step_finds_what_scanning_finds(journal) -> None:
    runs, end = journal.scan_from(0, journal.scan(0)[1])
    assert runs == []
    for number in range(9):
        journal.append(run(number, 10 * number))
        runs, end = journal.scan_from(0, end)
        assert [bytes(one.data) for one in runs] == [run(number, 10 * number).data]
    assert (end.offset, end.sequence) == (journal.used, 9)


def crashed(create, place: Path, word, count: int = 5) -> Path:
    """Return a copy of a store that was not closed, with so many commits in its journal."""
    store = create()
    for number in range(count):
        store.commit([word(number)])
    copy = place.with_name("crashed")
    shutil.copytree(place, copy, ignore=shutil.ignore_patterns("*lock*"))
    return copy


def test_a_torn_tail_is_dropped_with_a_warning(create, place, word, caplog) -> None:
    copy = crashed(create, place, word)
    overwrite(copy / "journal", 4 * 128 + 100, b"\xaa")
    with caplog.at_level(logging.WARNING), Store.open(copy) as store:
        assert list(store.replay()) == [word(number) for number in range(4)]
    assert "never acknowledged" in caplog.text


def test_a_writer_begins_with_an_empty_journal(create, place, word) -> None:
    copy = crashed(create, place, word)
    with Store.open(copy) as store:
        assert (store.journal_used, store.batches) == (0, 1)


def test_a_record_whose_sync_failed_does_not_come_back(create, place, word, monkeypatch) -> None:
    store = create()
    store.commit([word(1)])

    def fail_once(file: int) -> None:
        monkeypatch.undo()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("engram.store.journal.os.fdatasync", fail_once)
    with pytest.raises(OSError, match="Input/output error"):
        store.commit([word(2)])
    copy = place.with_name("crashed")
    shutil.copytree(place, copy, ignore=shutil.ignore_patterns("*lock*"))
    with Store.open(copy) as other:
        assert list(other.replay()) == [word(1)]
    # What a failed sync left in the file is unknown: this epoch takes no record behind it.
    store.commit([word(3)])
    assert (store.journal_used, store.batches) == (0, 1)
    assert list(store.replay()) == [word(1), word(3)]


def test_space_behind_a_torn_tail_is_used_again_safely(create, place, word) -> None:
    copy = crashed(create, place, word)
    overwrite(copy / "journal", 4 * 128 + 100, b"\xaa")
    expected = [word(number) for number in range(4)]
    for number in range(10, 30):
        with Store.open(copy) as store:
            assert list(store.replay()) == expected
            expected.append(word(number))
            store.commit(expected[-1:])
            again = copy.with_name(f"again{number}")
            shutil.copytree(copy, again, ignore=shutil.ignore_patterns("*lock*"))
        with Store.open(again) as store:
            assert list(store.replay()) == expected


def test_damage_in_the_middle_stops_readers_and_writers(create, place, word) -> None:
    copy = crashed(create, place, word)
    overwrite(copy / "journal", 2 * 128 + 100, b"\xaa")
    with pytest.raises(StoreCorrupt, match="record 2"):
        Store.open(copy)
    with Store.open(copy, read_only=True) as store, pytest.raises(StoreCorrupt, match="record 2"):
        store.replay()


def test_a_clean_store_replays_without_a_warning(create, place, word, caplog) -> None:
    copy = crashed(create, place, word)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with Store.open(copy) as store:
                assert len(list(store.replay())) == 5
    assert not caplog.records


def test_words_that_look_like_a_journal_record_are_only_words(tmp_path) -> None:
    # Whoever reads the file can forge a record for the place behind the last one, unless it has
    # the token as its key.
    identity = Identity(1, 1)
    with Store.open(tmp_path / "m", identity=identity) as store:
        (run_of_one,) = encode([WriteRange(9, 9, np.arange(5, dtype=np.uint64))])
        Journal.create(tmp_path / "forged", 4096)
        forger = Journal(tmp_path / "forged", 4096, b"guess", writable=True)
        forger.begin(0)
        for _ in range(3):
            forger.append(run_of_one)
        forger.close()
        forged = (tmp_path / "forged").read_bytes()[:512]
        record = WriteRange(0, 0, np.frombuffer(bytes(40) + forged, np.uint64))
        store.commit([record])
        shutil.copytree(tmp_path / "m", tmp_path / "n", ignore=shutil.ignore_patterns("*lock*"))
    with Store.open(tmp_path / "n") as store:
        assert list(store.replay()) == [record]


def test_a_journal_of_another_size_is_corruption(create, place, word) -> None:
    create().close()
    for size in (0, 1, 4096, (4 << 20) - 1, (4 << 20) + 64):
        with open(place / "journal", "r+b") as file:
            file.truncate(size)
        with pytest.raises(StoreCorrupt, match=f"has {size} bytes instead of {4 << 20}"):
            Store.open(place)


def test_journal_payloads_decode(journal) -> None:
    record = WriteRange(1, 2, np.arange(3, dtype=np.uint64))
    (one,) = encode([record])
    journal.append(one)
    (kept,), _ = journal.scan(0)
    assert list(decode(kept.data)) == [record]
    assert (kept.records, kept.words) == (1, 3)
