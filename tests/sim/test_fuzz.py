"""The gateware against the golden model, and against what must hold whatever happens."""

import dataclasses

import pytest

from hdl.generate import unit_verilog
from sim.fuzz.__main__ import run_chunk
from sim.fuzz.arena import Arena, Difference
from sim.fuzz.cases import make_case
from sim.fuzz.gateware import FAMILY, TOP
from sim.fuzz.paces import check_paces
from sim.fuzz.steps import BASE, FRAMES, INDICES, RING, Batch, Level, Poke
from sim.verilated.library import build
from tests.sim.designs import MISSING

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

SHORT, LONG, CHUNK = 150, 10_000, 500


@pytest.fixture(scope="module")
def library():
    return build(unit_verilog(TOP, FAMILY), TOP)


@pytest.fixture
def arena(library):
    arena = Arena(library)
    yield arena
    arena.close()


def find(wanted, start=0):
    """Return the first case from a seed on that is as wanted."""
    return next(case for case in map(make_case, range(start, start + 2000)) if wanted(case))


def test_a_seed_makes_the_same_case_every_time() -> None:
    assert make_case(5) == make_case(5)
    assert make_case(5) != make_case(6)


def test_seeds_make_cases_of_every_level() -> None:
    assert {make_case(seed).level for seed in range(100)} == set(Level)


def test_gateware_does_what_the_golden_model_does(library) -> None:
    assert run_chunk(library, range(SHORT)) == []


@pytest.mark.rtl
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(SHORT, SHORT + LONG, CHUNK))
def test_gateware_does_what_the_golden_model_does_at_length(library, first) -> None:
    assert run_chunk(library, range(first, first + CHUNK)) == []


def test_counters_and_clocks_are_those_of_a_known_scenario(arena) -> None:
    check_paces(arena)


def test_a_case_leaves_nothing_behind_for_the_next(arena) -> None:
    case = make_case(3)
    arena.run(case)
    first = arena.bus.dram.copy()
    arena.run(make_case(4))
    arena.run(case)
    assert (arena.bus.dram == first).all()


def test_a_difference_of_one_bit_is_seen(arena) -> None:
    case = find(lambda case: case.level is Level.EXACT)
    arena.run(case)
    arena._begin(case)
    arena.bus.dram[0] ^= 1
    with pytest.raises(Difference, match="the word at"):
        arena._compare_dram()


def test_a_write_beside_the_areas_is_seen(arena) -> None:
    case = find(lambda case: case.level is Level.SAFETY)
    arena.run(case)
    for address in (RING.limit, FRAMES.first - 8, INDICES.first - 1, RING.first):
        arena._begin(case)
        arena.bus.dram[address - BASE] ^= 1
        with pytest.raises(Difference, match="must not have changed"):
            arena._check_untouched()


def test_a_lost_word_is_seen(arena) -> None:
    case = find(lambda case: case.level is Level.SAFETY and case.keeps_words)
    steps = tuple(step for step in case.steps[:2] if isinstance(step, Batch | Poke))
    arena.run(dataclasses.replace(case, steps=steps))
    arena.shadow.written[77] = 1
    with pytest.raises(Difference, match="word 0x4d must be 0x1"):
        arena._read_back()


def test_a_failed_seed_says_how_to_see_it_again(library, monkeypatch, capsys) -> None:
    from sim.fuzz import __main__ as program

    monkeypatch.setattr(Arena, "_check_untouched", refuse)
    arguments = ["fuzz", "--library", str(library), "--seed", "9", "--jobs", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    assert program.main() == 1
    assert "python -m sim.fuzz --seed 9" in capsys.readouterr().out


def refuse(arena: Arena) -> None:
    raise Difference("nothing is right")
