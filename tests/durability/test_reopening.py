"""A memory is found again as it was left, however its writes were made."""


import numpy as np
import pytest

import engram
from tests.durability.content import LAST, fill, holds, made


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_a_memory_is_found_again_as_it_was_left(device, tmp_path, durability) -> None:
    place = tmp_path / "deep" / "memory"
    settings = {"device": device, "durability": durability}
    with engram.open(place, seed=5, law=4, **settings) as memory:
        held = fill(memory)
        memory.spaces("a", quota=10).write(LAST - 3, [1, 2, 3, 4])
        holds(memory, held)
    for _ in range(3):
        with engram.open(place, **settings) as memory:
            holds(memory, held)
            assert (memory.seed, memory.law.number) == (5, 4)
            assert memory.space_names() == ["a"]
            space = memory.spaces("a")
            assert space.read(LAST - 3, 4).tolist() == [1, 2, 3, 4]
            assert (space.quota, space.written_words) == (10, 4)
            with pytest.raises(engram.QuotaExceeded):
                space.write(0, range(7))
            memory.compact()


def test_a_flush_makes_durable_what_was_written_before_it(tmp_path) -> None:
    with engram.open(tmp_path / "memory", seed=5) as memory:
        memory.write(0, [1, 2, 3])
        memory[9] = 4
        memory.flush()
        memory.write(0, [7])
        memory[9] = 8
        with engram.open(tmp_path / "memory", read_only=True) as reader:
            assert reader.read(0, 3).tolist() == [1, 2, 3]
            assert reader[9] == 4


def test_a_write_at_return_is_durable_when_it_returns(tmp_path) -> None:
    with (
        engram.open(tmp_path / "memory", durability="return") as memory,
        engram.open(tmp_path / "memory", read_only=True) as reader,
    ):
        for change, expected in (
            (lambda: memory.write(0, [1, 2, 3]), [1, 2, 3]),
            (lambda: memory.__setitem__(1, 9), [1, 9, 3]),
            (lambda: memory.write([2, 0], 5), [5, 9, 5]),
        ):
            change()
            reader.refresh()
            assert reader.read(0, 3).tolist() == expected
        assert memory.erase(1) == 1
        reader.refresh()
        assert reader.written_words == 2


def test_values_may_be_changed_after_a_write_that_waits(tmp_path) -> None:
    values, addresses = np.arange(10, dtype=np.uint64), np.arange(90, 100, dtype=np.uint64)
    with engram.open(tmp_path / "memory") as memory:
        memory.write(0, values)
        memory.write(addresses, values)
        memory.write(addresses[:2], 77)
        memory.erase(addresses[5:])
        values[:] = 0
        addresses[:] = 0
    with engram.open(tmp_path / "memory") as memory:
        assert memory.read(0, 10).tolist() == list(range(10))
        assert memory.read(90, 5).tolist() == [77, 77, 2, 3, 4]
        assert memory.written_words == 15


def test_single_words_and_others_keep_their_order(tmp_path) -> None:
    with engram.open(tmp_path / "memory") as memory:
        memory[1] = 1
        memory.erase(1)
        memory[2] = 1
        memory.write(2, [2])
        memory[3] = 1
        memory.write([3], [2])
        memory.write(4, [1, 1])
        memory[5] = 2
        memory.erase([2])
        memory[2] = 3
    with engram.open(tmp_path / "memory") as memory:
        assert memory.read(2, 4).tolist() == [3, 2, 1, 2]
        assert not memory.is_written(1)


def test_words_of_several_spaces_keep_their_order(tmp_path) -> None:
    with engram.open(tmp_path / "memory") as memory:
        a, b = memory.spaces("a"), memory.spaces("b")
        for i in range(50):
            a[5] = i
            b[5] = 100 + i
            if i % 7 == 0:
                memory.erase(5)
            memory[5] = 200 + i
            if i % 10 == 9:
                a.write(5, [i, i])
    with engram.open(tmp_path / "memory") as memory:
        a, b = memory.spaces("a"), memory.spaces("b")
        assert [a[5], a[6], b[5], memory[5]] == [49, 49, 149, 249]


def test_the_directorys_seed_and_law_are_taken_or_insisted_on(device, tmp_path) -> None:
    with engram.open(tmp_path / "memory", seed=2**64 - 1, law="splitmix", device=device) as memory:
        word = memory[7]
    for settings in ({}, {"seed": 2**64 - 1}, {"law": 3}, {"law": "splitmix", "seed": 2**64 - 1}):
        with engram.open(tmp_path / "memory", device=device, **settings) as memory:
            assert (memory.seed, memory.law.number, memory[7]) == (2**64 - 1, 3, word)
    for settings, what in (
        ({"seed": 0}, "seed 0"),
        ({"law": 1}, "law 1"),
        ({"law": "vrns16"}, "law 2"),
        ({"seed": 1, "law": 3}, "seed 1"),
        ({"seed": 1, "read_only": True}, "seed 1"),
    ):
        with pytest.raises(engram.VersionMismatch, match=f"created with seed .* not with {what}"):
            engram.open(tmp_path / "memory", device=device, **settings)
    with engram.open(tmp_path / "memory", device=device):  # a refusal leaves no lock behind
        pass


def test_a_law_of_the_future_is_refused(tmp_path, monkeypatch) -> None:
    made(tmp_path / "memory")
    monkeypatch.setattr("engram.memory.LAWS", {})
    with pytest.raises(engram.VersionMismatch, match="law 1, which this version lacks"):
        engram.open(tmp_path / "memory")
    monkeypatch.undo()
    engram.open(tmp_path / "memory").close()
