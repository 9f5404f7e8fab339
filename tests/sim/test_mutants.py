"""The mutants themselves: that they still fit the gateware. `make mutants` tries them out."""

from pathlib import Path

import pytest

from sim.mutants.catalogue import MUTANTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.unit)
def test_what_a_mutant_changes_is_there_once(mutant) -> None:
    assert (ROOT / mutant.path).read_text().count(mutant.old) == 1
    assert mutant.new != mutant.old


def test_mutants_are_spread_over_the_gateware() -> None:
    assert len({mutant.unit for mutant in MUTANTS}) == len(MUTANTS) >= 24
    folders = {Path(mutant.path).parent.name for mutant in MUTANTS}
    assert {"axi", "mmu", "mover", "ring", "window", "hdl"} <= folders
