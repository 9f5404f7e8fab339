"""Recall and completion by codes, and completion of embeddings."""

import numpy as np
import pytest

from engram.numpy_associations import encode, projection, quantise
from tests.associations.content import LAW, WIDTH, embeddings, names, noisy


def codes_of(rows: np.ndarray, seed: int = 11) -> np.ndarray:
    return encode(quantise(rows), projection(LAW, seed, WIDTH), LAW)


def test_stored_codes_are_fixed_points(memory) -> None:
    rows = embeddings(30)
    memory.remember(names(30), rows)
    codes = codes_of(rows)
    for row, found in enumerate(memory.complete(code=codes)):
        assert found.id == f"p{row}"
        assert found.converged
        assert found.steps == 1
        assert (found.code == codes[row]).all()
        assert found.similarity == pytest.approx(1, abs=0.05)


def test_a_noisy_embedding_settles_into_the_stored_code(memory) -> None:
    rows = embeddings(30)
    memory.remember(names(30), rows)
    cues = noisy(rows, 0.5)
    codes = codes_of(rows)
    for row, found in enumerate(memory.complete(cues)):
        assert found.id == f"p{row}"
        assert found.converged
        assert (found.code == codes[row]).all()
        assert found.code.dtype == np.uint16
        pattern = memory.associations.get(found.id)
        assert (found.embedding == pattern.embedding).all()
        assert found.similarity == memory.recall(cues[row])[0].similarity
    one = memory.complete(cues[4])
    assert (one.id, one.steps) == ("p4", memory.complete(cues)[4].steps)


def test_a_code_with_moved_bits_settles_into_the_stored_one(memory) -> None:
    rows = embeddings(30)
    memory.remember(names(30), rows)
    codes = codes_of(rows)
    draw = np.random.default_rng(5)
    for row in range(30):
        others = np.setdiff1d(np.arange(LAW.neurons), codes[row])
        moved = np.concatenate([codes[row][8:], draw.choice(others, 8, replace=False)])
        found = memory.complete(code=moved)  # in any order
        assert found.id == f"p{row}"
        assert (found.code == codes[row]).all()


def test_a_part_of_a_code_recalls_its_pattern(memory) -> None:
    rows = embeddings(30)
    memory.remember(names(30), rows)
    for row, code in enumerate(codes_of(rows)):
        (found,) = memory.recall(code=code[::2])
        assert found.id == f"p{row}"
        assert found.latency == LAW.winners - len(code[::2])
        whole = memory.recall(code=list(code), k=2)
        assert whole[0].id == f"p{row}"
        assert whole[0].latency == 0
        assert whole[0].similarity > whole[1].similarity


def test_several_codes_are_answered_as_one_by_one(memory) -> None:
    rows = embeddings(9)
    memory.remember(names(9), rows)
    codes = codes_of(rows)
    assert memory.recall(code=codes, k=2) == [memory.recall(code=code, k=2) for code in codes]


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ([1, 1], ValueError, "code must name every neuron once, not twice"),
        ([-1], ValueError, r"code must be of neurons 0\.\.511, not -1"),
        ([512], ValueError, r"code must be of neurons 0\.\.511, not 512"),
        ([], TypeError, "code must be the integers of active neurons, not float64"),
        (np.zeros(0, int), ValueError, "code must have one or more active neurons, not 0"),
        ([1.5], TypeError, "code must be the integers"),
        ([True], TypeError, "code must be the integers"),
        ("12", TypeError, "code must be numbers, not '12'"),
        (np.zeros((1, 1, 1), int), ValueError, "code must have one dimension, or two"),
        ([[1, 2], [3]], ValueError, "code must be an array of numbers, not a ragged sequence"),
    ],
)
def test_a_wrong_code_is_refused(memory, code, error, message) -> None:
    memory.remember(names(3), embeddings(3))
    with pytest.raises(error, match=message):
        memory.recall(code=code)
    with pytest.raises(error):
        memory.complete(code=code)


def test_a_code_to_complete_has_as_many_neurons_as_a_stored_one(memory) -> None:
    with pytest.raises(ValueError, match="code must have 40 active neurons, not 3"):
        memory.complete(code=[1, 2, 3])


def test_a_cue_or_a_code_must_be_given(memory) -> None:
    for call in (memory.recall, memory.complete):
        with pytest.raises(TypeError, match="either a cue or a code must be given"):
            call()
        with pytest.raises(TypeError, match="either a cue or a code must be given"):
            call(np.ones(3), code=[1])
