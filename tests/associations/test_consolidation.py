"""Consolidation keeps what is distinct or important, and ends."""

import numpy as np

from engram.arch.associations import REPLAY_DRAIN, REPLAY_GAIN, initial_strength
from engram.associations.consolidation import replayed_strengths, weakest
from tests.associations.content import embeddings, names, noisy


def test_distinct_patterns_grow_to_full_strength_and_then_rest(memory) -> None:
    memory.remember(names(12), embeddings(12))
    done = memory.consolidate()
    # 128 of strength at first, and a win an epoch: the fifth epoch changes nothing.
    assert done.converged
    assert done.epochs == -(-(255 - initial_strength(128)) // REPLAY_GAIN) + 1
    assert (done.replays, done.strengthened) == (12 * done.epochs, 12)
    assert (done.pruned, done.remaining) == ([], 12)
    assert {summary.strength for summary in memory.associations.summaries()} == {255}
    again = memory.consolidate()
    assert (again.epochs, again.strengthened, again.converged) == (1, 0, True)
    assert memory.report().associations.epochs == done.epochs + 1


def test_of_patterns_much_alike_the_most_important_remains(memory) -> None:
    rows = embeddings(8)
    near = noisy(np.repeat(rows[:1], 4, axis=0), 0.1)
    memory.remember(names(8), rows)
    memory.remember(["n0", "n1", "n2", "n3"], near, importance=[0.2, 0.9, 0.1, 0.3])
    done = memory.consolidate(overlap=0.5)
    assert done.converged
    assert sorted(done.pruned) == ["n0", "n2", "n3", "p0"]
    assert done.remaining == len(memory.associations) == 8
    assert memory.recall(near[2])[0].id == "n1"


def test_the_utterly_important_is_never_forgotten(memory) -> None:
    near = noisy(np.repeat(embeddings(1), 4, axis=0), 0.05)
    memory.remember(names(4), near, importance=[0, 1, 1, 0])
    done = memory.consolidate(overlap=0.5)
    assert sorted(done.pruned) == ["p0", "p3"]


def test_an_epoch_at_a_time_is_the_same_as_all_at_once(make) -> None:
    memories = [make(seed=3), make(seed=3)]
    rows = noisy(np.repeat(embeddings(5), 3, axis=0), 0.3)
    for memory in memories:
        memory.remember(names(15), rows, importance=np.arange(15) / 20)
    whole = memories[0].consolidate(overlap=0.5, epochs=30)
    pruned = []
    for _ in range(30):
        step = memories[1].consolidate(overlap=0.5, epochs=1)
        pruned += step.pruned
        if step.converged:
            break
    assert pruned == whole.pruned
    assert memories[0].associations.summaries() == memories[1].associations.summaries()


def test_no_epochs_change_nothing(memory) -> None:
    memory.remember(names(3), embeddings(3))
    before = memory.associations.summaries()
    done = memory.consolidate(epochs=0)
    assert (done.epochs, done.replays, done.converged) == (0, 0, False)
    assert memory.associations.summaries() == before


def test_keeping_few_forgets_the_weakest(memory) -> None:
    memory.remember(names(6), embeddings(6), importance=[0.5, 0.1, 0.5, 0.9, 0.5, 0.1])
    done = memory.consolidate(epochs=0, keep=3)
    assert done.pruned == ["p5", "p1", "p4"]
    assert (done.remaining, list(memory.associations)) == (3, ["p0", "p2", "p3"])
    assert memory.consolidate(epochs=0, keep=3).pruned == []
    everything = memory.consolidate(keep=0)
    assert everything.remaining == len(memory.associations) == 0


def test_strengths_follow_wins_and_losses() -> None:
    one = np.ones(1, np.int64)

    def after(strength: int, importance: int, wins: int, losses: int) -> int:
        return int(
            replayed_strengths(strength * one, importance * one, wins * one, losses * one)[0]
        )

    assert after(100, 0, 1, 0) == 100 + REPLAY_GAIN
    assert after(100, 0, 0, 1) == 100 - REPLAY_DRAIN
    assert after(100, 256, 0, 9) == 100
    assert after(100, 128, 0, 2) == 100 - 2 * (REPLAY_DRAIN // 2)
    assert after(250, 0, 1, 0) == 255
    assert after(5, 0, 0, 1) == 0


def test_of_equals_the_later_slot_goes_first() -> None:
    strengths, importances = np.array([5, 5, 9, 5, 5]), np.array([1, 0, 0, 1, 1])
    assert weakest([0, 1, 2, 3, 4], strengths, importances, 5) == [1, 4, 3, 0, 2]
