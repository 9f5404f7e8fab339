"""A word taken apart into lanes that follow each other, and put together again."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["MIXED", "LaneFold", "LaneSequencer", "lane_shape"]

# A lane's share of a word, and whether it is the last one.
MIXED = data.StructLayout({"mixed": 64, "last": 1})


def lane_shape(lanes: int) -> data.StructLayout:
    """Return the shape of a lane's work: the whole x, and which lane."""
    return data.StructLayout({"x": 64, "lane": range(lanes)})


class LaneSequencer(wiring.Component):
    """A stream of words, each offered once for every lane.

    - *Latency*: 1 clock to the first lane.
    - *Throughput*: 1 lane a clock; a new word is taken in the clock in which the last lane of the
      one before leaves, so there are no gaps.
    - *Back-pressure*: `i.ready` depends combinationally on `o.ready`.
    - *Reset*: forgets the word.

    Members
    -------
    i : In(stream.Signature(64))
    o : Out(stream.Signature(lane_shape(lanes)))
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__({
            "i": In(stream.Signature(64)),
            "o": Out(stream.Signature(lane_shape(lanes))),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        x = Signal(64, reset_less=True)
        lane = Signal(range(self.lanes))
        last = Signal()
        m.d.comb += [
            last.eq(lane == self.lanes - 1),
            self.i.ready.eq(~self.o.valid | (self.o.ready & last)),
            self.o.payload.x.eq(x),
            self.o.payload.lane.eq(lane),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += lane.eq(lane + 1)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), x.eq(self.i.payload), lane.eq(0)]
        return m


class LaneFold(wiring.Component):
    """The exclusive or of all lanes up to a last one, as one word.

    - *Latency*: 1 clock from the last lane.
    - *Throughput*: 1 lane a clock.
    - *Back-pressure*: only a last lane has to wait while a word is offered; `i.ready` depends
      combinationally on `o.ready` and on the lane.
    - *Reset*: forgets the lanes gathered and the word offered.

    Attributes
    ----------
    gathered : Signal
        The exclusive or of the lanes since the last word; for proofs.

    Members
    -------
    i : In(stream.Signature(MIXED))
    o : Out(stream.Signature(64))
    """

    def __init__(self) -> None:
        self.gathered = Signal(64)
        super().__init__({"i": In(stream.Signature(MIXED)), "o": Out(stream.Signature(64))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        gathered = self.gathered
        word = Signal(64, reset_less=True)
        total = gathered ^ self.i.payload.mixed
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(free | ~self.i.payload.last),
            self.o.payload.eq(word),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            with m.If(self.i.payload.last):
                m.d.sync += [gathered.eq(0), word.eq(total), self.o.valid.eq(1)]
            with m.Else():
                m.d.sync += gathered.eq(total)
        return m
