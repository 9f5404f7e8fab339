"""Whatever is done to a memory, every device answers as the golden model does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engram
from tests.conformance.statement import FIELDS

ANY = st.integers(0, 2**64 - 1)
EDGE = st.builds(
    lambda base, step: (base + step) % 2**64,
    st.sampled_from([0, 2**32, 2**33, 2**55, 2**63]),
    st.integers(-520, 520),
)
ADDRESS = EDGE | ANY
LAW = st.sampled_from([1, 2, 3, 4])
DTYPE = st.sampled_from(sorted(FIELDS))


@st.composite
def ranges(draw: st.DrawFn) -> tuple[int, int]:
    first = draw(ADDRESS)
    return first, min(draw(st.integers(0, 700)), 2**64 - first)


@given(seed=ANY, law=LAW, span=ranges(), dtype=DTYPE)
def test_generated_ranges(device, seed, law, span, dtype) -> None:
    with engram.open(seed=seed, device=device) as dut, engram.open(seed=seed, device="golden") as g:
        made = dut.read(*span, dtype=dtype, law=law)
        assert made.tobytes() == g.read(*span, dtype=dtype, law=law).tobytes()


@given(seed=ANY, law=LAW, addresses=st.lists(ADDRESS, max_size=300), dtype=DTYPE)
def test_generated_gathers_and_inverses(device, seed, law, addresses, dtype) -> None:
    with (
        engram.open(seed=seed, law=law, device=device) as dut,
        engram.open(seed=seed, law=law, device="golden") as golden,
    ):
        made = dut.read(addresses, dtype=dtype)
        assert made.tobytes() == golden.read(addresses, dtype=dtype).tobytes()
        if dut.law.bijective:
            assert dut.invert(addresses).tolist() == golden.invert(addresses).tolist()
            assert dut.invert(dut.read(addresses)).tolist() == addresses


@given(data=st.data(), law=LAW, other=LAW)
def test_written_memories(device, data, law, other) -> None:
    with (
        engram.open(seed=9, law=law, device=device) as dut,
        engram.open(seed=9, law=law, device="golden") as golden,
    ):
        spans = data.draw(st.lists(ranges(), min_size=1, max_size=6))
        for number, (first, count) in enumerate(spans):
            values = np.arange(count, dtype=np.uint64) * np.uint64(number + 1)
            erased = data.draw(ranges())
            for memory in (dut, golden):
                memory.write(first, values)
                memory[first] = number
            assert dut.erase(*erased) == golden.erase(*erased)
        assert dut.written_words == golden.written_words
        for first, count in spans:
            start = max(0, first - 20)
            span = (start, min(count + 40, 2**64 - start))
            gathered = np.arange(span[1], dtype=np.uint64)[::-1] + np.uint64(start)
            dtype = data.draw(DTYPE)
            for law_ in (None, other):
                made = dut.read(*span, dtype=dtype, law=law_)
                assert made.tobytes() == golden.read(*span, dtype=dtype, law=law_).tobytes()
                made = dut.read(gathered, dtype=dtype, law=law_)
                assert made.tobytes() == golden.read(gathered, dtype=dtype, law=law_).tobytes()
            assert dut.is_written(gathered).tolist() == golden.is_written(gathered).tolist()


@pytest.mark.parametrize("dtype", sorted(FIELDS))
def test_one_thread_and_two_give_the_same_bytes(device, dtype) -> None:
    if device == "golden":
        pytest.skip("the golden model has one thread, and no millions of words to spare")
    count = (1 << 21) + 1234  # large enough to be worth two threads
    base = 2**32 - count // 2 - 7
    answers = []
    for threads in (1, 2, 3):
        with engram.open(seed=4, device=device, threads=threads) as memory:
            memory.write(base + 1000, np.arange(5000))
            memory.write(base + (1 << 20) - 700, np.arange(1400))
            memory.write(np.arange(base, base + count, 4999), 3)
            made = memory.read(base, count, dtype=dtype)
            gathered = memory.read(np.arange(base + count - 1, base - 1, -1), dtype=dtype)
            answers.append((made.tobytes(), gathered.tobytes()))
            hits = memory.report().spaces[0].hit_words
            assert hits == 2 * memory.written_words or hits > memory.written_words
    assert answers[0] == answers[1] == answers[2]
    forwards = np.frombuffer(answers[0][0], np.uint8).reshape(count, -1)
    assert (forwards[::-1] == np.frombuffer(answers[0][1], np.uint8).reshape(count, -1)).all()
