"""The cache keeps its bound, makes each thing once, and holds no lock while it does."""

import threading
import time

import numpy as np
import pytest

import engram
from engram.tensors.cache import TensorCache, available_bytes, read_only
from engram.tensors.prefetch import Prefetcher


def array(size: int, value: int = 0) -> np.ndarray:
    return read_only(np.full(size, value, np.uint8))


def plenty() -> int:
    return 1 << 40


def test_the_least_recently_used_leaves_first() -> None:
    cache = TensorCache(30, plenty)
    for key in "abc":
        cache.take(key, lambda: array(10))
    assert cache.get("a") is not None
    cache.take("d", lambda: array(10))
    assert [key in cache for key in "abcd"] == [True, False, True, True]
    assert cache.nbytes == 30
    cache.take("e", lambda: array(25))
    assert [key in cache for key in "abcde"] == [False] * 4 + [True]
    assert cache.nbytes == 25


def test_what_is_larger_than_the_cache_is_handed_out_and_not_kept() -> None:
    cache = TensorCache(10, plenty)
    cache.take("a", lambda: array(10))
    assert cache.take("b", lambda: array(11)).nbytes == 11
    assert "b" not in cache
    assert "a" in cache
    nothing = TensorCache(0, plenty)
    assert nothing.take("a", lambda: array(1)).nbytes == 1
    assert nothing.nbytes == 0


def test_it_shrinks_when_the_system_runs_out(monkeypatch) -> None:
    free = [1 << 40]
    cache = TensorCache(100, lambda: free[0])
    for key in range(10):
        cache.take(key, lambda: array(10))
    assert cache.nbytes == 100
    free[0] = 60  # with what is held, 160 could be given: a quarter of it is 40
    cache._looked -= 2
    cache.take("new", lambda: array(10))
    assert cache.nbytes <= 40
    assert "new" in cache


def test_linux_tells_what_is_available() -> None:
    found = available_bytes()
    assert found is None or found > 1 << 20


@pytest.mark.parametrize("limit", [100, 0], ids=["kept", "not kept"])
def test_many_threads_make_one_thing_once(limit: int) -> None:
    cache = TensorCache(limit, plenty)
    made = []
    gate = threading.Barrier(8)

    def make() -> np.ndarray:
        made.append(1)
        time.sleep(0.05)
        return array(10)

    found = []

    def ask() -> None:
        gate.wait()
        found.append(cache.take("a", make))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 1
    assert all(each is found[0] for each in found)
    assert (cache.counters.misses, cache.counters.hits) == (1, 7)


def test_others_are_served_while_one_is_made() -> None:
    cache = TensorCache(100, plenty)
    cache.take("held", lambda: array(1))
    begun, finish = threading.Event(), threading.Event()

    def slow() -> np.ndarray:
        begun.set()
        assert finish.wait(20)
        return array(1)

    thread = threading.Thread(target=cache.take, args=("slow", slow))
    thread.start()
    assert begun.wait(20)
    assert cache.get("held") is not None
    assert cache.take("other", lambda: array(1)) is not None
    finish.set()
    thread.join()
    assert "slow" in cache


def test_a_failure_is_raised_to_all_and_not_kept() -> None:
    cache = TensorCache(100, plenty)

    def fail() -> np.ndarray:
        time.sleep(0.02)
        raise ValueError("no")

    errors = []

    def ask() -> None:
        try:
            cache.take("a", fail)
        except ValueError as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(errors) == 4
    assert cache.take("a", lambda: array(3)).nbytes == 3


def test_the_successor_of_two_names_is_foretold() -> None:
    fetched: list[str] = []
    arrived = threading.Semaphore(0)

    def fetch(name: str) -> None:
        fetched.append(name)
        arrived.release()

    prefetcher = Prefetcher(fetch, lambda name: True)
    # After b comes c or d, by what was before b: only two names together tell.
    for _ in range(3):
        for name in "abcxbd":
            prefetcher.seen(name)
    while arrived.acquire(timeout=0.5):
        pass
    fetched.clear()
    prefetcher.seen("a")
    prefetcher.seen("b")
    while arrived.acquire(timeout=0.5):
        pass
    prefetcher.close()
    assert fetched[-1] == "c"
    assert "d" not in fetched


def test_it_never_waits_for_the_worker() -> None:
    stuck, asked = threading.Event(), threading.Event()

    def fetch(name: str) -> None:
        asked.set()
        assert stuck.wait(20)

    prefetcher = Prefetcher(fetch, lambda name: True)
    for _ in range(200):
        for name in "abcdefgh":
            prefetcher.seen(name)
    assert asked.wait(20)
    closing = threading.Thread(target=prefetcher.close)
    closing.start()
    stuck.set()
    closing.join(20)
    assert not closing.is_alive()
    prefetcher.seen("a")


def test_a_repeating_pattern_is_served_from_what_was_prefetched() -> None:
    names = [f"t{i}" for i in range(6)]
    # Room for two of the six: without foresight every load is a miss.
    with engram.open(tensor_cache_bytes=2 * 8000) as memory:
        memory.store_many({name: np.arange(1000) + i for i, name in enumerate(names)})
        for turn in range(12):
            for i, name in enumerate(names):
                assert memory.load(name)[0] == i
                if turn > 2:
                    time.sleep(0.005)
        found = memory.report().tensors
        assert found.prefetched > 0
        assert found.prefetch_hits > found.misses
        assert found.cache_bytes <= 16000


def hammer(threads: int, operations: int) -> None:
    """Load, update, store and read the same few tensors from many threads, on a small cache."""
    errors: list[BaseException] = []
    with engram.open(tensor_cache_bytes=20_000) as memory:
        for i in range(8):
            memory.store(f"t{i}", np.full(1000, i, np.float32))
        base = memory.describe("t0").base

        def work(seed: int) -> None:
            rng = np.random.default_rng(seed)
            try:
                for _ in range(operations):
                    name = f"t{rng.integers(8)}"
                    kind = rng.integers(20)
                    if kind == 0:
                        memory.update(name, add=np.ones(1000, np.float32))
                    elif kind == 1:
                        memory.store(name, np.full(1000, seed, np.float32))
                    elif kind == 2:
                        memory.consolidate_tensor(name)
                    elif kind == 3:
                        memory.verify(name)
                    elif kind < 6:
                        memory.read(base, 300)
                    elif kind == 6:
                        memory.report()
                    else:
                        found = memory.load(name)
                        assert (found == found[0]).all()
            except BaseException as error:
                errors.append(error)

        workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
        for each in workers:
            each.start()
        for each in workers:
            each.join(240)
        assert not any(each.is_alive() for each in workers)
        assert not errors
        assert memory.report().tensors.cache_bytes <= 20_000
        memory.verify()


def test_eight_threads_on_a_small_cache_do_not_lock_up() -> None:
    hammer(8, 50)


@pytest.mark.long
def test_eight_threads_do_not_lock_up_for_long() -> None:
    hammer(8, 500)
