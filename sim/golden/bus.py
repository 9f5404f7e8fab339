"""The bus to the golden accelerator: what the driver is tested on."""

import operator

import numpy as np
from numpy.typing import NDArray

from engram.arch.accelerator import AcceleratorConfig
from engram.errors import DeviceFault
from engram.fpga.allocator import Allocator
from engram.fpga.bus import end_of_piece
from sim.golden.accelerator import GoldenAccelerator

__all__ = ["GoldenBuffer", "GoldenBus"]

_STALE = 0xCD  # what the host sees of memory before it first invalidates it


class GoldenBuffer:
    """A Buffer; without coherence the host's view is a copy."""

    def __init__(self, bus: "GoldenBus", address: int, size: int) -> None:
        self.address = address
        self._bus = bus
        self._held = True
        start = address - bus.accelerator.dram.base
        self._memory = bus.dram[start : start + size]
        self._copy: NDArray[np.uint8] | None = None

    @property
    def array(self) -> NDArray[np.uint8]:
        """The host's view, made when it is first looked at: a pool of frames never is."""
        if self._bus.coherent:
            return self._memory
        if self._copy is None:
            self._copy = np.full(len(self._memory), _STALE, np.uint8)
        return self._copy

    def flush(self, start: int = 0, size: int | None = None) -> None:
        """Copy the host's view into memory."""
        piece = self._piece(start, size)
        if not self._bus.coherent:
            self._memory[piece] = self.array[piece]

    def invalidate(self, start: int = 0, size: int | None = None) -> None:
        """Copy memory into the host's view."""
        piece = self._piece(start, size)
        if not self._bus.coherent:
            self.array[piece] = self._memory[piece]

    def free(self) -> None:
        """Give the bytes back; a second time does nothing."""
        if self._held:
            self._held = False
            self._bus.allocator.give(self.address)

    def _piece(self, start: int, size: int | None) -> slice:
        end = end_of_piece(len(self._memory), start, size)
        # Drivers of some boards take all of a buffer whatever they are asked for.
        return slice(None) if self._bus.whole_buffers else slice(start, end)


class GoldenBus:
    """A Bus to a GoldenAccelerator with ``dram_bytes`` of memory from ``base`` on.

    coherent : the host's view of a buffer is the memory; else a copy that starts out as rubbish
    whole_buffers : flushing or invalidating a part of a buffer does all of it

    Attributes
    ----------
    reads, writes : accesses to registers so far
    """

    polls = 0
    refusals_are_errors = True

    def __init__(
        self,
        config: AcceleratorConfig | None = None,
        *,
        name: str = "fpga-golden",
        dram_bytes: int = 1 << 28,
        base: int = 0x1000_0000,
        coherent: bool = True,
        whole_buffers: bool = False,
    ) -> None:
        self.name = name
        self.coherent = coherent
        self.whole_buffers = whole_buffers
        self.reads = 0
        self.writes = 0
        self.dram = np.zeros(dram_bytes, np.uint8)
        self.allocator = Allocator(base, dram_bytes)
        self.accelerator = GoldenAccelerator(config or AcceleratorConfig(), self.dram, base)

    def read(self, offset: int) -> int:
        """Return the 32-bit register at byte ``offset``."""
        self.reads += 1
        return self.accelerator.read(offset)

    def write(self, offset: int, value: int) -> None:
        """Set the 32-bit register at byte ``offset``."""
        self.writes += 1
        self.accelerator.write(offset, value)

    def allocate(self, size: int, align: int = 4096) -> GoldenBuffer:
        """Return ``size`` bytes of the memory at a multiple of ``align``."""
        size = operator.index(size)
        address = self.allocator.take(size, align)
        if address is None:
            raise DeviceFault(f"{self.name} has no room for {size} bytes")
        return GoldenBuffer(self, address, size)

    def wait_irq(self, seconds: float) -> bool:
        """Return whether the interrupt is high: whatever could raise it has been done."""
        return self.accelerator.irq

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
