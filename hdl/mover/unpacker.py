"""Makes single words of the generator's beats."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Unpacker", "generated_layout"]


def generated_layout() -> data.StructLayout:
    """Return a word of a law, or that the law is not built."""
    return data.StructLayout({"data": 64, "unsupported": 1})


class Unpacker(wiring.Component):
    """Hands on the words of each beat that count, lane 0 first.

    Latency: none, it is a multiplexer and a counter. Throughput: 1 word a clock, without a gap
    from beat to beat. Back-pressure: ``i.ready`` depends on ``o.ready`` and on which words of the
    beat count. Reset begins with lane 0.

    Members
    -------
    i : In(stream of `WordGenerator`'s beats)
    o : Out(stream of generated_layout)
    """

    def __init__(self, beat: data.StructLayout, lanes: int) -> None:
        self.lanes = lanes
        super().__init__({
            "i": In(stream.Signature(beat)),
            "o": Out(stream.Signature(generated_layout())),
        })

    def elaborate(self, platform):
        m = Module()
        beat = self.i.payload
        lane = Signal(range(self.lanes))
        # Lanes that count come before those that do not: the next one tells whether this is last.
        follows = Signal(self.lanes)
        last = Signal()
        m.d.comb += [
            follows.eq(Cat(beat.keep[1:], 0)),
            last.eq(~follows.bit_select(lane, 1)),
            self.o.valid.eq(self.i.valid),
            self.o.payload.data.eq(beat.words[lane]),
            self.o.payload.unsupported.eq(beat.unsupported),
            self.i.ready.eq(self.o.ready & last),
        ]
        with m.If(self.i.valid & self.o.ready):
            m.d.sync += lane.eq(Mux(last, 0, lane + 1))
        return m
