"""Tensor trains, sums of products and Tucker's boxes: what they find, refuse and give back."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engram.arch.payloads.networks import HEADER, LARGEST_RANK, NetworkLayout
from engram.arch.tensors import ALIGNMENT, TILE_ELEMENTS, type_by_name
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.contraction import narrow
from engram.codecs.cp import CpCodec
from engram.codecs.deviation import deviation
from engram.codecs.fitting import Network
from engram.codecs.train import TrainCodec
from engram.codecs.tucker import TuckerCodec
from sim.golden.codecs import integers, networks
from tests.codecs.samples import LOSSY, SHAPES, decoded, noise, of_bits, tensor

CODECS: dict[str, Codec] = {codec.name: codec for codec in (TrainCodec(), CpCodec(), TuckerCodec())}
GOLDEN: dict[str, Callable[[bytes, int, str], list[int]]] = {
    "train": networks.train,
    "cp": networks.cp,
    "tucker": networks.tucker,
}

every_codec = pytest.mark.parametrize("name", CODECS)


def train_of(lengths: tuple[int, ...], rank: int) -> NDArray[Any]:
    chance = np.random.default_rng(rank)
    rows = np.ones((1, 1))
    for axis, length in enumerate(lengths):
        after = 1 if axis == len(lengths) - 1 else rank
        rows = (rows @ chance.standard_normal((rows.shape[1], length * after))).reshape(-1, after)
    return rows.reshape(lengths)


def cp_of(lengths: tuple[int, ...], rank: int) -> NDArray[Any]:
    chance = np.random.default_rng(rank)
    rows = np.ones((1, rank))
    for length in lengths:
        rows = (rows[:, None, :] * chance.standard_normal((length, rank))).reshape(-1, rank)
    return rows.sum(axis=1).reshape(lengths)


def tucker_of(lengths: tuple[int, ...], rank: int) -> NDArray[Any]:
    chance = np.random.default_rng(rank)
    box = chance.standard_normal((rank,) * len(lengths))
    for length in lengths:
        box = np.tensordot(box, chance.standard_normal((rank, length)), axes=(0, 0))
    return box


MODELS = {"train": train_of, "cp": cp_of, "tucker": tucker_of}


def made(
    codec: str,
    lengths: tuple[int, ...],
    ranks: tuple[int, ...],
    width: int = 8,
    core_width: int = 16,
    shifts: tuple[int, ...] | None = None,
    exponent: int = -30,
    seed: int = 0,
) -> bytes:
    """Return a payload of arbitrary integers, the extreme ones among them."""
    chance = np.random.default_rng(seed)
    own = core_width if codec == "tucker" else 0
    shifts = (0,) * len(lengths) if shifts is None else shifts
    layout = NetworkLayout(codec, width, own, exponent, lengths, ranks, shifts)
    cores = []
    for shape, bits in zip(layout.shapes, layout.widths, strict=True):
        low = -(1 << (bits - 1))
        core = chance.integers(low, -low, shape)
        core[chance.random(shape) < 0.2] = low
        cores.append(core)
    return Network(layout, cores).payload()


def golden_bytes(codec: str, payload: bytes, geometry: Geometry) -> bytes:
    kind = geometry.kind
    name = {"complex64": "float32", "complex128": "float64"}.get(kind.name, kind.name)
    pairs = 2 if kind.bits.kind == "c" else 1
    words = GOLDEN[codec](payload, geometry.size * pairs, name)
    return b"".join(word.to_bytes(kind.bits.itemsize // pairs, "little") for word in words)


@every_codec
def test_each_finds_its_own_kind_of_tensor_in_few_bytes(name: str) -> None:
    lengths = (24, 20, 28)
    values = MODELS[name](lengths, 3).astype(np.float32)
    geometry = tensor(values, "float32")
    for error, ratio in ((0.03, 0.04), (5e-4, 0.08)):
        payload = CODECS[name].encode(values, geometry, Budget(error=error))
        assert payload is not None
        assert len(payload) <= ratio * values.nbytes
        assert deviation(CODECS[name], payload, values, geometry).relative <= error


@every_codec
def test_more_bytes_never_give_a_larger_error(name: str) -> None:
    values = (tucker_of((12, 9, 10), 3) + 0.3 * noise((12, 9, 10))).astype(np.float32)
    geometry = tensor(values, "float32")
    errors = []
    for size in range(500, geometry.nbytes, geometry.nbytes // 6):
        payload = CODECS[name].encode(values, geometry, Budget(bytes=size))
        if payload is None:
            assert not errors
            continue
        assert len(payload) <= size
        errors.append(deviation(CODECS[name], payload, values, geometry).relative)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0]


@every_codec
@pytest.mark.parametrize("kind", LOSSY)
def test_every_lossy_type_and_shape_is_within_the_error_or_left_to_others(
    name: str, kind: str
) -> None:
    taken = 0
    for shape in (*SHAPES[:-3], (7, 9), (1, 2, 1, 3, 1, 20, 2, 1, 1, 3), (5, 6, 7)):
        values = noise(shape, kind)
        geometry = tensor(values, kind)
        payload = CODECS[name].encode(values, geometry, Budget(error=0.4))
        if payload is not None:
            taken += 1
            assert len(payload) <= geometry.nbytes
            assert deviation(CODECS[name], payload, values, geometry).relative <= 0.4
    assert taken or name == "cp" or kind.endswith("16")


@every_codec
def test_zeros_and_single_numbers_come_back(name: str) -> None:
    for values in (np.zeros((9, 9, 9), np.float64), np.full((1, 40), 3.0)):
        geometry = tensor(values, "float64")
        payload = CODECS[name].encode(values, geometry, Budget(error=1e-3))
        assert payload is not None
        assert deviation(CODECS[name], payload, values, geometry).relative <= 1e-3


@every_codec
@pytest.mark.parametrize("power", [-300, 300])
def test_very_small_and_very_large_numbers_keep_their_error(name: str, power: int) -> None:
    values = MODELS[name]((10, 12, 9), 2)
    values *= 10.0**power / np.abs(values).max()
    geometry = tensor(values, "float64")
    payload = CODECS[name].encode(values, geometry, Budget(error=0.03))
    assert payload is not None
    assert deviation(CODECS[name], payload, values, geometry).relative <= 0.03


@every_codec
def test_what_is_not_finite_not_lossy_or_to_be_exact_is_left_to_others(name: str) -> None:
    values = MODELS[name]((10, 12, 9), 2).astype(np.float32)
    geometry = tensor(values, "float32")
    assert CODECS[name].encode(values, geometry, Budget(exact=True)) is None
    values[0, 0, 0] = np.nan
    assert CODECS[name].encode(values, geometry, Budget(error=0.5)) is None
    whole = of_bits((8, 8, 8), type_by_name("int64"))
    assert CODECS[name].encode(whole, tensor(whole, "int64"), Budget(error=0.5)) is None


@given(
    codec=st.sampled_from(sorted(CODECS)),
    kind=st.sampled_from(LOSSY),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    width=st.sampled_from([8, 16]),
    core_width=st.sampled_from([8, 16]),
    shift=st.integers(0, 20),
    exponent=st.integers(-1074, 1023) | st.integers(-160, 60),
    seed=st.integers(0, 99),
)
def test_decoding_is_golden(
    codec: str,
    kind: str,
    lengths: list[int],
    width: int,
    core_width: int,
    shift: int,
    exponent: int,
    seed: int,
) -> None:
    geometry = Geometry(tuple(lengths), type_by_name(kind))
    box = (*lengths, 2) if kind.startswith("complex") else tuple(lengths)
    chance = np.random.default_rng(seed)
    if codec == "cp":
        ranks = (int(chance.integers(1, 5)),) * len(box)
    elif codec == "tucker":
        ranks = tuple(int(chance.integers(1, length + 1)) for length in box)
    else:
        behind = [prod(box[k + 1 :]) for k in range(len(box))]
        ranks = tuple(int(chance.integers(1, min(5, most) + 1)) for most in behind)
    shifts = (*([shift] * (len(box) - 1)), 0)
    payload = made(codec, box, ranks, width, core_width, shifts, exponent, seed)
    found = decoded(CODECS[codec], payload, geometry).tobytes()
    assert found == golden_bytes(codec, payload, geometry)


@given(
    integer=st.integers(-(2**52), 2**52) | st.sampled_from([2**26 - 1, 2**26, -(2**26)]),
    shift=st.integers(0, 52),
)
def test_narrowing_in_float64_is_that_of_integers(integer: int, shift: int) -> None:
    found = narrow(np.array([float(integer)]), shift)
    assert int(found[0]) == integers.narrow(integer, shift, 27)


@every_codec
@pytest.mark.parametrize("lengths", [(3, 70_000), (70, 30, 60), (2,) * 17, (140_000, 2)])
def test_any_run_is_a_slice_of_the_whole(name: str, lengths: tuple[int, ...]) -> None:
    if name == "cp":
        ranks = (7,) * len(lengths)
    elif name == "tucker":
        ranks = tuple(min(3, length) for length in lengths[:8]) + (1,) * (len(lengths) - 8)
    else:
        ranks = tuple(min(4, prod(lengths[k + 1 :])) for k in range(len(lengths)))
    shifts = (*([5] * (len(lengths) - 1)), 0)
    payload = made(name, lengths, ranks, shifts=shifts)
    geometry = Geometry(lengths, type_by_name("float32"))
    whole = decoded(CODECS[name], payload, geometry)
    chance = np.random.default_rng(3)
    runs = [(0, 0), (0, 1), (TILE_ELEMENTS - 1, TILE_ELEMENTS + 1), (65_000, 140_000)]
    runs += [tuple(sorted(chance.integers(0, geometry.size, 2).tolist())) for _ in range(4)]
    runs += [(at, at + 3) for at in chance.integers(0, geometry.size - 3, 8).tolist()]
    for start, stop in runs:
        stop = min(stop, geometry.size)
        found = decoded(CODECS[name], payload, geometry, start, stop)
        assert found.tobytes() == whole[start:stop].tobytes()


@every_codec
def test_a_state_that_is_too_large_is_the_largest(name: str) -> None:
    lengths = (3, 3, 3, 3)
    ranks = {"cp": (3,) * 4, "tucker": (3,) * 4, "train": (3, 3, 3, 1)}[name]
    payload = made(name, lengths, ranks, 16, 16)
    geometry = Geometry(lengths, type_by_name("float64"))
    assert decoded(CODECS[name], payload, geometry).tobytes() == golden_bytes(
        name, payload, geometry
    )


@every_codec
def test_payloads_cut_short_or_too_long_are_refused(name: str) -> None:
    payload = made(name, (4, 5, 6), {"train": (2, 2, 1)}.get(name, (2, 2, 2)))
    geometry = Geometry((4, 5, 6), type_by_name("float32"))
    for wrong in (*(payload[:n] for n in range(0, len(payload), 5)), payload + b"\0"):
        with pytest.raises(ValueError, match="payload must"):
            decoded(CODECS[name], wrong, geometry)


@every_codec
def test_a_header_that_is_changed_anywhere_is_refused_or_decodes_something(name: str) -> None:
    payload = made(name, (4, 5, 6), {"train": (2, 2, 1)}.get(name, (2, 2, 2)))
    geometry = Geometry((4, 5, 6), type_by_name("float32"))
    taken = []
    for at in range(ALIGNMENT + 3 * 16):
        for bit in range(8):
            wrong = bytearray(payload)
            wrong[at] ^= 1 << bit
            with suppress(ValueError):
                decoded(CODECS[name], bytes(wrong), geometry)
                taken.append(at)
    # Exponent and shifts may be others, and ranks where the padding of a core hides its size.
    free = {at + ALIGNMENT + 16 * axis for axis in range(3) for at in (8, 9, 12)}
    assert set(taken) <= {4, 5, 6, 7} | free


def test_ranks_that_no_tensor_needs_are_refused() -> None:
    geometry = Geometry((4, 5, 6), type_by_name("float32"))
    good = NetworkLayout("train", 8, 0, 0, (4, 5, 6), (2, 2, 1), (0, 0, 0))
    for ranks in ((31, 2, 1), (2, 7, 1), (2, 2, 2), (LARGEST_RANK + 1, 2, 1)):
        layout = replace(good, ranks=ranks)
        cores = [np.zeros(shape, np.int64) for shape in layout.shapes]
        with pytest.raises(ValueError, match="ranks"):
            decoded(CODECS["train"], Network(layout, cores).payload(), geometry)
    unequal = NetworkLayout("cp", 8, 0, 0, (4, 5, 6), (2, 3, 2), (0, 0, 0))
    too_many = NetworkLayout("tucker", 8, 8, 0, (4, 5, 6), (5, 2, 2), (0, 0, 0))
    for layout in (unequal, too_many):
        cores = [np.zeros(shape, np.int64) for shape in layout.shapes]
        with pytest.raises(ValueError, match="ranks"):
            decoded(CODECS[layout.codec], Network(layout, cores).payload(), geometry)


@every_codec
def test_huge_numbers_in_a_header_allocate_nothing(name: str) -> None:
    geometry = Geometry((1 << 40,), type_by_name("float32"))
    own = 8 if name == "tucker" else 0
    for size in (ALIGNMENT, 4096):
        header = HEADER.pack(8, own, 2, 0, size).ljust(ALIGNMENT, b"\0")
        axis = (1 << 20).to_bytes(8, "little") + (1 << 11).to_bytes(4, "little") + bytes(4)
        wrong = (header + 2 * axis).ljust(size, b"\0")[:size]
        with pytest.raises(ValueError, match="payload must"):
            CODECS[name].decode(memoryview(wrong), geometry, 0, 1, np.empty(1, np.float32))


@given(codec=st.sampled_from(sorted(CODECS)), data=st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(codec: str, data: bytes) -> None:
    with pytest.raises(ValueError, match="payload must"):
        decoded(CODECS[codec], data, Geometry((3, 4), type_by_name("float32")))
