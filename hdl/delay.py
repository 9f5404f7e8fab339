"""Values carried along a pipe, a clock a register."""

from typing import Any

from amaranth import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Delay", "delayed"]


def delayed(m: Module, value: Value, clocks: int, *, name: str) -> Value:
    """Return ``value`` as it was ``clocks`` clocks ago.

    The registers have no reset, so that tools may turn them into shift registers of memory cells.
    """
    for i in range(clocks):
        register = Signal(value.shape(), name=f"{name}_{i + 1}", reset_less=True)
        m.d.sync += register.eq(value)
        value = register
    return value


class Delay(wiring.Component):
    """The datapath that changes nothing: `o` is `i` as it was `latency` clocks ago.

    It stands in for the law where the control around a datapath is proved or measured.

    Parameters
    ----------
    width : int
        Bits of a word.
    latency : int
        Clocks, at least 1.

    Attributes
    ----------
    stages : list of Signal
        The registers, in the order in which a word passes through them.

    Members
    -------
    i : In(width)
    o : Out(width)
    """

    def __init__(self, width: int, latency: int) -> None:
        if latency < 1:
            raise ValueError(f"latency must be at least 1, not {latency!r}")
        self.latency = latency
        self.stages = [
            Signal(width, name=f"stage_{i}", reset_less=True) for i in range(latency)
        ]
        super().__init__({"i": In(width), "o": Out(width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        value = self.i
        for stage in self.stages:
            m.d.sync += stage.eq(value)
            value = stage
        m.d.comb += self.o.eq(value)
        return m
