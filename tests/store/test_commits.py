"""Threads share a sync without losing order, and learn of errors."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from engram.errors import StoreFull
from engram.store import Store, WriteRange
from engram.store.commits import CommitQueue
from engram.store.records import Run


@contextmanager
def no_file_may_grow(limit: int = 0) -> Iterator[None]:
    """Let every write behind `limit` bytes of any file fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def in_threads(count, act) -> None:
    threads = [threading.Thread(target=act, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def test_applies_run_once_each_in_the_order_of_the_log(create, place, word) -> None:
    applied = []
    with create(journal_bytes=8192) as store:

        def commit(thread: int) -> None:
            for number in range(100):
                record = word(number, thread)
                store.commit([record], lambda record=record: applied.append(record))
                assert record in applied[-400:]

        in_threads(8, commit)
        assert list(store.replay()) == applied
    assert len(applied) == 800
    with Store.open(place) as store:
        assert list(store.replay()) == applied


def test_waiting_threads_share_writes() -> None:
    groups = []
    first = threading.Event()

    def write(runs: list[Run]) -> None:
        groups.append([run.words for run in runs])
        if len(groups) == 1:
            first.set()
            while len(queue._queue) < 7:
                pass

    queue = CommitQueue(write)

    def commit(number: int) -> None:
        if number:
            first.wait()
        queue.commit([Run(b"", 1, number)], None)

    in_threads(8, commit)
    assert groups[0] == [0]
    assert sorted(groups[1]) == list(range(1, 8))


def test_an_error_reaches_every_waiter_and_applies_nothing() -> None:
    first = threading.Event()
    written = []

    def write(runs: list[Run]) -> None:
        written.append(len(runs))
        first.set()
        while len(written) == 1 and len(queue._queue) < 3:
            pass
        raise OSError(5, "Input/output error")

    queue = CommitQueue(write)
    outcomes = []

    def commit(number: int) -> None:
        if number:
            first.wait()
        try:
            queue.commit([Run(b"", 1, 1)], lambda: outcomes.append("applied"))
        except OSError as error:
            outcomes.append(error)

    in_threads(4, commit)
    assert written == [1, 3]
    assert [error.errno for error in outcomes] == [5] * 4
    assert len(set(map(id, outcomes))) == 4


def test_a_large_commit_that_has_no_room_does_not_fail_small_ones() -> None:
    first = threading.Event()
    written = []

    def write(runs: list[Run]) -> None:
        words = [run.words for run in runs]
        first.set()
        while not written and len(queue._queue) < 3:
            pass
        if 2 in words:
            raise StoreFull("no room")
        written.extend(words)

    queue = CommitQueue(write)
    failed = []

    def commit(number: int) -> None:
        if number:
            first.wait()
        try:
            queue.commit([Run(b"", 1, number)], None)
        except StoreFull:
            failed.append(number)

    in_threads(4, commit)
    assert sorted(written) == [0, 1, 3]
    assert failed == [2]


def test_an_error_of_apply_reaches_its_own_thread_only(create, word) -> None:
    store = create()
    outcomes = {}

    def commit(number: int) -> None:
        def apply() -> None:
            if number == 3:
                raise LookupError("three")

        try:
            store.commit([word(number)], apply)
            outcomes[number] = None
        except LookupError as error:
            outcomes[number] = error

    in_threads(6, commit)
    assert [number for number, outcome in outcomes.items() if outcome] == [3]
    assert len(list(store.replay())) == 6


def test_an_interrupted_leader_leaves_nobody_waiting() -> None:
    first = threading.Event()
    writes = []

    def write(runs: list[Run]) -> None:
        writes.append(len(runs))
        if len(writes) == 1:
            first.set()
            while len(queue._queue) < 3:
                pass
            raise KeyboardInterrupt

    queue = CommitQueue(write)
    outcomes = []

    def commit(number: int) -> None:
        if number:
            first.wait()
        try:
            queue.commit([Run(b"", 1, 1)], None)
            outcomes.append("durable")
        except KeyboardInterrupt:
            outcomes.append("interrupted")

    in_threads(4, commit)
    assert sorted(outcomes) == ["durable"] * 3 + ["interrupted"]


def test_an_interrupted_apply_keeps_no_other_from_being_applied() -> None:
    first = threading.Event()
    applied = []

    def write(runs: list[Run]) -> None:
        first.set()
        while not applied and len(queue._queue) < 4:
            pass

    queue = CommitQueue(write)
    outcomes = []

    def commit(number: int) -> None:
        def apply() -> None:
            applied.append(number)
            if len(applied) == 3:
                raise KeyboardInterrupt

        if number:
            first.wait()
        try:
            queue.commit([Run(b"", 1, 1)], apply)
            outcomes.append("durable")
        except (KeyboardInterrupt, InterruptedError) as error:
            outcomes.append(type(error).__name__)

    in_threads(5, commit)
    assert sorted(applied) == list(range(5))
    # The leader is interrupted, whose apply it was is told that it may be incomplete.
    assert sorted(outcomes) == ["InterruptedError", "KeyboardInterrupt"] + ["durable"] * 3


def test_a_failed_journal_write_applies_nothing_and_the_store_goes_on(create, place, word) -> None:
    applied = []
    with create() as store:
        store.commit([word(1)])
        with no_file_may_grow():
            for number in (2, 3):
                with pytest.raises(StoreFull):
                    store.commit([word(number)], lambda: applied.append(1))
            assert list(store.replay()) == [word(1)]
        assert not applied
        store.commit([word(4)], lambda: applied.append(4))
        store.commit([word(5)], lambda: applied.append(5))
        assert applied == [4, 5]
    with Store.open(place) as store:
        assert list(store.replay()) == [word(1), word(4), word(5)]


@pytest.mark.parametrize("limit", [0, 4096, 8192, 40960, 100_000])
def test_a_failed_lmdb_write_leaves_the_store_usable(create, place, word, limit) -> None:
    large = WriteRange(0, 0, np.arange(50_000, dtype=np.uint64))
    with create() as store:
        store.commit([word(1)])
        store.checkpoint()
        store.commit([word(2)])
        with no_file_may_grow(limit):
            with pytest.raises(StoreFull):
                store.commit([large])
            assert list(store.replay()) == [word(1), word(2)]
        store.commit([word(3)])
        store.commit([large])
        assert list(store.replay()) == [word(1), word(2), word(3), large]
    with Store.open(place) as store:
        assert list(store.replay()) == [word(1), word(2), word(3), large]
