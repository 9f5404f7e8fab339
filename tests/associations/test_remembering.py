"""What is remembered is recalled, updated, listed and forgotten."""

import numpy as np
import pytest

import engram
from engram.arch.associations import initial_strength
from tests.associations.content import LAW, WIDTH, embeddings, names, noisy


def test_what_was_remembered_is_recalled_from_a_noisy_cue(memory) -> None:
    rows = embeddings(60)
    memory.remember(names(60), rows)
    for row, cue in zip(range(60), noisy(rows, 0.3), strict=True):
        (found,) = memory.recall(cue)
        assert found.id == f"p{row}"
        cosine = cue @ rows[row] / np.linalg.norm(cue) / np.linalg.norm(rows[row])
        assert found.similarity == pytest.approx(cosine, abs=0.02)
        assert 0.9 < found.confidence <= 1
        assert 0 <= found.latency <= LAW.last_latency


def test_the_pattern_itself_has_similarity_one(memory) -> None:
    rows = embeddings(20)
    memory.remember(names(20), rows)
    for row in range(20):
        # Norms are rounded down to 2**-8.
        assert memory.recall(rows[row])[0].similarity == pytest.approx(1, abs=1e-4)


def test_several_cues_are_answered_as_one_by_one(memory) -> None:
    rows = embeddings(30)
    memory.remember(names(30), rows)
    cues = noisy(rows[:7], 0.6)
    together = memory.recall(cues, k=3)
    assert together == [memory.recall(cue, k=3) for cue in cues]
    assert [len(answer) for answer in together] == [3] * 7


def test_answers_are_sorted_and_end_with_the_patterns(memory) -> None:
    memory.remember(names(10), embeddings(10))
    found = memory.recall(embeddings(10)[4], k=1000)
    assert len(found) == 10
    similarities = [recall.similarity for recall in found]
    assert similarities == sorted(similarities, reverse=True)
    assert sum(recall.confidence for recall in found) <= 1


def test_a_threshold_leaves_out_what_is_farther(memory) -> None:
    memory.remember(names(10), embeddings(10))
    cue = noisy(embeddings(10)[4], 0.3)
    everything = memory.recall(cue, k=10)
    for least in (0.0, everything[1].similarity, 0.5, 1.0):
        if least < 0:
            continue
        found = memory.recall(cue, k=10, threshold=least)
        assert found == [recall for recall in everything if recall.similarity >= least]
    assert memory.recall(-cue, k=10, threshold=1.0) == []


def test_what_was_remembered_with_a_pattern_comes_back_with_it(memory) -> None:
    rows = embeddings(3)
    notes = [{"page": 3, "tags": ["a", "ü"], "deep": {"x": None}}, None, {}]
    memory.remember(names(3), rows, importance=np.array([0, 0.3, 1]), metadata=notes)
    found = [answer[0] for answer in memory.recall(rows)]
    assert [recall.metadata for recall in found] == notes
    assert [recall.importance for recall in found] == [0, 77 / 256, 1]
    found[0].metadata["page"] = 4  # a copy
    assert memory.recall(rows[0])[0].metadata == notes[0]


def test_one_is_remembered_as_several_are(make) -> None:
    rows = embeddings(5)
    one, several = make(), make()
    for row in range(5):
        one.remember(f"p{row}", rows[row], importance=row / 5, metadata={"row": row})
    several.remember(
        tuple(names(5)), rows, importance=np.arange(5) / 5, metadata=[{"row": i} for i in range(5)]
    )
    cues = noisy(rows, 0.5)
    assert one.recall(cues, k=5) == several.recall(cues, k=5)


def test_a_known_id_is_updated(memory) -> None:
    rows = embeddings(4)
    memory.remember(names(3), rows[:3], importance=0.9, metadata=[{"old": 1}] * 3)
    memory.remember("p1", rows[3])
    assert list(memory.associations) == names(3)
    (found,) = memory.recall(rows[3])
    assert (found.id, found.importance, found.metadata) == ("p1", 0.5, None)
    assert memory.recall(rows[1], threshold=0.9) == []


def test_of_one_id_twice_in_a_call_the_later_wins(memory) -> None:
    rows = embeddings(3)
    memory.remember(["a", "b", "a"], rows, metadata=[{"n": 0}, {"n": 1}, {"n": 2}])
    assert sorted(memory.associations) == ["a", "b"]
    assert memory.recall(rows[0], threshold=0.9) == []
    assert memory.recall(rows[2])[0].metadata == {"n": 2}


def test_a_gated_write_moves_a_pattern_towards_the_embedding(memory) -> None:
    rows = embeddings(20)
    memory.remember(names(20), rows)
    memory.consolidate()
    before = memory.associations.get("p3")
    assert before.strength == 255
    similarities = [memory.recall(rows[3] + rows[0], k=20)]
    for _ in range(3):
        memory.remember("p3", rows[3] + rows[0], gated=True)
        similarities.append(memory.recall(rows[3] + rows[0], k=20))
    ours = [{r.id: r.similarity for r in answer}["p3"] for answer in similarities]
    assert ours == sorted(ours)
    assert ours[-1] > ours[0] + 0.05
    after = memory.associations.get("p3")
    assert after.strength == before.strength
    assert len(memory.associations) == 20
    _, permanences = memory.associations._backend.synapses(3)
    assert set(permanences.tolist()) - {12}


def test_a_gated_write_of_an_unknown_id_is_one_shot(make) -> None:
    gated, plain = make(), make()
    gated.remember(names(5), embeddings(5), gated=True)
    plain.remember(names(5), embeddings(5))
    for slot in range(5):
        ours, theirs = (m.associations._backend.synapses(slot) for m in (gated, plain))
        assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


def test_forgetting_takes_a_pattern_away(memory) -> None:
    rows = embeddings(10)
    memory.remember(names(10), rows)
    memory.forget("p3")
    memory.forget(["p5", "p7", "p5"])
    assert len(memory.associations) == 7
    assert "p3" not in memory.associations
    assert all(memory.recall(rows[i])[0].id != f"p{i}" for i in (3, 5, 7))
    assert memory.associations.get("p3") is None


def test_an_unknown_id_forgets_nothing(memory) -> None:
    memory.remember(names(3), embeddings(3))
    with pytest.raises(engram.NotFound, match="no pattern has the id 'x'"):
        memory.forget(["p0", "x"])
    with pytest.raises(engram.NotFound):
        memory.forget("p9")
    assert len(memory.associations) == 3


def test_the_lowest_free_slot_is_taken_first(memory) -> None:
    rows = embeddings(12)
    memory.remember(names(8), rows[:8])
    memory.forget(["p5", "p1", "p6"])
    memory.remember(["x", "p0", "y"], rows[8:11])
    memory.remember(["z", "w"], rows[10:12])
    assert list(memory.associations) == ["p0", "x", "p2", "p3", "p4", "y", "z", "p7", "w"]


def test_a_stored_pattern_can_be_looked_at(memory) -> None:
    row = embeddings(1)[0]
    memory.remember("a", row, importance=0.25, metadata={"x": 1})
    pattern = memory.associations.get("a")
    assert pattern.embedding.dtype == np.float32
    assert np.linalg.norm(pattern.embedding) == pytest.approx(1, abs=1e-6)
    assert pattern.embedding @ row / np.linalg.norm(row) == pytest.approx(1, abs=1e-4)
    assert (pattern.importance, pattern.metadata) == (0.25, {"x": 1})
    assert pattern.strength == initial_strength(64)
    assert memory.associations.summaries()[0].strength == pattern.strength
    assert "a" in memory.associations
    assert 3 not in memory.associations


def test_an_empty_memory_recalls_nothing(memory) -> None:
    cue = embeddings(2)
    assert memory.recall(cue[0]) == []
    assert memory.recall(cue, k=4) == [[], []]
    assert memory.recall(code=[1, 2]) == []
    assert memory.complete(cue[0]) is None
    assert memory.complete(cue) == [None, None]
    assert memory.consolidate() == engram.Consolidation(0, 0, True, 0, [], 0)
    assert list(memory.associations) == []
    memory.remember([], np.zeros((0, WIDTH)))
    memory.forget([])
    assert memory.associations.width is None  # nothing of this fixed it
    memory.remember("a", np.ones(7))
    memory.forget("a")
    assert memory.recall(np.ones(7)) == []
    assert memory.associations.width == 7


def test_no_cues_get_no_answers(memory) -> None:
    memory.remember(names(3), embeddings(3))
    assert memory.recall(np.zeros((0, WIDTH))) == []
    assert memory.complete(np.zeros((0, WIDTH))) == []


def test_every_real_dtype_is_an_embedding(memory) -> None:
    memory.remember("a", [3, -1, 2])
    for cue in (
        np.array([3, -1, 2], np.int8),
        np.array([3, 255, 2], np.uint8).view(np.int8),
        np.array([3, -1, 2], np.float16),
        np.array([3, -1, 2], np.longdouble),
        np.array([3e307, -1e307, 2e307]),
        np.array([3e-320, -1e-320, 2e-320]),
        [3.0, -1, 2],
        (3, -1, 2),
    ):
        assert memory.recall(cue)[0].similarity > 0.999


def test_a_report_tells_what_was_done(make) -> None:
    memory = make()
    assert memory.report().associations is None
    memory.remember(names(10), embeddings(10))
    memory.recall(embeddings(10), k=2)
    found = memory.report()
    facet = found.associations
    assert (facet.patterns, facet.width, facet.cues) == (10, WIDTH, 10)
    assert facet.spikes > 0
    assert facet.synaptic_events > 0
    assert facet.multiply_adds > 0
    assert 0 < facet.ram_bytes <= found.ram_bytes
    assert facet.float_bytes == 4 * WIDTH * 10
    assert f"associations on {facet.device}, custom: 10 patterns" in str(found)
    assert found.to_dict()["associations"]["float_bytes"] == facet.float_bytes


def test_a_closed_memory_refuses(make) -> None:
    memory = make()
    memory.remember("a", np.ones(3))
    memory.close()
    for call in (
        lambda: memory.remember("a", np.ones(3)),
        lambda: memory.recall(np.ones(3)),
        lambda: memory.complete(np.ones(3)),
        lambda: memory.forget("a"),
        lambda: memory.consolidate(),
        lambda: list(memory.associations),
        lambda: memory.associations.get("a"),
    ):
        with pytest.raises(ValueError, match="the memory must be open, not closed"):
            call()
