"""Eight threads on one memory: no torn word, no write lost from sight, no way back, no deadlock."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import engram
from engram.arch.seeds import derive_seed

THREADS = 8
SECONDS = 4.0
PAGE = 512
ODD = 0x9E3779B97F4A7C15
M64 = 2**64 - 1
PLACES = ["ram", "flush", "return"]


def sealed(address: int, count: int) -> int:
    """Return a word that carries a count and a seal over it and its address."""
    return count << 32 | (((count + 1) * ODD ^ address * 0xD1B54A32D192ED03) & M64) >> 32


def seal_many(addresses: np.ndarray, count: int) -> np.ndarray:
    mixed = np.uint64((count + 1) * ODD & M64) ^ addresses * np.uint64(0xD1B54A32D192ED03)
    return np.uint64(count << 32) | mixed >> np.uint64(32)


def counts_of(addresses: np.ndarray, words: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Return the counts that words carry, 0 for generated ones; refuse a torn or foreign word."""
    counts = words >> np.uint64(32)
    mixed = (counts + np.uint64(1)) * np.uint64(ODD) ^ addresses * np.uint64(0xD1B54A32D192ED03)
    good = (words & np.uint64(0xFFFFFFFF)) == mixed >> np.uint64(32)
    unwritten = words == generated
    torn = ~good & ~unwritten
    assert not torn.any(), f"{words[torn][0]:#x} at {addresses[torn][0]:#x}"
    return np.where(unwritten, np.uint64(0), counts)


def test_a_seal_is_checked() -> None:
    addresses = np.array([5, 2**64 - 1], np.uint64)
    words = seal_many(addresses, 7)
    assert words.tolist() == [sealed(5, 7), sealed(2**64 - 1, 7)]
    generated = np.array([1, 2], np.uint64)
    assert counts_of(addresses, words, generated).tolist() == [7, 7]
    assert counts_of(addresses, generated, generated).tolist() == [0, 0]
    with pytest.raises(AssertionError, match=" at 0x5"):
        counts_of(addresses, np.array([words[0] ^ np.uint64(1), words[1]]), generated)
    with pytest.raises(AssertionError):
        counts_of(addresses[::-1], words, generated)


def run_threads(work: list[Callable[[], None]]) -> None:
    """Run all at once; raise the first error of any."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(work))

    def guarded(body: Callable[[], None]) -> None:
        try:
            barrier.wait()
            body()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(body,)) for body in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Worker:
    """Writes addresses of its own, checks them at once, and watches everybody else's.

    Counters are spread over pages of two kinds, single words and frames, that all workers share.
    """

    def __init__(self, space: engram.Memory, number: int, until: float) -> None:
        self.space, self.number, self.until = space, number, until
        self.draw = random.Random(number)
        every = np.arange(64, dtype=np.uint64) * np.uint64(THREADS)
        words = every * np.uint64(PAGE + 1) + np.uint64(2**33)
        self.all_words = np.concatenate([words + np.uint64(i) for i in range(THREADS)])
        self.mine = words + np.uint64(number)
        # Two pages a worker, of which it rewrites a run; and the page with the last address.
        self.run = 2**40 + number * 2 * PAGE + 100
        self.frames = np.arange(2**40, 2**40 + 2 * THREADS * PAGE, dtype=np.uint64)
        self.last = 2**64 - 1 - number
        self.erased = np.uint64(2**50 + number * PAGE) + np.arange(PAGE, dtype=np.uint64)
        self.generated = {
            key: space.unwritten(0, 2**64).read(addresses)
            for key, addresses in (("words", self.all_words), ("frames", self.frames))
        }
        self.erased_generated = space.unwritten(0, 2**64).read(self.erased)
        self.seen = {key: np.zeros(len(g), np.uint64) for key, g in self.generated.items()}
        self.turns = 0

    def __call__(self) -> None:
        while time.monotonic() < self.until:
            self.turns += 1
            self.write_and_read_back()
            self.erase_and_look()
            self.watch("words", self.all_words, self.space.read(self.all_words))
            first, count = int(self.frames[0]), len(self.frames)
            self.watch("frames", self.frames, self.space.read(first, count))

    def write_and_read_back(self) -> None:
        turn = self.turns
        self.space.write(self.mine, seal_many(self.mine, turn))
        assert (self.space.read(self.mine) == seal_many(self.mine, turn)).all()
        single = int(self.draw.choice(self.mine))
        assert self.space[single] == sealed(single, turn)
        run = np.arange(self.run, self.run + 700, dtype=np.uint64)
        self.space.write(self.run, seal_many(run, turn))
        assert (self.space.read(self.run, 700) == seal_many(run, turn)).all()
        self.space[self.last] = sealed(self.last, turn)
        assert self.space[self.last] == sealed(self.last, turn)
        fresh = self.draw.getrandbits(64)  # so that the tables grow
        scattered = fresh ^ (np.arange(50, dtype=np.uint64) * np.uint64(ODD))
        self.space.write(scattered, seal_many(scattered, turn))
        assert (self.space.read(scattered) == seal_many(scattered, turn)).all()

    def erase_and_look(self) -> None:
        first = int(self.erased[0])
        self.space.write(first, seal_many(self.erased, self.turns))
        assert self.space.is_written(self.erased).all()
        if self.turns % 2:
            assert self.space.erase(first, PAGE) == PAGE
        else:
            assert self.space.erase(self.erased) == PAGE
        assert (self.space.read(first, PAGE) == self.erased_generated).all()
        # Somebody else's page, in whatever state it is.
        other = 2**50 + self.draw.randrange(THREADS) * PAGE
        addresses = np.arange(other, other + PAGE, dtype=np.uint64)
        generated = self.space.unwritten(0, 2**64).read(addresses)
        counts_of(addresses, self.space.read(other, PAGE), generated)
        counts_of(addresses, self.space.read(addresses), generated)

    def watch(self, key: str, addresses: np.ndarray, words: np.ndarray) -> None:
        counts = counts_of(addresses, words, self.generated[key])
        back = counts < self.seen[key]
        assert not back.any(), f"{addresses[back][0]:#x} went back to {counts[back][0]}"
        self.seen[key] = counts


def open_place(place: str, path: Path) -> engram.Memory:
    if place == "ram":
        return engram.open(seed=3)
    return engram.open(path / "memory", seed=3, durability=place)


def soak(place: str, path: Path, seconds: float) -> None:
    with open_place(place, path) as memory:
        memory[0] = 1  # whatever has to be compiled is compiled now
        memory.erase(0)
        until = time.monotonic() + seconds
        workers = [Worker(memory, number, until) for number in range(THREADS)]

        def tidy() -> None:
            while time.monotonic() < until:
                memory.flush()
                time.sleep(0.05)
                if place != "ram":
                    memory.compact()
                memory.report()

        run_threads([*workers, tidy])
        assert min(worker.turns for worker in workers) > 0
        finals = {int(at): memory[int(at)] for worker in workers for at in worker.mine}
        written = memory.written_words
    for worker in workers:
        expected = seal_many(worker.mine, worker.turns)
        assert [finals[int(at)] for at in worker.mine] == expected.tolist()
    if place != "ram":
        with engram.open(path / "memory") as memory:
            assert memory.written_words == written
            assert {at: memory[at] for at in finals} == finals


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.timeout(120)
def test_eight_threads_read_and_write_at_once(place, tmp_path) -> None:
    soak(place, tmp_path, SECONDS)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", PLACES)
def test_eight_threads_read_and_write_for_a_minute(place, tmp_path) -> None:
    soak(place, tmp_path, 60)


@pytest.mark.parametrize("place", PLACES)
def test_single_words_of_many_threads_are_all_kept(place, tmp_path) -> None:
    each = 3000 if place != "return" else 40

    def work(memory: engram.Memory, number: int) -> Callable[[], None]:
        def body() -> None:
            for i in range(each):
                address = (i * THREADS + number) * ODD & M64
                memory[address] = sealed(address, i)
                assert memory[address] == sealed(address, i)

        return body

    with open_place(place, tmp_path) as memory:
        run_threads([work(memory, number) for number in range(THREADS)])
        assert memory.written_words == each * THREADS
    if place != "ram":
        with engram.open(tmp_path / "memory") as memory:
            for k in range(each * THREADS):
                address = k * ODD & M64
                assert memory[address] == sealed(address, k // THREADS)


@pytest.mark.parametrize("place", PLACES)
def test_a_quota_holds_against_many_threads(place, tmp_path) -> None:
    with open_place(place, tmp_path) as memory:
        space = memory.spaces("small", quota=100)
        refused = [0] * THREADS

        def work(number: int) -> Callable[[], None]:
            def body() -> None:
                for i in range(30):
                    try:
                        if i % 2:
                            space[number * 1000 + 100 + i] = 1
                        else:
                            space.write([number * 1000 + 100 + i, 5], 1)
                    except engram.QuotaExceeded:
                        refused[number] += 1
                    assert space.written_words <= 100

            return body

        run_threads([work(number) for number in range(THREADS)])
        assert space.written_words == 100
        # 240 different words were asked for, besides the shared one.
        assert sum(refused) == THREADS * 30 - 99


@pytest.mark.parametrize("place", PLACES)
def test_threads_that_ask_for_a_name_get_one_space(place, tmp_path) -> None:
    for turn in range(5):
        with open_place(place, tmp_path / str(turn)) as memory:
            got: dict[int, engram.Memory] = {}

            def work(number: int, memory=memory, got=got) -> Callable[[], None]:
                def body() -> None:
                    for i in range(10):
                        space = memory.spaces(f"space {i}")
                        space[number] = i
                        got[number * 10 + i] = space

                return body

            run_threads([work(number) for number in range(THREADS)])
            for i in range(10):
                space = memory.spaces(f"space {i}")
                assert all(got[number * 10 + i] is space for number in range(THREADS))
                assert space.seed == derive_seed(3, f"space {i}")
                assert space.read(0, THREADS).tolist() == [i] * THREADS
                assert space.written_words == THREADS


def test_spaces_may_be_made_while_others_write_and_compact(tmp_path) -> None:
    with engram.open(tmp_path / "memory", seed=3) as memory:
        memory[0] = 1  # whatever has to be compiled is compiled now
        until = time.monotonic() + 1.5
        made = [0]

        def make() -> None:
            while time.monotonic() < until:
                memory.spaces(f"space {made[0]}")[0] = made[0]
                made[0] += 1

        def write() -> None:
            i = 0
            while time.monotonic() < until:
                memory.write(i % 100_000, [1, 2, 3])
                i += 3

        def tidy() -> None:
            while time.monotonic() < until:
                memory.compact()
                str(memory.report())
                memory.space_names()

        run_threads([make, write, tidy])
        assert made[0] > 1
    with engram.open(tmp_path / "memory") as memory:
        assert [memory.spaces(f"space {i}")[0] for i in range(made[0])] == list(range(made[0]))


def test_a_reader_keeps_its_words_while_it_refreshes(tmp_path) -> None:
    steady = np.arange(1000, 21_000, 7, dtype=np.uint64)
    with engram.open(tmp_path / "memory", seed=3) as writer:
        writer.write(steady, steady)
        writer.flush()
        until = time.monotonic() + 2
        with engram.open(tmp_path / "memory", read_only=True) as reader:

            def write() -> None:
                i = 1
                while time.monotonic() < until:
                    writer[0] = i
                    writer.flush()
                    if i % 20 == 0:
                        writer.compact()
                    i += 1

            def refresh() -> None:
                while time.monotonic() < until:
                    reader.refresh()

            def read() -> None:
                newest = 0
                while time.monotonic() < until:
                    assert (reader.read(steady) == steady).all()
                    assert reader[int(steady[-1])] == int(steady[-1])
                    if reader.is_written(0):
                        assert reader[0] >= newest
                        newest = reader[0]

            run_threads([write, refresh, refresh, read, read])
            reader.refresh()
            assert reader[0] == writer[0]


def test_a_memory_closed_under_its_users_refuses_them(tmp_path) -> None:
    memory = engram.open(tmp_path / "memory", seed=3)
    stopped = [False] * 4

    def use_for_ever(number: int) -> None:
        for i in itertools.count():
            memory.write(number * 10**6 + i % 1000, [i])
            memory.read(number * 10**6, 1000)
            memory.flush()

    def use(number: int) -> Callable[[], None]:
        def body() -> None:
            with pytest.raises(ValueError, match="must be open, not closed"):
                use_for_ever(number)
            stopped[number] = True

        return body

    def close() -> None:
        time.sleep(0.3)
        memory.close()
        memory.close()

    run_threads([use(0), use(1), use(2), use(3), close])
    assert all(stopped)
    with engram.open(tmp_path / "memory") as again:
        assert again.written_words > 0
