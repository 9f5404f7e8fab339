"""The codecs that give every bit back: raw, lossless and sparse."""

import sys
import tracemalloc
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engram.arch.payloads.lossless import Filter, LosslessHeader
from engram.arch.payloads.sparse import SparseHeader, SparseTile
from engram.arch.payloads.streams import Method, Place
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS, type_by_name
from engram.codecs.catalogue import codec
from engram.codecs.codec import Budget
from engram.errors import EngramError
from sim.golden.codecs import lossless as golden_lossless
from sim.golden.codecs import sparse as golden_sparse
from tests.codecs.samples import KINDS, SHAPES, decoded, noise, of_bits, tensor

NAMES = ("raw", "lossless", "sparse")
EXACT = Budget(exact=True)

exact_codecs = pytest.mark.parametrize("name", NAMES)


def encoded(name: str, values: NDArray[Any], kind: str, budget: Budget = EXACT) -> bytes:
    payload = codec(name).encode(values, tensor(values, kind), budget)
    assert payload is not None
    return payload


@exact_codecs
@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_of_every_type_and_shape_comes_back(name: str, kind: str) -> None:
    for shape in SHAPES:
        values = of_bits(shape, type_by_name(kind))
        payload = encoded(name, values, kind)
        assert decoded(codec(name), payload, tensor(values, kind)).tobytes() == values.tobytes()


@exact_codecs
@pytest.mark.parametrize("kind", ["bool", "int16", "float32", "complex128"])
def test_any_run_is_a_slice_of_the_whole(name: str, kind: str) -> None:
    values = of_bits((3, TILE_ELEMENTS // 2, 2), type_by_name(kind))
    geometry = tensor(values, kind)
    payload = encoded(name, values, kind)
    chance = np.random.default_rng(1)
    runs = [(0, 1), (TILE_ELEMENTS - 1, TILE_ELEMENTS + 1), (5, 5), (5, geometry.size)]
    runs += [tuple(sorted(chance.integers(0, geometry.size, 2).tolist())) for _ in range(8)]
    for start, stop in runs:
        found = decoded(codec(name), payload, geometry, start, stop)
        assert found.tobytes() == values.reshape(-1)[start:stop].tobytes()


@given(
    kind=st.sampled_from(KINDS),
    size=st.integers(1, 300),
    zeros=st.sampled_from([0.0, 0.5, 0.97, 1.0]),
    seed=st.integers(0, 99),
)
def test_the_golden_decoders_agree(kind: str, size: int, zeros: float, seed: int) -> None:
    element = type_by_name(kind)
    values = of_bits((size,), element, seed)
    values[np.random.default_rng(seed).random(size) < zeros] = 0
    width = element.bits.itemsize
    numbers = 2 if element.bits.kind == "c" else 1
    plain = values.tobytes()
    assert golden_sparse.decode(encoded("sparse", values, kind), size, width) == plain
    payload = encoded("lossless", values, kind)
    assert golden_lossless.decode(payload, size, width, numbers) == plain
    assert decoded(codec("lossless"), payload, tensor(values, kind)).tobytes() == plain


def test_golden_and_codec_agree_across_tiles_of_gaps_and_of_bitmaps() -> None:
    values = of_bits((3 * TILE_ELEMENTS - 9,), type_by_name("uint16"))
    values[: TILE_ELEMENTS + 5] = 0
    values[[3, 200, 60000]] = 7, 8, 9  # gaps of one, two and three bytes
    payload = encoded("sparse", values, "uint16")
    assert golden_sparse.decode(payload, values.size, 2) == values.tobytes()
    payload = encoded("lossless", values, "uint16")
    assert golden_lossless.decode(payload, values.size, 2) == values.tobytes()


@exact_codecs
def test_a_budget_of_bytes_is_kept_or_refused(name: str) -> None:
    values = of_bits((40000,), type_by_name("float32"))
    geometry = tensor(values, "float32")
    size = len(encoded(name, values, "float32"))
    assert encoded(name, values, "float32", Budget(bytes=size)) is not None
    assert codec(name).encode(values, geometry, Budget(bytes=size - 1)) is None
    assert codec(name).encode(values, geometry, Budget(error=0.0)) is not None


@exact_codecs
@pytest.mark.parametrize("kind", ["bool", "float32", "complex64"])
def test_a_broken_payload_is_refused_or_decodes_within_bounds(name: str, kind: str) -> None:
    values = of_bits((2, 300), type_by_name(kind))
    geometry = tensor(values, kind)
    payload = encoded(name, values, kind)
    chance = np.random.default_rng(2)
    for size in [0, 1, 63, 64, 65, len(payload) - 1, *chance.integers(0, len(payload), 10)]:
        with pytest.raises(ValueError, match="payload must"):
            decoded(codec(name), payload[:size], geometry)
    with pytest.raises(ValueError, match="payload must"):
        decoded(codec(name), payload + b"\0", geometry)
    for _ in range(200):
        broken = bytearray(payload)
        # Mostly headers and tables, where a wrong bit can send a decoder far away.
        at = int(chance.integers(0, min(len(payload), 256)))
        broken[at] ^= 1 << int(chance.integers(8))
        with suppress(ValueError):
            decoded(codec(name), bytes(broken), geometry)


@exact_codecs
def test_a_payload_of_another_geometry_is_refused(name: str) -> None:
    values = of_bits((TILE_ELEMENTS + 1,), type_by_name("int32"))
    payload = encoded(name, values, "int32")
    for other in (tensor(values[:-1], "int32"), tensor(values.astype(np.int16), "int16")):
        with pytest.raises(ValueError, match="payload must"):
            decoded(codec(name), payload, other)


def bomb(method: Method, packed: bytes) -> bytes:
    header = LosslessHeader(Filter(0), 1, 1)
    place = Place(header.first_stream, len(packed), method).to_bytes()
    size = header.first_stream + len(packed)
    return header.to_bytes(size) + place.ljust(ALIGNMENT, b"\0") + packed


@pytest.mark.parametrize("excess", [-1, 1, 1 << 27])
def test_what_expands_to_another_size_is_refused_unexpanded(excess: int) -> None:
    values = np.zeros(1000, np.uint8)
    geometry = tensor(values, "uint8")
    plain = bytes(values.size + excess)
    stateless = zstandard.ZstdCompressor(write_content_size=False)
    for method, packed in (
        (Method.ZLIB, zlib.compress(plain)),
        (Method.ZSTD, zstandard.compress(plain)),
        (Method.ZSTD, stateless.compress(plain)),
    ):
        tracemalloc.start()
        with pytest.raises(ValueError, match="payload must"):
            decoded(codec("lossless"), bomb(method, packed), geometry)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_gaps_longer_than_a_tile_needs_are_refused() -> None:
    geometry = tensor(np.zeros(100, np.uint8), "uint8")
    header = SparseHeader(1, 1)
    for gaps in (b"\x80\x80\x80\0", b"\x81" + b"\x80" * 8 + b"\x01", b"\x64", b"\x05\x80", b""):
        table = SparseTile(header.first_tile, 1, len(gaps)).to_bytes()
        body = gaps.ljust(ALIGNMENT, b"\0") + b"\x07"
        size = header.first_tile + len(body)
        payload = header.to_bytes(size) + table.ljust(ALIGNMENT, b"\0") + body
        with pytest.raises(ValueError, match="payload must"):
            decoded(codec("sparse"), payload, geometry)


def test_a_frame_that_lies_about_its_size_is_refused() -> None:
    values = np.zeros(1000, np.uint8)
    packed = bytearray(zstandard.compress(bytes(70000)))
    honest = zstandard.get_frame_parameters(bytes(packed))
    assert honest.content_size == 70000
    small = zstandard.compress(values.tobytes())
    head = zstandard.frame_header_size(small)
    lying = small[:head] + bytes(packed[zstandard.frame_header_size(bytes(packed)) :])
    with pytest.raises(ValueError, match="payload must"):
        decoded(codec("lossless"), bomb(Method.ZSTD, lying), tensor(values, "uint8"))


def test_without_zstd_tensors_are_written_with_zlib_and_read_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.arange(5000, dtype=np.int64) ** 2
    geometry = tensor(values, "int64")
    with_zstd = encoded("lossless", values, "int64")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    without = encoded("lossless", values, "int64")
    assert decoded(codec("lossless"), without, geometry).tobytes() == values.tobytes()
    with pytest.raises(EngramError, match=r"engram\[tensors\]"):
        decoded(codec("lossless"), with_zstd, geometry)


def test_exponents_of_noise_are_compressed_to_their_entropy() -> None:
    # A float32 of a Gaussian has 24 bits that are noise, and 2.55 bits of exponent.
    values = noise((4, TILE_ELEMENTS))
    payload = encoded("lossless", values, "float32")
    assert 1.19 < values.nbytes / len(payload) < 32 / 26.5


def test_sparse_takes_what_its_elements_and_their_places_take() -> None:
    values = noise((2, TILE_ELEMENTS))
    values[np.random.default_rng(3).random(values.shape) >= 0.05] = 0
    held = np.count_nonzero(values)
    payload = encoded("sparse", values, "float32")
    assert len(payload) < held * (4 + 1.1) + 500
    assert values.nbytes / len(payload) > 13


def test_lossless_and_sparse_add_little_to_what_cannot_shrink() -> None:
    values = np.frombuffer(np.random.default_rng(4).bytes(3 * TILE_ELEMENTS), np.uint8)
    assert len(encoded("lossless", values, "uint8")) <= values.size + 64 + 64
    assert len(encoded("sparse", values, "uint8")) <= values.size * 9 / 8 + 64 * 8
