"""What the tests of a board share: one that is made anew; collected only where there is PYNQ."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

if find_spec("pynq") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from engram.fpga.accelerator import Accelerator
    from engram.fpga.pynq_bus import EngramIP, open_overlay
    from sim.board.device import PATIENCE, SimulatedDevice, simulated_board


@pytest.fixture
def board() -> "Iterator[SimulatedDevice]":
    """A PYNQ-Z2 that nothing was loaded onto yet."""
    with simulated_board("pynq-z2", memory_bytes=1 << 25) as device:
        yield device


@pytest.fixture
def ip(board: "SimulatedDevice") -> "EngramIP":
    """The core of its overlay."""
    return open_overlay(board.bitfile)


@pytest.fixture
def bring_up(ip: "EngramIP") -> "Iterator[Callable[..., Accelerator]]":
    """Bring up an accelerator that is small; the test's end closes it."""
    made: list[Accelerator] = []

    def make(**settings: float) -> "Accelerator":
        small = {"frames": 64, "staging_bytes": 1 << 16, "ring_log2": 4, "patience": PATIENCE}
        made.append(ip.accelerator(**{**small, **settings}))
        return made[-1]

    yield make
    for accelerator in made:
        accelerator.close()
