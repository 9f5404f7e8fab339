"""The devices of the worker obey the law, also when a worker fails in the middle."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from engram.arch.associations import Association
from engram.backend import AssociationBackend, Completions, Recalls
from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable
from engram.loihi.backend import LoihiAssociations, LoihiNetworkAssociations
from engram.loihi.nengo import NengoAssociations
from engram.loihi.spiking import SpikingAssociations
from engram.numpy_associations import quantise
from sim.golden.associations import GoldenAssociations
from tests.loihi import programs

SEED, WIDTH = 5, 48
LAWS = {
    "default": Association(neurons=256, sources=8, winners=20, spikes=32, candidates=16, ramp=2),
    "graded": Association(
        neurons=320, sources=5, winners=16, spikes=50, candidates=9, levels=3, rerank=False
    ),
    "unsigned": Association(
        neurons=256, sources=3, winners=24, spikes=30, candidates=8, ramp=3, levels=2, signed=False
    ),
}
DEVICES = {
    "loihi": LoihiAssociations,
    "loihi-network": LoihiNetworkAssociations,
    "loihi-nengo": NengoAssociations,
}
Make = Callable[..., SpikingAssociations]


@pytest.fixture
def make(lava_python) -> Iterator[Make]:
    """Make backends of a device; the test's end closes them."""
    made: list[SpikingAssociations] = []

    def backend(name: str, law: str = "default", **settings: float) -> SpikingAssociations:
        if name == "loihi-nengo" and NengoAssociations.missing():
            pytest.skip(NengoAssociations.missing())
        made.append(DEVICES[name](LAWS[law], SEED, WIDTH, **settings))
        return made[-1]

    yield backend
    for one in made:
        one.close()


def embeddings(count: int, seed: int = 0) -> np.ndarray:
    return quantise(np.random.default_rng(seed).standard_normal((count, WIDTH)))


def near(vectors: np.ndarray, noise: float, seed: int = 1) -> np.ndarray:
    """Return embeddings with noise of so many times their deviation."""
    rng = np.random.default_rng(seed)
    return quantise(vectors + noise * vectors.std() * rng.standard_normal(vectors.shape))


def agree(one: Recalls | Completions, other: Recalls | Completions) -> None:
    for name in one.__dataclass_fields__:
        expected, found = getattr(one, name), getattr(other, name)
        assert expected.dtype == found.dtype, name
        assert np.array_equal(expected, found), name


def agree_on(cues: np.ndarray, golden: AssociationBackend, device: AssociationBackend) -> None:
    codes = golden.encode(cues)
    assert np.array_equal(codes, device.encode(cues))
    for count in (1, 40):
        agree(golden.recall(cues, count), device.recall(cues, count))
    agree(golden.recall_codes(codes[:, 3:], 5), device.recall_codes(codes[:, 3:], 5))
    agree(golden.complete(cues), device.complete(cues))
    agree(golden.complete_codes(codes), device.complete_codes(codes))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", DEVICES)
def test_a_device_obeys_the_law(name, law, make) -> None:
    golden, device = GoldenAssociations(LAWS[law], SEED, WIDTH), make(name, law)
    both = (golden, device)
    patterns = embeddings(36)
    cues = near(patterns, 0.8)[:10]
    slots = np.random.default_rng(2).permutation(90)[:36].astype(np.int64)
    agree_on(cues[:2], *both)  # while it is empty
    for backend in both:
        backend.write(slots, patterns)
    agree_on(cues, *both)
    for backend in both:
        for slot, cue in zip(slots[[0, 1, 0, 0, 2]].tolist(), cues, strict=False):
            backend.learn(slot, cue)
        backend.clear(np.array([slots[5], slots[6], 91], np.int64))
        backend.write(slots[6:9], patterns[20:23])
        backend.restore(
            int(slots[9]), *golden.synapses(int(slots[0])), golden.vector(int(slots[1]))
        )
        backend.restore(
            95,
            np.array([3, 7], np.uint16),
            np.array([7, 15], np.uint8),
            golden.vector(int(slots[2])),
        )
    for slot in [*slots[:5].tolist(), int(slots[9]), 95]:
        for expected, found in zip(golden.synapses(slot), device.synapses(slot), strict=True):
            assert expected.dtype == found.dtype
            assert np.array_equal(expected, found)
        assert np.array_equal(golden.vector(slot), device.vector(slot))
    agree_on(cues[:6], *both)
    strengths = np.random.default_rng(3).integers(0, 255, 100)
    for epoch, overlap in ((0, 100), (65_537, 180)):
        expected, found = (backend.replay(epoch, overlap, strengths) for backend in both)
        assert np.array_equal(expected, found)
    assert golden.counters == device.counters


@pytest.mark.parametrize("name", DEVICES)
def test_a_pattern_that_nothing_conducts_to_waits_for_the_ramp(name, make) -> None:
    golden, device = GoldenAssociations(LAWS["default"], SEED, WIDTH), make(name)
    cues = embeddings(3)
    for backend in (golden, device):
        backend.restore(4, np.array([9], np.uint16), np.array([7], np.uint8), cues[0])
    agree_on(cues, golden, device)
    for backend in (golden, device):
        backend.write(np.array([1]), cues[1:2])
    agree_on(cues, golden, device)


@pytest.mark.parametrize("name", DEVICES)
def test_equal_patterns_answer_in_the_order_of_their_slots(name, make) -> None:
    device = make(name)
    vector = embeddings(1)
    device.write(np.array([30, 2, 17]), np.repeat(vector, 3, axis=0))
    recalls = device.recall(vector, 4)
    assert recalls.slots.tolist() == [[2, 17, 30, -1]]
    assert recalls.similarities.tolist() == [[65536, 65536, 65536, 0]]


@pytest.mark.parametrize("name", DEVICES)
def test_no_cues_have_no_answers(name, make) -> None:
    device = make(name)
    device.write(np.arange(3), embeddings(3))
    none = embeddings(0)
    assert device.encode(none).shape == (0, 20)
    assert device.recall(none, 3).slots.shape == (0, 3)
    assert device.recall_codes(np.zeros((0, 20), np.uint16), 3).slots.shape == (0, 3)
    assert device.complete(none).codes.shape == (0, 20)
    device.write(np.zeros(0, np.int64), none)
    device.clear(np.zeros(0, np.int64))


def test_batches_are_split_and_joined(make) -> None:
    device = make("loihi")
    golden = GoldenAssociations(LAWS["default"], SEED, WIDTH)
    device.batch = 3
    for backend in (golden, device):
        backend.write(np.arange(10) * 5, embeddings(10))
    agree_on(near(embeddings(7), 0.5), golden, device)
    strengths = np.full(60, 9)
    expected, found = (backend.replay(1, 90, strengths) for backend in (golden, device))
    assert np.array_equal(expected, found)


def mixed(device: SpikingAssociations) -> GoldenAssociations:
    """Fill a device with patterns of every kind, and return the golden model of the same."""
    golden = GoldenAssociations(LAWS["default"], SEED, WIDTH)
    patterns = embeddings(20)
    for backend in (golden, device):
        backend.write(np.arange(20) * 3, patterns)
        backend.learn(6, patterns[4])
        backend.learn(6, patterns[5])
        backend.restore(9, *golden.synapses(6), patterns[7])
        backend.write(np.array([9]), patterns[3:4])
        backend.restore(15, *golden.synapses(6), patterns[7])
        backend.clear(np.array([0, 27]))
    return golden


@pytest.mark.parametrize("name", ["loihi", "loihi-nengo"])
def test_a_killed_worker_is_replaced_with_all_its_patterns(name, make, caplog) -> None:
    device = make(name)
    golden = mixed(device)
    cues = near(embeddings(4), 0.5)
    for kills in (1, 2):
        old = device.worker_pid
        os.kill(old, signal.SIGKILL)
        with caplog.at_level(logging.WARNING, "engram.loihi"):
            agree_on(cues, golden, device)
        assert device.restarts == kills
        assert device.worker_pid != old
    assert caplog.text.count("worker replaced: the worker died (signal 9)") == 2
    assert np.array_equal(device.synapses(15)[1], golden.synapses(15)[1])
    assert golden.counters == device.counters


def test_a_worker_killed_in_the_middle_of_a_call_costs_no_answer(make) -> None:
    device = make("loihi-nengo")
    golden = mixed(device)
    cues = near(embeddings(4), 0.5)
    device.recall(cues[:1], 1)
    device.batch = 400  # one call, and a long one
    many = np.tile(cues, (100, 1))
    old = device.worker_pid
    threading.Timer(0.1, os.kill, [old, signal.SIGKILL]).start()
    found = device.recall(many, 2)
    assert device.restarts == 1
    agree(golden.recall(cues, 2), Recalls(*(getattr(found, name)[:4] for name in FIELDS)))
    assert np.array_equal(found.slots, np.tile(found.slots[:4], (100, 1)))


FIELDS = ("slots", "similarities", "confidences", "latencies")


def test_a_write_that_failed_on_the_way_is_done_once(make) -> None:
    device = make("loihi")
    golden = mixed(device)
    os.kill(device.worker_pid, signal.SIGKILL)
    cue = embeddings(1, seed=9)[0]
    for backend in (golden, device):
        backend.learn(6, cue)
    assert device.restarts == 1
    for expected, found in zip(golden.synapses(6), device.synapses(6), strict=True):
        assert np.array_equal(expected, found)
    assert np.array_equal(golden.vector(6), device.vector(6))


def test_a_stopped_worker_is_replaced_after_its_time(make) -> None:
    device = make("loihi")
    golden = mixed(device)
    device._connection._seconds = 0.5
    os.kill(device.worker_pid, signal.SIGSTOP)
    agree_on(near(embeddings(2), 0.5), golden, device)
    assert device.restarts == 1


def test_two_workers_that_hang_are_a_timeout_and_the_next_call_tries_anew(make) -> None:
    device = make("loihi")
    golden = mixed(device)
    device._connection._seconds = 1e-6
    with pytest.raises(DeviceTimeout, match="it was the second worker that failed"):
        device.recall(embeddings(1), 1)
    device._connection._seconds = 60.0
    agree_on(near(embeddings(2), 0.5), golden, device)


def test_an_interpreter_that_vanishes_is_unavailable(make) -> None:
    device = make("loihi")
    mixed(device)
    connection = device._connection
    start = connection._start

    def vanished() -> None:
        raise DeviceUnavailable("the worker cannot be started")

    connection._start = vanished
    os.kill(device.worker_pid, signal.SIGKILL)
    with pytest.raises(DeviceUnavailable, match="cannot be started"):
        device.recall(embeddings(1), 1)
    connection._start = start
    assert device.recall(embeddings(1), 1).slots.shape == (1, 1)


def test_a_closed_backend_refuses_and_leaves_no_process(make) -> None:
    device = make("loihi")
    process = device.worker_pid
    device.close()
    device.close()
    assert programs.has_ended(process)
    with pytest.raises(DeviceFault, match="closed"):
        device.recall(embeddings(1), 1)


def test_a_dropped_backend_leaves_no_process(lava_python) -> None:
    device = LoihiAssociations(LAWS["default"], SEED, WIDTH)
    process = device.worker_pid
    del device
    gc.collect()
    assert programs.has_ended(process)


def test_threads_recall_at_once(make) -> None:
    device = make("loihi")
    golden = mixed(device)
    cues = near(embeddings(8), 0.5)
    expected = golden.recall(cues, 3)
    wrong: list[int] = []

    def recall(row: int) -> None:
        for _ in range(5):
            if not np.array_equal(
                device.recall(cues[row : row + 1], 3).slots[0], expected.slots[row]
            ):
                wrong.append(row)

    threads = [threading.Thread(target=recall, args=[row]) for row in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert device.counters.cues == 40


def test_a_law_beyond_the_chip_is_refused_with_the_limit(make, nengo_python) -> None:
    large = Association(
        neurons=8192, sources=2, winners=4096, spikes=64, candidates=8, levels=15, signed=False
    )
    device = NengoAssociations(large, SEED, WIDTH)
    try:
        device.write(np.arange(2), embeddings(2))
        with pytest.raises(DeviceUnavailable, match="ChipLimit: a pattern must fit a core of 4096"):
            device.recall(embeddings(1), 1)
        assert device.restarts == 0
    finally:
        device.close()


def test_models_that_are_not_there_are_refused(lava_python) -> None:
    with pytest.raises(ValueError, match="models must be one of fixed_pt, network, not 'floating'"):
        LoihiAssociations(LAWS["default"], SEED, WIDTH, models="floating")


def test_ram_grows_with_the_patterns(make) -> None:
    device = make("loihi")
    before = device.ram_bytes
    device.write(np.arange(200), embeddings(200))
    assert device.ram_bytes >= before + 200 * WIDTH
