"""Readers follow a writer, in the same process and in others, and never see half of anything."""

import subprocess
import sys
import threading
import time
from itertools import islice

import numpy as np
import pytest

from engram.errors import StoreBusy
from engram.store import Store, WriteRange, WriteWords
from engram.store.journal import Journal

# Commits number after number: small ones, large ones, compactions that keep all, shrinks.
WRITER = """
import sys
import numpy as np
from engram.store import Store, WriteWords
store = Store.open(sys.argv[1])
numbers = []
for number in range(int(sys.argv[2])):
    count = 1 if number % 60 else 9000
    words = np.full(count, number, np.uint64)
    store.commit([WriteWords(0, words, words)])
    numbers.append(number)
    if number % 97 == 96:
        every = np.array(numbers, np.uint64)
        store.compact([WriteWords(0, every, every)])
    if number % 211 == 210:
        store.shrink()
store.close()
"""


def test_a_refresh_brings_exactly_what_is_new(create, place, word) -> None:
    store = create(journal_bytes=4096)
    store.commit([word(0)])
    with Store.open(place, read_only=True) as reader:
        assert list(reader.replay()) == [word(0)]
        anew, records = reader.refresh()
        assert (anew, list(records)) == (False, [])
        number = 1
        for _ in range(60):  # through several checkpoints
            new = [word(number + more) for more in range(number % 4)]
            for record in new:
                store.commit([record])
            number += len(new) + 1
            anew, records = reader.refresh()
            assert (anew, list(records)) == (False, new)
            assert reader.log_words == store.log_words


def test_the_first_refresh_is_a_whole_replay(create, place, word) -> None:
    store = create()
    store.commit([word(1)])
    with Store.open(place, read_only=True) as reader:
        anew, records = reader.refresh()
        assert (anew, list(records)) == (True, [word(1)])


def test_a_refresh_after_a_checkpoint_repeats_nothing(create, place, word) -> None:
    store = create()
    with Store.open(place, read_only=True) as reader:
        list(reader.replay())
        store.commit([word(1)])
        assert list(reader.refresh()[1]) == [word(1)]
        store.checkpoint()
        assert list(reader.refresh()[1]) == []
        store.commit([word(2)])
        store.checkpoint()
        store.commit([word(3)])
        assert list(reader.refresh()[1]) == [word(2), word(3)]


@pytest.mark.parametrize("method", ["scan", "scan_from"])
@pytest.mark.parametrize("shrink", [False, True])
def test_a_checkpoint_between_two_reads_of_a_reader_hides_nothing(
    create, place, word, monkeypatch, method, shrink
) -> None:
    store = create()
    with Store.open(place, read_only=True) as reader:
        if method == "scan_from":
            list(reader.replay())
        store.commit([word(1)])
        read_journal = getattr(Journal, method)
        moves = [1, 2]

        def moved_before_reading(*arguments):
            if moves:  # LMDB was read already, the journal was not
                if shrink:
                    store.shrink()
                store.checkpoint()
                store.commit([word(10 + moves.pop())])
            return read_journal(*arguments)

        monkeypatch.setattr(Journal, method, moved_before_reading)
        _, records = reader.refresh()
        monkeypatch.undo()
        first, *others = records
        assert first == word(1)
        assert [first, *others, *reader.refresh()[1]] == list(store.replay())
        assert others


def test_what_a_broken_off_refresh_did_not_yield_comes_again(create, place, word) -> None:
    store = create()
    with Store.open(place, read_only=True) as reader:
        list(reader.replay())
        for number in range(6):
            store.commit([word(number)])
            if number == 3:
                store.checkpoint()
        got = []
        for take in (1, 0, 3, 1, 5):
            _, records = reader.refresh()
            got += islice(records, take)
        assert got == [word(number) for number in range(6)]


def test_compaction_tells_readers_to_start_over(create, place, word) -> None:
    store = create()
    store.commit([word(1)])
    with Store.open(place, read_only=True) as reader:
        list(reader.replay())
        store.compact([word(7)])
        store.commit([word(8)])
        anew, records = reader.refresh()
        assert (anew, list(records)) == (True, [word(7), word(8)])
        anew, records = reader.refresh()
        assert (anew, list(records)) == (False, [])


def test_a_running_replay_keeps_its_snapshot(create, place) -> None:
    store = create()
    first = [WriteRange(0, number, np.full(9000, number, np.uint64)) for number in range(20)]
    for record in first:
        store.commit([record])
    with Store.open(place, read_only=True) as reader:
        records = reader.replay()
        assert next(records) == first[0]
        for _ in range(3):
            store.compact([WriteRange(9, 0, np.zeros(100_000, np.uint64))])
        assert list(records) == first[1:]
        assert reader.refresh()[0]


def test_replays_go_on_while_the_store_shrinks(create, place) -> None:
    store = create()
    first = [WriteRange(0, number, np.full(9000, number, np.uint64)) for number in range(9)]
    for record in first:
        store.commit([record])
    with Store.open(place, read_only=True) as reader:
        replays = [store.replay(), reader.replay()]
        assert [next(records) for records in replays] == first[:1] * 2
        store.compact(first[5:])
        store.shrink()
        store.commit(first[:1])
        assert [list(records) for records in replays] == [first[1:]] * 2
        anew, records = reader.refresh()
        assert (anew, list(records)) == (True, [*first[5:], first[0]])


def test_write_access_waits_for_a_replay_only_so_long(create, place, word, monkeypatch) -> None:
    with create() as store:
        store.commit([word(1)])
    monkeypatch.setattr("engram.store.environment._PATIENCE_SECONDS", 0.05)
    with Store.open(place, read_only=True) as reader:
        records = reader.replay()
        with pytest.raises(StoreBusy, match="replay of this process"):
            Store.open(place)
        assert list(records) == [word(1)]
        with Store.open(place) as store:
            store.commit([word(2)])
        assert list(reader.refresh()[1]) == [word(2)]


def test_a_forgotten_replay_gives_its_snapshot_up(create, word) -> None:
    store = create()
    store.commit([word(1)])
    for _ in range(1000):  # far more than LMDB has reader slots
        next(store.replay())
    store.checkpoint()
    store.shrink()


def test_a_reader_opened_first_lets_a_writer_in(create, place, word) -> None:
    create().close()
    with Store.open(place, read_only=True) as reader, Store.open(place) as store:
        store.commit([word(1)])
        assert list(reader.replay()) == [word(1)]
        store.checkpoint()
        assert list(reader.replay()) == [word(1)]


def test_a_reader_outlives_the_writer(create, place, word) -> None:
    store = create()
    reader = Store.open(place, read_only=True)
    store.commit([word(1)])
    store.close()
    assert list(reader.replay()) == [word(1)]
    with Store.open(place) as store:
        store.commit([word(2)])
        assert list(reader.refresh()[1]) == [word(2)]
    reader.close()


def test_a_reader_sees_an_unclosed_store_without_touching_it(create, place, word) -> None:
    store = create()
    store.commit([word(1)])
    code = (
        "import sys; from engram.store import Store\n"
        "store = Store.open(sys.argv[1], read_only=True)\n"
        "print(sum(1 for _ in store.replay()))\n"
    )
    before = (place / "journal").read_bytes()
    command = [sys.executable, "-c", code, str(place)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "1\n"
    assert (place / "journal").read_bytes() == before
    store.commit([word(2)])
    assert list(store.replay()) == [word(1), word(2)]


def follow(place, done, threads_errors, count) -> None:
    """Follow until the writer is done, checking that numbers come in order without a gap."""
    try:
        with Store.open(place, read_only=True) as reader:
            highest = -1
            while True:
                last_look = done()
                anew, records = reader.refresh()
                if anew:
                    highest = -1
                for record in records:
                    numbers = sorted(set(record.addresses.tolist()))
                    assert numbers == list(range(highest + 1, numbers[-1] + 1)), highest
                    assert len(record.values) in (1, 9000) or len(numbers) > 1
                    highest = numbers[-1]
                if last_look:
                    break
            assert highest == count - 1
    except BaseException as error:
        threads_errors.append(error)
        raise


def test_readers_of_another_process_never_miss_or_repeat(create, place) -> None:
    create(journal_bytes=8192).close()
    count = 800
    errors: list[BaseException] = []
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(place), str(count)])
    followers = [
        threading.Thread(
            target=follow, args=(place, lambda: writer.poll() is not None, errors, count)
        )
        for _ in range(2)
    ]
    for follower in followers:
        follower.start()
    for follower in followers:
        follower.join(60)
    assert writer.wait(1) == 0
    assert not errors


def test_readers_of_the_same_process_never_miss_or_repeat(create, place) -> None:
    store = create(journal_bytes=8192)
    finished = threading.Event()
    errors: list[BaseException] = []
    count = 1500
    followers = [
        threading.Thread(target=follow, args=(place, finished.is_set, errors, count))
        for _ in range(2)
    ]
    for follower in followers:
        follower.start()
    for number in range(count):
        words = np.full(1 if number % 60 else 9000, number, np.uint64)
        store.commit([WriteWords(0, words, words)])
        if number % 97 == 96:
            every = np.arange(number + 1, dtype=np.uint64)
            store.compact([WriteWords(0, every, every)])
        if number % 411 == 410:
            store.shrink()
    finished.set()
    for follower in followers:
        follower.join(60)
    assert not errors


def test_opening_a_store_that_is_being_written_succeeds(create, place) -> None:
    create(journal_bytes=4096).close()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(place), "600"])
    opened = 0
    code = "import sys; from engram.store import Store; Store.open(sys.argv[1], read_only=True)"
    while writer.poll() is None:
        with Store.open(place, read_only=True) as reader:
            for _ in reader.replay():
                pass
        opened += 1
        time.sleep(0.001)
    assert writer.returncode == 0
    assert opened > 3
    subprocess.run([sys.executable, "-c", code, str(place)], check=True)
