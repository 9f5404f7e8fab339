"""Signals of the accelerator's trace as rows of a diagram."""

from collections.abc import Mapping, Sequence

from hdl.mover.moves import Sink, Source
from sim.waves.drawing import Bus, Group, Wire
from sim.waves.host import states
from sim.waves.trace import Trace

__all__ = ["Beat", "Signals"]

Beat = tuple[str, int]  # what a word that passes is called, and is

_PORTS = "TOP"
_UNITS = "TOP.engram.accelerator"
_PLACES = {  # of words, in short
    Source.GENERATE: "law", Source.FETCH: "DRAM", Source.WINDOW: "window", Source.NOTHING: "none",
}  # fmt: skip
_SINKS = {Sink.MEMORY: "DRAM", Sink.WINDOW: "window", Sink.NOWHERE: "none"}


class Signals:
    """The rows that can be made of a trace.

    names : what numbers on buses are called: byte addresses and words; others are hexadecimal
    """

    def __init__(self, trace: Trace, names: Mapping[int, str]) -> None:
        self.trace = trace
        self.names = names

    def port(self, name: str) -> list[int]:
        """Return a port's value in each clock."""
        return self.trace.values(f"{_PORTS}.{name}")

    def inner(self, name: str) -> list[int]:
        """Return the value of a signal of a unit in each clock."""
        return self.trace.values(f"{_UNITS}.{name}")

    def passes(self, channel: str) -> list[int]:
        """Return the clocks in which something passes at a channel, such as `s_axi_ar`."""
        both = zip(self.port(f"{channel}valid"), self.port(f"{channel}ready"), strict=True)
        return [clock for clock, (valid, ready) in enumerate(both) if valid and ready]

    def rises(self, values: Sequence[int]) -> list[int]:
        """Return the clocks in which a signal is high and was not before."""
        pairs = zip([0, *values], values, strict=False)
        return [clock for clock, (before, now) in enumerate(pairs) if now and not before]

    def irq(self) -> Group:
        """Return the interrupt."""
        return Group("interrupt", [Wire("irq", self.port("irq"))])

    def channel(
        self, channel: str, caption: str, payload: str = "", beats: Sequence[Beat] = ()
    ) -> Group:
        """Return valid, ready and, while valid, what is carried.

        ``beats`` name what passes, one after the other, and are compared with it.
        """
        valid = self.port(f"{channel}valid")
        passes = self.passes(channel)
        rows: list[Wire | Bus] = [
            Wire(f"{channel}valid", valid),
            Wire(f"{channel}ready", self.port(f"{channel}ready")),
        ]
        if payload:
            values = self.port(f"{channel}{payload}")
            told = [
                self.names.get(value, f"{value:#x}" if value > 9 else str(value))
                for value in values
            ]
            for clock, (name, value) in zip(passes, beats, strict=bool(beats)):
                if values[clock] != value:
                    raise ValueError(f"{name} must be {value:#x}, not {values[clock]:#x}")
                first = clock
                while first and valid[first - 1] and first - 1 not in passes:
                    first -= 1
                told[first : clock + 1] = [name] * (clock + 1 - first)
            rows.append(
                Bus(
                    f"{channel}{payload}",
                    [label if now else None for label, now in zip(told, valid, strict=True)],
                )
            )
        return Group(caption, rows, passes)

    def pager(self) -> Group:
        """Return what the pager does, and the moves that it orders."""
        valid = self.inner("pager.moves__valid")
        source = self.inner("pager.moves__payload.source")
        sink = self.inner("pager.moves__payload.sink")
        ready = self.inner("pager.moves__ready")
        moves = [
            f"{_PLACES[Source(of)]} to {_SINKS[Sink(to)]}" if offered else None
            for offered, of, to in zip(valid, source, sink, strict=True)
        ]
        taken = [clock for clock, offer in enumerate(valid) if offer and ready[clock]]
        rows: list[Wire | Bus] = [
            self._machine("pager"),
            Wire("tlb_hit", self.inner("pager.tlb_hit")),
            Wire("tlb_miss", self.inner("pager.tlb_miss")),
            Bus("move", moves),
        ]
        return Group("inside: pager", rows, taken)

    def sequencer(self) -> Group:
        """Return what the sequencer does."""
        return Group("inside: sequencer", [self._machine("sequencer")])

    def _machine(self, unit: str) -> Bus:
        names = states(unit)
        return Bus("state", [names[value] for value in self.inner(f"{unit}.fsm_state")])
