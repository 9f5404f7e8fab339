"""Updates are deltas whose replay is the tensor, bit for bit; what does not fit changes nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engram
from engram.arch.payloads.deltas import ADD, FLIP, SCALE, WHOLE
from engram.errors import CannotMeet, NotFound
from tests.tensors.samples import bits_of, low_rank, same_bits


@pytest.fixture
def memory():
    with engram.open(seed=9) as opened:
        yield opened


def test_each_kind_of_update_does_what_it_says(memory) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((40, 60)).astype(np.float32)
    memory.store("a", values)
    more = rng.standard_normal((40, 60)).astype(np.float32)
    assert memory.update("a", add=more).form == ADD
    values = values + more
    assert same_bits(memory.load("a"), values)
    assert memory.update("a", scale=0.3).form == SCALE
    values = (values.astype(np.float64) * 0.3).astype(np.float32)
    assert same_bits(memory.load("a"), values)
    places = np.array([5, 599, 5])
    assert memory.update("a", sparse=(places, np.array([1, 2, 3], np.float32))).form == FLIP
    values.reshape(-1)[[5, 599]] = 3, 2
    assert same_bits(memory.load("a"), values)
    other = rng.standard_normal((40, 60)).astype(np.float32)
    memory.update("a", dense=other)
    assert same_bits(memory.load("a"), other)
    made = memory.update("a", quantised=more, max_error=0.05)
    wanted = other + more
    assert 0 < made.error < 0.1
    assert np.linalg.norm(memory.load("a") - wanted) == pytest.approx(
        made.error * np.linalg.norm(wanted), rel=1e-3
    )
    assert [each.version for each in memory.history("a")] == list(range(1, 7))
    assert memory.verify("a") == 6


def test_a_sparse_update_of_a_large_tensor_is_small(memory) -> None:
    memory.store("a", np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32))
    places = np.arange(0, 512 * 512, 5000)
    made = memory.update("a", sparse=(places, np.zeros(len(places), np.float32)))
    assert made.stored_bytes < 3000
    assert made.error == 0.0


@pytest.mark.parametrize("kind", ["bool", "int8", "uint16", "int64", "float16", "float64",
                                  "complex64", "complex128"])  # fmt: skip
def test_bits_of_every_type_can_be_replaced(memory, kind) -> None:
    values, other = bits_of(kind, (6, 7), 1), bits_of(kind, (6, 7), 2)
    memory.store("a", values)
    memory.update("a", dense=other)
    assert same_bits(memory.load("a"), other)
    memory.update("a", sparse=(np.array([41]), values.reshape(-1)[:1]))
    changed = other.copy()
    changed[5, 6] = values[0, 0]
    assert same_bits(memory.load("a"), changed)
    assert same_bits(memory.load("a", 1), values)


def test_sums_that_are_no_numbers_have_the_same_bits_everywhere(memory) -> None:
    odd = np.array([0x7F800001, 0xFFC01234, 0x7F800000, 0x3F800000], np.uint32).view(np.float32)
    memory.store("a", odd)
    memory.update("a", add=np.array([1, 1, -np.inf, 1], np.float32))
    assert memory.load("a").view(np.uint32).tolist() == [0x7FC00000] * 3 + [0x40000000]


def test_bfloat16_is_added_and_scaled_with_one_rounding(memory) -> None:
    torch = pytest.importorskip("torch")
    values = torch.randn(1000).to(torch.bfloat16)
    more = torch.randn(1000).to(torch.bfloat16)
    memory.store("a", values)
    memory.update("a", add=more)
    assert torch.equal(memory.load("a", like="torch"), values + more)
    memory.update("a", scale=0.5)
    assert torch.equal(memory.load("a", like="torch"), (values + more) * 0.5)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"add": np.ones((3, 2), np.int8)}, ValueError),
        ({"add": np.ones((2, 3), np.int16)}, TypeError),
        ({"add": np.full((2, 3), 100, np.int8)}, ValueError),
        ({"add": [[1, 1, 1], [1, 1, 1]]}, TypeError),
        ({"scale": 2.5}, TypeError),
        ({"scale": 100}, ValueError),
        ({"scale": 2**70}, ValueError),
        ({"scale": True}, TypeError),
        ({"dense": np.ones(6, np.int8)}, ValueError),
        ({"sparse": np.ones(3)}, TypeError),
        ({"sparse": (np.array([6]), np.ones(1, np.int8))}, ValueError),
        ({"sparse": (np.array([-1]), np.ones(1, np.int8))}, ValueError),
        ({"sparse": (np.array([1.0]), np.ones(1, np.int8))}, TypeError),
        ({"sparse": (np.array([1, 2]), np.ones(1, np.int8))}, ValueError),
        ({"sparse": (np.array([[1]]), np.ones((1, 1), np.int8))}, ValueError),
        ({"sparse": (np.array([1]), np.ones(1))}, TypeError),
        ({}, TypeError),
        ({"scale": 2, "add": np.ones((2, 3), np.int8)}, TypeError),
    ],
)
def test_an_update_that_does_not_fit_is_refused_and_changes_nothing(memory, change, error) -> None:
    values = np.arange(1, 7, dtype=np.int8).reshape(2, 3) * 10
    memory.store("a", values)
    with pytest.raises(error):
        memory.update("a", **change)
    assert same_bits(memory.load("a"), values)
    assert len(memory.history("a")) == 1


def test_other_updates_that_cannot_be_are_refused(memory) -> None:
    memory.store("flags", np.array([True, False]))
    for change in ({"add": np.array([True, True])}, {"scale": 2}):
        with pytest.raises(TypeError, match="bool"):
            memory.update("flags", **change)
    with pytest.raises(NotFound):
        memory.update("b", scale=2)
    memory.store("i", np.arange(5000, dtype=np.int32))
    noise = np.random.default_rng(1).integers(-9, 9, 5000).astype(np.int32)
    memory.update("i", quantised=noise)  # integers are never rounded
    assert memory.load("i").tolist() == (np.arange(5000) + noise).tolist()
    memory.store("f", np.ones(9, np.float32))
    with pytest.raises((CannotMeet, ValueError)):
        memory.update("f", quantised=np.ones(9, np.float32), max_error=-1)


def test_integers_are_scaled_exactly_up_to_their_ends(memory) -> None:
    memory.store("a", np.array([-64, 63], np.int8))
    memory.update("a", scale=2)
    assert memory.load("a").tolist() == [-128, 126]
    memory.store("b", np.array([2**62, -(2**62)], np.int64))
    with pytest.raises(ValueError, match="int64"):
        memory.update("b", scale=2)
    memory.update("b", scale=-1)
    assert memory.load("b").tolist() == [-(2**62), 2**62]


def test_a_long_chain_becomes_whole_with_the_same_bits(memory) -> None:
    rng = np.random.default_rng(3)
    values = low_rank(64, 64, 4)
    memory.store("a", values, max_error=0.05)
    expected = np.array(memory.load("a"))
    for number in range(40):
        more = (rng.standard_normal((64, 64)) * (rng.random((64, 64)) < 0.01)).astype(np.float32)
        memory.update("a", add=more)
        expected = expected + more
        assert same_bits(memory.load("a"), expected), number
    forms = [each.form for each in memory.history("a")]
    wholes = [at for at, form in enumerate(forms) if form == WHOLE]
    assert len(wholes) > 1
    assert max(b - a for a, b in zip([*wholes, len(forms)], wholes[1:], strict=False)) <= 17
    assert memory.verify("a") == 41


def test_large_deltas_become_whole_before_they_outgrow_the_tensor(memory) -> None:
    rng = np.random.default_rng(3)
    memory.store("a", np.zeros(4096, np.float32))
    for _ in range(6):
        memory.update("a", add=rng.standard_normal(4096).astype(np.float32))
    chain = 0
    for each in memory.history("a"):
        chain = 0 if each.whole else chain + len(each.payload)
        assert chain <= 4096 * 4


def test_a_rounded_update_tells_its_error_even_if_it_is_kept_whole(memory) -> None:
    rng = np.random.default_rng(5)
    memory.store("a", np.ones(5000, np.float32))
    memory.update("a", add=rng.standard_normal(5000).astype(np.float32))
    made = memory.update("a", quantised=rng.standard_normal(5000).astype(np.float32))
    assert made.whole
    assert made.error > 0


def test_consolidation_keeps_the_latest_bits_and_nothing_else(memory) -> None:
    memory.store("a", low_rank(50, 60, 3), max_error=0.01)
    for scale in (2.0, 0.3, 1.7):
        memory.update("a", scale=scale)
    before = np.array(memory.load("a"))
    base = memory.describe("a").base
    made = memory.consolidate_tensor("a")
    assert made.whole
    assert (made.version, made.base) == (5, base)
    assert same_bits(memory.load("a"), before)
    assert [each.version for each in memory.history("a")] == [5]
    assert memory.verify() == 1
    assert memory.consolidate_tensor("a") == made
    memory.store("a", np.ones(2))
    memory.consolidate_tensor("a")
    assert [each.version for each in memory.history("a")] == [6]
    assert memory.update("a", scale=3).version == 7
    assert memory.load("a").tolist() == [3, 3]


def test_updates_of_an_older_version_follow_a_rollback(memory) -> None:
    memory.store("a", np.arange(4))
    memory.update("a", scale=10)
    memory.update("a", scale=10)
    memory.rollback("a", 2)
    memory.update("a", add=np.ones(4, np.int64))
    assert memory.load("a").tolist() == [1, 11, 21, 31]
    assert [each.version for each in memory.history("a")] == [1, 2, 4]


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 99)),
        st.tuples(st.just("scale"), st.sampled_from([-2.0, 0.1, 1.5, 1e30])),
        st.tuples(st.just("dense"), st.integers(0, 99)),
        st.tuples(st.just("sparse"), st.lists(st.integers(0, 34), max_size=5)),
        st.tuples(st.just("rollback"), st.integers(0, 99)),
        st.tuples(st.just("consolidate"), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(CHANGES)
def test_any_sequence_of_changes_gives_what_numpy_gives(changes) -> None:
    values = np.arange(35, dtype=np.float64).reshape(5, 7)
    states = {1: values}
    with engram.open() as memory:
        memory.store("a", values)
        for what, value in changes:
            if what == "rollback":
                version = sorted(states)[value % len(states)]
                memory.rollback("a", version)
                states = {each: state for each, state in states.items() if each <= version}
                values = states[version]
                continue
            if what == "consolidate":
                version = memory.consolidate_tensor("a").version
                states = {version: values}
                continue
            if what == "sparse":
                new = values.copy()
                places = np.array(value, np.int64)
                new.reshape(-1)[places] = np.arange(len(places))
                made = memory.update("a", sparse=(places, np.arange(len(places), dtype=float)))
            elif what == "scale":
                new = values * value
                made = memory.update("a", scale=value)
            else:
                operand = np.random.default_rng(value).standard_normal((5, 7))
                new = values + operand if what == "add" else operand
                made = memory.update("a", **{what: operand})
            states[made.version] = values = new
        for version, state in states.items():
            assert same_bits(memory.load("a", version), state)
        assert memory.verify() == len(states)
