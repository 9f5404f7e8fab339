"""Which neurons spike: ranks, ties and payloads."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_procs.encoder.process import Encoder, Selection
from lava_procs.selection import Projection, cue_spikes, highest


def ranked(values: Any, count: int) -> list[int]:
    """Return what the law says: sorted by (-value, index)."""
    return sorted(sorted(range(len(values)), key=lambda i: (-int(values[i]), i))[:count])


def expected_cue(sums: Any, spikes: int, signed: bool, levels: int) -> list[int]:
    chosen = [i for i in ranked(sums, spikes) if sums[i] > 0]
    if signed:
        chosen += [i for i in ranked([-y for y in sums], spikes) if sums[i] < 0]
    top = max((abs(int(sums[i])) for i in chosen), default=0)
    cue = [0] * len(sums)
    for i in chosen:
        size = max(1, (2 * abs(int(sums[i])) * levels + top) // (2 * top))
        cue[i] = size if sums[i] > 0 else -size
    return cue


@given(
    st.lists(st.integers(-3, 3), min_size=8, max_size=60),
    st.sampled_from([1, 50, 10**6]),
    st.data(),
)
def test_the_largest_are_chosen_and_of_equals_the_first(
    values: list[int], scale: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(values) // 2))
    sums = np.array(values, np.int64) * scale
    assert highest(sums, count).tolist() == ranked(sums, count)


@given(
    st.lists(st.integers(-9, 9), min_size=8, max_size=60),
    st.booleans(),
    st.sampled_from([1, 2, 3, 15]),
    st.data(),
)
def test_a_cue_speaks_as_loudly_as_the_law_says(
    values: list[int], signed: bool, levels: int, data: st.DataObject
) -> None:
    spikes = data.draw(st.integers(1, len(values) // 2))
    sums = np.array(values, np.int16)
    cue = cue_spikes(sums, spikes, signed, levels)
    assert cue.tolist() == expected_cue(sums, spikes, signed, levels)


def test_sums_reach_what_int16_holds() -> None:
    sources = np.tile(np.arange(256, dtype=np.int32), (64, 1))
    signs = np.ones((64, 256), np.int8)
    signs[1] = -1
    sums = Projection(sources, signs, 256).sums(np.full(256, 127, np.int8))
    assert sums[:2].tolist() == [32512, -32512]


@pytest.fixture
def parameters(rng: np.random.Generator) -> dict[str, Any]:
    """Parameters of a small encoder."""
    sources = np.stack([rng.permutation(24)[:5] for _ in range(64)]).astype(np.int32)
    signs = rng.choice(np.array([-1, 1], np.int8), (64, 5))
    law = {"winners": 9, "spikes": 12, "signed": True, "levels": 3}
    return {"sources": sources, "signs": signs, "width": 24, **law}


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("levels", [1, 3])
def test_an_encoder_makes_code_and_cue(
    drive: Any, rng: np.random.Generator, parameters: dict[str, Any], network: bool, levels: int
) -> None:
    parameters["levels"] = levels
    vectors = rng.integers(-127, 128, (5, 24))
    vectors[2] = 0  # all sums are equal: ties only
    go = np.array([[7], [1], [1], [0], [1]])
    silence = np.zeros((1, 24), int)
    found = drive(
        Encoder(**parameters),
        {"s_in": np.concatenate([vectors, silence]), "go_in": np.concatenate([go, [[0]]])},
        ["code_out", "s_out", "go_out"],
        network=network,
    )
    delay = 1 if network else 0
    for step, vector in enumerate(vectors):
        sums = (vector[parameters["sources"]] * parameters["signs"]).sum(1)
        code, cue = found["code_out"][step + delay], found["s_out"][step + delay]
        assert found["go_out"][step + delay].tolist() == go[step].tolist()
        if go[step]:
            assert np.flatnonzero(code).tolist() == ranked(sums, 9)
            assert cue.tolist() == expected_cue(sums, 12, True, levels)
        else:
            assert not code.any()
            assert not cue.any()


def test_a_selection_is_silent_until_it_is_asked(drive: Any) -> None:
    sums = np.arange(32).reshape(2, 16) - 16
    found = drive(
        Selection(neurons=16, winners=2, spikes=2, signed=True),
        {"a_in": sums, "go_in": np.array([[0], [5]])},
        ["code_out", "s_out", "go_out"],
    )
    assert not found["code_out"][0].any()
    assert not found["s_out"][0].any()
    assert np.flatnonzero(found["code_out"][1]).tolist() == [14, 15]
    assert found["go_out"].ravel().tolist() == [0, 5]
