"""A directory brings back every pattern exactly: permanences, strengths, metadata and clock."""

import numpy as np
import pytest

import engram
from engram.store import verify
from tests.associations.content import embeddings, names, noisy, state


def fill(memory: engram.Memory) -> None:
    """Do a bit of everything."""
    rows = embeddings(30)
    memory.remember(names(20), rows[:20], importance=np.arange(20) / 20)
    memory.remember(["near0", "near1"], noisy(rows[[0, 0]], 0.1), metadata=[{"n": 0}, {"ü": [1]}])
    for turn in range(4):
        memory.remember(["p3", "p4"], noisy(rows[[3, 4]], 0.4, turn), gated=True)
    memory.forget(["p7", "p2"])
    memory.remember("p5", rows[25], metadata={"x": None})
    memory.remember(["new", "p9"], rows[26:28], gated=True)
    memory.consolidate(overlap=0.6, epochs=3)


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_everything_is_there_again(make, tmp_path, durability) -> None:
    place = tmp_path / "memory"
    with make(place, durability=durability, seed=4) as memory:
        fill(memory)
        before, clock = state(memory), memory.associations._patterns.clock
        answers = memory.recall(embeddings(30), k=4)
    assert any(permanence != 12 for entry in before.values() for permanence in entry[3])
    with make(place) as memory:
        assert state(memory) == before
        assert memory.associations._patterns.clock == clock == 3
        assert memory.recall(embeddings(30), k=4) == answers
        memory.compact()
        assert state(memory) == before
    assert verify(place).ok
    with make(place, read_only=True) as memory:
        assert state(memory) == before
        assert memory.associations._patterns.clock == clock
        with pytest.raises(engram.ReadOnly):
            memory.forget("new")
        with pytest.raises(engram.ReadOnly):
            memory.consolidate()


def test_learning_goes_on_where_it_ended(make, tmp_path) -> None:
    """The same calls, with and without a reopening in between, end in the same synapses."""
    rows = embeddings(6)
    with make(tmp_path / "whole") as memory:
        memory.remember(names(5), rows[:5])
        for _ in range(4):
            memory.remember("p1", rows[5], gated=True)
        memory.consolidate()
        whole = state(memory)
    with make(tmp_path / "parts") as memory:
        memory.remember(names(5), rows[:5])
    for _ in range(4):
        with make(tmp_path / "parts") as memory:
            memory.remember("p1", rows[5], gated=True)
    with make(tmp_path / "parts") as memory:
        memory.consolidate(epochs=2)
    with make(tmp_path / "parts") as memory:
        memory.consolidate()
        assert state(memory) == whole


def test_what_was_not_flushed_is_gone_whole(make, tmp_path) -> None:
    memory = make(tmp_path / "memory")
    memory.remember(names(5), embeddings(5))
    memory.flush()
    before = state(memory)
    memory.remember("x", embeddings(1)[0])
    memory.forget("p2")
    memory.close(discard=True)
    with make(tmp_path / "memory") as memory:
        assert state(memory) == before


def test_words_and_patterns_are_durable_together(make, tmp_path) -> None:
    with make(tmp_path / "memory") as memory:
        for turn in range(10):
            memory[turn] = turn
            memory.remember(f"p{turn}", embeddings(10)[turn])
            memory.spaces("a")[turn] = turn
        memory.compact()
        memory[3] = 33
        memory.forget("p3")
    with make(tmp_path / "memory") as memory:
        assert memory.read(0, 10).tolist() == [0, 1, 2, 33, 4, 5, 6, 7, 8, 9]
        assert list(memory.associations) == [name for name in names(10) if name != "p3"]
        assert memory.spaces("a").read(0, 10).tolist() == list(range(10))


def test_a_reader_follows_the_writer(make, tmp_path) -> None:
    writer = make(tmp_path / "memory")
    reader = make(tmp_path / "memory", read_only=True)
    assert reader.recall(np.ones(3)) == []
    rows = embeddings(30)
    for turn in range(8):
        writer.remember([f"p{turn}", f"q{turn}"], rows[2 * turn : 2 * turn + 2])
        if turn:
            writer.remember(f"p{turn - 1}", rows[29], gated=True)
            writer.forget(f"q{turn - 1}")
        before = state(reader)
        writer.flush()
        assert state(reader) == before  # until it looks
        reader.refresh()
        assert state(reader) == state(writer)
        if turn == 3:
            writer.compact()
        if turn == 5:
            writer.consolidate()
            writer.compact()
            writer.flush()
            reader.refresh()
            assert state(reader) == state(writer)


def test_slots_pass_from_one_id_to_another(make, tmp_path) -> None:
    """Compactions between changes and their flush replay them over a later state."""
    rows = embeddings(9)
    with make(tmp_path / "memory") as memory:
        memory.remember(names(3), rows[:3])
        memory.flush()
        memory.forget(["p0", "p1"])
        memory.remember("p1", rows[3])  # now in slot 0
        memory.remember("x", rows[4])
        memory._ledger.compact()  # with all of this still waiting
        before = state(memory)
        with make(tmp_path / "memory", read_only=True) as reader:
            assert state(reader) == before
            memory.flush()
            reader.refresh()
            assert state(reader) == before
    with make(tmp_path / "memory") as memory:
        assert state(memory) == before
        memory.remember("y", rows[5])
        assert list(memory.associations) == ["p1", "x", "p2", "y"]


def test_the_log_of_patterns_stays_bounded_by_itself(make, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("engram.ledger._SLACK_WORDS", 500)
    with make(tmp_path / "memory") as memory:
        most = 0
        for turn in range(40):
            memory.remember(names(10), embeddings(10, seed=turn))
            memory.flush()
            most = max(most, memory.report().log_words)
        held = memory._ledger.held_words
        assert most <= 2 * held + 500 + 3 * held
    with make(tmp_path / "memory") as memory:
        assert [answer[0].id for answer in memory.recall(embeddings(10, seed=39))] == names(10)


def test_many_waiting_patterns_are_flushed_unasked(make, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("engram.ledger._WAITING_WORDS", 100)
    memory = make(tmp_path / "memory")
    memory.remember(names(50), embeddings(50))
    with make(tmp_path / "memory", read_only=True) as reader:
        assert len(reader.associations) == 50


def test_large_batches_are_one_change(make, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("engram.associations.keeping._PIECE_BYTES", 300)
    notes = [{"n": "x" * (97 * i % 1000)} for i in range(40)]
    with make(tmp_path / "memory") as memory:
        memory.remember(names(40), embeddings(40), metadata=notes)
        memory.remember("p3", embeddings(1)[0], gated=True, metadata={"moved": True})
        before = state(memory)
        memory.compact()
    with make(tmp_path / "memory") as memory:
        assert state(memory) == before


@pytest.mark.parametrize("durability", ["flush", "return"])
def test_a_full_directory_keeps_what_it_has(make, tmp_path, durability) -> None:
    memory = make(tmp_path / "memory", store_bytes=1 << 20, durability=durability)
    kept = 0
    while True:
        many = [f"{kept}-{i}" for i in range(8)]
        try:
            memory.remember(many, embeddings(8, seed=kept), metadata=[{"x": "y" * 20_000}] * 8)
            memory.flush()
        except engram.StoreFull:
            break
        kept += 1
    assert kept > 1
    assert len(memory.associations) == 8 * (kept + (durability == "flush"))
    if durability == "flush":  # visible, and waits
        with pytest.raises(engram.StoreFull):
            memory.flush()
        memory.close(discard=True)
    else:
        memory.remember("small", embeddings(1)[0])
        memory.close()
    with make(tmp_path / "memory") as memory:
        assert len(memory.associations) == 8 * kept + (durability == "return")
        assert memory.recall(embeddings(8, seed=kept - 1)[3])[0].id == f"{kept - 1}-3"
        memory.remember("more", embeddings(1)[0], metadata={"x": "y" * 20_000})


def test_a_directory_is_compacted_without_its_device(make, tmp_path) -> None:
    place = tmp_path / "memory"
    rows = embeddings(12)
    with make(place) as memory:
        for turn in range(6):
            memory.remember(names(12), embeddings(12, seed=turn))
        memory.remember(names(12), rows)
        memory.remember("p3", rows[4], gated=True)
        memory.remember("p7", rows[4], gated=True)
        memory.consolidate(epochs=2)
        memory.forget("p7")
        before = state(memory)
        held = memory._ledger.held_words
        memory.flush()
        assert memory.report().log_words > 6 * held
    with make(place) as memory:
        memory.compact()
        assert memory.associations._backend is None
        # Else a log that holds nothing but what is needed would be rewritten again and again.
        assert held * 0.8 < memory.report().log_words - 30 < held * 1.2
    with make(place) as memory:
        assert state(memory) == before


def test_a_reader_forgets_what_was_compacted_away(make, tmp_path) -> None:
    writer = make(tmp_path / "memory")
    writer.remember(names(6), embeddings(6))
    writer.flush()
    reader = make(tmp_path / "memory", read_only=True)
    assert len(reader.recall(embeddings(1)[0], k=9)) == 6
    writer.forget(["p0", "p3", "p5"])
    writer.compact()
    reader.refresh()
    found = [recall.id for recall in reader.recall(embeddings(1)[0], k=9)]
    assert sorted(found) == ["p1", "p2", "p4"]


def test_a_gated_write_that_cannot_be_kept_changes_nothing(make, tmp_path, monkeypatch) -> None:
    memory = make(tmp_path / "memory", durability="return")
    memory.remember(names(4), embeddings(4))
    before = state(memory)

    def full(records: object, apply: object = None) -> None:
        raise engram.StoreFull("no room")

    monkeypatch.setattr(memory._store, "commit", full)
    for gated in (True, False):
        with pytest.raises(engram.StoreFull):
            memory.remember(["p1", "new"], embeddings(6)[4:], gated=gated)
    with pytest.raises(engram.StoreFull):
        memory.forget("p2")
    with pytest.raises(engram.StoreFull):
        memory.consolidate()
    assert state(memory) == before
    monkeypatch.undo()
    memory.remember("p1", embeddings(5)[4], gated=True)
    assert state(memory) != before


def test_free_slots_are_given_out_once_after_a_reopening(make, tmp_path) -> None:
    rows = embeddings(12)
    with make(tmp_path / "memory") as memory:
        memory.remember(names(6), rows[:6])
        memory.forget(["p2", "p3"])
        memory.compact()
    with make(tmp_path / "memory") as memory:
        memory.forget("p5")
        memory.remember(["a", "b", "c", "d"], rows[6:10])
        assert list(memory.associations) == ["p0", "p1", "a", "b", "p4", "c", "d"]
        assert [answer[0].id for answer in memory.recall(rows[6:10])] == ["a", "b", "c", "d"]


def test_an_id_may_move_on_while_its_log_is_rewritten(make, tmp_path) -> None:
    rows = embeddings(5)
    with make(tmp_path / "memory") as memory:
        memory.remember("x", rows[0])
        memory.forget("x")
        memory.remember("y", rows[1])
        memory.remember("x", rows[2])
        memory._ledger.compact()  # and what waits is replayed over it
        before = state(memory)
    with make(tmp_path / "memory") as memory:
        assert state(memory) == before
        assert list(memory.associations) == ["y", "x"]
