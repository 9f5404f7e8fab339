"""The simulated gateware as a device: the real driver over every clock of the real design."""

import importlib.util

from engram.fpga.accelerator import Accelerator
from engram.fpga.sharing import SharedSpace
from sim.verilated.toolchain import Toolchain

__all__ = ["FpgaSimSpace"]

_FRAMES = 1 << 16

# Said here, so that the list of devices says it; imported at first use, for it takes a second.
if importlib.util.find_spec("amaranth") is None:
    raise ImportError("the package amaranth is not installed")
Toolchain()


class FpgaSimSpace(SharedSpace):
    """A space on the simulated accelerator of this process."""

    @classmethod
    def _bring_up(cls) -> Accelerator:
        from sim.verilated.accelerator import accelerator_bus

        return Accelerator(accelerator_bus(), frames=_FRAMES)
