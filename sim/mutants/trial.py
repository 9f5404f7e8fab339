"""All that may catch what is wrong with a design."""

from pathlib import Path

from sim.fuzz.arena import Arena, Difference
from sim.fuzz.cases import make_case
from sim.fuzz.paces import check_paces

__all__ = ["CASES", "try_out"]

CASES = 1500


def try_out(library: Path) -> str | None:
    """Return what caught the design of a library first; None: nothing did."""
    arena = Arena(library)
    name = "the known scenario"
    try:
        check_paces(arena)
        for seed in range(CASES):
            name = f"seed {seed}"
            arena.run(make_case(seed))
    except Difference as difference:
        return f"{name}: {str(difference).splitlines()[-1][-140:]}"
    finally:
        arena.close()
    return None
