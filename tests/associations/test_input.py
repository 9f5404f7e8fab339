"""Wrong input is refused with what is wrong, and changes nothing."""

import numpy as np
import pytest

from tests.associations.content import WIDTH, embeddings, names

ROW = np.ones(WIDTH)


def spoilt(value: float) -> np.ndarray:
    row = np.ones(WIDTH)
    row[3] = value
    return row


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        (spoilt(np.nan), ValueError, "must be finite, not nan"),
        (spoilt(np.inf), ValueError, "must be finite, not inf"),
        (spoilt(-np.inf), ValueError, "must be finite, not -inf"),
        (spoilt(1).astype(np.longdouble) * np.longdouble("1e4000"), ValueError, "be finite"),
        (np.zeros(WIDTH), ValueError, "must have a direction, not be all zeros"),
        (np.ones(WIDTH + 1), ValueError, f"must have {WIDTH} dimensions, not {WIDTH + 1}"),
        (np.ones(0), ValueError, f"must have {WIDTH} dimensions, not 0"),
        (np.float64(3), ValueError, "must have one dimension, or two for many, not 0"),
        (np.ones((1, 1, WIDTH)), ValueError, "must have one dimension, or two for many, not 3"),
        (np.ones(WIDTH, complex), TypeError, "must be real numbers, not complex128"),
        (np.ones(WIDTH, bool), TypeError, "must be real numbers, not bool"),
        (np.ones(WIDTH).astype(str), TypeError, "must be real numbers, not <U"),
        (np.ones(WIDTH, object), TypeError, "must be real numbers, not object"),
        ("text", TypeError, "must be numbers, not 'text'"),
        ([[1.0, 2.0], [3.0]], ValueError, "must be an array of numbers, not a ragged sequence"),
    ],
)
def test_a_wrong_embedding_is_refused(memory, row, error, message) -> None:
    memory.remember("known", ROW)
    for call in (
        lambda: memory.remember("a", row),
        lambda: memory.recall(row),
        lambda: memory.complete(row),
    ):
        with pytest.raises(error, match=message):
            call()
    assert list(memory.associations) == ["known"]


def test_a_wrong_row_is_named(memory) -> None:
    rows = embeddings(5)
    rows[3] = 0
    with pytest.raises(ValueError, match="not be all zeros as in row 3"):
        memory.remember(names(5), rows)
    rows[3, 7] = np.nan
    with pytest.raises(ValueError, match="finite, not nan in row 3"):
        memory.remember(names(5), rows)
    assert len(memory.associations) == 0


def test_an_embedding_is_not_too_wide(memory) -> None:
    with pytest.raises(ValueError, match="must have 1 to 65,536 dimensions, not 65537"):
        memory.remember("a", np.ones(65537))
    with pytest.raises(ValueError, match="must have 1 to 65,536 dimensions, not 0"):
        memory.remember("a", [])


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("", ValueError, "id must be 1 to 1,024 bytes of UTF-8, not ''"),
        ("x" * 1025, ValueError, "id must be 1 to 1,024 bytes of UTF-8, not .*which has 1025"),
        ("ü" * 513, ValueError, "which has 1026"),
        ("\ud800", ValueError, "id must be text that UTF-8 can encode"),
        (3, TypeError, "ids must be a string or a sequence of strings, not 3"),
        (None, TypeError, "ids must be"),
        (b"x", TypeError, "ids must be"),
        ([3], TypeError, "id must be a string, not 3"),
        ([b"x"], TypeError, "id must be a string"),
    ],
)
def test_a_wrong_id_is_refused(memory, name, error, message) -> None:
    with pytest.raises(error, match=message):
        memory.remember(name, ROW if isinstance(name, str) else ROW[None])
    with pytest.raises(error, match=message):
        memory.forget(name)
    assert len(memory.associations) == 0


def test_the_longest_id_is_kept(memory) -> None:
    memory.remember(["ü" * 512, "a\0b"], embeddings(2))
    assert list(memory.associations) == ["ü" * 512, "a\0b"]


@pytest.mark.parametrize(
    ("ids", "rows", "message"),
    [
        ("a", np.ones((1, WIDTH)), "must have one dimension, not two, with 1 rows"),
        (["a"], np.ones(WIDTH), "must have two, with 1 rows, not one"),
        (["a", "b"], np.ones((3, WIDTH)), "must have two, with 2 rows, not two, with 3 rows"),
    ],
)
def test_there_is_one_embedding_an_id(memory, ids, rows, message) -> None:
    with pytest.raises(ValueError, match=message):
        memory.remember(ids, rows)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-0.01, ValueError, r"importance must be in 0\.\.1, not -0.01"),
        (1.01, ValueError, r"importance must be in 0\.\.1, not 1.01"),
        (float("nan"), ValueError, r"importance must be in 0\.\.1, not nan"),
        ([0.5, 2.0], ValueError, r"importance must be in 0\.\.1, not 2.0"),
        ([0.5, 0.5, 0.5], ValueError, r"importance must be one number or 2, .* shape \(3,\)"),
        ("high", TypeError, "importance must be numbers, not 'high'"),
        (True, TypeError, "importance must be a real number, not True"),
        (None, TypeError, "importance must be numbers, not None"),
    ],
)
def test_a_wrong_importance_is_refused(memory, value, error, message) -> None:
    with pytest.raises(error, match=message):
        memory.remember(["a", "b"], np.ones((2, WIDTH)), importance=value)
    assert len(memory.associations) == 0


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("text", TypeError, "metadata must be a dict, not 'text'"),
        ([1], TypeError, "metadata must be a dict"),
        ({"x": {1, 2}}, TypeError, "metadata must be a dict of JSON values"),
        ({1: 2}, TypeError, "metadata must come back from JSON as it was"),
        ({"x": (1, 2)}, TypeError, "metadata must come back from JSON as it was"),
        ({"x": float("nan")}, TypeError, "metadata must be a dict of JSON values"),
        ({"x": "y" * 65536}, ValueError, r"metadata must be at most 65,536 bytes .* not 65,544"),
        ({"x": "\ud800"}, TypeError, "metadata must be a dict of JSON values"),
    ],
)
def test_wrong_metadata_are_refused(memory, value, error, message) -> None:
    with pytest.raises(error, match=message):
        memory.remember("a", ROW, metadata=value)
    with pytest.raises(error, match=message):
        memory.remember(["a"], ROW[None], metadata=[value])
    assert len(memory.associations) == 0


def test_metadata_of_several_are_a_list(memory) -> None:
    for value in ({"x": 1}, [{}], "text", [{}] * 3):
        with pytest.raises(ValueError, match="metadata of 2 ids must be a list of 2 dicts"):
            memory.remember(["a", "b"], np.ones((2, WIDTH)), metadata=value)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be 1 or more, not 0"),
        ({"k": -1}, ValueError, "k must be 1 or more, not -1"),
        ({"k": 1.0}, TypeError, "k must be an integer, not 1.0"),
        ({"k": True}, TypeError, "k must be an integer, not True"),
        ({"threshold": -0.1}, ValueError, r"threshold must be in 0\.\.1, not -0.1"),
        ({"threshold": 1.1}, ValueError, r"threshold must be in 0\.\.1, not 1.1"),
        ({"threshold": float("nan")}, ValueError, r"threshold must be in 0\.\.1, not nan"),
        ({"threshold": "0.5"}, TypeError, "threshold must be a real number, not '0.5'"),
        ({"threshold": True}, TypeError, "threshold must be a real number, not True"),
    ],
)
def test_a_wrong_number_of_answers_is_refused(memory, settings, error, message) -> None:
    with pytest.raises(error, match=message):  # whether or not there is anything to recall
        memory.recall(ROW, **settings)
    memory.remember("a", ROW)
    with pytest.raises(error, match=message):
        memory.recall(ROW, **settings)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"overlap": 1.1}, ValueError, r"overlap must be in 0\.\.1, not 1.1"),
        ({"overlap": "x"}, TypeError, "overlap must be a real number"),
        ({"epochs": -1}, ValueError, "epochs must be 0 or more, not -1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer"),
        ({"keep": -1}, ValueError, "keep must be 0 or more, not -1"),
        ({"keep": "all"}, TypeError, "keep must be an integer"),
    ],
)
def test_a_wrong_consolidation_is_refused(memory, settings, error, message) -> None:
    with pytest.raises(error, match=message):
        memory.consolidate(**settings)


def test_gated_is_true_or_false(memory) -> None:
    with pytest.raises(TypeError, match="gated must be true or false, not 1"):
        memory.remember("a", ROW, gated=1)


def test_an_integer_index_is_no_id(memory) -> None:
    with pytest.raises(TypeError, match="id must be a string, not 0"):
        memory.associations.get(0)
