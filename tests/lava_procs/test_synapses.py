"""Counting spikes by bits, and what a race makes of the counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from lava_procs.synapses import PatternNeurons, SynapseBits, loudness, row_message


@given(
    st.integers(1, 130), st.sampled_from([32, 96, 700]), st.integers(1, 15), st.integers(0, 9999)
)
def test_potentials_are_sums_over_conducting_synapses(
    patterns: int, neurons: int, levels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = (rng.random((patterns, neurons)) < rng.random()).astype(np.int64)
    spikes = rng.integers(-levels, levels + 1, neurons) * (rng.random(neurons) < 0.6)
    bits = SynapseBits.of(csr_matrix(weights))
    assert bits.potentials(spikes).tolist() == (weights @ spikes).tolist()


def test_so_many_spikes_that_a_byte_is_too_narrow_are_counted() -> None:
    bits = SynapseBits(8192, 3)
    bits.put(1, np.arange(8192))
    assert bits.potentials(np.ones(8192, np.int32)).tolist() == [0, 8192, 0]


def test_a_row_can_be_written_again() -> None:
    bits = SynapseBits(64, 70)
    bits.put(69, np.array([1, 2, 63]))
    bits.put(69, np.array([2, 5]))
    bits.put(68, np.array([1]))
    assert bits.row(69).tolist() == [2, 5]
    assert bits.row(68).tolist() == [1]
    assert bits.row(0).tolist() == []


@given(st.sets(st.integers(0, 95)), st.booleans())
def test_a_message_carries_a_row(inputs: set[int], occupied: bool) -> None:
    neurons = PatternNeurons(
        csr_matrix(np.ones((3, 96), int)), np.array([True, not occupied, True])
    )
    neurons.change(row_message(1, occupied, np.array(sorted(inputs), int), 96))
    assert neurons.bits.row(1).tolist() == sorted(inputs)
    assert neurons.occupied.tolist() == [True, occupied, True]
    neurons.change(np.zeros(4, np.int32))
    assert len(neurons.bits.row(0)) == 96


@pytest.mark.parametrize("ramp", [0, 1, 2, 3])
def test_latency_is_the_formula_of_the_law(ramp: int) -> None:
    neurons = PatternNeurons(csr_matrix((40, 32), dtype=int), np.ones(40, bool))
    potentials = np.arange(-21, 19)
    potentials[3] = 100
    order, latencies = neurons.first(potentials, 40, 16, ramp)
    expected = sorted((max(0, -(-(16 - int(o)) // 2**ramp)), i) for i, o in enumerate(potentials))
    expected = [entry for entry in expected if entry[0] <= 32 >> ramp]
    assert list(zip(latencies.tolist(), order.tolist(), strict=True)) == expected
    assert len(neurons.first(potentials, 7, 16, ramp)[0]) == 7


def test_the_second_speaks_three_bits_more_softly() -> None:
    assert loudness(np.arange(8)).tolist() == [32768, 4096, 512, 64, 8, 1, 0, 0]
    assert loudness(np.array([10**6])).tolist() == [0]
