"""Seeded blocks: what they give back, how near that is, and that every way of decoding agrees."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engram.arch.laws import LAWS
from engram.arch.payloads.seeded import (
    BASIS_SEED,
    BASIS_STREAM,
    BLOCK_SIZES,
    MOST_COLUMNS,
    SEEDS,
    SeededForm,
    SeededPayload,
)
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS, type_by_name
from engram.codecs import seeded_blocks
from engram.codecs.catalogue import codec
from engram.codecs.codec import Budget, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.seeded import FORMS, SeededCodec
from engram.codecs.seeded_blocks import basis_entries, numbers_in
from engram.cpu.library import library
from sim.golden.codecs import seeded as golden
from sim.golden.codecs.floats import FLOATS
from sim.golden.laws import generate
from tests.codecs.samples import KINDS, LOSSY, decoded, noise, tensor

SEEDED = SeededCodec()
QUICK = SeededCodec(seeds=256)
FLOAT_OF = {name: name for name in FLOATS} | {"complex64": "float32", "complex128": "float64"}
EVERY_FORM = [
    SeededForm(block, columns) for block in BLOCK_SIZES for columns in range(1, MOST_COLUMNS + 1)
]
FOUR_BITS = SeededForm(8, 4)


@pytest.fixture(params=["kernel", "numpy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Decode by one of the two ways."""
    library("tensors")
    if request.param == "numpy":
        monkeypatch.setattr(seeded_blocks, "library_if_ready", lambda group: None)
    return request.param


def encoded(values: NDArray[Any], name: str, budget: Budget, codec: SeededCodec = SEEDED) -> bytes:
    payload = codec.encode(values, tensor(values, name), budget)
    assert payload is not None
    return payload


def any_payload(form: SeededForm, numbers: int, exponent: int, seed: int) -> bytes:
    """Return a payload of arbitrary seeds, coefficients and scales."""
    content = bytearray(np.random.default_rng(seed).bytes(form.size(numbers)))
    content[:ALIGNMENT] = SeededPayload(form, exponent, numbers).header()
    return bytes(content)


def bits_of(elements: NDArray[Any], geometry: Geometry) -> list[int]:
    width = geometry.kind.bits.itemsize // numbers_in(geometry.kind)
    return [int(number) for number in elements.view(f"u{width}")]


def four_bits(numbers: int) -> Budget:
    return Budget(bytes=FOUR_BITS.size(numbers))


def nearest_fours(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers rounded to 15 levels that each 128 of them have in common."""
    groups = values.astype(np.float64).reshape(-1, 128)
    step = np.abs(groups).max(1, keepdims=True) / 7
    return (np.rint(groups / step) * step).reshape(values.shape)


def relative(made: NDArray[Any], values: NDArray[Any]) -> float:
    return float(np.linalg.norm(made - values) / np.linalg.norm(values))


@pytest.mark.parametrize("name", LOSSY)
@settings(max_examples=25, deadline=None)
@given(
    form=st.sampled_from(EVERY_FORM),
    elements=st.integers(1, 400),
    exponent=st.sampled_from([0, -20, -43, -120, -121, -160, 5, 80, 81, 90, -1074, 1000]),
    seed=st.integers(0, 2**32),
)
def test_any_payload_decodes_as_the_golden_model_says(
    name: str, form: SeededForm, elements: int, exponent: int, seed: int
) -> None:
    geometry = Geometry((elements,), type_by_name(name))
    numbers = elements * numbers_in(geometry.kind)
    payload = any_payload(form, numbers, exponent, seed)
    wanted = golden.decode(payload, numbers, FLOAT_OF[name])
    library("tensors")
    assert bits_of(decoded(SEEDED, payload, geometry), geometry) == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeded_blocks, "library_if_ready", lambda group: None)
        assert bits_of(decoded(SEEDED, payload, geometry), geometry) == wanted


@given(
    seed=st.integers(0, SEEDS - 1),
    block=st.sampled_from(BLOCK_SIZES),
    column=st.integers(0, MOST_COLUMNS - 1),
)
def test_a_basis_is_drawn_from_law_1(seed: int, block: int, column: int) -> None:
    index, place = divmod(column, 32 // block)
    word = generate(LAWS[1], BASIS_SEED, index * SEEDS + seed, stream=BASIS_STREAM)
    fields = word >> (2 * block * place)
    wanted = [(-3, -1, 1, 3)[fields >> 2 * i & 3] for i in range(block)]
    assert basis_entries(block, MOST_COLUMNS)[seed, column].tolist() == wanted


@pytest.mark.parametrize("form", [FORMS[0], FOUR_BITS, FORMS[-1]], ids=str)
@pytest.mark.parametrize("name", ["float32", "float16", "complex64"])
def test_a_run_is_a_slice_of_the_whole(form: SeededForm, name: str, way: str) -> None:
    geometry = Geometry((2, TILE_ELEMENTS + 77), type_by_name(name))
    numbers = geometry.size * numbers_in(geometry.kind)
    payload = any_payload(form, numbers, -40, 8)
    whole = decoded(SEEDED, payload, geometry)
    chance = np.random.default_rng(1)
    ends = [0, 1, 127, 128, 129, TILE_ELEMENTS - 1, TILE_ELEMENTS, geometry.size]
    ends += chance.integers(0, geometry.size, 12).tolist()
    for start in ends:
        for stop in ends:
            if start <= stop:
                part = decoded(SEEDED, payload, geometry, start, stop)
                assert part.tobytes() == whole[start:stop].tobytes()


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("shape", [(), (1,), (7, 9), (1, 2, 1, 3, 1, 2, 2, 1, 1, 3), (40, 30)])
def test_every_lossy_type_and_shape_comes_back_near(name: str, shape: tuple[int, ...]) -> None:
    values = noise(shape, name, 3)
    geometry = tensor(values, name)
    payload = encoded(values, name, Budget())
    assert deviation(SEEDED, payload, values, geometry).relative < 0.06


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_budget_is_kept_to_the_byte(form: SeededForm) -> None:
    values = noise((1500,))
    size = form.size(values.size)
    assert len(encoded(values, "float32", Budget(bytes=size), QUICK)) <= size
    smallest = min(form.size(values.size) for form in FORMS)
    geometry = tensor(values, "float32")
    assert QUICK.encode(values, geometry, Budget(bytes=smallest - 1)) is None


@settings(max_examples=15, deadline=None)
@given(
    values=st.lists(
        st.sampled_from([0.0, 1.0, -1.0, 3.0, 1e-30, -1e20])
        | st.floats(-(2.0**100), 2.0**100, width=32),
        min_size=1,
        max_size=60,
    ),
    times=st.integers(1, 5),
)
def test_more_bytes_never_bring_a_larger_error(values: list[float], times: int) -> None:
    tensor_ = np.tile(np.array(values, np.float32), times)
    geometry = tensor(tensor_, "float32")
    last = float("inf")
    for size in sorted({form.size(tensor_.size) for form in FORMS}):
        payload = encoded(tensor_, "float32", Budget(bytes=size), QUICK)
        error = deviation(QUICK, payload, tensor_, geometry).relative
        assert error <= last
        last = error


def test_more_bytes_never_bring_a_larger_error_in_a_large_tensor() -> None:
    values = np.random.default_rng(5).laplace(size=30_000).astype(np.float32)
    geometry = tensor(values, "float32")
    errors = []
    for form in FORMS:
        payload = encoded(values, "float32", Budget(bytes=form.size(values.size)), QUICK)
        errors.append(deviation(QUICK, payload, values, geometry).relative)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("most", [0.5, 0.3, 0.15, 0.1])
def test_an_error_is_kept_with_the_fewest_bytes(most: float) -> None:
    values = noise((4000,), seed=11)
    geometry = tensor(values, "float32")
    payload = encoded(values, "float32", Budget(error=most))
    assert deviation(SEEDED, payload, values, geometry).relative <= most
    smaller = [form for form in FORMS if form.size(4000) < len(payload)]
    for form in smaller:
        worse = encoded(values, "float32", Budget(bytes=form.size(4000)))
        assert deviation(SEEDED, worse, values, geometry).relative > most
    assert SEEDED.encode(values, geometry, Budget(error=1e-3)) is None


@pytest.mark.parametrize("law", ["normal", "laplace"])
def test_four_bits_are_nearer_than_rounding_to_four_bits(law: str) -> None:
    values = getattr(np.random.default_rng(2), law)(size=128 * 100).astype(np.float32)
    payload = encoded(values, "float32", four_bits(values.size))
    # Rounded groups have a scale of 16 bits each: 4.125 bits a number.
    assert len(payload) - ALIGNMENT < values.size * 4.125 / 8
    made = decoded(SEEDED, payload, tensor(values, "float32"))
    assert relative(made, values) < 0.75 * relative(nearest_fours(values), values)


def test_fewer_seeds_are_worse_and_all_of_them_are_the_default() -> None:
    values = noise((2560,), seed=4)
    errors = []
    for seeds in (256, 4096, SEEDS):
        codec = SeededCodec(seeds)
        payload = encoded(values, "float32", four_bits(values.size), codec)
        assert np.frombuffer(payload, "<u2", 320, ALIGNMENT).max() < seeds
        errors.append(deviation(codec, payload, values, tensor(values, "float32")).relative)
    assert errors == sorted(errors, reverse=True)
    assert payload == encoded(values, "float32", four_bits(values.size))


@pytest.mark.parametrize("seeds", [0, 128, 1000, 1 << 17])
def test_seeds_are_a_power_of_two(seeds: int) -> None:
    with pytest.raises(ValueError, match="seeds must be a power of two"):
        SeededCodec(seeds)


def test_zeros_come_back_as_zeros() -> None:
    values = np.zeros(70_000, np.float32)
    values[65_536 + 300 :] = noise((4164,))
    payload = encoded(values, "float32", Budget(bytes=FORMS[2].size(values.size)), QUICK)
    made = decoded(QUICK, payload, tensor(values, "float32"))
    assert not made[: 65_536 + 256].view(np.uint32).any()
    nothing = np.zeros(300, np.float64)
    payload = encoded(nothing, "float64", Budget())
    assert not decoded(SEEDED, payload, tensor(nothing, "float64")).view(np.uint64).any()


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-40, 1e30, 1e300, 1e308])
def test_any_range_of_numbers_is_kept(scale: float) -> None:
    values = noise((600,), "float64") * min(scale, 3e307)
    geometry = tensor(values, "float64")
    payload = encoded(values, "float64", Budget())
    assert deviation(SEEDED, payload, values, geometry).relative < (0.2 if scale < 1e-310 else 0.06)


def test_quiet_groups_keep_their_precision_beside_loud_ones() -> None:
    values = noise((512,), "float64")
    values[:256] *= 1e-6
    payload = encoded(values, "float64", four_bits(512))
    made = decoded(SEEDED, payload, tensor(values, "float64"))
    assert relative(made[:256], values[:256]) < 0.1


@pytest.mark.parametrize("name", KINDS)
def test_only_finite_numbers_of_lossy_types_are_accepted(name: str) -> None:
    kind = type_by_name(name)
    zeros = np.zeros(5, kind.bits)
    geometry = tensor(zeros, name)
    assert SEEDED.accepts(geometry, zeros) == kind.lossy
    assert (SEEDED.encode(zeros, geometry, Budget()) is not None) == kind.lossy
    assert SEEDED.encode(zeros, geometry, Budget(exact=True)) is None
    assert not SEEDED.accepts(Geometry((0,), kind), np.zeros(0, kind.bits))
    if kind.lossy and name != "bfloat16":
        zeros[3] = np.nan
        assert not SEEDED.accepts(geometry, zeros)


def test_the_catalogue_knows_it() -> None:
    assert isinstance(codec("seeded"), SeededCodec)
    assert codec("seeded").number == 9


@pytest.mark.parametrize("form", [FORMS[0], FOUR_BITS], ids=str)
def test_a_payload_of_the_wrong_length_is_refused(form: SeededForm) -> None:
    payload = any_payload(form, 1000, 0, 1)
    geometry = Geometry((1000,), type_by_name("float32"))
    for length in (0, 1, 23, 24, 63, 64, 65, len(payload) - 64, len(payload) - 1):
        with pytest.raises(ValueError, match="payload must"):
            decoded(SEEDED, payload[:length], geometry, 0, 10)
    with pytest.raises(ValueError, match="payload must"):
        decoded(SEEDED, payload + b"\0", geometry, 0, 10)
    with pytest.raises(ValueError, match="fit the tensor"):
        decoded(SEEDED, payload, Geometry((1001,), geometry.kind), 0, 10)


def test_a_header_changed_anywhere_but_in_its_exponent_is_refused() -> None:
    payload = any_payload(FOUR_BITS, 500, -30, 1)
    geometry = Geometry((500,), type_by_name("float32"))
    for place in {*range(ALIGNMENT)} - {4, 5, 6, 7}:
        for bit in range(8):
            changed = bytearray(payload)
            changed[place] ^= 1 << bit
            with pytest.raises(ValueError, match="payload must"):
                decoded(SEEDED, bytes(changed), geometry)


@pytest.mark.parametrize("exponent", [-(1 << 31), -1075, 1001, (1 << 31) - 1])
def test_an_exponent_that_cannot_be_is_refused(exponent: int) -> None:
    payload = any_payload(FOUR_BITS, 500, exponent, 1)
    with pytest.raises(ValueError, match="exponent of a float64's range"):
        decoded(SEEDED, payload, Geometry((500,), type_by_name("float64")))


def test_a_payload_says_how_large_it_is_without_a_tensor() -> None:
    huge = 1 << 40
    header = SeededPayload(FOUR_BITS, 0, huge).header()
    with pytest.raises(ValueError, match=r"have \d+ bytes"):
        decoded(SEEDED, header, Geometry((huge,), type_by_name("float32")), 0, 1)
