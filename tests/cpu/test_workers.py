"""Workers do every piece once, on as many threads as they may, and tell of errors."""

import threading

import pytest

from engram.cpu.workers import Workers, processors


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("count", "share"), [(0, 5), (1, 5), (5, 5), (6, 5), (100, 7)])
def test_every_piece_is_done_once(threads: int, count: int, share: int) -> None:
    workers = Workers(threads)
    pieces = workers.share(lambda start, size: (start, size), count, share)
    assert sorted(pieces) == [(at, min(share, count - at)) for at in range(0, count, share)]
    workers.close()


def test_no_more_threads_work_than_are_allowed() -> None:
    workers = Workers(2)
    both = threading.Barrier(2, timeout=60)
    names = set()

    def piece(start: int, size: int) -> None:
        if start < 2:
            both.wait()  # two threads are at work, or this times out
        names.add(threading.get_ident())

    workers.share(piece, 20, 1)
    assert len(names) == 2
    names.clear()
    workers.share(lambda start, size: names.add(threading.get_ident()), 20, 1, threaded=False)
    assert names == {threading.get_ident()}
    workers.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_of_a_piece_is_raised(threads: int) -> None:
    workers = Workers(threads)

    def piece(start: int, size: int) -> None:
        if start == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        workers.share(piece, 10, 1)
    assert workers.share(lambda start, size: size, 2, 1) == [1, 1]
    workers.close()
    workers.close()


def test_unless_told_workers_are_as_many_as_processors() -> None:
    assert Workers(None).threads == processors() >= 1
