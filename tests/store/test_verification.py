"""A report tells everything that is wrong, and how much is right."""

import numpy as np
import pytest

from engram.errors import NotFound
from engram.store import Identity, SpaceEntry, Store, WriteRange, verify


def test_a_report_counts_what_is_there(create, place, word) -> None:
    large = WriteRange(0, 0, np.arange(20_000, dtype=np.uint64))
    with create() as store:
        store.put_space(SpaceEntry(0, "main", 7, quota=5))
        store.commit([word(1), large])
        store.commit([word(2)])
        store.commit([word(3), word(4)])
        report = verify(place)  # while it is being written
        assert report.ok
        assert (report.batches, report.records, report.words) == (1, 2, 20_001)
        assert (report.journal_records, report.journal_words) == (3, 3)
    report = verify(place)
    assert report.problems == ()
    assert (report.records, report.words, report.journal_records) == (5, 20_004, 0)
    assert report.identity == Identity(7, 1)
    assert report.spaces == (SpaceEntry(0, "main", 7, quota=5),)
    assert report.disk_bytes > 4 << 20


def test_a_report_names_each_damaged_batch_and_counts_the_others(create, place) -> None:
    marks = [0x1111222233334444 * number for number in range(1, 6)]
    with create() as store:
        for mark in marks:
            store.commit([WriteRange(0, 0, np.full(20_000, mark, np.uint64))])
    data = bytearray((place / "data.mdb").read_bytes())
    for mark in (marks[1], marks[3]):
        at = data.index(mark.to_bytes(8, "little") * 100)
        data[at + 300] ^= 4
    (place / "data.mdb").write_bytes(data)
    report = verify(place)
    assert [line.split(" does")[0] for line in report.problems] == ["batch 1", "batch 3"]
    assert (report.batches, report.words) == (3, 60_000)
    assert report.identity == Identity(7, 1)


def test_a_report_tells_of_a_torn_tail_without_calling_it_wrong(create, place, word) -> None:
    store = create()
    store.commit([word(1)])
    store.commit([word(2)])
    with open(place / "journal", "r+b") as file:
        file.seek(128 + 70)
        file.write(b"\xaa")
    report = verify(place)
    assert report.ok
    assert (report.journal_records, report.torn_bytes) == (1, 128)


def test_verifying_writes_nothing(create, place, word) -> None:
    create().close()
    before = {path: path.read_bytes() for path in place.iterdir() if path.name != "lock.mdb"}
    assert verify(place).ok
    assert {path: path.read_bytes() for path in before} == before


def test_there_is_nothing_to_verify_where_no_store_is(tmp_path) -> None:
    with pytest.raises(NotFound):
        verify(tmp_path / "none")
    (tmp_path / "file").write_text("text")
    with pytest.raises(ValueError, match="path must be a memory directory"):
        verify(tmp_path)


def test_a_store_that_cannot_be_opened_is_still_reported(create, place) -> None:
    create().close()
    (place / "journal").unlink()
    report = verify(place)
    assert not report.ok
    assert "journal is missing" in report.problems[0]
    (place / "journal").write_bytes(b"")
    assert "0 bytes instead of" in verify(place).problems[0]


def test_stores_are_compared_by_path_not_by_process(tmp_path, word) -> None:
    for name in ("one", "two"):
        with Store.open(tmp_path / name, identity=Identity(1, 1)) as store:
            store.commit([word(1)])
            assert verify(tmp_path / name).journal_records == 1
