"""Associations: every device answers as the golden model does, bit for bit."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import engram
from engram.arch.associations import Association
from engram.backend import AssociationBackend, Completions, Recalls
from engram.numpy_associations import quantise
from engram.registry import association_backend
from sim.golden.associations import GoldenAssociations

SEED = 0x1337BEEFCAFEBABE
WIDTH = 48
SEEDS = (1, 2, 3)
HIGHEST_SLOT = 100

SIGNED = Association(neurons=256, sources=8, winners=24, spikes=40, candidates=16, ramp=1)
PLAIN = Association(
    neurons=320, sources=5, winners=21, spikes=30, candidates=9, signed=False, rerank=False
)
GRADED = Association(neurons=256, sources=8, winners=24, spikes=40, candidates=16, levels=3, ramp=2)

Pair = tuple[GoldenAssociations, AssociationBackend]


@pytest.fixture(scope="module")
def kept() -> Iterator[dict[tuple[str, Association], AssociationBackend]]:
    """Devices by name and law: a worker of Lava's takes a second to start."""
    backends: dict[tuple[str, Association], AssociationBackend] = {}
    yield backends
    for backend in backends.values():
        backend.close()


@pytest.fixture
def paired(
    associator: str, kept: dict[tuple[str, Association], AssociationBackend]
) -> Callable[[Association], Pair]:
    """Give the golden model and the device for the same law, both without patterns."""

    def give(law: Association) -> Pair:
        key = associator, law
        if key not in kept:
            kept[key] = association_backend(associator)[1](law, SEED, WIDTH)
        kept[key].clear(np.arange(HIGHEST_SLOT))
        return GoldenAssociations(law, SEED, WIDTH), kept[key]

    return give


def embeddings(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    return random.standard_normal((count, WIDTH))


def noisy(random: np.random.Generator, rows: NDArray[np.float64], scale: float) -> Any:
    return quantise(rows + scale * random.standard_normal(rows.shape))


def scattered(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Slots with gaps, in no order."""
    return random.permutation(2 * count)[:count].astype(np.int64)


def assert_same(found: Recalls | Completions, expected: Recalls | Completions) -> None:
    for field in fields(expected):
        mine, law = getattr(found, field.name), getattr(expected, field.name)
        assert mine.dtype == law.dtype, field.name
        np.testing.assert_array_equal(mine, law, err_msg=field.name)


def moved(random: np.random.Generator, codes: NDArray[np.uint16], neurons: int) -> Any:
    """Codes with a fifth of their bits elsewhere."""
    rows = []
    for code in codes:
        kept = random.permutation(code)[: len(code) - len(code) // 5]
        free = random.permutation(np.setdiff1d(np.arange(neurons), code))
        rows.append(np.sort(np.concatenate([kept, free[: len(code) // 5]])))
    return np.array(rows, np.uint16)


@pytest.mark.parametrize("law", [SIGNED, PLAIN], ids=["signed", "plain"])
def test_codes_are_those_of_the_law(paired: Callable[..., Pair], law: Association) -> None:
    golden, device = paired(law)
    random = np.random.default_rng(0)
    sparse = np.zeros((2, WIDTH))
    sparse[0, 3], sparse[1, 5:7] = 1, -1  # most neurons tie at 0
    vectors = quantise(np.concatenate([embeddings(random, 37), sparse]))
    np.testing.assert_array_equal(device.encode(vectors), golden.encode(vectors))
    np.testing.assert_array_equal(device.encode(vectors[:1]), golden.encode(vectors[:1]))


@pytest.mark.parametrize("law", [SIGNED, PLAIN], ids=["signed", "plain"])
@pytest.mark.parametrize("seed", SEEDS)
def test_recall_is_that_of_the_law(
    paired: Callable[..., Pair], law: Association, seed: int
) -> None:
    pair = golden, device = paired(law)
    random = np.random.default_rng(seed)
    rows = embeddings(random, 40)
    slots = scattered(random, 40)
    for backend in pair:
        backend.write(slots, quantise(rows))
    cues = np.concatenate([noisy(random, rows[:12], scale) for scale in (0.0, 0.5, 2.0)])
    for count in (1, 5, 50):
        assert_same(device.recall(cues, count), golden.recall(cues, count))
    assert_same(device.recall(cues[:1], 3), golden.recall(cues[:1], 3))


def test_a_graded_cue_is_that_of_the_law(paired: Callable[..., Pair]) -> None:
    pair = golden, device = paired(GRADED)
    random = np.random.default_rng(4)
    rows = embeddings(random, 40)
    for backend in pair:
        backend.write(np.arange(40), quantise(rows))
    cues = noisy(random, rows, 1.0)
    assert_same(device.recall(cues, 5), golden.recall(cues, 5))


def test_equal_patterns_come_in_the_order_of_their_slots(paired: Callable[..., Pair]) -> None:
    pair = golden, device = paired(SIGNED)
    random = np.random.default_rng(5)
    vectors = quantise(np.repeat(embeddings(random, 3), 8, axis=0))
    slots = scattered(random, 24)
    for backend in pair:
        backend.write(slots, vectors)
    cues = np.ascontiguousarray(vectors[::8])
    found = device.recall(cues, 8)
    assert_same(found, golden.recall(cues, 8))
    assert (np.diff(found.slots, axis=1) > 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_codes_recall_and_complete_as_the_law_says(paired: Callable[..., Pair], seed: int) -> None:
    pair = golden, device = paired(SIGNED)
    random = np.random.default_rng(seed)
    vectors = quantise(embeddings(random, 30))
    for backend in pair:
        backend.write(scattered(np.random.default_rng(seed), 30), vectors)
    codes = golden.encode(vectors)
    cues = moved(random, codes, SIGNED.neurons)
    assert_same(device.recall_codes(cues, 4), golden.recall_codes(cues, 4))
    assert_same(device.complete_codes(cues), golden.complete_codes(cues))
    fixed = device.complete_codes(codes)
    assert_same(fixed, golden.complete_codes(codes))
    np.testing.assert_array_equal(fixed.codes, codes)


@pytest.mark.parametrize("law", [SIGNED, PLAIN], ids=["signed", "plain"])
def test_embeddings_complete_as_the_law_says(paired: Callable[..., Pair], law: Association) -> None:
    pair = golden, device = paired(law)
    random = np.random.default_rng(6)
    rows = embeddings(random, 30)
    for backend in pair:
        backend.write(np.arange(30), quantise(rows))
    cues = noisy(random, rows, 1.0)
    assert_same(device.complete(cues), golden.complete(cues))


@pytest.mark.parametrize("seed", SEEDS)
def test_changes_in_any_order_leave_what_the_law_leaves(
    paired: Callable[..., Pair], seed: int
) -> None:
    pair = golden, device = paired(SIGNED)
    random = np.random.default_rng(seed)
    rows = embeddings(random, 24)
    vectors = quantise(rows)
    for backend in pair:
        backend.write(np.arange(24), vectors)
    for _ in range(40):
        slot = int(random.integers(24))
        vector = noisy(random, rows[slot : slot + 1], 0.7)
        match int(random.integers(6)):
            case 0:
                for backend in pair:
                    backend.clear(np.array([slot, 25]))
            case 1:
                for backend in pair:
                    backend.write(np.array([slot]), vector)
            case _ if slot in golden._patterns:
                for backend in pair:
                    backend.learn(slot, vector[0])
    for slot in golden._patterns:
        for mine, law in zip(device.synapses(slot), golden.synapses(slot), strict=True):
            assert mine.dtype == law.dtype
            np.testing.assert_array_equal(mine, law)
        np.testing.assert_array_equal(device.vector(slot), golden.vector(slot))
    cues = noisy(random, rows, 1.0)
    assert_same(device.recall(cues, 6), golden.recall(cues, 6))
    assert_same(device.complete(cues), golden.complete(cues))


def test_a_restored_pattern_is_the_one_that_was_taken(paired: Callable[..., Pair]) -> None:
    golden, device = paired(SIGNED)
    random = np.random.default_rng(7)
    rows = embeddings(random, 10)
    golden.write(np.arange(10), quantise(rows))
    for _ in range(6):
        golden.learn(3, noisy(random, rows[3:4], 1.0)[0])
    device.write(np.array([3]), quantise(rows[:1]))
    for slot in range(10):
        device.restore(slot, *golden.synapses(slot), golden.vector(slot))
    cues = noisy(random, rows, 0.8)
    assert_same(device.recall(cues, 10), golden.recall(cues, 10))
    np.testing.assert_array_equal(device.synapses(3)[1], golden.synapses(3)[1])


@pytest.mark.parametrize("overlap", [100, 180])
def test_replay_wins_and_loses_as_the_law_says(paired: Callable[..., Pair], overlap: int) -> None:
    pair = golden, device = paired(SIGNED)
    random = np.random.default_rng(8)
    centres = np.repeat(embeddings(random, 8), 3, axis=0)
    slots = scattered(random, 24)
    for backend in pair:
        backend.write(slots, noisy(np.random.default_rng(9), centres, 0.3))
    strengths = random.integers(1, 256, 48)
    for epoch in (0, 7):
        expected = golden.replay(epoch, overlap, strengths)
        found = device.replay(epoch, overlap, strengths)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
    assert expected[1].any()


def test_an_empty_memory_answers_with_nothing(paired: Callable[..., Pair]) -> None:
    pair = golden, device = paired(SIGNED)
    vectors = quantise(embeddings(np.random.default_rng(10), 2))
    codes = golden.encode(vectors)
    for backend in pair:
        backend.write(np.array([1]), vectors[:1])
        backend.clear(np.array([1]))
    assert_same(device.recall(vectors, 3), golden.recall(vectors, 3))
    assert_same(device.complete(vectors), golden.complete(vectors))
    assert_same(device.complete_codes(codes), golden.complete_codes(codes))
    strengths = np.zeros(2, np.int64)
    np.testing.assert_array_equal(device.replay(0, 180, strengths)[0], strengths)


def test_spikes_and_synaptic_events_are_counted_alike(paired: Callable[..., Pair]) -> None:
    pair = golden, device = paired(SIGNED)
    before = replace(device.counters)
    random = np.random.default_rng(11)
    rows = embeddings(random, 20)
    for backend in pair:
        backend.write(np.arange(20), quantise(rows))
        backend.learn(2, noisy(np.random.default_rng(12), rows[2:3], 1.0)[0])
        backend.recall(noisy(np.random.default_rng(13), rows, 1.0), 2)
        backend.complete_codes(golden.encode(quantise(rows[:4])))
    for field in fields(before):
        counted = getattr(device.counters, field.name) - getattr(before, field.name)
        assert counted == getattr(golden.counters, field.name), field.name


def test_a_memory_answers_alike_on_every_device(associator: str) -> None:
    random = np.random.default_rng(14)
    rows = embeddings(random, 20)
    cues = rows + 0.8 * random.standard_normal(rows.shape)
    answers = []
    for name in ("golden", associator):
        with engram.open(seed=SEED, associations=name, preset=SIGNED) as memory:
            memory.remember([f"note-{i}" for i in range(20)], rows)
            memory.remember("note-3", cues[4], gated=True)
            memory.forget(["note-7", "note-8"])
            found = memory.recall(cues, k=4)
            settled = [(whole.id, whole.code.tolist()) for whole in memory.complete(cues)]
            report = memory.consolidate(epochs=2)
            answers.append((found, settled, report, memory.recall(cues, k=2, threshold=0.3)))
    assert answers[0] == answers[1]
