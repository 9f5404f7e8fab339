"""Winners speak, and codes settle."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lava_procs.completion.process import CodeLayer, Completion
from lava_procs.speech.process import Loudness, Speech

NEURONS, WINNERS = 96, 12


def ranked(values: Any, count: int) -> list[int]:
    return sorted(sorted(range(len(values)), key=lambda i: (-int(values[i]), i))[:count])


def spoken(weights: Any, latencies: dict[int, int]) -> list[int]:
    """Return the code that winners (place: latency) speak for."""
    first = min(latencies.values())
    sums = np.zeros(weights.shape[1], int)
    for place, latency in latencies.items():
        shift = 15 - 3 * (latency - first)
        sums += weights[place] * (2**shift if shift >= 0 else 0)
    return ranked(sums, WINNERS)


def settled(weights: Any, code: list[int], steps: int) -> tuple[list[int], tuple[int, ...]]:
    """Return the settled code and the report of the law, computed plainly."""
    cues = spikes = events = 0
    while True:
        potentials = weights[:, code].sum(1)
        cues, spikes, events = cues + 1, spikes + len(code), events + int(potentials.sum())
        race = sorted((max(0, WINNERS - int(o)), i) for i, o in enumerate(potentials))[:8]
        new = spoken(weights, {place: latency for latency, place in race})
        steps += 1
        if new == code or steps >= 8:
            return new, (race[0][1] + 1, steps, int(new == code), cues, spikes, events)
        code = new


@pytest.fixture
def weights(rng: np.random.Generator) -> Any:
    """Thirty codes, some alike."""
    rows = np.zeros((30, NEURONS), np.int32)
    for row in rows:
        row[rng.permutation(NEURONS)[:WINNERS]] = 1
    rows[4] = rows[2]
    rows[9] = rows[8]
    rows[9, np.flatnonzero(rows[8])[0]] = 0
    return rows


def test_loudness_is_counted_from_the_first(drive: Any) -> None:
    latencies = [[0, 7, 8, 0, 12, 30], [0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]]
    found = drive(
        Loudness(patterns=6),
        {"s_in": np.array(latencies), "go_in": np.array([[1], [1], [0]])},
        ["s_out", "go_out"],
    )
    assert found["s_out"].tolist() == [[0, 32768, 4096, 0, 1, 0], [0] * 6, [0] * 6]
    assert found["go_out"].ravel().tolist() == [1, 1, 0]


@pytest.mark.parametrize("network", [False, True])
def test_winners_speak_for_the_code_of_the_law(
    drive: Any, rng: np.random.Generator, weights: Any, network: bool
) -> None:
    latencies = np.zeros((6, 30), int)
    for row in latencies[:5]:
        row[rng.permutation(30)[:8]] = rng.integers(1, 6, 8)
    inputs = {"s_in": latencies, "go_in": np.array([[1]] * 5 + [[0]])}
    if not network:
        inputs["w_in"] = np.zeros((6, 4), int)
    process = Speech(synapses=csr_matrix(weights), occupied=[True] * 30, winners=WINNERS)
    codes = drive(process, inputs, ["s_out"], network=network)["s_out"]
    for row, code in zip(latencies[:5], codes[1:] if network else codes, strict=False):
        said = {int(place): int(row[place]) - 1 for place in np.flatnonzero(row)}
        assert np.flatnonzero(code).tolist() == spoken(weights, said)


@pytest.mark.parametrize(("network", "runtime"), [(False, "inline"), (True, "inline")])
def test_codes_settle_as_the_law_says(
    drive: Any, rng: np.random.Generator, weights: Any, network: bool, runtime: str
) -> None:
    process = Completion(synapses=csr_matrix(weights), occupied=[True] * 30, winners=WINNERS)
    ways = 8 * process.proc_params["period"] if network else 1
    cues = [(np.flatnonzero(weights[2]).tolist(), 0)]  # a stored code, in two slots
    cues += [(sorted(rng.permutation(NEURONS)[:WINNERS].tolist()), done) for done in (0, 1, 7)]
    rows = np.zeros((len(cues) * ways, NEURONS), int)
    go = np.zeros((len(cues) * ways, 1), int)
    for i, (code, done) in enumerate(cues):
        rows[i * ways, code] = 1
        go[i * ways] = 1 + done
    inputs = {"s_in": rows, "go_in": go}
    if not network:
        inputs["w_in"] = np.zeros((len(rows), 4), int)
    outputs = ["code_out", "state_out", "go_out"]
    found = drive(process, inputs, outputs, network=network, runtime=runtime)
    answers = np.flatnonzero(found["go_out"].ravel() == 1)
    assert len(answers) == len(cues)
    for step, (code, done) in zip(answers, cues, strict=True):
        expected, report = settled(weights, code, done)
        assert np.flatnonzero(found["code_out"][step]).tolist() == expected
        assert found["state_out"][step].tolist() == list(report)
    assert found["state_out"][answers[0]].tolist()[:3] == [3, 1, 1]
    assert found["state_out"][answers[3]].tolist()[1:3] == [8, 0]


def test_a_code_layer_emits_until_its_echo_is_its_code(drive: Any) -> None:
    period, steps = 4, 12
    code, echo = np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0])
    inputs = {
        name: np.zeros((steps, width), int)
        for name, width in [
            ("s_in", 4), ("go_in", 1), ("a_in", 3), ("ready_in", 1), ("y_in", 4), ("echo_in", 1)
        ]
    }  # fmt: skip
    inputs["s_in"][1], inputs["go_in"][1] = code, 1  # between two beginnings, so it waits
    inputs["a_in"][5], inputs["ready_in"][5] = [0, 9, 4], 3
    inputs["y_in"][6], inputs["echo_in"][6] = echo, 3
    inputs["y_in"][9], inputs["echo_in"][9] = echo, 3
    found = drive(
        CodeLayer(patterns=3, fan_out=[5, 6, 7, 8], period=period),
        inputs,
        ["s_out", "c_out", "code_out", "state_out", "go_out"],
    )
    assert np.flatnonzero(found["c_out"]).tolist() == [4, 8]
    assert found["s_out"][[4, 8]].tolist() == [code.tolist(), echo.tolist()]
    assert found["go_out"].ravel().tolist() == [0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1]
    assert found["code_out"][11].tolist() == echo.tolist()
    assert found["state_out"][11].tolist() == [3, 2, 1, 2, 4, 5 + 6 + 6 + 7]
