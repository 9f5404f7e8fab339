"""Pattern neurons race: the equations of the LIF, and standard parts against our own."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lava_procs.race.process import Race
from lava_procs.recall.process import Recall
from lava_procs.synapses import row_message
from lava_procs.winners.process import Winners


def neurons_of(potentials: Any, width: int) -> Any:
    """Return synapses that give each neuron its potential from ones below, minus ones above."""
    half = width // 2
    weights = np.zeros((len(potentials), width), np.int32)
    for row, potential in zip(weights, potentials, strict=True):
        row[:half][: max(0, potential)] = 1
        row[half:][: max(0, -potential)] = 1
    return csr_matrix(weights)


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize(("ramp", "levels"), [(0, 1), (1, 1), (2, 1), (3, 1), (2, 3)])
def test_first_spikes_come_at_the_latency_of_the_law(
    drive: Any, network: bool, ramp: int, levels: int
) -> None:
    threshold = 24
    potentials = np.arange(-threshold, threshold + 1)
    process = Recall(
        synapses=neurons_of(potentials // levels, 100),
        occupied=np.ones(len(potentials), bool),
        threshold=threshold,
        ramp=ramp,
        signed=True,
        levels=levels,
        period=1000,
        offset=2,
    )
    last = 2 * threshold >> ramp
    cues = np.zeros((2 + last, 100), int)
    cues[0, :50], cues[0, 50:] = levels, -levels
    spikes = drive(process, {"s_in": cues}, ["s_out"], network=network)["s_out"]
    assert not spikes[0].any()
    reached = potentials // levels * levels
    expected = np.maximum(0, -((reached - threshold) >> ramp))
    first = np.where(spikes.any(0), spikes.argmax(0) - 1, -1)
    assert first.tolist() == np.where(expected <= last, expected, -1).tolist()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("levels", [1, 3])
def test_spikes_of_standard_parts_are_those_of_our_own(
    drive: Any, rng: np.random.Generator, signed: bool, levels: int
) -> None:
    occupied = rng.random(30) < 0.8
    weights = (rng.random((30, 64)) < 0.3) * occupied[:, None]
    parameters = {
        "synapses": csr_matrix(weights.astype(np.int32)),
        "occupied": occupied,
        "threshold": 16,
        "ramp": 1,
        "signed": signed,
        "levels": levels,
        "period": 40,
        "offset": 3,
    }
    # Cues at odd times as well, before neurons were reset, and long enough to fire twice.
    cues = rng.integers(-levels if signed else 0, levels + 1, (100, 64))
    cues[(rng.random(100) < 0.8)] = 0
    runs = [
        drive(Recall(**parameters), {"s_in": cues}, ["s_out"], network=network)["s_out"]
        for network in (False, True)
    ]
    assert runs[0].sum(0).max() > 2
    assert not runs[0][:, ~occupied].any()
    assert (runs[0] == runs[1]).all()


def test_the_steepest_ramp_fits_the_mantissa(drive: Any) -> None:
    process = Recall(
        synapses=csr_matrix(np.eye(2, 8, dtype=np.int32)),
        occupied=np.ones(2, bool),
        threshold=4096 * 2,
        ramp=12,
        signed=False,
        levels=3,
        period=50,
        offset=1,
    )
    cues = np.zeros((5, 8), int)
    cues[0, 0] = 1
    spikes = drive(process, {"s_in": cues}, ["s_out"], network=True)["s_out"]
    # Steps 1.. of the ramp: 8191 above a potential of 1 needs two of 4096, as 8192 above 0 does.
    assert spikes.argmax(0).tolist() == [2, 2]


def test_a_threshold_that_loihi_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 2\*\*17 - 4, not 131069"):
        Recall(
            synapses=csr_matrix((1, 32), dtype=np.int32),
            occupied=[True],
            threshold=(1 << 17) - 3,
            ramp=2,
            signed=False,
            levels=1,
            period=10,
            offset=0,
        )


def winners(drive: Any, spikes: Any, go: Any, last: int) -> tuple[Any, Any]:
    spikes = np.array(spikes)
    found = drive(
        Winners(patterns=spikes.shape[1], last=last),
        {"s_in": spikes, "go_in": np.array(go)[:, None]},
        ["s_out", "go_out"],
    )
    return found["s_out"].tolist(), found["go_out"].ravel().tolist()


def test_the_first_spikes_win_and_of_one_step_the_lower_neurons(drive: Any) -> None:
    spikes = [[1, 1, 1], [0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]]
    found, go = winners(drive, spikes, [2, 0, 0, 0, 0], last=9)
    # Spikes of the step of ``go`` are from before the race; of its last step, one is too many.
    assert found[3] == [3, 0, 2]
    assert go == [0, 0, 0, 3, 0]


def test_only_the_first_spike_of_a_neuron_counts_and_a_race_ends(drive: Any) -> None:
    spikes = [[0, 0], [0, 1], [0, 1], [0, 0], [1, 1], [0, 0], [1, 0]]
    found, go = winners(drive, spikes, [2, 0, 0, 0, 0, 1, 0], last=2)
    assert go == [0, 0, 0, 2, 0, 0, 2]
    assert found[3] == [0, 1]
    assert found[6] == [1, 0]


def test_a_race_that_nobody_finishes_is_told(drive: Any) -> None:
    found, go = winners(drive, np.zeros((4, 2), int), [5, 0, 0, 0], last=1)
    assert go == [0, 0, 1, 0]
    assert found[2] == [0, 0]


@pytest.mark.parametrize("runtime", ["inline", "lava"])
@pytest.mark.parametrize("network", [False, True])
def test_a_race_is_won_by_latency_then_place(
    drive: Any, rng: np.random.Generator, network: bool, runtime: str
) -> None:
    weights = (rng.random((20, 64)) < 0.25).astype(np.int32)
    weights[7] = weights[3]
    occupied = np.ones(20, bool)
    occupied[5] = False
    process = Race(
        synapses=csr_matrix(weights * occupied[:, None]),
        occupied=occupied,
        threshold=16,
        ramp=1,
        signed=True,
        levels=3,
        arrival=1,
    )
    period = process.proc_params["period"] if network else 1
    counts = [6, 100, 1]
    cues = np.zeros((3 * period, 64), int)
    go = np.zeros((3 * period, 1), int)
    for i, count in enumerate(counts):
        cues[i * period] = rng.integers(-3, 4, 64)
        go[i * period] = count
    inputs = {"s_in": cues, "go_in": go}
    if not network:
        inputs["w_in"] = np.zeros((3, 3), int)
    found = drive(process, inputs, ["s_out", "go_out"], network=network, runtime=runtime)
    for i, count in enumerate(counts):
        potentials = weights @ cues[i * period]
        latencies = np.maximum(0, -((potentials - 16) >> 1))
        first = sorted((int(t), j) for j, t in enumerate(latencies) if occupied[j] and t <= 16)
        answer = np.zeros(20, int)
        for latency, place in first[:count]:
            answer[place] = 1 + latency
        window = slice(i * period, (i + 1) * period)
        (step,) = np.flatnonzero(found["go_out"][window])
        assert found["s_out"][window][step].tolist() == answer.tolist()
        assert found["go_out"][window][step] == 1 + len(first[:count])


def test_a_message_changes_a_row_and_frees_a_neuron(drive: Any) -> None:
    process = Race(
        synapses=csr_matrix((3, 64), dtype=np.int32),
        occupied=[True, False, False],
        threshold=4,
        ramp=0,
    )
    cue = np.zeros((4, 64), int)
    cue[:, :4] = 1
    changes = np.zeros((4, 3), int)
    changes[1] = row_message(2, True, np.arange(3), 64)
    changes[2] = row_message(2, True, np.arange(9), 64)
    changes[3] = row_message(0, False, np.arange(0), 64)
    inputs = {"s_in": cue, "go_in": np.full((4, 1), 3), "w_in": changes}
    found = drive(process, inputs, ["s_out"])["s_out"]
    assert found.tolist() == [[5, 0, 0], [5, 0, 2], [5, 0, 1], [0, 0, 1]]
