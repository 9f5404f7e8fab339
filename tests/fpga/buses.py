"""Buses that behave as a board may: late, deaf, misleading, or not at all."""

from collections.abc import Callable

import numpy as np

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import LAWS
from engram.arch.regs import REGISTERS
from engram.fpga.accelerator import Accelerator
from sim.golden.bus import GoldenBus

__all__ = ["COHERENCE", "RAM_BYTES", "LateBus", "accelerator", "golden_bus", "random_words"]

RAM_BYTES = 1 << 24
TAIL = REGISTERS["RING_TAIL"].offset

# What a host may see of memory: all, a copy, or a copy that is only ever exchanged whole.
COHERENCE = {
    "coherent": {"coherent": True},
    "incoherent": {"coherent": False},
    "whole": {"coherent": False, "whole_buffers": True},
}


def golden_bus(kind: str = "incoherent", laws: tuple[int, ...] = tuple(LAWS)) -> GoldenBus:
    return GoldenBus(AcceleratorConfig(laws=laws), dram_bytes=RAM_BYTES, **COHERENCE[kind])


def accelerator(bus: GoldenBus | None = None, **settings: int) -> Accelerator:
    settings = {"frames": 64, "staging_bytes": 8192, "ring_log2": 3, **settings}
    return Accelerator(bus or golden_bus(), **settings)


class LateBus(GoldenBus):
    """Doorbells are heard only when ``patience`` waits have passed; None: never.

    ``hint`` says what those waits answer meanwhile; ``before`` is called in each.
    """

    def __init__(self, patience: int | None = 0, *, hint: bool = False) -> None:
        super().__init__(dram_bytes=RAM_BYTES, coherent=False)
        self.patience = patience
        self.hint = hint
        self.waits: list[float] = []
        self.heads: list[int] = []  # how much was done at each doorbell
        self.deaf = False  # the interrupt is never seen
        self.before: Callable[[], None] | None = None
        self._doorbells: list[int] = []

    def write(self, offset: int, value: int) -> None:
        if offset == TAIL and value:
            self.writes += 1
            self.heads.append(self.accelerator.read(REGISTERS["RING_HEAD"].offset))
            self._doorbells.append(value)
            self._left = self.patience
        else:
            super().write(offset, value)

    def wait_irq(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if self.before is not None:
            self.before()
        if self._doorbells and self._left is not None:
            if self._left:
                self._left -= 1
                return self.hint
            self.accelerator.write(TAIL, self._doorbells.pop(0))
        if self._doorbells:
            return self.hint
        return super().wait_irq(seconds) and not self.deaf


def random_words(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64 - 1, count, np.uint64, endpoint=True)
