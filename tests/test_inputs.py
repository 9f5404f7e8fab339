"""Every wrong input is refused with its own message, and changes nothing."""

import operator
import re

import numpy as np
import pytest

import engram

LAST = 2**64 - 1
SPAN = r"0\.\.2\*\*64-1"

# (what was passed, the error, what its message says after the name)
BAD_SCALARS = [
    (-1, ValueError, rf"must be in {SPAN}, not -1"),
    (2**64, ValueError, rf"must be in {SPAN}, not 18446744073709551616"),
    (-(2**70), ValueError, rf"must be in {SPAN}, not -1180591620717411303424"),
    (np.int64(-5), ValueError, rf"must be in {SPAN}, not -5"),
]
BAD_ADDRESSES = [
    *BAD_SCALARS,
    (1.0, TypeError, r"must be an integer, a sequence or an array, not 1\.0"),
    (np.float64(2), TypeError, r"must be an integer, a sequence or an array, not np\.float64\(2"),
    (True, TypeError, "must be an integer, a sequence or an array, not True"),
    (None, TypeError, "must be an integer, a sequence or an array, not None"),
    ("5", TypeError, "must be an integer, a sequence or an array, not '5'"),
    (b"5", TypeError, "must be an integer, a sequence or an array, not b'5'"),
    ({5}, TypeError, r"must be an integer, a sequence or an array, not \{5\}"),
    ({5: 1}, TypeError, r"must be an integer, a sequence or an array, not \{5: 1\}"),
    (5j, TypeError, "must be an integer, a sequence or an array, not 5j"),
    (object, TypeError, "must be an integer, a sequence or an array, not <class 'object'>"),
    (iter([5]), TypeError, "must be an integer, a sequence or an array, not <list_iterator"),
]
BAD_ARRAYS = [
    ([1, -1], ValueError, rf"must be in {SPAN}, not -1"),
    ([1, 2**64], ValueError, rf"must be in {SPAN}, not 18446744073709551616"),
    ([[1, 2], [3, -4]], ValueError, rf"must be in {SPAN}, not -4"),
    ([1, 2.0], TypeError, r"must be an integer, not 2\.0"),
    ([1, float("nan")], TypeError, "must be an integer, not nan"),
    ([1, True], TypeError, "must be an integer, not True"),
    ([1, None], TypeError, "must be an integer, not None"),
    ([1, "2"], TypeError, "must be an integer, not '2'"),
    ([1, [2]], TypeError, r"must be an integer, not \[2\]"),
    ([[1], [1, 2]], TypeError, r"must be an integer, not \[1\]"),
    ((1, np.float32(2)), TypeError, r"must be an integer, not np\.float32\(2\.0\)"),
    (range(-1, 5), ValueError, rf"must be in {SPAN}, not range\(-1, 5\)"),
    (range(LAST, LAST + 2), ValueError, rf"must be in {SPAN}, not range"),
    (np.array([1, -1]), ValueError, rf"must be in {SPAN}, not -1"),
    (np.array([-128], np.int8), ValueError, rf"must be in {SPAN}, not -128"),
    (np.array([1.0]), TypeError, "must be integers, not float64"),
    (np.array([np.nan]), TypeError, "must be integers, not float64"),
    (np.array([1], np.float32), TypeError, "must be integers, not float32"),
    (np.array([True]), TypeError, "must be integers, not bool"),
    (np.array(["1"]), TypeError, "must be integers, not <U1"),
    (np.array([1j]), TypeError, "must be integers, not complex128"),
    (np.array(["2020"], "M8[Y]"), TypeError, r"must be integers, not datetime64\[Y\]"),
    (np.array([1, -1], object), ValueError, rf"must be in {SPAN}, not -1"),
    (np.array([1, 2**64], object), ValueError, rf"must be in {SPAN}, not 18446744073709551616"),
    (np.array([1, 1.5], object), TypeError, r"must be an integer, not 1\.5"),
    (np.array([1, True], object), TypeError, "must be an integer, not True"),
]


def named(case: tuple) -> str:
    # Without addresses of objects: every process must give a test the same name.
    return re.sub(" at 0x[0-9a-f]*", "", repr(case[0]))[:40]


def unchanged(memory: engram.Memory) -> bool:
    return memory.written_words == 1 and memory[7] == 9


@pytest.fixture
def memory(open_memory) -> engram.Memory:
    memory = open_memory(seed=1)
    memory[7] = 9
    return memory


@pytest.mark.parametrize("case", [*BAD_ADDRESSES, *BAD_ARRAYS], ids=named)
def test_a_wrong_address_is_refused_everywhere(memory, case) -> None:
    wrong, error, message = case
    for call in (
        lambda: memory.read(wrong),
        lambda: memory[wrong],
        lambda: memory.write(wrong, 1),
        lambda: memory.__setitem__(wrong, 1),
        lambda: memory.erase(wrong),
        lambda: memory.__delitem__(wrong),
        lambda: memory.is_written(wrong),
    ):
        with pytest.raises(error, match=f"address.*{message}"):
            call()
    assert unchanged(memory)


@pytest.mark.parametrize("case", [*BAD_ADDRESSES, *BAD_ARRAYS], ids=named)
def test_a_wrong_value_is_refused_everywhere(memory, case) -> None:
    wrong, error, message = case
    for call in (
        lambda: memory.write(5, wrong),
        lambda: memory.write([5, 6], wrong),
        lambda: memory.__setitem__(5, wrong),
        lambda: memory.__setitem__(slice(5, 7), wrong),
        lambda: memory.__setitem__([5, 6], wrong),
    ):
        with pytest.raises(error, match=f"value.*{message}"):
            call()
    assert unchanged(memory)


@pytest.mark.parametrize("case", [*BAD_ADDRESSES, *BAD_ARRAYS], ids=named)
def test_a_wrong_word_has_no_inverse(memory, case) -> None:
    wrong, error, message = case
    with pytest.raises(error, match=message):
        memory.invert(wrong)


def test_floats_are_written_by_their_bits(memory) -> None:
    hint = r"not float64; write floats as words with values\.view\('uint64'\)"
    with pytest.raises(TypeError, match=hint):
        memory.write(0, np.array([0.5]))
    memory.write(0, np.array([0.5]).view("uint64"))
    assert memory[0] == 0x3FE0000000000000


@pytest.mark.parametrize(
    ("count", "error", "message"),
    [
        (-1, ValueError, r"count must be in 0\.\.2\*\*64, not -1"),
        (2**64 + 1, ValueError, r"count must be in 0\.\.2\*\*64, not 18446744073709551617"),
        (1.0, TypeError, r"count must be an integer, not 1\.0"),
        (True, TypeError, "count must be an integer, not True"),
        ("1", TypeError, "count must be an integer, not '1'"),
        ([1], TypeError, r"count must be an integer, not \[1\]"),
        (np.float64(3), TypeError, r"count must be an integer, not np\.float64\(3\.0\)"),
    ],
)
def test_a_wrong_count_is_refused(memory, count, error, message) -> None:
    for call in (
        lambda: memory.read(0, count),
        lambda: memory.erase(7, count),
        lambda: memory.unwritten(0, count),
        lambda: memory.mirror().read(0, count),
    ):
        with pytest.raises(error, match=message):
            call()
    assert unchanged(memory)


def test_a_range_that_passes_the_end_is_refused(memory) -> None:
    message = r"a range must end at or before 2\*\*64, not at 0xffffffffffffffff \+ 2 words"
    for call in (
        lambda: memory.read(LAST, 2),
        lambda: memory.write(LAST, [1, 2]),
        lambda: memory.erase(LAST, 2),
        lambda: memory.unwritten(LAST, 2),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert unchanged(memory)


@pytest.mark.parametrize(
    ("address", "values", "message"),
    [
        (0, [[1, 2]], "values of a run must have one dimension, not 2"),
        (0, np.array(5, np.uint64), "values of a run must have one dimension, not 0"),
        ([0, 1], [1], r"values must have the addresses' shape \(2,\), not \(1,\)"),
        ([0, 1], [1, 2, 3], r"values must have the addresses' shape \(2,\), not \(3,\)"),
        ([0, 1], [[1, 2]], r"values must have the addresses' shape \(2,\), not \(1, 2\)"),
        ([[0, 1]], [1, 2], r"values must have the addresses' shape \(1, 2\), not \(2,\)"),
        ([], [1], r"values must have the addresses' shape \(0,\), not \(1,\)"),
    ],
)
def test_values_of_a_wrong_shape_are_refused(memory, address, values, message) -> None:
    with pytest.raises(ValueError, match=message):
        memory.write(address, values)
    assert unchanged(memory)


def test_count_goes_with_one_address(memory) -> None:
    for call in (lambda: memory.read([1, 2], 2), lambda: memory.erase([1, 2], 2)):
        with pytest.raises(TypeError, match="count goes with one address, not with an array"):
            call()


@pytest.mark.parametrize("law", [0, 5, -1, 10**30, "feistel", "", "1", True, 1.0, None])
def test_an_unknown_law_is_refused(memory, law) -> None:
    message = r"law must be one of 1 \(feistel6\), 2 \(vrns16\), .* 4 \(feistel4\), not"
    if law is None:  # the space's own
        assert memory.read(0, law=law) == memory[0]
        return
    for call in (
        lambda: memory.read(0, law=law),
        lambda: memory.read(0, 5, law=law),
        lambda: memory.read([0], law=law),
        lambda: memory.invert(0, law=law),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_memory_is_not_iterated_over(memory) -> None:
    with pytest.raises(TypeError, match="must be read in ranges, not iterated over"):
        iter(memory)
    with pytest.raises(TypeError):
        operator.contains(memory, 5)
    with pytest.raises(TypeError):
        len(memory)


def test_a_refused_write_to_a_directory_is_not_kept_either(device, tmp_path) -> None:
    with engram.open(tmp_path / "memory", seed=1, device=device) as memory:
        memory[7] = 9
        for wrong in ([1, -1], [1.5], "x"):
            with pytest.raises((TypeError, ValueError)):
                memory.write(0, wrong)
        with pytest.raises(ValueError, match="shape"):
            memory.write([1, 2], [1])
    with engram.open(tmp_path / "memory", device=device) as memory:
        assert unchanged(memory)
