"""Factors of low rank: what they reach and refuse, and that every way gives the same bits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engram.arch.payloads.factors import HEADER, FactorsLayout
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS, type_by_name
from engram.codecs import factor_products
from engram.codecs.codec import Budget, Geometry
from engram.codecs.deviation import deviation
from engram.codecs.factors import FactorsCodec, fold
from engram.codecs.rounding import round_into
from engram.cpu.library import library
from sim.golden.codecs import factors as golden
from tests.codecs.samples import LOSSY, SHAPES, decoded, noise, of_bits, tensor

CODEC = FactorsCodec()
LOOSE = Budget(error=0.3)


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """The kernels are compiled, so that they serve whatever they can."""
    library("tensors")


def low_rank(rows: int, columns: int, rank: int, name: str = "float32") -> NDArray[Any]:
    kind = type_by_name(name)
    chance = np.random.default_rng(rank)
    wide = columns * (2 if kind.bits.kind == "c" else 1)
    exact = chance.standard_normal((rows, rank)) @ chance.standard_normal((rank, wide))
    values = np.empty((rows, columns), kind.bits)
    round_into(exact.reshape(-1), kind, values.reshape(-1))
    return values


def encoded(values: NDArray[Any], name: str, budget: Budget) -> bytes:
    payload = CODEC.encode(values, tensor(values, name), budget)
    assert payload is not None
    return payload


def made(
    width: int, shifts: list[int], rows: int, columns: int, exponent: int, seed: int = 0
) -> bytes:
    """Return a payload of arbitrary integers, the extreme ones among them."""
    chance = np.random.default_rng(seed)
    low = -(1 << (width - 1))
    rank = len(shifts)
    bound = FactorsLayout.sum_bound(width, bytes(shifts))
    layout = FactorsLayout(width, rank, rows, columns, bound, exponent)
    out = bytearray(layout.nbytes)
    out[:ALIGNMENT] = layout.header()
    out[ALIGNMENT : ALIGNMENT + rank] = bytes(shifts)
    for at, count in ((layout.left_at, rows * rank), (layout.right_at, rank * columns)):
        integers = chance.integers(low, -low, count)
        integers[chance.random(count) < 0.2] = low
        part = integers.astype(f"<i{width // 8}").tobytes()
        out[at : at + len(part)] = part
    return bytes(out)


def golden_bytes(payload: bytes, geometry: Geometry) -> bytes:
    name = {"complex64": "float32", "complex128": "float64"}.get(
        geometry.kind.name, geometry.kind.name
    )
    pairs = 2 if geometry.kind.bits.kind == "c" else 1
    words = golden.decode(payload, geometry.size * pairs, name)
    size = geometry.kind.bits.itemsize // pairs
    return b"".join(word.to_bytes(size, "little") for word in words)


def test_low_rank_at_a_tenth_keeps_three_digits_with_8_bits_and_five_with_16() -> None:
    values = low_rank(1024, 1024, 16)
    geometry = tensor(values, "float32")
    for width, error in ((8, 1e-3), (16, 1e-5)):
        codec = FactorsCodec((width,))
        payload = codec.encode(values, geometry, Budget(bytes=values.nbytes // 10 - 4096))
        assert payload is not None
        assert len(payload) <= values.nbytes // 10 - 4096
        assert FactorsLayout.parse(memoryview(payload), values.size).width == width
        assert deviation(codec, payload, values, geometry).relative <= error


@pytest.mark.parametrize("name", LOSSY)
def test_every_lossy_type_and_shape_comes_back_within_the_error(name: str) -> None:
    for shape in (*SHAPES, (70, 90), (4, 5, 6, 7)):
        values = noise(shape, name)
        geometry = tensor(values, name)
        payload = CODEC.encode(values, geometry, Budget(error=0.3, bytes=1 << 20))
        if payload is not None:
            assert deviation(CODEC, payload, values, geometry).relative <= 0.3
        else:  # refused only where the header alone is more than the tensor
            assert geometry.nbytes < 3 * ALIGNMENT + 64 or geometry.size == 0


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_a_given_error_is_kept_with_fewer_bytes_for_larger_ones(name: str) -> None:
    values = low_rank(96, 64, 4, name)
    sizes = []
    for error in (0.5, 0.1, 0.02, 0.006):
        payload = encoded(values, name, Budget(error=error))
        assert deviation(CODEC, payload, values, tensor(values, name)).relative <= error
        sizes.append(len(payload))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "complex128"])
def test_more_bytes_never_give_a_larger_error(name: str) -> None:
    values = low_rank(120, 80, 5, name)
    geometry = tensor(values, name)
    errors = []
    for size in range(600, geometry.nbytes, geometry.nbytes // 25):
        payload = CODEC.encode(values, geometry, Budget(bytes=size))
        assert payload is not None
        assert len(payload) <= size
        errors.append(deviation(CODEC, payload, values, geometry).relative)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 10


def test_zeros_need_no_factor() -> None:
    values = np.zeros((40, 30), np.float32)
    payload = encoded(values, "float32", Budget(error=0.0))
    assert len(payload) == ALIGNMENT
    assert not decoded(CODEC, payload, tensor(values, "float32")).any()


@pytest.mark.parametrize("power", [-306, -300, 0, 300, 307])
def test_very_small_and_very_large_numbers_keep_their_error(power: int) -> None:
    values = low_rank(50, 60, 2, "float64")
    values *= 10.0**power / np.abs(values).max()
    payload = encoded(values, "float64", Budget(error=0.02))
    assert deviation(CODEC, payload, values, tensor(values, "float64")).relative <= 0.02


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_not_lossy_or_to_be_exact_is_left_to_others(bad: float) -> None:
    values = low_rank(64, 64, 2)
    geometry = tensor(values, "float32")
    assert CODEC.encode(values, geometry, Budget(exact=True)) is None
    values[3, 4] = bad
    assert CODEC.encode(values, geometry, LOOSE) is None
    integers = of_bits((64, 64), type_by_name("int32"))
    assert CODEC.encode(integers, tensor(integers, "int32"), LOOSE) is None


def test_widths_are_8_and_16() -> None:
    for widths in ((), (4,), (8, 32)):
        with pytest.raises(ValueError, match="widths must be 8, 16 or both"):
            FactorsCodec(widths)


def test_axes_are_folded_as_square_as_they_allow() -> None:
    for shape, name, folded in (
        ((), "float32", (1, 1)),
        ((64, 3, 7, 7), "float32", (64, 147)),
        ((8, 8, 64), "float32", (64, 64)),
        ((8, 8), "complex64", (8, 16)),
    ):
        assert fold(Geometry(shape, type_by_name(name))) == folded


@given(
    name=st.sampled_from(LOSSY),
    width=st.sampled_from([8, 16]),
    shifts=st.lists(st.integers(0, 15), max_size=6),
    rows=st.integers(1, 6),
    columns=st.integers(1, 40),
    exponent=st.integers(-1074, 1023) | st.integers(-160, 127) | st.integers(-30, 0),
    seed=st.integers(0, 99),
)
def test_decoding_is_golden(
    name: str,
    width: int,
    shifts: list[int],
    rows: int,
    columns: int,
    exponent: int,
    seed: int,
) -> None:
    payload = made(width, shifts, rows, 2 * columns, exponent, seed)
    shape = (rows, columns) if name.startswith("complex") else (rows, 2 * columns)
    geometry = Geometry(shape, type_by_name(name))
    assert decoded(CODEC, payload, geometry).tobytes() == golden_bytes(payload, geometry)


@pytest.mark.parametrize(
    ("rows", "columns", "shifts"),
    [
        (1, 200_000, [3]),
        (300, 256, [0] * 12),
        (131, 777, [15, 8, 0, 9, 1]),
        (100_000, 2, [1, 2, 3, 4]),
        (64, 1024, [9] * 48),
    ],
)
def test_any_run_has_the_same_bits_by_kernel_and_by_blas(
    rows: int, columns: int, shifts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = made(8, shifts, rows, columns, -20)
    geometry = Geometry((rows, columns), type_by_name("float32"))
    whole = decoded(CODEC, payload, geometry)
    monkeypatch.setattr(factor_products, "library_if_ready", lambda group: None)
    assert decoded(CODEC, payload, geometry).tobytes() == whole.tobytes()
    chance = np.random.default_rng(2)
    runs = [(0, 0), (5, 6), (TILE_ELEMENTS, 2 * TILE_ELEMENTS), (columns - 1, columns + 1)]
    runs += [tuple(sorted(chance.integers(0, geometry.size, 2).tolist())) for _ in range(6)]
    runs = [(min(a, geometry.size), min(b, geometry.size)) for a, b in runs]
    by_blas = [decoded(CODEC, payload, geometry, *run) for run in runs]
    monkeypatch.undo()
    for (start, stop), found in zip(runs, by_blas, strict=True):
        assert found.tobytes() == whole[start:stop].tobytes()
        again = decoded(CODEC, payload, geometry, start, stop)
        assert again.tobytes() == found.tobytes()


def test_the_kernel_serves_only_sums_of_32_bits_and_normal_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = []

    class Recorder:
        """The kernels, noting calls."""

        def multiply_factors(self, *arguments: int) -> int:
            served.append(arguments)
            return library("tensors").multiply_factors(*arguments)

    monkeypatch.setattr(factor_products, "library_if_ready", lambda group: Recorder())
    for kind, width, shifts, exponent, fits in (
        ("float32", 8, [15] * 3, 0, True),
        ("float32", 8, [15] * 4, 0, False),  # their sum may be 2**31
        ("float32", 8, [0], -126, True),
        ("float32", 8, [0], -127, False),
        ("float32", 8, [0], 112, True),
        ("float32", 8, [0], 113, False),
        ("float32", 16, [0], 0, False),
        ("float64", 8, [0], 0, False),
    ):
        served.clear()
        geometry = Geometry((6, 6), type_by_name(kind))
        payload = made(width, shifts, 6, 6, exponent)
        assert decoded(CODEC, payload, geometry).tobytes() == golden_bytes(payload, geometry)
        assert bool(served) == fits, (kind, width, shifts, exponent)


def test_payloads_cut_short_or_too_long_are_refused() -> None:
    payload = made(8, [0, 1, 2], 10, 12, -3)
    geometry = Geometry((10, 12), type_by_name("float32"))
    for wrong in (*(payload[:n] for n in range(0, len(payload), 7)), payload + b"\0"):
        with pytest.raises(ValueError, match="payload must"):
            decoded(CODEC, wrong, geometry)


def test_a_header_that_is_changed_anywhere_is_refused_or_harmless() -> None:
    payload = made(8, [0, 1, 2], 10, 12, -3)
    geometry = Geometry((10, 12), type_by_name("float32"))
    refused = 0
    for at in range(ALIGNMENT + 3):
        for bit in range(8):
            wrong = bytearray(payload)
            wrong[at] ^= 1 << bit
            try:
                decoded(CODEC, bytes(wrong), geometry)
            except ValueError:
                refused += 1
    assert refused >= 8 * (ALIGNMENT + 3) - 16  # but for the exponent, whose low bits all mean one


def test_huge_numbers_in_a_header_allocate_nothing() -> None:
    geometry = Geometry((1 << 40,), type_by_name("float32"))
    header = HEADER.pack(8, 0, 0, 1 << 16, 1 << 20, 1 << 20, 1 << 30, 0, 0)
    for wrong in (header, header.ljust(ALIGNMENT, b"\0"), header.ljust(1 << 17, b"\0")):
        out = np.empty(1, np.float32)
        with pytest.raises(ValueError, match="payload must"):
            CODEC.decode(memoryview(wrong), geometry, 0, 1, out)


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="payload must"):
        decoded(CODEC, data, Geometry((3, 4), type_by_name("float32")))


def test_bytes_that_only_look_like_a_bound_are_refused() -> None:
    payload = bytearray(made(8, [0, 1], 4, 4, 0))
    payload[ALIGNMENT] = 16  # a shift beyond 15
    with pytest.raises(ValueError, match="payload must"):
        decoded(CODEC, bytes(payload), Geometry((4, 4), type_by_name("float32")))
