"""Permanences move as the law says, and replayed patterns compete."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lava_procs.consolidation.process import PERIOD, Consolidation
from lava_procs.learning.process import CLEAR, ONE_SHOT, PLATEAU, RESTORE, Learning


def learnt(drive: Any, permanences: Any, steps: list[tuple[int, int, list[int]]]) -> Any:
    """Let gates (kind, place) open while spikes come; return rows and places."""
    found = drive(
        Learning(neurons=len(permanences[0]), permanences=permanences),
        {
            "s_in": np.array([spikes for _, _, spikes in steps]),
            "gate_in": np.array([(gate, 1 + place) for gate, place, _ in steps]),
        },
        ["w_out", "go_out"],
    )
    return found["w_out"].tolist(), found["go_out"].ravel().tolist()


def test_one_shot_writes_twelve_where_spikes_are_and_clears_the_rest(drive: Any) -> None:
    rows, places = learnt(
        drive,
        [[0, 0, 0, 0], [3, 15, 0, 9]],
        [(ONE_SHOT, 1, [1, 0, 1, 0]), (0, 0, [1, 1, 1, 1]), (PLATEAU, 1, [0, 0, 0, 0])],
    )
    assert rows == [[12, 0, 12, 0], [0, 0, 0, 0], [11, 0, 11, 0]]
    assert places == [2, 0, 2]


def test_a_plateau_moves_permanences_within_their_bounds(drive: Any) -> None:
    step = (PLATEAU, 0, [1, 1, 1, 0, 0, 0])
    rows, _ = learnt(drive, [[0, 9, 13, 0, 1, 8], [5] * 6], [step, step])
    assert rows == [[4, 13, 15, 0, 0, 7], [8, 15, 15, 0, 0, 6]]


def test_only_the_addressed_row_changes(drive: Any) -> None:
    nothing = [0] * 4
    rows, _ = learnt(
        drive,
        [[9] * 4, [9] * 4, [9] * 4],
        [
            (CLEAR, 1, nothing),
            (RESTORE, 2, [3, 0, 15, 8]),
            (PLATEAU, 0, nothing),
            (PLATEAU, 1, nothing),
            (PLATEAU, 2, nothing),
        ],
    )
    assert rows == [[0] * 4, [3, 0, 15, 8], [8] * 4, [0] * 4, [2, 0, 14, 7]]


def judged(weights: Any, occupied: Any, cue: Any, overlap: int, strengths: Any) -> list[int]:
    """Return the law's verdict, computed plainly."""
    places = np.flatnonzero(occupied).tolist()
    potentials = weights @ cue
    attractor = min(places, key=lambda i: (max(0, 10 - int(potentials[i])), i))
    shared = weights @ weights[attractor]
    least = overlap * int(weights[attractor].sum()) >> 8
    group = [i for i in places if shared[i] >= least]
    strongest = min(group, key=lambda i: (-int(strengths[i]), i))
    verdict = [0] * len(weights)
    for i in group:
        verdict[i] = 1 if i == strongest else -1
    return verdict


@pytest.mark.parametrize("network", [False, True])
def test_replayed_patterns_compete_as_the_law_says(
    drive: Any, rng: np.random.Generator, network: bool
) -> None:
    weights = np.zeros((18, 64), np.int32)
    for row in weights:
        row[rng.permutation(64)[: rng.integers(8, 14)]] = 1
    weights[5] = weights[1]  # learnt rows may have more bits than a code; some are alike
    weights[6] = weights[1]
    weights[6, :2] = 1
    occupied = np.ones(18, bool)
    occupied[[0, 11]] = False
    weights[~occupied] = 0
    strengths = rng.integers(0, 4, 18)  # few values, so that many tie
    period = PERIOD if network else 1
    cues = [weights[1], weights[6], *(rng.random((4, 64)) < 0.2)]
    overlaps = [180, 64, 0, 100, 256, 30]
    rows = np.zeros((len(cues) * period, 64), int)
    go = np.zeros((len(rows), 1), int)
    rows[::period], go[::period, 0] = cues, [1 + overlap for overlap in overlaps]
    inputs = {"s_in": rows, "go_in": go, "strength_in": np.tile(strengths, (len(rows), 1))}
    if not network:
        inputs["w_in"] = np.zeros((len(rows), 3), int)
    process = Consolidation(synapses=csr_matrix(weights), occupied=occupied, winners=10)
    found = drive(process, inputs, ["s_out", "go_out"], network=network)
    answers = np.flatnonzero(found["go_out"])
    assert answers.tolist() == list(range(period - 1, len(rows), period))
    for step, cue, overlap in zip(answers, cues, overlaps, strict=True):
        expected = judged(weights, occupied, cue.astype(int), overlap, strengths)
        assert found["s_out"][step].tolist() == expected
