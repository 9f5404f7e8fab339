"""The benchmark of associations: its data and noises are what is said, its sweeps are the law."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.association_ablation import variants
from benchmarks.association_data import Exact, cell_name, data, noisy, trial
from benchmarks.association_peers import PEERS, MissingPeer
from benchmarks.association_pictures import moved
from benchmarks.association_sentences import MissingModel, SentenceModel, sentences
from benchmarks.association_sweeps import SEED, Sweep, cue_matrix, highest
from benchmarks.association_tables import Section, Table, written
from engram.arch.associations import Association
from engram.numpy_associations import cue_of, encode, project, projection, quantise
from sim.golden.associations import GoldenAssociations

LAW = Association(neurons=512, sources=8, winners=40, spikes=64, candidates=16, ramp=2)


def test_noise_has_the_size_that_is_said() -> None:
    x = data("Gaussian", 200)
    beside = {
        ("a", 0.5): 1 / np.sqrt(1 + 0.5**2),
        ("b", 0.5): np.sqrt(0.5),
        ("c", 0.5): 0.5,
        ("d", 0.2): 1 / np.sqrt(1 + 768 * 0.2**2),
    }
    for noise, cosine in beside.items():
        assert (noisy(x, noise) * x).sum(1).mean() == pytest.approx(cosine, abs=0.01)


def test_noise_is_not_of_the_seed_of_the_data() -> None:
    x = data("Gaussian", 100)
    added = noisy(x, ("a", 1.0)) * np.sqrt(2) - x
    assert abs((added * x).sum(1).mean()) < 0.02


def test_clustered_data_has_neighbours_of_cosine_four_fifths() -> None:
    x = data("clustered", 400)
    cosines = np.sort(x @ x.T, axis=1)[:, -5:-1]
    assert cosines.mean() == pytest.approx(0.8, abs=0.03)


def test_an_unknown_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="noise must be a, b, c or d, not 'e'"):
        noisy(data("Gaussian", 2), ("e", 0.1))


@pytest.mark.parametrize("law", [
    LAW,
    replace(LAW, signed=False, levels=3),
    replace(LAW, ramp=0, rerank=False),
    replace(LAW, ramp=3, levels=15, candidates=8),
])  # fmt: skip
def test_a_sweep_finds_what_the_golden_model_finds(law) -> None:
    x = data("Gaussian", 60, width=96)
    each = trial(x, ("d", 0.35), 40)
    (swept,) = Sweep(x, [each]).run(law)
    golden = GoldenAssociations(law, SEED, 96)
    golden.write(np.arange(60), quantise(x))
    found = golden.recall(quantise(each.cues), law.candidates)
    hits = found.slots[:, 0] == each.targets
    assert 0.3 < hits.mean() < 1
    assert swept.hits == pytest.approx(hits.mean())
    awaited = (found.slots == each.targets[:, None]).any(1)
    assert swept.awaited == pytest.approx(awaited.mean())
    assert swept.events == pytest.approx(golden.counters.synaptic_events / 40)
    raced = GoldenAssociations(replace(law, rerank=False), SEED, 96)
    raced.write(np.arange(60), quantise(x))
    first = raced.recall(quantise(each.cues), 1).slots[:, 0]
    assert swept.race_hits == pytest.approx((first == each.targets).mean())


def test_spikes_and_codes_of_sweeps_are_the_laws_at_ties_too() -> None:
    rng = np.random.default_rng(4)
    coarse = rng.integers(-2, 3, (12, 96)).astype(np.int8)
    table = projection(LAW, SEED, 96)
    sums = project(coarse, table)
    active = np.sort(highest(sums.astype(np.float32), LAW.winners), axis=1)
    assert (active == encode(coarse, table, LAW)).all()
    for row, spikes in zip(sums, cue_matrix(sums.astype(np.float32), LAW), strict=True):
        cue = cue_of(row, LAW)
        assert np.flatnonzero(spikes).tolist() == sorted(cue.neurons.tolist())
        assert (spikes[cue.neurons] == cue.payloads).all()


def test_int8_cosines_are_nearly_cosines() -> None:
    x = data("Gaussian", 50)
    exact = Exact(x)
    small = exact.int8_cosines(x) / np.linalg.norm(quantise(x).astype(float), axis=1)[:, None]
    assert np.abs(small - exact.cosines(x)).max() < 0.005


def test_moved_codes_keep_their_size_and_the_other_bits() -> None:
    code = np.arange(0, 6400, 10, dtype=np.uint16)
    other = moved(code, 0.2, np.random.default_rng(0))
    assert len(np.unique(other)) == len(code)
    assert len(np.intersect1d(code, other)) == 512


def test_variants_change_one_thing_each() -> None:
    (name, law), *others = variants()
    assert name == "as it is"
    assert all(other != law for _, other in others)
    assert len({name for name, _ in others}) == len(others)


def test_a_table_refuses_a_row_of_another_length() -> None:
    table = Table("t", ("a", "b"))
    with pytest.raises(ValueError, match="row must have 2 cells"):
        table.add(1)


def test_cells_are_written_to_be_read() -> None:
    cells = {
        1234567: "1,234,567",
        0.12345: "0.123",
        0.00312: "0.0031",
        0.0: "0.000",
        54.321: "54.3",
        1e4: "10,000",
        None: "",
    }
    assert {cell: written(cell) for cell in cells} == cells
    assert Section().tables == []
    assert cell_name(("d", 0.05)) == "(d) 0.05"


def test_sentences_are_different_and_always_the_same() -> None:
    found = sentences(50)
    assert found == sentences(60)[:50]
    assert len(set(found)) == 50
    assert all(6 <= len(sentence.split()) <= 40 for sentence in found)


def test_the_model_agrees_with_its_makers_and_batches_change_nothing() -> None:
    try:
        model = SentenceModel()  # compares itself with published similarities
    except MissingModel as error:
        pytest.skip(str(error))
    texts = ["Naïve words, e.g. unbelievableness.", "A cat.", "x" * 101]
    together = model.embed(texts)
    assert np.abs(np.linalg.norm(together, axis=1) - 1).max() < 1e-5
    for text, row in zip(texts, together, strict=True):
        assert np.abs(model.embed([text])[0] - row).max() < 1e-4


@pytest.mark.parametrize("make", PEERS)
def test_a_peer_finds_what_is_there(make) -> None:
    try:
        peer = make()
    except MissingPeer as error:
        pytest.skip(str(error))
    x = data("Gaussian", 400, width=64)
    peer.build(x, threads=1)
    for breadth in peer.breadths:
        found = peer.search(x[:20], 3, breadth, threads=1)
        assert found.shape == (20, 3)
        assert (found[:, 0] == np.arange(20)).all()
    assert peer.stored_bytes >= x.size
