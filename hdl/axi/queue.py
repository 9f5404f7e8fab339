"""Small first-in first-out queues whose two ends share no combinational path."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

__all__ = ["Queue", "ShiftQueue"]


class Queue(wiring.Component):
    """Hands on what it takes in, in order.

    Latency: 1 clock. Throughput: 1 word per clock. Back-pressure: ``i.ready`` falls only while
    ``depth`` words are inside, and depends on registers alone, as do ``o.valid`` and
    ``o.payload``; an offered word stays until it is taken. Reset empties it.

    Its level is the difference of two free-running counters, so a proof about its user need not
    know more of its inside than ``level <= depth``.

    Attributes
    ----------
    memory, taken_in, handed_on
        The words and the counters of those that came and went; for proofs.

    Members
    -------
    i : In(stream)
    o : Out(stream)
    level : Out, words inside
    """

    def __init__(self, shape: ShapeLike, depth: int):
        if depth < 1 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two, not {depth!r}")
        self.depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "level": Out(range(depth + 1)),
            }
        )
        bits = exact_log2(depth) + 1
        self.memory = Memory(shape=shape, depth=depth, init=[])
        self.taken_in = Signal(bits)
        self.handed_on = Signal(bits)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.memory
        write = self.memory.write_port()
        read = self.memory.read_port(domain="comb")
        taken_in = self.taken_in
        handed_on = self.handed_on
        bits = len(taken_in)
        m.d.comb += [
            self.level.eq((taken_in - handed_on)[:bits]),
            # Full and empty without the subtraction: as far apart as can be, and equal.
            self.i.ready.eq(taken_in != handed_on ^ self.depth),
            self.o.valid.eq(taken_in != handed_on),
            write.addr.eq(taken_in[: bits - 1]),
            write.data.eq(self.i.payload),
            write.en.eq(self.i.valid & self.i.ready),
            read.addr.eq(handed_on[: bits - 1]),
            self.o.payload.eq(read.data),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += taken_in.eq(taken_in + 1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += handed_on.eq(handed_on + 1)
        return m


class ShiftQueue(wiring.Component):
    """A `Queue` of few narrow words in registers, whose oldest word is a register itself.

    Function, latency, throughput and back-pressure are those of `Queue`. What `o` steers does not
    wait for a memory to be read; a word of it costs a register and a multiplexer a bit.

    Attributes
    ----------
    places
        The words, oldest first; as many count as ``level`` says.

    Members
    -------
    i : In(stream)
    o : Out(stream)
    level : Out, words inside
    """

    def __init__(self, shape: ShapeLike, depth: int):
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth!r}")
        self.depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "level": Out(range(depth + 1)),
            }
        )
        self.places = [Signal(shape, name=f"place_{number}") for number in range(depth)]

    def elaborate(self, platform):
        m = Module()
        level = self.level
        takes = Signal()
        gives = Signal()
        m.d.comb += [
            self.i.ready.eq(level != self.depth),
            self.o.valid.eq(level != 0),
            self.o.payload.eq(self.places[0]),
            takes.eq(self.i.valid & self.i.ready),
            gives.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += level.eq(level + takes - gives)
        for number, place in enumerate(self.places):
            with m.If(gives):
                if number + 1 < self.depth:
                    m.d.sync += place.eq(self.places[number + 1])
                with m.If(takes & (level == number + 1)):
                    m.d.sync += place.eq(self.i.payload)
            with m.Elif(takes & (level == number)):
                m.d.sync += place.eq(self.i.payload)
        return m
