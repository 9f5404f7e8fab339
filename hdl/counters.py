"""The performance counters of the accelerator."""

from collections.abc import Iterable

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["COUNTER_BITS", "Counters"]

COUNTER_BITS = 48  # a month of clocks at 100 MHz


class Counters(wiring.Component):
    """Counts the clocks in which each of some events is high, and never stops.

    Latency: an event counts 2 clocks later, so that where it arises is far from the sum.

    Members
    -------
    <name>_event : In(1), one for each name, in small letters
    <name> : Out(COUNTER_BITS), how often it was high since reset
    """

    def __init__(self, names: Iterable[str]):
        self.names = [name.lower() for name in names]
        super().__init__(
            {f"{name}_event": In(1) for name in self.names}
            | {name: Out(COUNTER_BITS) for name in self.names}
        )

    def elaborate(self, platform):
        m = Module()
        for name in self.names:
            seen = Signal(name=f"{name}_seen")
            count = getattr(self, name)
            m.d.sync += [seen.eq(getattr(self, f"{name}_event")), count.eq(count + seen)]
        return m
