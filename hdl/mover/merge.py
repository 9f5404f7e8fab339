"""Takes the words of one order after the other from their source, and gives them to their sink."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.commands import Fault
from engram.arch.pages import PAGE_WORDS
from hdl.axi.reader import beat_layout
from hdl.axi.writer import word_layout
from hdl.mover.collector import end_layout
from hdl.mover.moves import FAULT_BITS, Sink, Source, window_read_layout, window_write_layout
from hdl.mover.unpacker import generated_layout
from hdl.stream import SkidBuffer

__all__ = ["Merge", "order_layout"]


def order_layout() -> data.StructLayout:
    """Return what the merge must know of a move; ``length`` is one less than its words."""
    return data.StructLayout({
        "source": 2,
        "sink": 2,
        "client": 2,
        "length": range(PAGE_WORDS),
        "fault": FAULT_BITS,
    })


class Merge(wiring.Component):
    """Carries the words of orders, in order, from four sources to three sinks.

    Function: as `Mover` says of words, failed words and faults. The end of an order whose sink is
    MEMORY or NOWHERE is told with its last word.

    Latency: 1 clock from a source to a sink. An order that is taken in clock t takes its first word
    in t + 1 at the earliest. Throughput: 1 word a clock, also from order to order.
    Back-pressure: two orders and two words fit inside. The readies of orders and sources depend on
    registers, never on a sink's ready; that of a source, on no source's valid. Reset forgets all.

    Members
    -------
    i : In(stream of order_layout)
    generated, fetched, given : In(streams of generated_layout, beat_layout, window_write_layout)
        The sources GENERATE, FETCH and WINDOW.
    written, shown : Out(streams of word_layout, window_read_layout)
        The sinks MEMORY and WINDOW.
    ends : Out(stream of end_layout)
    busy : Out, high while an order or a word is inside
    passes, stall_generate, stall_fetch, stall_write : Out
        This clock, a word that a law made passes; the oldest order waits for a law, for DRAM; a
        word waits for the writer.
    """

    def __init__(self) -> None:
        super().__init__({
            "i": In(stream.Signature(order_layout())),
            "generated": In(stream.Signature(generated_layout())),
            "fetched": In(stream.Signature(beat_layout(1))),
            "given": In(stream.Signature(window_write_layout())),
            "written": Out(stream.Signature(word_layout())),
            "shown": Out(stream.Signature(window_read_layout())),
            "ends": Out(stream.Signature(end_layout())),
            "busy": Out(1),
            "passes": Out(1),
            "stall_generate": Out(1),
            "stall_fetch": Out(1),
            "stall_write": Out(1),
        })
        # A word has either a strobe that counts or a fault that does, by its sink.
        self._word = data.StructLayout({
            "data": 64,
            "mark": 8,
            "last": 1,
            "memory": 1,
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.orders = orders = SkidBuffer(order_layout())
        m.submodules.words = words = SkidBuffer(self._word)
        wiring.connect(m, wiring.flipped(self.i), orders.i)
        order = orders.o.payload
        to_memory = order.sink == Sink.MEMORY
        to_window = order.sink == Sink.WINDOW

        there = Signal()
        free = Signal()
        takes = Signal()
        sources = {
            Source.GENERATE: self.generated,
            Source.FETCH: self.fetched,
            Source.WINDOW: self.given,
        }
        m.d.comb += [
            free.eq(orders.o.valid & words.i.ready & self.ends.ready),
            takes.eq(free & there),
        ]
        with m.Switch(order.source):
            for number, source in sources.items():
                with m.Case(number):
                    m.d.comb += [there.eq(source.valid), source.ready.eq(free)]
            with m.Default():
                m.d.comb += there.eq(1)

        # What a source says of its word, while it is the order's.
        unsupported = Signal()
        unread = Signal()
        fault = Signal(FAULT_BITS)
        m.d.comb += [
            unsupported.eq((order.source == Source.GENERATE) & self.generated.payload.unsupported),
            unread.eq((order.source == Source.FETCH) & self.fetched.payload.response[1]),
            fault.eq(order.fault),
        ]
        with m.If(order.fault == Fault.OK):
            with m.If(unsupported):
                m.d.comb += fault.eq(Fault.UNSUPPORTED_LAW)
            with m.If(unread):
                m.d.comb += fault.eq(Fault.READ_ERROR)

        word = words.i.payload
        faultless = Signal()
        strobe = Signal(8)
        chosen = 0
        m.d.comb += faultless.eq((order.fault == Fault.OK) & ~unsupported & ~unread)
        for number, source in sources.items():
            opens = Signal(name=f"opens_{number.name.lower()}")
            m.d.comb += opens.eq((order.source == number) & faultless)
            chosen = chosen | (source.payload.data & opens.replicate(64))
        with m.If(order.source == Source.NOTHING):
            m.d.comb += strobe.eq(~0)
        with m.Elif(faultless):
            m.d.comb += strobe.eq(
                Mux(order.source == Source.WINDOW, self.given.payload.strobe, 0xFF)
            )

        done = Signal(range(PAGE_WORDS))
        last = Signal()
        m.d.comb += [
            last.eq(done == order.length),
            orders.o.ready.eq(takes & last),
            words.i.valid.eq(takes & (to_memory | to_window)),
            word.data.eq(chosen),
            word.mark.eq(Mux(to_memory, strobe, fault)),
            word.last.eq(last),
            word.memory.eq(to_memory),
        ]
        with m.If(takes):
            m.d.sync += done.eq(Mux(last, 0, done + 1))

        m.d.comb += [
            self.ends.valid.eq(takes & last & ~to_window),
            self.ends.payload.memory.eq(to_memory),
            self.ends.payload.client.eq(order.client),
            # No word is better than the one before it, so the last one's fault is the order's.
            self.ends.payload.fault.eq(fault),
        ]

        given = words.o.payload
        m.d.comb += [
            self.written.valid.eq(words.o.valid & given.memory),
            self.written.payload.data.eq(given.data),
            self.written.payload.strobe.eq(given.mark),
            self.shown.valid.eq(words.o.valid & ~given.memory),
            self.shown.payload.data.eq(given.data),
            self.shown.payload.fault.eq(given.mark),
            self.shown.payload.last.eq(given.last),
            words.o.ready.eq(Mux(given.memory, self.written.ready, self.shown.ready)),
            self.busy.eq(orders.o.valid | words.o.valid),
            self.passes.eq(takes & (order.source == Source.GENERATE) & ~unsupported),
            self.stall_generate.eq(free & ~there & (order.source == Source.GENERATE)),
            self.stall_fetch.eq(free & ~there & (order.source == Source.FETCH)),
            self.stall_write.eq(
                (self.written.valid & ~self.written.ready) | (orders.o.valid & ~self.ends.ready)
            ),
        ]
        return m
