"""The whole memory against the golden model: every stage, every kind of models, both runtimes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram import numpy_associations as stages
from engram.arch.associations import Association
from lava_procs.memory import SpikingMemory
from sim.golden.associations import GoldenAssociations
from sim.golden.race import first_spikes

WIDTH = 40


def parameters(law: Association, seed: int) -> dict[str, Any]:
    table = stages.projection(law, seed, WIDTH)
    names = ("neurons", "winners", "spikes", "signed", "levels", "ramp")
    given = {name: getattr(law, name) for name in names}
    return {**given, "sources": table.sources, "signs": table.signs, "width": WIDTH}


class Pair:
    """A spiking memory and the golden model, given the same, and compared."""

    def __init__(self, law: Association, seed: int, **choices: str) -> None:
        self.law, self.seed = law, seed
        self.golden = GoldenAssociations(law, seed, WIDTH)
        self.spiking = SpikingMemory(**parameters(law, seed), **choices)

    def write(self, slots: Any, vectors: Any) -> None:
        for memory in (self.golden, self.spiking):
            memory.write(np.array(slots), vectors)

    def learn(self, slot: int, vector: Any) -> None:
        for memory in (self.golden, self.spiking):
            memory.learn(slot, vector)

    def clear(self, slots: Any) -> None:
        for memory in (self.golden, self.spiking):
            memory.clear(np.array(slots, np.int64))

    def check_synapses(self) -> None:
        for slot in self.golden._patterns:
            for ours, theirs in zip(
                self.spiking.synapses(slot), self.golden.synapses(slot), strict=True
            ):
                assert ours.dtype == theirs.dtype
                assert ours.tolist() == theirs.tolist()

    def check_race(self, vectors: Any, count: int) -> None:
        law = self.law
        slots, latencies = self.spiking.race(vectors, count)
        for vector, *row in zip(vectors.tolist(), slots, latencies, strict=True):
            potentials = self.golden._potentials(self.golden._encoder.cue(vector))
            check_row(row, first_spikes(potentials, law.threshold, law.ramp, count))

    def check_codes(self, codes: Any, count: int) -> None:
        slots, latencies = self.spiking.race_codes(codes, count)
        for code, *row in zip(codes.tolist(), slots, latencies, strict=True):
            check_row(row, self.golden._race_code(code, count))

    def check_settling(self, codes: Any) -> None:
        expected = self.golden.complete_codes(codes)
        found = self.spiking.settle(codes)
        for name, ours in zip(("codes", "slots", "steps", "converged"), found, strict=True):
            theirs = getattr(expected, name)
            assert ours.dtype == theirs.dtype, name
            assert ours.tolist() == theirs.tolist(), name

    def check_replay(self, epoch: int, overlap: int, strengths: Any) -> None:
        cues = [
            stages.replay_cue(
                np.array(self.golden._patterns[slot].row, np.uint16),
                self.seed,
                epoch,
                slot,
                self.law.neurons,
            )
            for slot in sorted(self.golden._patterns)
        ]
        expected = self.golden.replay(epoch, overlap, strengths)
        found = self.spiking.replay(cues, overlap, strengths)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.tolist() == theirs.tolist()

    def check_counters(self) -> None:
        for name, value in self.spiking.counters.items():
            assert value == getattr(self.golden.counters, name), name


def check_row(row: Any, race: list[tuple[int, int]]) -> None:
    slots, latencies = row
    missing = [-1] * (len(slots) - len(race))
    assert slots.tolist() == [slot for _, slot in race] + missing
    assert latencies.tolist() == [latency for latency, _ in race] + missing


@pytest.fixture
def pair() -> Iterator[Callable[..., Pair]]:
    """Return a function that makes a pair, which is stopped at the end."""
    made = []

    def make(law: Association, seed: int = 7, **choices: str) -> Pair:
        made.append(Pair(law, seed, **choices))
        return made[-1]

    yield make
    for one in made:
        one.spiking.stop()


def small(**changes: Any) -> Association:
    given = {"neurons": 256, "sources": 6, "winners": 16, "spikes": 40, "candidates": 8}
    return Association(**{**given, **changes})


def life(one: Pair, rng: np.random.Generator, patterns: int) -> None:
    """Write, learn, clear and ask in turns, and compare all."""
    embeddings = rng.standard_normal((patterns, WIDTH))
    vectors = stages.quantise(embeddings)
    noisy = stages.quantise(embeddings + 0.8 * rng.standard_normal(embeddings.shape))
    slots = rng.permutation(3 * patterns)[:patterns]
    codes = one.golden.encode(vectors)
    assert one.spiking.encode(vectors).tolist() == codes.tolist()
    one.write(slots[::2], vectors[::2])
    one.check_race(noisy[:3], 6)
    one.write(slots[1::2], vectors[1::2])
    vectors[3] = vectors[2]
    one.write(slots[2:4], vectors[2:4])  # again, and both alike: a tie
    one.check_race(np.concatenate([noisy[:4], vectors[2:3]]), patterns + 2)
    for turn in range(3):
        one.learn(int(slots[0]), noisy[0])
        one.learn(int(slots[1]), noisy[5 + turn % 2])
    one.clear([int(slots[5]), 3 * patterns + 9])
    one.check_synapses()
    one.check_race(noisy[:3], 5)
    one.check_codes(codes[:3], 5)
    one.check_codes(codes[3:5, ::2], 1)
    one.check_settling(np.concatenate([codes[:3], one.golden.encode(noisy[:2])]))
    one.check_replay(3, 100, rng.integers(0, 6, 3 * patterns))
    one.check_counters()


@settings(max_examples=8)
@given(
    seed=st.integers(0, 10**6),
    ramp=st.integers(0, 3),
    levels=st.sampled_from([1, 3]),
    signed=st.booleans(),
    neurons=st.sampled_from([256, 448]),
)
def test_event_driven_models_are_the_golden_model(
    seed: int, ramp: int, levels: int, signed: bool, neurons: int
) -> None:
    law = small(ramp=ramp, levels=levels, signed=signed, neurons=neurons)
    one = Pair(law, seed)
    life(one, np.random.default_rng(seed), 20)
    one.spiking.stop()


@pytest.mark.parametrize(
    "changes",
    [{}, {"ramp": 3, "levels": 3}, {"ramp": 2, "signed": False, "levels": 3}, {"signed": False}],
)
def test_networks_of_standard_processes_are_the_golden_model(
    pair: Callable[..., Pair], rng: np.random.Generator, changes: dict[str, Any]
) -> None:
    life(pair(small(**changes), models="network"), rng, 14)


@pytest.mark.parametrize("models", ["fixed_pt", "network"])
def test_the_runtime_of_lava_gives_the_same(
    pair: Callable[..., Pair], rng: np.random.Generator, models: str
) -> None:
    one = pair(small(winners=8, ramp=3), models=models, runtime="lava")
    vectors = stages.quantise(rng.standard_normal((10, WIDTH)))
    one.write(np.arange(10), vectors)
    one.check_race(vectors[:3], 4)
    one.learn(2, vectors[3])
    one.check_race(vectors[2:4], 10)
    one.check_settling(one.golden.encode(vectors[:2]))
    one.check_counters()


def test_a_memory_grows_and_takes_slots_in_any_order(
    pair: Callable[..., Pair], rng: np.random.Generator
) -> None:
    one = pair(small(ramp=1))
    vectors = stages.quantise(rng.standard_normal((140, WIDTH)))
    for start, slots in [(0, range(1000, 1060)), (60, range(2000, 2070)), (130, range(5, 15))]:
        slots = np.array(slots)
        one.write(slots, vectors[start : start + len(slots)])
        one.check_race(vectors[start : start + 3], 150)
    one.clear(np.arange(1000, 1050))
    one.write([1003, 2**31 - 1], vectors[:2])
    one.check_race(vectors[:2], 150)
    one.check_settling(one.golden.encode(vectors[:2]))


@pytest.mark.parametrize("models", ["fixed_pt", "network"])
def test_an_empty_memory_answers_with_nothing(
    pair: Callable[..., Pair], rng: np.random.Generator, models: str
) -> None:
    one = pair(small(), models=models)
    vectors = stages.quantise(rng.standard_normal((2, WIDTH)))
    one.write([4], vectors[:1])
    one.clear([4])
    one.check_race(vectors, 3)
    codes = one.golden.encode(vectors)
    one.check_codes(codes, 2)
    one.check_settling(codes)
    one.check_counters()
    assert one.spiking.settle(codes, 1)[2].tolist() == [1, 1]
    assert [found.tolist() for found in one.spiking.replay([], 9, np.zeros(5, np.int64))] == [
        [0] * 5,
        [0] * 5,
    ]
    assert one.spiking.encode(vectors[:0]).shape == (0, 16)
    assert one.spiking.race(vectors[:0], 3)[0].shape == (0, 3)


def test_patterns_are_restored_exactly(pair: Callable[..., Pair], rng: np.random.Generator) -> None:
    one, other = pair(small()), pair(small())
    vectors = stages.quantise(rng.standard_normal((6, WIDTH)))
    one.write(np.arange(6), vectors)
    for _ in range(4):
        one.learn(3, vectors[4])
    for slot in range(6):
        other.spiking.restore(slot, *one.spiking.synapses(slot))
        other.golden.restore(slot, *one.golden.synapses(slot), vectors[slot])
    other.check_synapses()
    other.check_race(vectors, 6)
    other.learn(3, vectors[5])
    other.check_synapses()


@pytest.mark.parametrize("models", ["fixed_pt", "network"])
def test_winners_of_a_rerank_speak_as_the_law_says(
    pair: Callable[..., Pair], rng: np.random.Generator, models: str
) -> None:
    one = pair(small(), models=models)
    vectors = stages.quantise(rng.standard_normal((9, WIDTH)))
    one.write(np.arange(9) * 3, vectors)
    slots, deficits = np.array([12, 3, 24, 0]), np.array([0, 2, 1, 10**9])
    rows = [one.spiking.synapses(int(slot))[0] for slot in slots]
    expected = stages.settle(rows, deficits, one.law)
    assert one.spiking.speak(slots, deficits).tolist() == expected.tolist()


def test_a_memory_can_forget_all_and_go_on(
    pair: Callable[..., Pair], rng: np.random.Generator
) -> None:
    one = pair(small())
    vectors = stages.quantise(rng.standard_normal((3, WIDTH)))
    one.write([0, 1, 2], vectors)
    one.spiking.reset()
    one.golden.close()
    one.check_race(vectors, 2)
    one.spiking.stop()
    one.write([1], vectors[1:2])
    one.check_race(vectors, 2)


def test_slots_without_a_pattern_are_named(pair: Callable[..., Pair]) -> None:
    memory = pair(small()).spiking
    with pytest.raises(ValueError, match="slot must hold a pattern, not 3"):
        memory.learn(3, np.ones(WIDTH, np.int8))
    with pytest.raises(ValueError, match="slot must hold a pattern, not 9"):
        memory.synapses(9)
    with pytest.raises(ValueError, match="count must be at least 1, not 0"):
        memory.race(np.ones((1, WIDTH), np.int8), 0)


@pytest.mark.parametrize(
    ("choice", "error", "text"),
    [
        ({"models": "dense"}, ValueError, "models must be one of fixed_pt, network, not 'dense'"),
        ({"runtime": "x"}, ValueError, "runtime must be one of inline, lava, not 'x'"),
        ({"config": "x"}, ValueError, "config must be one of loihi1-sim, .*, not 'x'"),
        ({"config": "loihi2-hw"}, RuntimeError, "'loihi2-hw' needs Intel's lava-loihi package"),
        ({"neurons": 512}, ValueError, "sources must have 512 rows, not 256"),
    ],
)
def test_what_is_not_here_is_said(
    choice: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        SpikingMemory(**{**parameters(small(), 1), **choice})


def test_a_cue_that_loihi_would_wrap_is_refused_by_a_network() -> None:
    law = Association(neurons=65536, sources=1, winners=16, spikes=32768, candidates=8, levels=15)
    with pytest.raises(ValueError, match=r"spikes \* levels must be at most 131071"):
        SpikingMemory(**parameters(law, 1), models="network")
