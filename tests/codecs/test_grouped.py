"""Grouped integers: what they give back, what they cost, and that every way of decoding agrees."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engram.arch.payloads.grouped import EXPONENTS, GROUPS, PLANES, GroupedForm, GroupedPayload
from engram.arch.tensors import TILE_ELEMENTS, type_by_name
from engram.codecs import group_packing
from engram.codecs.catalogue import codec
from engram.codecs.codec import Budget, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.group_packing import numbers_in
from engram.codecs.grouped import FORMS, GroupedCodec
from engram.cpu.library import library
from sim.golden.codecs import grouped as golden
from sim.golden.codecs.floats import FLOATS, float_bits
from tests.codecs.samples import LOSSY, decoded, noise, tensor

GROUPED = GroupedCodec()
FLOAT_OF = {name: name for name in FLOATS} | {"complex64": "float32", "complex128": "float64"}
EVERY_FORM = [
    GroupedForm(bits, group, width, offsets)
    for bits in PLANES
    for group in GROUPS
    for width in (1, 2)
    for offsets in (False, True)
]


@pytest.fixture(params=["kernel", "numpy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Decode by one of the two ways."""
    library("tensors")
    if request.param == "numpy":
        monkeypatch.setattr(group_packing, "library_if_ready", lambda group: None)
    return request.param


def encoded(values: NDArray[Any], name: str, budget: Budget) -> bytes:
    payload = GROUPED.encode(values, tensor(values, name), budget)
    assert payload is not None
    return payload


def any_payload(form: GroupedForm, numbers: int, exponents: list[int], seed: int) -> bytes:
    """Return a payload of arbitrary codes, scales and offsets."""
    content = bytearray(np.random.default_rng(seed).bytes(form.size(numbers)))
    content[:EXPONENTS] = GroupedPayload(form, numbers).header()
    packed = np.array(exponents, "<i2").tobytes()
    content[EXPONENTS : EXPONENTS + len(packed)] = packed
    return bytes(content)


def bits_of(elements: NDArray[Any], geometry: Geometry) -> list[int]:
    width = geometry.kind.bits.itemsize // numbers_in(geometry.kind)
    return [int(number) for number in elements.view(f"u{width}")]


@pytest.mark.parametrize("name", LOSSY)
@settings(max_examples=40)
@given(
    form=st.sampled_from(EVERY_FORM),
    elements=st.integers(1, 300),
    exponent=st.sampled_from([0, -7, -20, -101, -130, -160, 5, 30, 61, 120, -1080, 1020]),
    seed=st.integers(0, 2**32),
)
def test_every_payload_decodes_to_the_golden_bits(
    name: str, form: GroupedForm, elements: int, exponent: int, seed: int
) -> None:
    geometry = Geometry((elements,), type_by_name(name))
    numbers = elements * numbers_in(geometry.kind)
    payload = any_payload(form, numbers, [exponent], seed)
    wanted = golden.decode(payload, numbers, FLOAT_OF[name])
    library("tensors")
    assert bits_of(decoded(GROUPED, payload, geometry), geometry) == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_packing, "library_if_ready", lambda group: None)
        assert bits_of(decoded(GROUPED, payload, geometry), geometry) == wanted


@pytest.mark.parametrize("form", EVERY_FORM[::5], ids=str)
def test_golden_codec_and_kernel_agree_across_tiles(form: GroupedForm, way: str) -> None:
    numbers = 2 * TILE_ELEMENTS + 77
    geometry = Geometry((numbers,), type_by_name("float32"))
    payload = any_payload(form, numbers, [-3, -20, 9], 1)
    wanted = golden.decode(payload, numbers, "float32")
    assert bits_of(decoded(GROUPED, payload, geometry), geometry) == wanted


@pytest.mark.parametrize("name", ["float32", "bfloat16", "complex64", "float64"])
def test_any_run_is_a_slice_of_the_whole(name: str, way: str) -> None:
    elements = 3 * TILE_ELEMENTS + 1000
    geometry = Geometry((elements,), type_by_name(name))
    numbers = elements * numbers_in(geometry.kind)
    form = GroupedForm(3, 128, 1, True)
    payload = any_payload(form, numbers, [-5, 2, -9, 0, 1, -1, 3], 2)
    whole = decoded(GROUPED, payload, geometry)
    chance = np.random.default_rng(3)
    edge = TILE_ELEMENTS
    runs = [(0, 1), (edge - 1, edge + 1), (7, 7), (5, elements), (elements - 1, elements)]
    runs += [(edge - 200, edge + 200), (edge - 30, edge + 90), (edge - 130, edge - 1)]
    runs += [tuple(sorted(chance.integers(0, elements, 2).tolist())) for _ in range(10)]
    for start, stop in runs:
        found = decoded(GROUPED, payload, geometry, start, stop)
        assert found.tobytes() == whole[start:stop].tobytes(), (start, stop)


def test_a_large_run_bypasses_the_caches_with_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = 3 * TILE_ELEMENTS
    geometry = Geometry((numbers,), type_by_name("float32"))
    library("tensors")
    for form in FORMS[::2]:
        payload = any_payload(form, numbers, [1, 2, 3], 4)
        plain = decoded(GROUPED, payload, geometry)
        with monkeypatch.context() as patch:
            patch.setattr(group_packing, "_STREAMED", 0)
            patch.setattr(group_packing, "_PIECE", 1 << 15)
            room = np.zeros(numbers + 16, np.float32)
            for shift in range(8):
                out = room[shift : shift + numbers]
                GROUPED.decode(memoryview(payload), geometry, 0, numbers, out)
                assert out.tobytes() == plain.tobytes()


@given(integer=st.integers(-(2**40), 2**40), exponent=st.integers(-1100, 1000))
def test_the_golden_rounding_is_that_of_the_processor(integer: int, exponent: int) -> None:
    with np.errstate(over="ignore"):
        exact = np.ldexp(np.float64(integer), exponent)
    if np.isfinite(exact):
        assert float_bits(integer, exponent, "float64") == int(exact.view(np.uint64))
    if exponent >= -1000 and abs(exact) < np.finfo(np.float32).max:
        single = np.float32(exact)
        assert float_bits(integer, exponent, "float32") == int(single.view(np.uint32))
    if exponent >= -1000 and abs(exact) < np.finfo(np.float16).max:
        short = np.float16(exact)
        assert float_bits(integer, exponent, "float16") == int(short.view(np.uint16))


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("shape", [(), (1,), (31, 7), (2, 3, 700)])
def test_eight_bits_regrow_every_type_closely(name: str, shape: tuple[int, ...]) -> None:
    values = noise(shape, name)
    payload = encoded(values, name, Budget(bytes=1 << 20))
    found = deviation(GROUPED, payload, values, tensor(values, name))
    assert found.relative < 0.009
    assert GROUPED.accepts(tensor(values, name), values)


@pytest.mark.parametrize("scale", [2.0**-120, 1.0, 2.0**120])
def test_the_size_of_the_numbers_does_not_matter(scale: float) -> None:
    values = noise((64, 64))
    scaled = (values * scale).astype(np.float32)
    budget = Budget(bytes=64 * 64 * 5 // 8)
    one = encoded(values, "float32", budget)
    other = encoded(scaled, "float32", budget)
    error = deviation(GROUPED, one, values, tensor(values, "float32")).relative
    scaled_error = deviation(GROUPED, other, scaled, tensor(values, "float32")).relative
    assert scaled_error == pytest.approx(error)


@settings(max_examples=30)
@given(
    bits=st.integers(0, 2**32),
    kind=st.sampled_from(["noise", "few", "shifted", "sparse", "steep"]),
    size=st.integers(1, 500),
)
def test_more_bytes_never_give_a_larger_error(bits: int, kind: str, size: int) -> None:
    chance = np.random.default_rng(bits)
    values = chance.standard_normal(size).astype(np.float32)
    if kind == "few":
        values = chance.choice(np.float32([-1.5, 0, 0.25, 1]), size)
    elif kind == "shifted":
        values = values + np.float32(chance.integers(-100, 100))
    elif kind == "sparse":
        values[chance.random(size) < 0.9] = 0
    elif kind == "steep":
        values = (values * np.exp2(chance.integers(-20, 20, size))).astype(np.float32)
    geometry = tensor(values, "float32")
    last = float("inf")
    for budget in sorted({form.size(size) for form in FORMS})[::3]:
        payload = encoded(values, "float32", Budget(bytes=budget))
        assert len(payload) <= budget
        error = deviation(GROUPED, payload, values, geometry).relative
        assert error <= last
        last = error
    smallest = min(form.size(size) for form in FORMS)
    assert GROUPED.encode(values, geometry, Budget(bytes=smallest - 1)) is None


def test_a_smaller_error_is_never_cheaper_and_is_kept() -> None:
    values = noise((2, 20000))
    geometry = tensor(values, "float32")
    sizes = []
    for bound in (0.5, 0.3, 0.18, 0.1, 0.08, 0.01, 0.005):
        payload = encoded(values, "float32", Budget(error=bound))
        assert deviation(GROUPED, payload, values, geometry).relative <= bound
        sizes.append(len(payload))
    assert sizes == sorted(sizes)
    assert GROUPED.encode(values, geometry, Budget(error=1e-5)) is None
    assert GROUPED.encode(values, geometry, Budget(exact=True)) is None


def test_four_bits_of_noise_come_within_what_is_known_of_them() -> None:
    # Groups of 64 by their largest number alone give 0.104, the best fixed 16 levels 0.097.
    values = noise((256, 512))
    payload = encoded(values, "float32", Budget(bytes=values.nbytes * 10 // 75))
    assert deviation(GROUPED, payload, values, tensor(values, "float32")).relative < 0.084


def test_offsets_serve_groups_that_are_far_from_zero() -> None:
    values = noise((128, 64)) / 16 + 1
    budget = Budget(bytes=values.size * 5 // 8)
    payload = encoded(values, "float32", budget)
    assert GroupedPayload.from_bytes(memoryview(payload), values.size).form.offsets
    assert deviation(GROUPED, payload, values, tensor(values, "float32")).relative < 0.008


def test_what_cannot_be_rounded_is_not_accepted() -> None:
    ints = np.arange(10, dtype=np.int32)
    assert not GROUPED.accepts(tensor(ints, "int32"), ints)
    for bad in (np.nan, np.inf):
        values = np.array([1.0, bad], np.float32)
        assert not GROUPED.accepts(tensor(values, "float32"), values)
    empty = np.empty((0, 3), np.float32)
    assert not GROUPED.accepts(tensor(empty, "float32"), empty)


def test_zeros_come_back_as_zeros() -> None:
    values = np.zeros((3, 50), np.float32)
    payload = encoded(values, "float32", Budget(bytes=1000))
    assert decoded(GROUPED, payload, tensor(values, "float32")).tobytes() == values.tobytes()


@pytest.mark.parametrize("form", FORMS[::4], ids=str)
def test_a_broken_payload_is_refused_or_decodes_within_bounds(form: GroupedForm, way: str) -> None:
    geometry = Geometry((3, 500), type_by_name("float32"))
    payload = any_payload(form, geometry.size, [0], 5)
    for size in (0, 5, 31, 64, len(payload) - 1):
        with pytest.raises(ValueError, match="payload must"):
            decoded(GROUPED, payload[:size], geometry)
    with pytest.raises(ValueError, match="payload must"):
        decoded(GROUPED, payload + b"\0", geometry)
    for other in (1499, 1501, 1 << 40):
        with pytest.raises(ValueError, match="payload must"):
            GROUPED.decode(
                memoryview(payload),
                Geometry((other,), geometry.kind),
                0,
                1,
                np.empty(1, np.float32),
            )
    for at in range(24):  # the header: whatever is not this form does not fit
        for bit in range(8):
            broken = bytearray(payload)
            broken[at] ^= 1 << bit
            with pytest.raises(ValueError, match="payload must"):
                decoded(GROUPED, bytes(broken), geometry)


def test_the_catalogue_has_it() -> None:
    assert codec("grouped").number == 4
