"""Ranges, gathers, slices and buffers of every shape hold the words of their addresses."""

import numpy as np
import pytest

from tests.conformance.model import Model
from tests.conformance.statement import LANES

SEED = 0x1337BEEFCAFEBABE
LENGTHS = [0, 1, 2, 31, 32, 33, 127, 128, 129, 159, 160, 161, 255, 256, 511, 512, 513, 1030]
BASES = [0, 1, 7, 511, 2**32 - 130, 2**33 - 1, 5 * 2**32 - 600, 2**63 - 3, 2**64 - 1030]
TYPES = {"uint64": "<u8", "float64": "<f8", "float32": "<f4", "int8": "i1", "normal": "<f4"}


@pytest.fixture(scope="module")
def expected() -> dict[int, bytes]:
    model = Model(SEED)
    return {base: model.elements(range(base, base + max(LENGTHS)), "uint64") for base in BASES}


@pytest.mark.parametrize("base", BASES)
def test_a_range_holds_the_words_of_its_addresses(memory, expected, base) -> None:
    for length in LENGTHS:
        assert memory.read(base, length).tobytes() == expected[base][: 8 * length]


@pytest.mark.parametrize("law", [2, 3, 4])
def test_a_range_crosses_the_carry_in_every_law(memory, law) -> None:
    model = Model(SEED)
    for base in (2**32 - 40, 7 * 2**32 - 65, 2**64 - 100):
        for length in (1, 41, 64, 100):
            made = memory.read(base, length, law=law).tobytes()
            assert made == model.elements(range(base, base + length), "uint64", law)


@pytest.mark.parametrize("base", [2**32 - 130, 2**64 - 1030])
def test_a_range_with_written_words_around_still_holds_its_own(memory, expected, base) -> None:
    memory[base - 1] = memory[5] = 1
    memory[base + 600] = 2
    memory.erase(base + 600)
    for length in LENGTHS:
        assert memory.read(base, length).tobytes() == expected[base][: 8 * length]


def test_the_last_word_ends_the_space(memory) -> None:
    assert memory.read(2**64 - 1, 1).tolist() == [memory[2**64 - 1]]
    assert memory.read(2**64 - 1, 0).shape == (0,)
    for first, count in ((2**64 - 1, 2), (1, 2**64), (2**63, 2**63 + 1)):
        with pytest.raises(ValueError, match=r"a range must end at or before 2\*\*64, not at"):
            memory.read(first, count)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_buffer_is_filled_and_returned(memory, dtype) -> None:
    lanes = LANES[dtype]
    memory.write(2**32 - 3, [1, 2, 3, 4, 5])
    for base, count in ((2**32 - 10, 20), (0, 1), (2**64 - 513, 513), (9, 0)):
        plain = memory.read(base, count, dtype=dtype)
        out = np.full(count * lanes, 77, TYPES[dtype])
        assert memory.read(base, count, dtype=dtype, out=out) is out
        assert out.tobytes() == plain.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_a_buffer_may_lie_anywhere_and_nothing_around_it_changes(memory, dtype) -> None:
    kind, lanes = np.dtype(TYPES[dtype]), LANES[dtype]
    memory.write(600, [0, 2**64 - 1])
    for offset in (0, 1, 3, 4, 8, 12, 40, 61):
        for count in (1, 17, 130, 514):
            size = count * lanes * kind.itemsize
            frame = np.full(size + 128, 0xA5, np.uint8)
            out = frame[offset : offset + size].view(kind)
            memory.read(500, count, dtype=dtype, out=out)
            assert out.tobytes() == memory.read(500, count, dtype=dtype).tobytes()
            assert (frame[:offset] == 0xA5).all()
            assert (frame[offset + size :] == 0xA5).all()


def test_a_buffer_may_have_any_shape(memory) -> None:
    out = np.zeros((3, 4, 2), np.float32)
    assert memory.read(5, 12, dtype="float32", out=out) is out
    assert out.tobytes() == memory.read(5, 12, dtype="float32").tobytes()
    one = np.zeros((), np.uint64)
    assert memory.read(5, 1, out=one).item() == memory[5]


def test_a_buffer_that_does_not_fit_is_refused_and_left_alone(memory) -> None:
    zeros = np.zeros(8, np.uint64)
    frozen = np.zeros(4, np.uint64)
    frozen.flags.writeable = False
    for out, error, message in (
        (zeros, ValueError, "out must have 4 elements, not 8"),
        (zeros[:3], ValueError, "out must have 4 elements, not 3"),
        (zeros[::2], ValueError, "out must be contiguous and writeable"),
        (zeros[3::-1], ValueError, "out must be contiguous and writeable"),
        (frozen, ValueError, "out must be contiguous and writeable"),
        (np.zeros(4), TypeError, "out must be of dtype uint64, not float64"),
        (np.zeros(4, np.int64), TypeError, "out must be of dtype uint64, not int64"),
        (np.zeros(4, ">u8"), TypeError, "out must be of dtype uint64, not >u8"),
        ([0, 0, 0, 0], TypeError, "out must be a NumPy array, not list"),
        (bytearray(32), TypeError, "out must be a NumPy array, not bytearray"),
    ):
        with pytest.raises(error, match=message):
            memory.read(0, 4, out=out)
    assert not zeros.any()
    assert not frozen.any()


def test_a_buffer_goes_with_a_range_only(memory) -> None:
    with pytest.raises(TypeError, match="out goes with a range: give a count"):
        memory.read(0, out=np.zeros(1, np.uint64))
    with pytest.raises(TypeError, match="out goes with a range, not with an array of addresses"):
        memory.read([0], out=np.zeros(1, np.uint64))
    with pytest.raises(TypeError, match="count goes with one address, not with an array of them"):
        memory.read([0], 1)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3), (0, 4), (2, 0), (2, 1, 5)])
@pytest.mark.parametrize("dtype", TYPES)
def test_a_gather_has_the_shape_of_its_addresses(memory, shape, dtype) -> None:
    size = int(np.prod(shape))
    flat = (np.arange(size, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(2**64 - 1)
    gathered = memory.read(flat.reshape(shape), dtype=dtype)
    assert gathered.shape == (shape if LANES[dtype] == 1 else (*shape, LANES[dtype]))
    assert gathered.dtype == np.dtype(TYPES[dtype])
    assert gathered.tobytes() == Model(SEED).elements(flat.tolist(), dtype)


@pytest.mark.parametrize("count", [1, 127, 128, 129, 255, 256, 257, 383, 385, 700])
def test_a_gather_of_any_length_over_words_pages_and_holes(memory, count) -> None:
    model = Model(SEED)
    pages = [2**40, 2**40 + 512 * 9]
    for page in pages:  # one page of each kind of writing
        memory.write(page, np.arange(200, dtype=np.uint64))
        model.write(range(page, page + 200), range(200))
    singles = [3, 2**64 - 1, 2**64 - 2, 2**64 - 513, 2**32, *range(10**6, 10**9, 10**7)]
    memory.write(singles, np.arange(len(singles)))
    model.write(singles, range(len(singles)))
    mixed = (singles + [pages[0] + 2 * i for i in range(150)] + list(range(2**50, 2**50 + 200))) * 3
    addresses = [mixed[i * 7919 % len(mixed)] for i in range(count)]
    for law in (1, 4):
        assert memory.read(addresses, law=law).tolist() == model.many(addresses, law)
    assert memory.is_written(addresses).tolist() == [address in model.held for address in addresses]


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        lambda x: np.array(x, np.uint64),
        lambda x: np.array(x, ">u8"),
        lambda x: np.array(x, np.uint64)[::-1][::-1],
        lambda x: np.repeat(np.array(x, np.uint64), 2)[::2],
        lambda x: np.array(x, object),
        lambda x: [np.uint64(item) for item in x],
        lambda x: np.frombuffer(b"?" + np.array(x, np.uint64).tobytes(), np.uint64, offset=1),
    ],
)
def test_addresses_come_in_any_integer_array_or_sequence(memory, make) -> None:
    addresses = [0, 2**64 - 1, 5, 5, 2**63]
    assert memory.read(make(addresses)).tolist() == Model(SEED).many(addresses)
    memory.write(make(addresses), make([1, 2, 3, 4, 2**64 - 1]))
    assert memory.read(make(addresses)).tolist() == [1, 2, 4, 4, 2**64 - 1]


@pytest.mark.parametrize("kind", ["i1", "u1", "<i2", ">i4", "<u4", "<i8"])
def test_addresses_come_in_any_width(memory, kind) -> None:
    addresses = np.array([[1, 100], [127, 0]], kind)
    assert memory.read(addresses).tolist() == [
        Model(SEED).many([1, 100]),
        Model(SEED).many([127, 0]),
    ]


def test_ranges_and_numpy_integers_are_addresses(memory) -> None:
    model = Model(SEED)
    assert memory.read(range(10, 0, -3)).tolist() == model.many([10, 7, 4, 1])
    assert memory.read(range(2**64 - 3, 2**64)).tolist() == model.many(range(2**64 - 3, 2**64))
    assert memory.read(range(0)).shape == (0,)
    assert memory[np.uint64(2**64 - 1)] == model[2**64 - 1]
    assert memory.read(np.int8(5), np.int16(3)).tolist() == model.many([5, 6, 7])


def test_slices_read_and_write_with_steps(memory) -> None:
    model = Model(SEED)
    assert memory[100:110].tolist() == model.many(range(100, 110))
    assert memory[100:110:3].tolist() == model.many([100, 103, 106, 109])
    assert memory[2**64 - 3 :].tolist() == model.many(range(2**64 - 3, 2**64))
    assert memory[: 2**64 : 2**62].tolist() == model.many([0, 2**62, 2**63, 3 * 2**62])
    assert memory[7:7].shape == memory[9:3].shape == (0,)
    memory[100:110:3] = [1, 2, 3, 4]
    memory[2**64 - 2 :] = 5
    memory[200:203] = np.array([7, 8, 9], np.int16)
    memory[300:300] = []
    model.write([100, 103, 106, 109, 2**64 - 2, 2**64 - 1], [1, 2, 3, 4, 5, 5])
    model.write(range(200, 203), [7, 8, 9])
    assert memory[98:112].tolist() == model.many(range(98, 112))
    assert memory[2**64 - 4 :].tolist() == model.many(range(2**64 - 4, 2**64))
    assert memory[199:204].tolist() == model.many(range(199, 204))
    del memory[100:110:6]
    del memory[200:202]
    model.erase(100, 1)
    model.erase(106, 1)
    model.erase(200, 2)
    assert memory[98:112].tolist() == model.many(range(98, 112))
    assert memory.written_words == len(model.held) == 5
    del memory[:]
    assert memory.written_words == 0


def test_slices_refuse_what_they_cannot_mean(memory) -> None:
    for key, error, message in (
        (slice(0, 8, 0), ValueError, "step must be positive, not 0"),
        (slice(8, 0, -1), ValueError, r"step must be in 0\.\.2\*\*64-1, not -1"),
        (slice(-1, None), ValueError, r"slice start must be in 0\.\.2\*\*64-1, not -1"),
        (slice(0, 2**64 + 1), ValueError, r"slice stop must be in 0\.\.2\*\*64, not 184467440"),
        (slice(0, 1.0), TypeError, r"slice stop must be an integer, not 1\.0"),
        (slice("a", 1), TypeError, "slice start must be an integer, not 'a'"),
        (slice(0, 4, True), TypeError, "step must be an integer, not True"),
    ):
        with pytest.raises(error, match=message):
            memory[key]
        with pytest.raises(error, match=message):
            memory[key] = 1
        with pytest.raises(error, match=message):
            del memory[key]
    with pytest.raises(ValueError, match=r"values must have shape \(4,\), not \(3,\)"):
        memory[0:4] = [1, 2, 3]
    with pytest.raises(ValueError, match=r"values must have shape \(4,\), not \(2, 2\)"):
        memory[0:4] = [[1, 2], [3, 4]]
    assert memory.written_words == 0
