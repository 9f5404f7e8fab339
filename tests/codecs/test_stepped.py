"""Multiples of one step: near the bound, monotone, and the same numbers as the golden decoder."""

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.arch.payloads.parts import padded
from engram.arch.payloads.stepped import SteppedHeader
from engram.arch.payloads.streams import Method, Place
from engram.arch.tensors import TILE_ELEMENTS, type_by_name
from engram.codecs.codec import Budget, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.stepped import SteppedCodec
from sim.golden.codecs import stepped as golden
from tests.codecs.samples import LOSSY, decoded, noise, tensor

STEPPED = SteppedCodec()
FLOAT_OF = {"complex64": "float32", "complex128": "float64"}


@pytest.mark.parametrize("name", LOSSY)
@settings(max_examples=8)
@given(
    size=st.integers(1, 200),
    bound=st.sampled_from([0.4, 0.02, 0.003]),
    power=st.sampled_from([0, -20, 12]),
    seed=st.integers(0, 99),
)
def test_the_golden_decoder_agrees(
    name: str, size: int, bound: float, power: int, seed: int
) -> None:
    kind = type_by_name(name)
    values = noise((size,), name, seed)
    if name not in ("bfloat16", "float16"):
        values = (values * 2.0**power).astype(kind.bits)
    geometry = Geometry(values.shape, kind)
    payload = STEPPED.encode(values, geometry, Budget(error=bound))
    assert payload is not None
    numbers = size * (2 if kind.bits.kind == "c" else 1)
    found = decoded(STEPPED, payload, geometry)
    width = kind.bits.itemsize * size // numbers
    wanted = golden.decode(payload, numbers, FLOAT_OF.get(name, name))
    assert [int(bits) for bits in found.view(f"u{width}")] == wanted
    assert deviation(STEPPED, payload, values, geometry).relative <= bound


@pytest.mark.parametrize("low_bits", [0, 1, 5, 8])
@pytest.mark.parametrize("together", [1, 2, 4])
def test_every_bit_pattern_means_what_the_golden_decoder_says(low_bits: int, together: int) -> None:
    geometry = Geometry((801,), type_by_name("float32"))
    chance = np.random.default_rng(low_bits)
    for exponent in (-9, -130, -160, 100, 120):
        header = SteppedHeader(low_bits, together, 1999, exponent, geometry.size)
        table, body = b"", b""
        for size in header.sizes(0):
            table += Place(header.first_stream + len(body), size, Method.PLAIN).to_bytes()
            body += chance.bytes(size).ljust(padded(size), b"\0")
        payload = header.to_bytes(header.first_stream + len(body))
        payload += table.ljust(padded(len(table)), b"\0") + body
        found = decoded(STEPPED, payload, geometry).view(np.uint32)
        assert [int(bits) for bits in found] == golden.decode(payload, geometry.size, "float32")


def test_golden_and_codec_agree_across_tiles_and_runs() -> None:
    values = noise((TILE_ELEMENTS + 333, 2))
    geometry = tensor(values, "float32")
    payload = STEPPED.encode(values, geometry, Budget(error=0.004))
    assert payload is not None
    whole = decoded(STEPPED, payload, geometry)
    assert [int(bits) for bits in whole.view(np.uint32)] == golden.decode(
        payload, values.size, "float32"
    )
    for start, stop in ((0, 1), (TILE_ELEMENTS - 3, TILE_ELEMENTS + 3), (7, 7), (9, values.size)):
        found = decoded(STEPPED, payload, geometry, start, stop)
        assert found.tobytes() == whole[start:stop].tobytes()


@pytest.mark.parametrize("ratio", [0.07, 0.1, 0.2, 0.27])
def test_noise_is_as_near_to_the_bound_as_entropy_coding_gets(ratio: float) -> None:
    values = noise((1, 2 * TILE_ELEMENTS))
    most = int(values.nbytes * ratio)
    payload = STEPPED.encode(values, tensor(values, "float32"), Budget(bytes=most))
    assert payload is not None
    assert 0.98 * most < len(payload) <= most
    error = deviation(STEPPED, payload, values, tensor(values, "float32")).relative
    bound = 2.0 ** (-32 * ratio)
    # At high rates an ideal coder comes to sqrt(pi e / 6) = 1.19 times the bound.
    assert bound < error < 1.08 * math.sqrt(math.pi * math.e / 6) * bound
    if ratio == 0.1:
        assert error < 0.14


@settings(max_examples=10)
@given(seed=st.integers(0, 999), size=st.integers(1, 400), few=st.booleans())
def test_more_bytes_never_give_a_larger_error(seed: int, size: int, few: bool) -> None:
    chance = np.random.default_rng(seed)
    values = chance.standard_normal(size).astype(np.float32)
    if few:
        values = chance.choice(np.float32([-1.5, 0, 0.3, 1]), size)
    geometry = tensor(values, "float32")
    last = float("inf")
    for most in (150, 200, 300, 400, 600, 800, 1200):
        payload = STEPPED.encode(values, geometry, Budget(bytes=most))
        error = float("inf")
        if payload is not None:
            assert len(payload) <= most
            error = deviation(STEPPED, payload, values, geometry).relative
        assert error <= last
        last = error


def test_more_bytes_never_give_a_larger_error_of_large_tensors() -> None:
    for values in (noise((2, TILE_ELEMENTS)), np.tanh(noise((3, 30000))) * 1e-30):
        geometry = tensor(values, "float32")
        errors = []
        for ratio in (0.03, 0.06, 0.1, 0.13, 0.2, 0.25, 0.3, 0.4):
            payload = STEPPED.encode(values, geometry, Budget(bytes=int(ratio * values.nbytes)))
            assert payload is not None
            errors.append(deviation(STEPPED, payload, values, geometry).relative)
        assert errors == sorted(errors, reverse=True)


def test_a_bound_of_the_error_is_just_kept() -> None:
    values = noise((2, TILE_ELEMENTS))
    geometry = tensor(values, "float32")
    for bound in (0.5, 0.1, 0.01, 0.001):
        payload = STEPPED.encode(values, geometry, Budget(error=bound))
        assert payload is not None
        assert 0.97 * bound < deviation(STEPPED, payload, values, geometry).relative <= bound
    assert STEPPED.encode(values, geometry, Budget(error=1e-7)) is None
    assert STEPPED.encode(values, geometry, Budget(bytes=200)) is None
    assert STEPPED.encode(values, geometry, Budget(exact=True)) is None


@pytest.mark.parametrize("shape", [(), (1,), (3, 4, 5)])
def test_zeros_and_small_shapes_come_back(shape: tuple[int, ...]) -> None:
    zeros = np.zeros(shape, np.float32)
    payload = STEPPED.encode(zeros, tensor(zeros, "float32"), Budget(error=0.0))
    assert payload is not None
    assert decoded(STEPPED, payload, tensor(zeros, "float32")).tobytes() == zeros.tobytes()
    for name in LOSSY:
        values = noise(shape, name)
        payload = STEPPED.encode(values, tensor(values, name), Budget(error=0.01))
        assert payload is not None
    tiny = np.full(shape, 5e-324)
    assert STEPPED.encode(tiny, tensor(tiny, "float64"), Budget(error=0.5)) is not None


def test_a_broken_payload_is_refused_or_decodes_within_bounds() -> None:
    values = noise((500,))
    geometry = tensor(values, "float32")
    payload = STEPPED.encode(values, geometry, Budget(error=0.001))
    assert payload is not None
    for size in (0, 40, 63, 64, 100, len(payload) - 1):
        with pytest.raises(ValueError, match="payload must"):
            decoded(STEPPED, payload[:size], geometry)
    with pytest.raises(ValueError, match="payload must"):
        decoded(STEPPED, payload, tensor(values[1:], "float32"))
    chance = np.random.default_rng(1)
    for _ in range(300):
        broken = bytearray(payload)
        broken[int(chance.integers(0, 200))] ^= 1 << int(chance.integers(8))
        with suppress(ValueError):
            assert np.isfinite(decoded(STEPPED, bytes(broken), geometry)).all()
