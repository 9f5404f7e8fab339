"""The kernels of associations answer as the golden model does, in every field and every count."""

import threading
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram import numpy_associations as stages
from engram.arch.associations import PRESETS, Association
from engram.cpu import associations as backend
from engram.cpu.associations import CpuAssociations
from engram.cpu.layout import BLOCK_PATTERNS
from sim.golden.associations import GoldenAssociations

WIDTH = 48
# Around the edges of blocks, with gaps, and one far away.
SLOTS = np.r_[0:20, 60:68, 505:520, 1535:1538, 5000, 1_000_000]

LAWS = {
    "plain": Association(512, 8, 40, 64, 16, ramp=2),
    "graded": Association(512, 8, 40, 64, 16, levels=3, rerank=False),
    "unsigned": Association(512, 3, 64, 100, 12, ramp=1, signed=False),
    "many levels": Association(1024, 4, 13, 500, 8, levels=15),
    "wide counters": Association(1024, 4, 300, 500, 8, levels=15),
    "one source": Association(64, 1, 8, 32, 8, ramp=3, rerank=False),
    "all candidates": Association(128, 8, 20, 10, 200, rerank=False),
}


def same(one: Any, other: Any) -> None:
    """Check that two results are of the same type, shape and content."""
    for field in fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        assert (first.dtype, first.shape) == (second.dtype, second.shape), field.name
        np.testing.assert_array_equal(first, second, err_msg=field.name)


class Pair:
    """A memory on the CPU and the golden one, which are told and asked the same."""

    def __init__(self, law: Association, seed: int = 5, width: int = WIDTH, threads: int = 1):
        self.cpu = CpuAssociations(law, seed, width, threads=threads)
        self.golden = GoldenAssociations(law, seed, width)

    def tell(self, name: str, *arguments: Any) -> None:
        for memory in (self.cpu, self.golden):
            getattr(memory, name)(*arguments)

    def ask(self, name: str, *arguments: Any) -> Any:
        found, meant = (getattr(memory, name)(*arguments) for memory in (self.cpu, self.golden))
        if isinstance(meant, tuple):
            for one, other in zip(found, meant, strict=True):
                assert one.dtype == other.dtype
                np.testing.assert_array_equal(one, other)
        elif isinstance(meant, np.ndarray):
            assert found.dtype == meant.dtype
            np.testing.assert_array_equal(found, meant)
        else:
            same(found, meant)
        assert self.cpu.counters == self.golden.counters
        return found

    def ask_everything(self, cues: Any) -> None:
        codes = self.ask("encode", cues)
        for count in (1, 5, 70):
            self.ask("recall", cues, count)
        self.ask("recall", cues[:1], 3)
        self.ask("recall_codes", codes, 5)
        self.ask("recall_codes", np.ascontiguousarray(codes[:, 2:5]), 2)
        self.ask("complete", cues)
        self.ask("complete_codes", codes)


def embeddings(count: int, seed: int, width: int = WIDTH) -> Any:
    return stages.quantise(np.random.default_rng(seed).standard_normal((count, width)))


def noisy(vectors: Any, seed: int, noise: float = 60.0) -> Any:
    rng = np.random.default_rng(seed)
    return stages.quantise(vectors + noise * rng.standard_normal(vectors.shape))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut calls into several pieces, and let a second thread take some, however small they are."""
    monkeypatch.setattr(backend, "_MOST_CUES", 7)
    monkeypatch.setattr(backend, "_FEWEST_CUES", 7)
    monkeypatch.setattr(backend, "_ENCODED", 40)
    monkeypatch.setattr(backend, "_WRITTEN", 30)
    monkeypatch.setattr(backend, "_THREADED_PASSES", 1)
    monkeypatch.setattr(backend, "_THREADED_CODES", 2)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", LAWS)
def test_every_answer_is_the_golden_models(name: str, threads: int) -> None:
    pair = Pair(LAWS[name], threads=threads)
    vectors = embeddings(len(SLOTS), 1)
    cues = np.concatenate([noisy(vectors[::5], 2), embeddings(4, 3)])
    pair.ask_everything(cues[:2])  # of an empty memory
    pair.tell("write", SLOTS, vectors)
    pair.ask_everything(cues)


@pytest.mark.parametrize("name", LAWS)
def test_learnt_cleared_and_restored_patterns_are_the_golden_models(name: str) -> None:
    law = LAWS[name]
    pair = Pair(law)
    vectors = embeddings(len(SLOTS), 1)
    cues = noisy(vectors[::7], 2)
    pair.tell("write", SLOTS, vectors)
    for _ in range(5):  # rows outgrow a code
        pair.tell("learn", 3, cues[0])
        pair.tell("learn", 3, cues[1])
        pair.tell("learn", 512, cues[2])
    pair.tell("clear", np.array([1, 2, 1_000_000, 77, 2_000_000_000]))
    neurons, permanences = pair.ask("synapses", 512)
    assert len(neurons) > law.winners
    pair.tell("restore", 9, neurons, permanences, pair.cpu.vector(512))
    pair.tell("restore", 10, neurons[:0], permanences[:0], cues[3])
    all_neurons = np.arange(law.neurons, dtype=np.uint16)
    pair.tell("restore", 11, all_neurons, np.full(law.neurons, 15, np.uint8), cues[4])
    pair.tell("write", np.array([4, 512, 3]), vectors[:3])
    pair.tell("learn", 3, cues[1])
    for slot in (0, 3, 4, 9, 10, 11, 512, 516, 5000):
        pair.ask("synapses", slot)
        pair.ask("vector", slot)
    pair.ask_everything(cues)
    strengths = np.random.default_rng(4).integers(0, 4, 5002)
    for epoch, overlap in ((0, 0), (70_000, 180), (3, 256)):
        pair.ask("replay", epoch, overlap, strengths)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("overlap", [0, 40, 180, 256])
def test_a_replay_is_the_golden_models(overlap: int, threads: int) -> None:
    pair = Pair(LAWS["plain"], threads=threads)
    kinds = embeddings(5, 1)[np.arange(len(SLOTS)) % 5]
    pair.tell("write", SLOTS, noisy(kinds, 2, 30.0))
    strengths = np.random.default_rng(3).integers(0, 3, SLOTS.max() + 1)
    wins, losses = pair.ask("replay", 1, overlap, strengths)
    assert wins.sum() == len(SLOTS)
    assert (losses.sum() > 0) == (overlap < 256)


def test_answers_do_not_depend_on_the_blocks_they_lie_in() -> None:
    law = Association(64, 4, 8, 16, 30, ramp=1)
    pair = Pair(law, width=16)
    vectors = embeddings(2 * BLOCK_PATTERNS + 50, 1, 16)
    pair.tell("write", np.arange(len(vectors)), vectors)
    cues = noisy(vectors[[0, 510, 511, 512, 513, 1023, 1024]], 2, 20.0)
    for count in (1, 30, 600):
        pair.ask("recall", cues, count)
    pair.ask("recall_codes", pair.ask("encode", cues), 700)
    pair.ask("complete", cues)


TINY = st.builds(
    Association,
    neurons=st.sampled_from([64, 128]),
    sources=st.integers(1, 20),
    winners=st.sampled_from([4, 8, 12, 32]),
    spikes=st.integers(1, 32),
    candidates=st.integers(8, 20),
    ramp=st.integers(0, 2),
    levels=st.integers(1, 15),
    signed=st.booleans(),
    rerank=st.booleans(),
)


@settings(max_examples=40)
@given(data=st.data(), law=TINY, width=st.integers(1, 40))
def test_any_small_law_is_the_golden_models(
    data: st.DataObject, law: Association, width: int
) -> None:
    pair = Pair(law, seed=data.draw(st.integers(0, 2**64 - 1)), width=width)
    # Few different numbers make many ties.
    draw = np.random.default_rng(data.draw(st.integers(0, 99)))
    most = data.draw(st.sampled_from([1, 2, 127]))
    vectors = draw.integers(-most, most + 1, (30, width), dtype=np.int8)
    slots = draw.permutation(1100)[:30].astype(np.int64)
    pair.tell("write", slots, vectors)
    pair.ask("recall", vectors[:9], 12)
    pair.ask("complete", vectors[:4])
    pair.tell("learn", int(slots[0]), vectors[1])
    pair.ask("synapses", int(slots[0]))
    pair.tell("clear", slots[5:20])
    pair.ask("recall_codes", pair.ask("encode", vectors[4:12]), 3)
    pair.ask("replay", 2, data.draw(st.integers(0, 256)), draw.integers(0, 3, 1100))


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["write", "learn", "clear", "restore", "recall"]),
        st.lists(st.sampled_from([0, 1, 2, 63, 64, 511, 512, 1024]), min_size=1, unique=True),
        st.integers(0, 9),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(operations=OPERATIONS)
def test_any_history_is_the_golden_models(operations: list[tuple[str, list[int], int]]) -> None:
    pair = Pair(Association(64, 4, 8, 16, 8, ramp=1), width=12)
    vectors = embeddings(20, 8, 12)
    held: set[int] = set()
    for name, slots, choice in operations:
        chosen = np.array(slots, np.int64)
        if name == "write":
            pair.tell("write", chosen, vectors[choice : choice + len(slots)])
            held |= set(slots)
        elif name == "clear":
            pair.tell("clear", chosen)
            held -= set(slots)
        elif name == "restore" and slots[0] in held:
            what = (*pair.ask("synapses", slots[0]), pair.ask("vector", slots[0]))
            pair.tell("restore", slots[-1], *what)
            held.add(slots[-1])
        elif name == "learn" and slots[0] in held:
            pair.tell("learn", slots[0], vectors[choice])
        elif name == "recall":
            pair.ask("recall", vectors[choice : choice + 3], 4)
    pair.ask("complete", vectors[:3])
    pair.ask("replay", 1, 100, np.zeros(1025, np.int64))
    for slot in held:
        pair.ask("synapses", slot)


@pytest.mark.parametrize("count", [0, 1, 5, 6, 31, 32, 33, 90])
@pytest.mark.parametrize(
    ("law", "width"),
    [
        (LAWS["plain"], 1),
        (LAWS["plain"], 7),
        (Association(192, 256, 30, 10, 8), 300),
        (Association(65536, 8, 300, 10, 8), 33),
    ],
)
def test_codes_are_numpys_however_many_are_made_at_once(
    law: Association, width: int, count: int
) -> None:
    cpu = CpuAssociations(law, 3, width, threads=2)
    vectors = np.random.default_rng(1).integers(-127, 128, (count, width), dtype=np.int8)
    table = stages.projection(law, 3, width)
    np.testing.assert_array_equal(
        cpu.encode(vectors), stages.encode(vectors, table, law).reshape(count, law.winners)
    )


def potentials(cpu: CpuAssociations, cue: stages.Cue, slots: list[int]) -> Any:
    """Return what patterns integrate of a cue's spikes, from what is stored."""
    rows = np.zeros((len(slots), cpu.association.neurons), np.int64)
    for row, slot in zip(rows, slots, strict=True):
        row[cpu.synapses(slot)[0]] = 1
    return rows[:, cue.neurons] @ cue.payloads.astype(np.int64)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_answer_as_the_stages_in_numpy_do(preset: str) -> None:
    law, width = PRESETS[preset], 768
    law = Association(**{**vars(law), "candidates": 100})  # fewer than there are patterns
    cpu = CpuAssociations(law, 7, width, threads=2)
    vectors = embeddings(300, 1, width)
    cpu.write(np.arange(300), vectors)
    cues = noisy(vectors[:6], 2, 100.0)
    answers = cpu.recall(cues, 10)
    sums = stages.project(cues, stages.projection(law, 7, width))
    for i in range(len(cues)):
        drive = potentials(cpu, stages.cue_of(sums[i], law), list(range(300)))
        latencies = np.maximum(0, -(-(law.threshold - drive) >> law.ramp))
        order = np.lexsort((np.arange(300), latencies))[: law.candidates]
        norm = int(stages.norms(cues[i : i + 1])[0])
        similarities = stages.rerank(cues[i], norm, vectors[order], stages.norms(vectors[order]))
        best = np.lexsort((order, -similarities))
        sure = stages.confidences(similarities[best], width)
        np.testing.assert_array_equal(answers.slots[i], order[best][:10])
        np.testing.assert_array_equal(answers.similarities[i], similarities[best][:10])
        np.testing.assert_array_equal(answers.confidences[i], sure[:10])
        np.testing.assert_array_equal(answers.latencies[i], latencies[order[best]][:10])
    codes = cpu.encode(vectors[:40])
    settled = cpu.complete_codes(codes)
    np.testing.assert_array_equal(settled.codes, codes)
    np.testing.assert_array_equal(settled.slots, np.arange(40))


def test_many_may_recall_at_once() -> None:
    cpu = CpuAssociations(LAWS["plain"], 5, WIDTH, threads=2)
    vectors = embeddings(len(SLOTS), 1)
    cpu.write(SLOTS, vectors)
    alone = cpu.recall(vectors, 3)
    before = cpu.counters.spikes
    wrong: list[Exception | AssertionError] = []

    def work() -> None:
        try:
            for _ in range(5):
                same(cpu.recall(vectors, 3), alone)
        except AssertionError as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cpu.counters.spikes == 21 * before
    cpu.close()


def test_a_pattern_takes_less_than_seven_tenths_of_its_float32_embedding() -> None:
    width, count = 768, 4000
    cpu = CpuAssociations(PRESETS["default"], 1, width)
    empty = cpu.ram_bytes
    vectors = np.tile(embeddings(500, 1, width), (8, 1))
    for start in range(0, count, 500):  # growing bit by bit
        cpu.write(np.arange(start, start + 500), vectors[start : start + 500])
    assert empty < 1 << 20
    assert count * width < cpu.ram_bytes < 0.7 * count * 4 * width


def test_a_far_slot_costs_one_block_and_a_cleared_block_is_used_again() -> None:
    cpu = CpuAssociations(PRESETS["default"], 1, 768)
    vector = embeddings(1, 1, 768)
    cpu.write(np.array([2**31 - 1]), vector)
    cost = cpu.ram_bytes
    assert cost < 2 << 20
    assert cpu.recall(vector, 2).slots.tolist() == [[2**31 - 1, -1]]
    for slot in range(0, 10**6, 10**5):
        cpu.write(np.array([slot]), vector)
        cpu.clear(np.array([slot]))
    assert cpu.ram_bytes < 2 * cost
    assert cpu.recall(vector, 1).slots.tolist() == [[2**31 - 1]]


def test_permanences_are_kept_only_where_they_are_not_those_of_a_first_write() -> None:
    cpu = CpuAssociations(LAWS["plain"], 1, WIDTH)
    vectors = embeddings(2, 1)
    cpu.write(np.arange(2), vectors)
    before = cpu.ram_bytes
    cpu.restore(1, *cpu.synapses(1), cpu.vector(1))
    assert cpu.ram_bytes == before
    cpu.learn(1, vectors[0])
    assert cpu.ram_bytes > before
    cpu.write(np.array([1]), vectors[1:])
    assert cpu.ram_bytes == before


def test_what_a_caller_gets_and_gives_stays_the_callers() -> None:
    cpu = CpuAssociations(LAWS["plain"], 1, WIDTH)
    vectors = embeddings(3, 1)
    cpu.write(np.arange(2), vectors[:2])
    cpu.learn(1, vectors[2])
    neurons, permanences = cpu.synapses(1)
    cpu.vector(1)[:] = 0
    cpu.synapses(1)[0][:] = 0
    again = cpu.synapses(1)
    np.testing.assert_array_equal(again[0], neurons)
    np.testing.assert_array_equal(again[1], permanences)
    assert cpu.vector(1).any()
    codes = cpu.encode(vectors)
    given_codes = codes.copy()
    cpu.complete_codes(codes)
    np.testing.assert_array_equal(codes, given_codes)


def test_a_slot_that_holds_nothing_has_nothing_to_show() -> None:
    cpu = CpuAssociations(LAWS["plain"], 1, WIDTH)
    cpu.write(np.array([3]), embeddings(1, 1))
    for slot in (2, 4, 700):
        with pytest.raises(KeyError):
            cpu.synapses(slot)
        with pytest.raises(KeyError):
            cpu.vector(slot)
