"""The core in a simulated board's fabric: its registers and window, as a processor sees them."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from engram.arch.pages import WORD_BYTES as WINDOW_WORD_BYTES
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault, DeviceTimeout
from sim.board.memory_map import WORD_BYTES, Region
from sim.verilated.bus import VerilatedBus

__all__ = ["CoreRegisters", "CoreWindow"]

_Result = TypeVar("_Result")

_DOORBELL = REGISTERS["RING_TAIL"].offset
_STARTERS = frozenset({_DOORBELL, REGISTERS["CONTROL"].offset})


class CoreRegisters(Region):
    """The register port of the gateware. An access that it refuses is a bus error.

    before : called ahead of each access

    Attributes
    ----------
    forced : words that reads give instead of the core's, by offset: another core
    is_silent : no access is answered
    is_stuck : accesses are answered, but nothing that a doorbell announces is ever done
    is_resting : what was started last has raised its interrupt, so that time changes nothing
    """

    def __init__(
        self, name: str, base: int, size: int, bus: VerilatedBus, before: Callable[[], None]
    ) -> None:
        super().__init__(name, base, size)
        self.forced: dict[int, int] = {}
        self.is_silent = False
        self.is_stuck = False
        self.is_resting = False
        self._is_armed = False  # the interrupt was low when something was started
        self._bus = bus
        self._before = before

    def read(self, offset: int) -> int:
        """Return a register."""
        self._check(offset)
        if offset in self.forced:
            return self.forced[offset]
        return _answered(lambda: self._bus.read(offset))

    def write(self, offset: int, value: int) -> None:
        """Set a register."""
        self._check(offset)
        if offset in _STARTERS:
            self.is_resting = False
            self._is_armed = not self._bus.settle(0)
        if not (self.is_stuck and offset == _DOORBELL):
            _answered(lambda: self._bus.write(offset, value))

    def settle(self, clocks: int) -> None:
        """Let clocks pass, unless they change nothing."""
        if not self.is_resting:
            self.is_resting = self._bus.settle(clocks) and self._is_armed

    def _check(self, offset: int) -> None:
        self._before()
        if self.is_silent:
            raise RuntimeError(f"bus error: {self.base + offset:#x} was not answered")


class CoreWindow(Region):
    """The window's port, behind one that splits its words of 64 bits."""

    def __init__(self, name: str, base: int, size: int, bus: VerilatedBus) -> None:
        super().__init__(name, base, size)
        self._bus = bus

    def read(self, offset: int) -> int:
        """Return half a word."""
        place = offset % WINDOW_WORD_BYTES
        word = _answered(lambda: self._bus.window_read(offset - place, 1))
        return int(word[0]) >> 8 * place & 0xFFFF_FFFF

    def write(self, offset: int, value: int) -> None:
        """Set half a word."""
        place = offset % WINDOW_WORD_BYTES
        words = np.array([value << 8 * place], np.uint64)
        strobes = np.array([((1 << WORD_BYTES) - 1) << place], np.uint8)
        _answered(lambda: self._bus.window_write(offset - place, words, strobes))


def _answered(access: Callable[[], _Result]) -> _Result:
    """Return what an access gives; an error at the port is an error of the processor's bus."""
    try:
        return access()
    except (DeviceFault, DeviceTimeout) as error:
        raise RuntimeError(f"bus error: {error}") from error
