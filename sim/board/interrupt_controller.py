"""Xilinx's AXI interrupt controller, as far as PYNQ uses it (PG099)."""

from collections.abc import Callable, Sequence

from sim.board.memory_map import Region

__all__ = ["InterruptController"]

ISR, IPR, IER, IAR, SIE, CIE, _, MER = range(0, 0x20, 4)
_MASTER, _HARDWARE = 1, 2  # bits of MER; HIE stays set


class InterruptController(Region):
    """Latches its inputs and raises one output; ``inputs`` tell whether each is high.

    A latched bit of ISR stays until it is acknowledged, for inputs of levels, too; and one that
    is acknowledged while its input is high is latched again at once. It hears nothing before HIE
    is set.
    """

    def __init__(
        self, name: str, base: int, size: int, inputs: Sequence[Callable[[], bool]]
    ) -> None:
        super().__init__(name, base, size)
        self._inputs = inputs
        self._latched = 0
        self._enabled = 0
        self._master = 0

    def sample(self) -> None:
        """Latch what is high: to be called whenever an input may be about to fall."""
        if self._master & _HARDWARE:
            for number, is_high in enumerate(self._inputs):
                if is_high():
                    self._latched |= 1 << number

    @property
    def is_high(self) -> bool:
        """Whether its output is."""
        self.sample()
        return bool(self._master & _MASTER and self._latched & self._enabled)

    def read(self, offset: int) -> int:
        """Return a register; 0 for those that are written only."""
        self.sample()
        return {
            ISR: self._latched,
            IPR: self._latched & self._enabled,
            IER: self._enabled,
            MER: self._master,
        }.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Set a register."""
        self.sample()
        if offset == IER:
            self._enabled = value
        elif offset == IAR:
            self._latched &= ~value
        elif offset == SIE:
            self._enabled |= value
        elif offset == CIE:
            self._enabled &= ~value
        elif offset == MER:
            self._master = value & _MASTER | (self._master | value) & _HARDWARE
        self.sample()
