"""The simulated board as a device: what runs on a board, down to PYNQ, over the gateware."""

import importlib.util

from engram.errors import DeviceUnavailable
from engram.fpga.accelerator import Accelerator
from engram.fpga.board import installed, obstacle
from engram.fpga.sharing import SharedSpace
from sim.verilated.toolchain import Toolchain

__all__ = ["FpgaPynqSimSpace"]

# Said here, so that the list of devices says it; imported at first use, for it takes seconds.
for _package in ("pynq", "amaranth"):
    if importlib.util.find_spec(_package) is None:
        raise ImportError(f"the package {_package} is not installed")
_reason = obstacle(installed(), "")
if _reason:
    raise DeviceUnavailable(_reason)
Toolchain()


class FpgaPynqSimSpace(SharedSpace):
    """A space on the accelerator of this process's simulated PYNQ-Z2."""

    @classmethod
    def _bring_up(cls) -> Accelerator:
        from engram.fpga.pynq_bus import open_overlay
        from sim.board.device import PATIENCE, simulated_board

        device = simulated_board("pynq-z2")
        return open_overlay(device.bitfile).accelerator(patience=PATIENCE)
