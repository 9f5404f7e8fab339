"""Threads may recall while others change what there is."""

import threading
import time

import numpy as np
import pytest

import engram
from engram.turnstile import Turnstile
from tests.associations.content import embeddings, names


def run(*targets) -> None:
    errors: list[BaseException] = []

    def guarded(target) -> None:
        try:
            target()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("durability", [None, "flush", "return"])
def test_recalls_go_on_while_patterns_come_and_go(make, tmp_path, durability) -> None:
    settings = {} if durability is None else {"durability": durability}
    memory = make(None if durability is None else tmp_path / "memory", **settings)
    rows = embeddings(24)
    memory.remember(names(8), rows[:8])
    done = threading.Event()

    def change() -> None:
        try:
            for turn in range(6):
                memory.remember(["x", "y"], rows[8 + turn : 10 + turn])
                memory.remember("x", rows[20], gated=True)
                memory.forget("y")
                memory.flush()
                if durability and turn % 3 == 0:
                    memory.compact()
        finally:
            done.set()

    def recall() -> None:
        while not done.is_set():
            for row in range(8):
                assert memory.recall(rows[row])[0].id == f"p{row}"
            assert memory.complete(rows[3]).id == "p3"
            assert len(memory.associations.summaries()) in (8, 9, 10)
            memory.report()

    run(change, recall, recall)
    assert sorted(memory.associations) == [*names(8), "x"]


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_threads_that_remember_take_slots_of_their_own(make, tmp_path, durability) -> None:
    memory = make(tmp_path / "memory", durability=durability)
    rows = embeddings(40)

    def some(first: int):
        def target() -> None:
            for i in range(first, 40, 4):
                memory.remember(f"p{i}", rows[i])

        return target

    run(*(some(first) for first in range(4)))
    assert sorted(memory.associations) == sorted(names(40))
    assert [answer[0].id for answer in memory.recall(rows)] == names(40)
    memory.close()
    with make(tmp_path / "memory") as again:
        assert [answer[0].id for answer in again.recall(rows)] == names(40)


def test_two_threads_that_remember_first_agree_on_the_width(make) -> None:
    memory = make()
    outcomes: list[int | Exception] = []

    def first(width: int):
        def target() -> None:
            try:
                memory.remember(f"w{width}", np.ones(width))
                outcomes.append(width)
            except ValueError as error:
                outcomes.append(error)

        return target

    run(*(first(width) for width in (4, 5, 6, 7)))
    kept = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert [memory.associations.width] == kept
    assert len(outcomes) == 4


def test_a_writer_is_alone_inside() -> None:
    turnstile = Turnstile()
    inside: list[str] = []
    most = {"readers": 0}

    def reader() -> None:
        for _ in range(50):
            with turnstile.read():
                inside.append("r")
                assert "w" not in inside
                most["readers"] = max(most["readers"], len(inside))
                time.sleep(0.0002)
                inside.remove("r")

    def writer() -> None:
        for _ in range(50):
            with turnstile.write():
                assert not inside
                inside.append("w")
                time.sleep(0.0001)
                assert inside == ["w"]
                inside.remove("w")

    run(reader, reader, writer, writer)
    assert most["readers"] == 2


def test_a_device_that_fails_while_writing_leaves_the_patterns_as_they_were(make) -> None:
    memory = make()
    memory.remember(names(3), embeddings(3))
    backend = memory.associations._backend
    backend.write = lambda slots, vectors: (_ for _ in ()).throw(engram.DeviceFault("broken"))
    with pytest.raises(engram.DeviceFault):
        memory.remember("x", embeddings(1)[0])
    del backend.write
    assert list(memory.associations) == names(3)
    memory.remember("x", embeddings(4)[3])
    assert memory.recall(embeddings(4)[3])[0].id == "x"
