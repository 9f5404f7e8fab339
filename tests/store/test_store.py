"""A store keeps what was committed, for those who may open it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engram.errors import NotFound, ReadOnly, StoreBusy, StoreCorrupt, VersionMismatch
from engram.store import Identity, SpaceEntry, Store, WriteRange, WriteWords


def test_records_of_every_kind_are_there_again_after_closing(create, place, mixed) -> None:
    with create() as store:
        for record in mixed:
            store.commit([record])
        assert list(store.replay()) == mixed
    with Store.open(place) as store:
        assert list(store.replay()) == mixed
        assert store.identity == Identity(7, 1)
        assert store.journal_used == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_mix_of_commits_checkpoints_and_openings_keeps_the_order(
    tmp_path_factory, identity, data
) -> None:
    place = tmp_path_factory.mktemp("mix") / "m"
    expected = []
    store = Store.open(place, identity=identity, journal_bytes=4096)
    for number in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["small", "large", "checkpoint", "open", "compact"])):
            case "small" | "large" as size:
                words = np.full(3 if size == "small" else 9000, number, np.uint64)
                records = [WriteWords(number, words, words), WriteRange(1, number, words)]
                expected += records
                store.commit(records)
            case "checkpoint":
                store.checkpoint()
            case "open":
                store.close()
                store = Store.open(place, journal_bytes=8192)
            case "compact":
                del expected[: len(expected) // 2]
                store.compact(expected)
        assert list(store.replay()) == expected
        assert store.log_words == sum(len(record.values) for record in expected)
    store.close()
    with Store.open(place, read_only=True) as store:
        assert list(store.replay()) == expected


def test_a_commit_that_is_split_comes_back_whole(create, place) -> None:
    words = np.arange(300_000, dtype=np.uint64)
    with create() as store:
        store.commit([WriteWords(0, words, words)])
        assert store.batches == 5
    with Store.open(place) as store:
        found = list(store.replay())
    assert np.array_equal(np.concatenate([record.addresses for record in found]), words)


def test_small_commits_stay_in_the_journal_until_it_is_full(create, word) -> None:
    store = create(journal_bytes=4096)
    used = []
    for number in range(100):
        store.commit([word(number)])
        used.append(store.journal_used)
    assert used[0] == 128
    assert max(used) <= 4096
    assert used.count(0) >= 2
    assert list(store.replay()) == [word(number) for number in range(100)]


def test_an_empty_commit_is_applied_and_writes_nothing(create) -> None:
    applied = []
    store = create()
    store.commit([], lambda: applied.append(1))
    assert (applied, store.journal_used, store.log_words) == ([1], 0, 0)


def test_a_replay_does_not_see_later_commits(create, word) -> None:
    store = create()
    store.commit([word(1)])
    replay = store.replay()
    store.commit([word(2)])
    store.checkpoint()
    assert list(replay) == [word(1)]


def test_compaction_replaces_everything(create, place, word) -> None:
    with create() as store:
        for number in range(200):
            store.commit([word(number)])
        store.compact([word(1)])
        store.commit([word(2)])
        assert (store.generation, store.log_words) == (1, 2)
    with Store.open(place) as store:
        assert list(store.replay()) == [word(1), word(2)]


def test_a_failed_compaction_changes_nothing(create, word) -> None:
    store = create()
    store.commit([word(1)])

    def broken():
        yield word(2)
        raise KeyError("overlay")

    with pytest.raises(KeyError, match="overlay"):
        store.compact(broken())
    store.commit([word(3)])
    assert list(store.replay()) == [word(1), word(3)]


def test_compaction_waits_for_no_commit_and_misses_none(create, word) -> None:
    store = create()
    applied = []
    stop = threading.Event()

    def commit() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            record = word(number)
            store.commit([record], lambda record=record: applied.append(record))

    thread = threading.Thread(target=commit)
    thread.start()
    for _ in range(20):
        store.compact(record for record in applied)
    stop.set()
    thread.join()
    assert list(store.replay()) == applied


def test_shrinking_gives_space_back_and_keeps_everything(create, place, word) -> None:
    words = np.arange(500_000, dtype=np.uint64)
    with create() as store:
        store.commit([WriteWords(0, words, words)])
        store.compact([word(1)])
        store.commit([word(2)])
        before = store.disk_bytes
        store.shrink()
        assert store.disk_bytes < before - 7_000_000
        store.commit([word(3)])
        assert list(store.replay()) == [word(1), word(2), word(3)]
    assert not list(place.glob("*.new"))
    with Store.open(place) as store:
        assert list(store.replay()) == [word(1), word(2), word(3)]


def test_spaces_are_kept_and_unique(create, place) -> None:
    entries = [SpaceEntry(0, "main", 7), SpaceEntry(9, "zwölf", 2**64 - 1, quota=0)]
    with create() as store:
        for entry in entries:
            store.put_space(entry)
        for entry, name in [
            (SpaceEntry(1, "main", 8), "name"),
            (SpaceEntry(9, "other", 8), "id"),
            (SpaceEntry(1, "other", 7), "seed"),
        ]:
            with pytest.raises(ValueError, match=f"{name} must be unlike"):
                store.put_space(entry)
        assert store.spaces() == entries
    with Store.open(place, read_only=True) as store:
        assert store.spaces() == entries


def test_another_identity_is_refused_by_both_values(create, place) -> None:
    create().close()
    with pytest.raises(VersionMismatch, match="seed 7 and law 1, not with seed 8 and law 1"):
        Store.open(place, identity=Identity(8, 1))
    with pytest.raises(VersionMismatch, match="seed 7 and law 1, not with seed 7 and law 4"):
        Store.open(place, identity=Identity(7, 4), read_only=True)
    create().close()


def test_a_second_writer_of_the_process_is_refused(create, place) -> None:
    store = create()
    with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
        Store.open(place)
    store.close()
    Store.open(place).close()


def test_a_writer_of_another_process_is_refused(create, place) -> None:
    store = create()
    code = (
        "import sys; from engram.store import Store; from engram.errors import StoreBusy\n"
        "try: Store.open(sys.argv[1])\n"
        "except StoreBusy as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(place)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"{place} is open for writing in process {os.getpid()}\n"
    store.close()


def test_a_forked_child_must_open_anew(create, word) -> None:
    store = create()
    child = os.fork()
    if child == 0:
        try:
            store.commit([word(1)])
        except RuntimeError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    store.commit([word(2)])
    assert list(store.replay()) == [word(2)]


def test_a_path_that_is_no_memory_directory_is_refused(tmp_path, identity) -> None:
    file = tmp_path / "file"
    file.write_text("text")
    for path in (file, file / "below"):
        for read_only in (True, False):
            with pytest.raises(ValueError, match="path must be a memory directory, not the file"):
                Store.open(path, identity=identity, read_only=read_only)
    with pytest.raises(ValueError, match="holds 'file'"):
        Store.open(tmp_path, identity=identity)
    assert sorted(tmp_path.iterdir()) == [file]


def test_an_absent_store_is_not_created_without_identity(tmp_path, identity) -> None:
    for options in ({}, {"read_only": True}, {"read_only": True, "identity": identity}):
        with pytest.raises(NotFound, match="holds no memory"):
            Store.open(tmp_path / "none", **options)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_written_can_be_read(create, place, tmp_path, mixed) -> None:
    with create() as store:
        store.commit(mixed)
    for path in place.iterdir():
        path.chmod(0o444)
    place.chmod(0o555)
    child = os.fork()  # permissions do not bind root, so another user tries
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                for above in (tmp_path, *tmp_path.parents[:3]):
                    if above.stat().st_uid == 0 and above != Path("/tmp"):
                        above.chmod(0o755)
                os.setgid(65534)
                os.setuid(65534)
            with pytest.raises(ReadOnly, match="cannot be written: Permission denied"):
                Store.open(place)
            with Store.open(place, read_only=True) as store:
                code = 0 if list(store.replay()) == mixed else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    place.chmod(0o755)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"map_bytes": 1.5}, TypeError, "map_bytes must be an int, not 1.5"),
        ({"map_bytes": 100}, ValueError, "map_bytes must be a multiple"),
        ({"journal_bytes": 4097}, ValueError, "journal_bytes must be a multiple of 64 from 4096"),
        ({"identity": (7, 1)}, TypeError, r"identity must be an Identity, not \(7, 1\)"),
    ],
)
def test_wrong_options_are_refused(place, options, error, message) -> None:
    with pytest.raises(error, match=message):
        Store.open(place, **options)
    assert not place.exists()


def test_a_closed_store_does_nothing_more(create, place, word) -> None:
    store = create()
    store.commit([word(1)])
    store.commit([word(2)])
    replay = store.replay()
    next(replay)
    store.close()
    store.close()
    for act in (
        lambda: store.commit([word(1)]),
        lambda: store.compact([]),
        lambda: store.replay(),
        lambda: next(replay),
        lambda: store.spaces(),
    ):
        with pytest.raises(ValueError, match="closed"):
            act()


def test_a_reader_writes_nothing(create, place, word) -> None:
    create().close()
    with Store.open(place, read_only=True) as reader:
        for act in (
            lambda: reader.commit([word(1)]),
            lambda: reader.put_space(SpaceEntry(0, "a", 0)),
            lambda: reader.compact([]),
            lambda: reader.shrink(),
            lambda: reader.checkpoint(),
        ):
            with pytest.raises(ReadOnly, match="opened for reading only"):
                act()


def test_an_interrupted_creation_is_begun_again(create, place, word) -> None:
    (place / "creating").mkdir(parents=True)
    (place / "creating" / "data.mdb").write_bytes(b"half")
    (place / "journal").write_bytes(b"half")
    with pytest.raises(NotFound, match="holds no memory"):
        Store.open(place, read_only=True)
    with create() as store:
        store.commit([word(1)])
    with Store.open(place) as store:
        assert list(store.replay()) == [word(1)]
    assert not (place / "creating").exists()


@pytest.mark.parametrize("name", ["data.mdb", "journal"])
def test_a_missing_file_is_corruption(create, place, identity, name) -> None:
    create().close()
    (place / name).unlink()
    for read_only in (True, False):
        with pytest.raises(StoreCorrupt, match=f"{name} is missing"):
            Store.open(place, identity=identity, read_only=read_only)
