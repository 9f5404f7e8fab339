"""The benchmark's models: they learn, whole models keep to ratios, and stay as they were."""

import importlib

import pytest

pytest.importorskip("torch")
models = importlib.import_module("benchmarks.tensor_models")
trained = importlib.import_module("benchmarks.tensor_trained")


@pytest.fixture(scope="module")
def digits():
    return models.digit_model(epochs=2)


def test_a_few_epochs_tell_most_digits_apart(digits) -> None:
    assert digits.measure() > 0.7


def test_made_pictures_serve_where_there_are_no_digits(monkeypatch) -> None:
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    model = models.digit_model(epochs=2)
    assert "made pictures" in model.of
    assert model.measure() > 0.5


def test_a_whole_model_with_its_vectors_keeps_to_a_ratio(digits) -> None:
    before = digits.measure()
    run = trained._Run(digits)
    for name in ("stepped", "grouped"):
        found = run._fitted(name, 1 / 7.5)
        assert found.codecs == name
        assert 0.9 / 7.5 < found.ratio <= 1 / 7.5
        assert 0.01 < found.error < 0.3
    assert run._fitted("grouped", 1 / 40) is None
    assert digits.measure() == before


def test_a_measure_is_of_the_matrices_given(digits) -> None:
    run = trained._Run(digits)
    zeros = {matrix: 0 * run._weights[matrix] for matrix in run._matrices}
    assert run._measured(zeros) < 0.3
    assert run._measured({}) == run._dense


def test_the_language_model_learns_from_the_documentation() -> None:
    untrained, model = (models.character_model(steps) for steps in (1, 12))
    assert model.measure() < untrained.measure() - 0.3
    assert "pydoc_data.topics" in model.of
