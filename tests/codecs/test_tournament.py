"""The tournament and the catalogue: the best codec within a budget, and what is said if none is."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.arch.tensors import CODECS, TILE_ELEMENTS, type_by_name
from engram.codecs.catalogue import LOCAL, codec, codec_by_number, names
from engram.codecs.codec import Budget
from engram.codecs.deviation import deviation
from engram.codecs.tournament import choose
from engram.errors import CannotMeet
from tests.codecs.samples import KINDS, SHAPES, decoded, noise, of_bits, tensor

QUICK = ["raw", "lossless", "sparse", "grouped"]


def test_the_catalogue_has_a_codec_for_every_number() -> None:
    assert names() == tuple(sorted(CODECS, key=lambda name: CODECS[name]))
    for name, number in CODECS.items():
        found = codec_by_number(number)
        assert (found.name, found.number) == (name, number)
        assert found is codec(name)
    assert set(names()) >= LOCAL


def test_names_and_numbers_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="codec must be one of raw, "):
        codec("gzip")
    with pytest.raises(ValueError, match="not 77"):
        codec_by_number(77)


@pytest.mark.parametrize("kind", KINDS)
def test_exact_gives_back_every_bit_of_anything(kind: str) -> None:
    for shape in SHAPES:
        values = of_bits(shape, type_by_name(kind))
        geometry = tensor(values, kind)
        best = choose(values, geometry, Budget(exact=True), QUICK)
        assert (best.error, best.largest_error) == (0.0, 0.0)
        assert decoded(best.codec, best.payload, geometry).tobytes() == values.tobytes()
        every = [codec(name).encode(values, geometry, Budget(exact=True)) for name in QUICK[:3]]
        assert len(best.payload) == min(len(payload) for payload in every if payload is not None)


def test_the_codec_fits_the_tensor() -> None:
    plain = noise((150, 150))
    sparse = plain.copy()
    sparse[np.random.default_rng(1).random(plain.shape) < 0.95] = 0
    steps = np.arange(20000, dtype=np.int64)
    exact, tenth = Budget(exact=True), Budget(bytes=9000)
    for values, kind, budget, winner in (
        (sparse, "float32", exact, "sparse"),
        (steps, "int64", exact, "lossless"),
        (of_bits((40,), type_by_name("int16")), "int16", exact, "raw"),
        (plain, "float32", tenth, "grouped"),
        (sparse, "float32", tenth, "sparse"),
        (plain, "float32", Budget(bytes=10**6), "lossless"),
        (plain, "float32", Budget(error=0.2), "grouped"),
        (plain, "float32", Budget(error=1e-9), "lossless"),
    ):
        assert choose(values, tensor(values, kind), budget, QUICK).codec.name == winner


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 3000), zeros=st.sampled_from([0.0, 0.6]))
def test_more_bytes_never_give_a_larger_error(seed: int, size: int, zeros: float) -> None:
    values = noise((size,), seed=seed)
    values[np.random.default_rng(seed).random(size) < zeros] = 0
    geometry = tensor(values, "float32")
    last = float("inf")
    for ratio in (0.08, 0.1, 0.13, 0.15, 0.28, 0.6, 1.0):
        most = 320 + int(ratio * values.nbytes)
        best = choose(values, geometry, Budget(bytes=most), QUICK)
        assert len(best.payload) <= most
        measured = deviation(best.codec, best.payload, values, geometry)
        assert (best.error, best.largest_error) == (measured.relative, measured.largest)
        assert best.error <= last
        last = best.error
    assert last == 0.0


def test_within_the_same_bytes_the_smaller_error_wins() -> None:
    values = noise((300, 300))
    geometry = tensor(values, "float32")
    budget = Budget(bytes=values.nbytes // 10)
    both = [choose(values, geometry, budget, [name]) for name in ("grouped", "stepped")]
    assert len(both[0].payload) < len(both[1].payload)
    assert both[1].error < both[0].error
    assert choose(values, geometry, budget, [*QUICK, "stepped"]).codec.name == "stepped"


def test_errors_are_those_of_the_definition() -> None:
    values = noise((3, 1000), "float64") * 1e200  # squares of which are infinite
    geometry = tensor(values, "float64")
    best = choose(values, geometry, Budget(bytes=5000), QUICK)
    scaled, regrown = (
        values.reshape(-1) / 1e200,
        decoded(best.codec, best.payload, geometry) / 1e200,
    )
    error = np.linalg.norm(scaled - regrown) / np.linalg.norm(scaled)
    assert best.error == pytest.approx(error)
    assert best.largest_error == pytest.approx(np.abs(scaled - regrown).max() * 1e200)


def test_a_large_tensor_is_tried_on_samples_first() -> None:
    values = noise((5, TILE_ELEMENTS))
    geometry = tensor(values, "float32")
    best = choose(values, geometry, Budget(bytes=values.nbytes // 10), [*QUICK, "factors"])
    assert best.codec.name == "grouped"
    square = values.reshape(-1)[: 1 << 18].reshape(512, 512)
    most = Budget(bytes=square.nbytes // 10)
    best = choose(square, tensor(square, "float32"), most, ["grouped", "stepped", "factors"])
    assert best.codec.name == "stepped"
    columns = np.outer(np.arange(1, 1025), np.arange(1, 513)).astype(np.float32)
    best = choose(columns, tensor(columns, "float32"), Budget(bytes=40000), [*QUICK, "factors"])
    assert best.codec.name == "factors"


def test_what_cannot_be_met_is_refused_with_what_could_be() -> None:
    values = noise((100, 100))
    geometry = tensor(values, "float32")
    with pytest.raises(CannotMeet, match="exactly within at most 100 bytes: lossless needs") as no:
        choose(values, geometry, Budget(bytes=100, exact=True), QUICK)
    size = int(re.findall(r"needs (\d+) bytes", str(no.value))[0])
    assert choose(values, geometry, Budget(bytes=size, exact=True), QUICK).error == 0
    with pytest.raises(CannotMeet, match="within at most 100 bytes: grouped needs") as no:
        choose(values, geometry, Budget(bytes=100), QUICK)
    size = int(re.findall(r"needs (\d+) bytes", str(no.value))[0])
    assert len(choose(values, geometry, Budget(bytes=size), QUICK).payload) == size
    both = Budget(bytes=4500, error=0.01)
    with pytest.raises(CannotMeet, match=r"grouped has .* and grouped has ") as no:
        choose(values, geometry, both, QUICK)
    large, small = (int(size) for size in re.findall(r"has (\d+) bytes", str(no.value)))
    assert small <= 4500 < large
    assert choose(values, geometry, Budget(bytes=large, error=0.01), QUICK).error <= 0.01


def test_what_must_be_kept_exactly_says_so() -> None:
    for values, kind in (
        (np.arange(500, dtype=np.int32) ** 2, "int32"),
        (np.full(500, np.nan, np.float32), "float32"),
    ):
        with pytest.raises(CannotMeet, match="exactly, as these elements must be kept, within"):
            choose(values, tensor(values, kind), Budget(bytes=10), QUICK)


def test_a_budget_that_bounds_nothing_is_refused() -> None:
    values = noise((3,))
    with pytest.raises(ValueError, match="budget must bound bytes or error, or be exact"):
        choose(values, tensor(values, "float32"), Budget())
    with pytest.raises(ValueError, match="codec must be one of"):
        choose(values, tensor(values, "float32"), Budget(exact=True), ["zip"])
