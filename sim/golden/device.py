"""The golden accelerator as a device: the real driver over plain integers."""

import threading

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import LAWS, Law
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from sim.golden.bus import GoldenBus

__all__ = ["FpgaGoldenSpace"]

_FRAMES = 1 << 15
_DRAM_BYTES = 1 << 28

_lock = threading.Lock()
_shared: Accelerator | None = None


def _accelerator() -> Accelerator:
    """Return the one that all spaces share, made at first use; another once that is lost."""
    global _shared
    with _lock:
        if _shared is None or _shared.is_lost:
            config = AcceleratorConfig(laws=tuple(LAWS))
            bus = GoldenBus(config, dram_bytes=_DRAM_BYTES, coherent=False, whole_buffers=True)
            _shared = Accelerator(bus, frames=_FRAMES, staging_bytes=1 << 17)
        return _shared


class FpgaGoldenSpace(FpgaSpace):
    """A space on the golden accelerator of this process; memory is not coherent there."""

    def __init__(self, law: Law, seed: int, *, threads: int | None = None) -> None:
        super().__init__(law, seed, accelerator=_accelerator(), threads=threads)
