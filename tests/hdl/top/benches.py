"""How every bench of the accelerator begins."""

import functools
import os

import cocotb

from tests.hdl.top.board import Board
from tests.hdl.top.coverage import save_coverage
from tests.hdl.top.sampling import observe
from tests.hdl.top.scoreboard import Scoreboard

__all__ = ["ROUNDS", "bench", "start"]

ROUNDS = int(os.environ.get("ENGRAM_ROUNDS", "1"))  # how long the random benches go on


def bench(run):
    """Make a cocotb test of a coroutine; what it covered is saved when it has passed."""

    @functools.wraps(run)
    async def whole(dut):
        await run(dut)
        save_coverage()

    return cocotb.test(timeout_time=200, timeout_unit="ms")(whole)


async def start(dut, *, seed: int = 1, select: bool = True, **settings) -> Scoreboard:
    """Return a board out of reset beside the golden model, with a space selected."""
    board = await Board(dut, seed=seed, published=settings.pop("published", False)).start()
    observe(dut)
    scoreboard = Scoreboard(board)
    await scoreboard.open(**settings)
    if select:
        await scoreboard.ok(scoreboard.selection())
    return scoreboard
