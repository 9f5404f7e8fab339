"""The log stays bounded, and gives its space back."""


import numpy as np
import pytest

import engram
from tests.durability.content import words_of


@pytest.mark.parametrize("durability", ["flush", "return"])
@pytest.mark.parametrize("kind", ["words", "runs", "singles"])
def test_the_log_stays_bounded_by_itself(tmp_path, monkeypatch, durability, kind) -> None:
    monkeypatch.setattr("engram.ledger._SLACK_WORDS", 5000)
    with engram.open(tmp_path / "memory", durability=durability) as memory:
        most = 0
        for turn in range(60):
            if kind == "words":
                memory.write(range(0, 3000, 3), turn)
            elif kind == "runs":
                memory.write(0, np.full(1000, turn))
            else:
                for i in range(1000 if durability == "flush" else 3):
                    memory[i] = turn
                if durability == "return":
                    memory.write(0, np.full(1000, turn))
            memory.flush()
            most = max(most, memory.report().log_words)
        assert memory.written_words == 1000
        assert most <= 2 * 1000 + 5000 + 2 * 1003
    with engram.open(tmp_path / "memory") as memory:
        assert memory.written_words == 1000
        assert memory[0] == 59


def test_an_unasked_compaction_without_room_is_no_error(tmp_path, monkeypatch, caplog) -> None:
    """The flush did what it should; the log is only longer than it could be."""
    monkeypatch.setattr("engram.ledger._SLACK_WORDS", 0)
    with engram.open(tmp_path / "memory") as memory:
        memory.write(0, np.arange(1000))
        memory.flush()

        def full(records: object) -> None:
            raise engram.StoreFull("no room")

        monkeypatch.setattr(memory._store, "compact", full)
        for turn in range(5):
            memory.write(0, np.full(1000, turn))
            memory.flush()
        monkeypatch.undo()
    assert "the log could not be compacted: no room" in caplog.text
    with engram.open(tmp_path / "memory") as memory:
        assert memory.read(0, 1000).tolist() == [4] * 1000


def test_compaction_gives_space_back(tmp_path) -> None:
    with engram.open(tmp_path / "memory") as memory:
        for number in range(20):
            memory.write(0, words_of(number, 100_000))
            memory.flush()
        memory.erase(1000, 99_000)
        before = memory.report()
        memory.compact()
        after = memory.report()
        assert before.log_words == 20 * 100_000 + 1 or before.log_words == 20 * 100_000
        assert after.log_words == memory.written_words == 1000
        assert after.disk_bytes < before.disk_bytes / 2
    with engram.open(tmp_path / "memory") as memory:
        assert (memory.read(0, 1000) == words_of(19, 1000)).all()


def test_many_waiting_words_are_flushed_unasked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("engram.ledger._WAITING_WORDS", 1000)
    with engram.open(tmp_path / "memory") as memory:
        memory.write(0, np.arange(1001))
        with engram.open(tmp_path / "memory", read_only=True) as reader:
            assert reader.written_words == 1001
            for i in range(1001):
                memory[5000 + i] = i
            reader.refresh()
            assert reader.written_words == 2002
