"""The notebooks, run cell by cell on the simulated board: they print what they show."""

import io
import json
import os
from contextlib import redirect_stdout
from pathlib import Path

import pytest

NOTEBOOKS = Path(os.environ["BOARD_PACKAGE_SITE"]) / "engram_overlay" / "notebooks"


@pytest.fixture(autouse=True)
def _device(monkeypatch) -> None:
    monkeypatch.setenv("ENGRAM_DEVICE", "fpga-pynq-sim")


@pytest.mark.parametrize("name", ["first_steps", "weights_as_memory"])
def test_a_notebook_prints_what_it_shows(name) -> None:
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    names: dict[str, object] = {"__name__": "__main__"}
    shown = 0
    varying = ""
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec("".join(cell["source"]), names)
        if "varies" in cell["metadata"].get("tags", []):
            assert printed.getvalue()
            varying += printed.getvalue()
            continue
        expected = "".join(line for output in cell["outputs"] for line in output["text"])
        assert printed.getvalue() == expected
        shown += 1
    assert shown >= 5
    if name == "weights_as_memory":  # the board's processor does reach the window
        assert varying.count("by loads from memory") == 2
