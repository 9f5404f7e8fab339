"""The benchmark of tensors: its data are what is said, its ratios count everything."""

import numpy as np
import pytest

from benchmarks.harness import ROOT
from benchmarks.tables import Table, written
from benchmarks.tensor_data import AUTO, DATA, SHARE, bound, coded, low_rank, noise
from benchmarks.tensor_pictures import draw_measured
from benchmarks.tensors import SECTIONS
from engram.tensors.descriptors import overhead


def test_the_bound_is_that_of_a_gaussian_at_so_many_bits() -> None:
    assert bound(0.1) == pytest.approx(0.1088, abs=1e-4)
    for bits in (1, 2, 8):
        # D(R) = sigma**2 * 2**(-2 R), as a relative error in norms.
        assert bound(bits / 32) ** 2 == pytest.approx(2.0 ** (-2 * bits))


def test_data_are_what_they_are_called() -> None:
    assert noise(64).std() == pytest.approx(1, abs=0.05)
    singular = np.linalg.svd(low_rank(96), compute_uv=False)
    assert (singular > 1e-4 * singular[0]).sum() == 16
    plain, both = (DATA[name]() for name in list(DATA)[1:])
    share = np.linalg.norm(both - plain) / np.linalg.norm(plain)
    assert share == pytest.approx(SHARE, abs=0.02)


@pytest.mark.parametrize("name", ["grouped", "factors", "stepped", AUTO])
def test_what_is_stored_is_within_the_ratio_and_as_far_off_as_said(name) -> None:
    values = noise(64)
    found = coded(name, values, 0.2)
    assert found is not None
    assert found.ratio <= 0.2
    assert found.stored_bytes == len(found.payload) + overhead("weights", 2)
    regrown = found.regrown()
    error = np.linalg.norm(regrown - values) / np.linalg.norm(values)
    assert found.error == pytest.approx(error, rel=1e-5)
    assert found.error > bound(found.ratio)


def test_a_ratio_without_room_finds_nothing() -> None:
    assert coded("grouped", noise(64), 0.03) is None
    assert coded(AUTO, noise(8), 0.5) is None


def test_every_section_is_where_it_is_said_to_be() -> None:
    for module, function in SECTIONS.values():
        assert f"def {function}(" in (ROOT / "benchmarks" / f"{module}.py").read_text()


def test_a_table_has_small_numbers_with_digits() -> None:
    table = Table("x", ("a", "b"))
    table.add("one", 0.00012)
    assert table.lines()[-1] == "| one | 1.2e-04 |"
    assert written(1234.5) == "1,234"
    with pytest.raises(ValueError, match="row must have 2 cells"):
        table.add(1)


def test_pictures_are_drawn_of_what_is_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.tensor_pictures.FIGURES", tmp_path)
    codecs = ["grouped", "factors", "train", "cp", "tucker", "seeded", "stepped"]
    rows = [["noise", name, 0.1, None if name == "cp" else 0.2] for name in codecs]
    rows.append(["noise", "bound for noise", 0.05, 0.1])
    rows += [["other", *row[1:]] for row in rows]
    table = {"name": "rates", "columns": ["tensor", "codec", "1/4", "1/10"], "rows": rows}
    draw_measured({"rates": {"tables": [table]}})
    assert [path.name for path in tmp_path.iterdir()] == ["tensors_rates.svg"]
    assert "bound for noise" in (tmp_path / "tensors_rates.svg").read_text()
