"""The golden accelerator as a device: the real driver over plain integers."""

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import LAWS
from engram.fpga.accelerator import Accelerator
from engram.fpga.sharing import SharedSpace
from sim.golden.bus import GoldenBus

__all__ = ["FpgaGoldenSpace"]

_FRAMES = 1 << 15
_DRAM_BYTES = 1 << 28


class FpgaGoldenSpace(SharedSpace):
    """A space on the golden accelerator of this process; memory is not coherent there."""

    @classmethod
    def _bring_up(cls) -> Accelerator:
        config = AcceleratorConfig(laws=tuple(LAWS))
        bus = GoldenBus(config, dram_bytes=_DRAM_BYTES, coherent=False, whole_buffers=True)
        return Accelerator(bus, frames=_FRAMES, staging_bytes=1 << 17)
