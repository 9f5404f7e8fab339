"""The page on associations: its code runs, its table is the presets', its figures are there."""

import re
from pathlib import Path

import pytest

from benchmarks.association_presets import PRESETS_PAGE, presets_table
from engram.arch.associations import CONNECTED, FIRST_PERMANENCE, PRESETS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "associations.md").read_text()


def test_every_python_block_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
    assert blocks
    for block in blocks:
        exec(block, {})


def test_the_table_of_presets_is_that_of_the_presets() -> None:
    assert PRESETS_PAGE.read_text() == "\n".join(presets_table().lines()) + "\n"


def test_the_table_of_presets_has_every_parameter() -> None:
    fields = set(vars(PRESETS["default"])) - {"number"}
    named = {row[0].strip("`") for row in presets_table().rows} - {""}
    assert named == fields


@pytest.mark.parametrize("name", re.findall(r'^--8<-- "(.*)"$', PAGE, re.M))
def test_every_table_that_is_shown_is_there(name) -> None:
    assert (DOCS / "figures" / name).read_text().count("|") > 10


@pytest.mark.parametrize("name", re.findall(r"^!\[.*\]\((.*)\)$", PAGE, re.M))
def test_every_picture_that_is_shown_is_there_and_small(name) -> None:
    assert 1_000 < (DOCS / name).stat().st_size < 200_000


def test_writes_until_a_synapse_falls_silent_are_as_told() -> None:
    assert "falls silent after five writes" in PAGE
    assert FIRST_PERMANENCE - 5 < CONNECTED <= FIRST_PERMANENCE - 4
