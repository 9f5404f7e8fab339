"""The golden model of associations against a second writing of the law, and against its claims."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.arch.associations import ONE, Association
from engram.calibration import calibration
from engram.numpy_associations import (
    confidences,
    cue_of,
    encode,
    norms,
    project,
    projection,
    quantise,
    replay_cue,
    rerank,
    settle,
    winners,
)
from sim.golden.associations import GoldenAssociations
from sim.golden.encoding import Encoder, largest
from sim.golden.race import confidences as golden_confidences
from sim.golden.race import first_spikes, similarity

WIDTH = 48
LAW = Association(neurons=256, sources=8, winners=24, spikes=40, candidates=16, ramp=1)


@given(
    seed=st.integers(0, (1 << 64) - 1),
    width=st.integers(1, 40),
    sources=st.integers(1, 12),
    levels=st.integers(1, 15),
    signed=st.booleans(),
)
@settings(max_examples=25)
def test_encoder_and_cue_agree_with_numpy(
    seed: int, width: int, sources: int, levels: int, signed: bool
) -> None:
    law = Association(
        neurons=128, sources=sources, winners=12, spikes=20, candidates=8, levels=levels,
        signed=signed,
    )  # fmt: skip
    golden = Encoder(law, seed, width)
    table = projection(law, seed, width)
    vectors = np.random.default_rng(seed).integers(-127, 128, (3, width)).astype(np.int8)
    sums = project(vectors, table)
    for vector, row, code in zip(vectors, sums, encode(vectors, table, law), strict=True):
        assert golden.sums(vector.tolist()) == row.tolist()
        assert golden.code(vector.tolist()) == code.tolist()
        cue = cue_of(row, law)
        assert golden.cue(vector.tolist()) == dict(
            zip(cue.neurons.tolist(), cue.payloads.tolist(), strict=True)
        )


def test_the_sources_of_a_neuron_are_distinct() -> None:
    for width in (8, 9, 48, 1000):
        rows = np.sort(projection(LAW, 3, width).sources, axis=1)
        assert (np.diff(rows, axis=1) > 0).all()
        assert rows.min() >= 0
        assert rows.max() < width


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.integers(1, 30))
def test_winners_are_the_largest_and_ties_go_to_the_lower_index(
    values: list[int], count: int
) -> None:
    chosen = largest(values, count)
    assert chosen == winners(np.array(values), count).tolist()
    assert chosen == sorted(chosen)
    assert len(chosen) == min(count, len(values))
    for i in set(range(len(values))) - set(chosen):
        for j in chosen:
            assert (values[j], -j) > (values[i], -i)


@given(
    st.dictionaries(st.integers(0, 50), st.integers(-30, 30), max_size=20),
    st.integers(0, 3),
    st.integers(1, 25),
)
def test_latencies_are_those_of_a_ramped_integrate_and_fire_neuron(
    potentials: dict[int, int], ramp: int, count: int
) -> None:
    threshold, step = 24, 1 << ramp
    spikes = []
    for time in range((2 * threshold >> ramp) + 1):
        for slot in sorted(potentials):
            fired = any(slot == earlier for _, earlier in spikes)
            # Lava's LIF with du = 4095, dv = 0: v > vth, with vth = threshold + step - 1.
            if not fired and potentials[slot] + step * (time + 1) > threshold + step - 1:
                spikes.append((time, slot))
    assert first_spikes(potentials, threshold, ramp, count) == spikes[:count]


@given(
    st.lists(st.integers(-127, 127), min_size=4, max_size=4),
    st.lists(st.integers(-127, 127), min_size=4, max_size=4),
)
def test_similarity_is_the_cosine_and_agrees_with_numpy(a: list[int], b: list[int]) -> None:
    cue, pattern = np.array(a, np.int8), np.array([b], np.int8)
    found = similarity(a, b)
    assert found == rerank(cue, int(norms(cue[None])[0]), pattern, norms(pattern))[0]
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if lengths:
        # A norm is rounded down by less than 2**-8, and is at least 1.
        assert abs(found / ONE - np.dot(a, b) / lengths) < 0.008
    if any(a):
        assert similarity(a, a) == ONE


@given(st.lists(st.integers(-ONE, ONE), min_size=1, max_size=20), st.integers(1, 65536))
def test_confidences_fall_with_similarity_and_agree_with_numpy(
    values: list[int], width: int
) -> None:
    values.sort(reverse=True)
    found = golden_confidences(values, width)
    assert found == confidences(np.array(values), width).tolist()
    assert found == sorted(found, reverse=True)
    assert ONE - len(values) <= sum(found) <= ONE


def _memory(law: Association, count: int) -> tuple[GoldenAssociations, np.ndarray]:
    golden = GoldenAssociations(law, 5, WIDTH)
    rows = np.random.default_rng(1).standard_normal((count, WIDTH))
    golden.write(np.arange(count), quantise(rows))
    return golden, rows


def test_stored_patterns_are_fixed_points_even_beside_near_duplicates() -> None:
    golden = GoldenAssociations(LAW, 5, WIDTH)
    random = np.random.default_rng(2)
    rows = np.repeat(random.standard_normal((4, WIDTH)), 6, axis=0)
    vectors = quantise(rows + 0.05 * random.standard_normal(rows.shape))
    golden.write(np.arange(24), vectors)
    codes = golden.encode(vectors)
    settled = golden.complete_codes(codes)
    np.testing.assert_array_equal(settled.codes, codes)
    assert settled.converged.all()
    assert (settled.steps == 1).all()


def test_a_noisy_cue_settles_on_the_pattern_it_came_from() -> None:
    golden, rows = _memory(LAW, 40)
    random = np.random.default_rng(3)
    cues = quantise(rows + 0.5 * random.standard_normal(rows.shape))
    np.testing.assert_array_equal(golden.recall(cues, 1).slots[:, 0], np.arange(40))
    settled = golden.complete(cues)
    np.testing.assert_array_equal(settled.codes, golden.encode(quantise(rows)))


def test_settling_weighs_the_rows_as_numpy_does() -> None:
    golden, _ = _memory(LAW, 12)
    rows = [golden.synapses(slot)[0] for slot in range(5)]
    scores = {slot: -deficit for slot, deficit in enumerate((0, 0, 1, 2, 9))}
    mine = settle(rows, np.array([0, 0, 1, 2, 9]), LAW)
    assert golden._speak(scores, 0) == mine.tolist()


def test_learning_moves_a_code_towards_what_it_is_shown() -> None:
    golden, rows = _memory(LAW, 10)
    other = quantise(np.random.default_rng(4).standard_normal((1, WIDTH)))
    target = set(golden.encode(other)[0].tolist())
    shared = []
    for _ in range(8):
        connected = golden._patterns[3].row
        shared.append(len(target & set(connected)))
        golden.learn(3, other[0])
    assert shared[0] < shared[-1]
    assert shared == sorted(shared)
    assert golden.recall(other, 1).slots[0, 0] == 3
    assert golden.recall(quantise(rows[4:5]), 1).slots[0, 0] == 4


def test_replay_noise_agrees_with_numpy_and_moves_about_a_quarter() -> None:
    golden, _ = _memory(LAW, 6)
    for slot in range(6):
        row = golden.synapses(slot)[0]
        noisy = golden._noisy(slot, 9)
        assert noisy == replay_cue(row, 5, 9, slot, LAW.neurons).tolist()
        kept = len(set(noisy) & set(row.tolist()))
        assert LAW.winners * 3 // 4 <= kept < LAW.winners


def test_replay_lets_the_strongest_of_near_duplicates_win() -> None:
    golden = GoldenAssociations(LAW, 5, WIDTH)
    random = np.random.default_rng(6)
    rows = np.repeat(random.standard_normal((5, WIDTH)), 2, axis=0)
    golden.write(np.arange(10), quantise(rows + 0.02 * random.standard_normal(rows.shape)))
    strengths = np.tile([10, 200], 5)
    wins, losses = golden.replay(0, 160, strengths)
    assert (wins[1::2] == 2).all()
    assert (losses[::2] == 2).all()
    assert not wins[::2].any()
    assert not losses[1::2].any()


@pytest.mark.parametrize(
    "change", [{}, {"levels": 4}, {"signed": False}], ids=["plain", "graded", "unsigned"]
)
def test_calibration_falls_with_latency_and_tells_the_cosine(change: dict[str, Any]) -> None:
    width = 256
    law = replace(LAW, neurons=1024, winners=96, spikes=128, **change)
    tables = calibration(law, 5, width)
    for table in (tables.by_latency, tables.by_code_latency):
        assert (np.diff(table) <= 0).all()
        assert table.max() <= ONE
        assert table.min() >= -ONE
    assert tables.by_code_latency[0] == ONE
    golden = GoldenAssociations(replace(law, rerank=False), 5, width)
    random = np.random.default_rng(8)
    rows = random.standard_normal((30, width))
    golden.write(np.arange(30), quantise(rows))
    for cosine in (0.5, 0.8):
        other = random.standard_normal(rows.shape)
        cues = quantise(cosine * rows + np.sqrt(1 - cosine**2) * other)
        found = golden.recall(cues, 30)
        right = found.slots == np.arange(30)[:, None]
        assert abs(found.similarities[right].mean() / ONE - cosine) < 0.08
