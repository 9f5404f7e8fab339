"""Every number view has the bytes of its formula, on every device and in every way to read."""

import math
import random

import numpy as np
import pytest

from tests.conformance.statement import FIELDS, LANES, element_bytes, word

SEED = 0x1337BEEFCAFEBABE
TYPES = {
    "uint64": "<u8",
    "float64": "<f8",
    "float32": "<f4",
    "int8": "i1",
    "normal": "<f4",
    "unit64": "<f8",
}
# Where conversions turn: ends, signs, halves, the last bits that survive, and ties of unit64.
TURNS = [
    0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FF, 0x800, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1,
    2**53 + 1, 2**63 - 1, 2**63, 2**64 - 2**11, 2**64 - 2**10, 2**64 - 2**10 - 1, 2**64 - 1,
    0x8000000080000000, 0x7FFFFFFF7FFFFFFF, 0x0000000180000001, 2**63 + 2**10, 2**63 + 3 * 2**10,
    *(3 << shift for shift in range(0, 63, 7)), *(2**shift - 1 for shift in range(20, 34)),
]  # fmt: skip
LENGTHS = [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 300]


@pytest.mark.parametrize("dtype", FIELDS)
def test_turning_points_convert_exactly(memory, dtype) -> None:
    memory.write(1000, np.array(TURNS, np.uint64))
    expected = b"".join(element_bytes(w, dtype) for w in TURNS)
    read = memory.read(1000, len(TURNS), dtype=dtype)
    assert read.dtype == np.dtype(TYPES[dtype])
    assert read.shape == (len(TURNS) * LANES[dtype],)
    assert read.tobytes() == expected
    addresses = 1000 + np.arange(len(TURNS))
    assert memory.read(addresses, dtype=dtype).tobytes() == expected
    singles = [memory.read(1000 + i, dtype=dtype) for i in range(len(TURNS))]
    assert b"".join(np.asarray(x, TYPES[dtype]).tobytes() for x in singles) == expected


@pytest.mark.parametrize("dtype", FIELDS)
@pytest.mark.parametrize("base", [0, 2**32 - 100, 2**64 - 300])
def test_generated_words_convert_exactly_at_every_length(memory, dtype, base) -> None:
    expected = b"".join(element_bytes(word(1, SEED, base + i), dtype) for i in range(300))
    size = len(expected) // 300
    for length in LENGTHS:
        assert memory.read(base, length, dtype=dtype).tobytes() == expected[: length * size]
        tail = memory.read(base + 300 - length, length, dtype=dtype)
        assert tail.tobytes() == expected[(300 - length) * size :]


@pytest.mark.parametrize("law", [2, 3, 4])
def test_views_are_the_same_for_every_law(memory, law) -> None:
    for dtype in FIELDS:
        expected = b"".join(element_bytes(word(law, SEED, 500 + i), dtype) for i in range(40))
        assert memory.read(500, 40, dtype=dtype, law=law).tobytes() == expected
        gathered = memory.read(np.arange(500, 540), dtype=dtype, law=law)
        assert gathered.tobytes() == expected


@pytest.mark.parametrize("dtype", FIELDS)
def test_one_word_is_a_python_number_or_an_array_of_its_lanes(memory, dtype) -> None:
    one = memory.read(99, dtype=dtype)
    if LANES[dtype] == 1:
        assert type(one) is (int if dtype == "uint64" else float)
    else:
        assert one.shape == (LANES[dtype],)
        assert one.dtype == np.dtype(TYPES[dtype])
    assert np.asarray(one, TYPES[dtype]).tobytes() == element_bytes(word(1, SEED, 99), dtype)


@pytest.mark.parametrize("name", ["uint64", "float64", "float32", "int8"])
def test_a_view_goes_by_its_numpy_type_too(memory, name) -> None:
    plain = memory.read(7, 5, dtype=name).tobytes()
    assert memory.read(7, 5, dtype=getattr(np, name)).tobytes() == plain
    assert memory.read(7, 5, dtype=np.dtype(name)).tobytes() == plain


def test_floats_lie_where_they_are_said_to(memory) -> None:
    memory.write(0, np.array([0, 2**64 - 1], np.uint64))
    assert memory.read(0, 2, dtype="float64").tolist() == [0.0, 1 - 2**-53]
    assert memory.read(0, 2, dtype="float32").tolist() == [0.0, 0.0, 1 - 2**-24, 1 - 2**-24]
    assert memory.read(0, 2, dtype="unit64").tolist() == [0.0, 1.0]


def test_normal_variates_are_normal(memory) -> None:
    draw = random.Random(6)
    halves = [0, 2**31 - 1, 2**31, 2**32 - 1] + [draw.getrandbits(32) for _ in range(200)]
    memory.write(0, np.array(halves, np.uint64))  # the high halves are zero
    low = memory.read(0, len(halves), dtype="normal")[::2]
    for half, z in zip(halves, low.tolist(), strict=True):
        tail = (2 * (half % 2**31) + 1) / 2**33
        assert abs(math.erfc(abs(z) / math.sqrt(2)) / 2 / tail - 1) < 4e-4
        assert z <= 0 if half >= 2**31 else z >= 0
    assert abs(low).max() < 6.4


def test_an_unknown_view_is_refused(memory) -> None:
    for wrong in ("float16", "<f8", "", float, int, None, np.int64, 8):
        with pytest.raises(ValueError, match="dtype must be one of uint64, float64, "):
            memory.read(0, 1, dtype=wrong)
