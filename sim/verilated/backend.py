"""The simulated gateware as a device: the real driver over every clock of the real design."""

import importlib.util
import logging
import threading

from engram.arch.laws import Law
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from sim.verilated.toolchain import Toolchain

__all__ = ["FpgaSimSpace"]

logger = logging.getLogger(__name__)

_FRAMES = 1 << 16

# Said here, so that the list of devices says it; imported at first use, for it takes a second.
if importlib.util.find_spec("amaranth") is None:
    raise ImportError("the package amaranth is not installed")
Toolchain()

_lock = threading.Lock()
_shared: Accelerator | None = None


def _accelerator() -> Accelerator:
    """Return the one that all spaces share, made at first use; another once that is lost.

    It is never closed: it is memory of this process, and ends with it.
    """
    global _shared
    with _lock:
        if _shared is None or _shared.is_lost:
            from sim.verilated.accelerator import accelerator_bus

            if _shared is not None:
                logger.warning("fpga-sim did not answer any more and is made anew")
            _shared = Accelerator(accelerator_bus(), frames=_FRAMES)
        return _shared


class FpgaSimSpace(FpgaSpace):
    """A space on the simulated accelerator of this process."""

    def __init__(self, law: Law, seed: int, *, threads: int | None = None) -> None:
        super().__init__(law, seed, accelerator=_accelerator(), threads=threads)
