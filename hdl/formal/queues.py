"""Proofs about the queue and the splitter that the burst engines are made of."""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import Assert, Assume, Cover

from hdl.axi.queue import Queue, ShiftQueue
from hdl.axi.splitter import BurstSplitter
from hdl.formal.bus import entries, holds, legal_burst
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof

__all__ = ["PROOFS", "QueueHarness", "ShiftQueueHarness", "SplitterHarness"]

DEPTH = 4
BITS = 3  # of numbers that tell words apart: more numbers than words fit inside
BEATS = 4


class QueueHarness(Elaboratable):
    """Words that are counted in come out counted, whoever stalls."""

    def __init__(self, make: Callable[..., Any] = Queue) -> None:
        self.dut = make(BITS, DEPTH)
        self.ports = [self.dut.i.valid, self.dut.i.payload, self.dut.o.ready]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        held = entries(m, dut)
        taken = Signal(BITS)
        given = Signal(BITS)
        m.d.sync += [
            taken.eq(taken + (dut.i.valid & dut.i.ready)),
            given.eq(given + (dut.o.valid & dut.o.ready)),
        ]
        m.d.comb += Assume(dut.i.payload == taken)
        with m.If(dut.o.valid):
            m.d.comb += Assert(dut.o.payload == given)
        holds(m, Assert, "o", dut.o.valid, dut.o.ready, dut.o.payload)
        m.d.comb += [
            Assert(dut.level == (taken - given)[:BITS]),
            Assert(dut.level <= DEPTH),
            Assert(dut.i.ready == (dut.level != DEPTH)),
            Cover((dut.level == DEPTH) & (given == 5)),
        ]
        if not isinstance(self, ShiftQueueHarness):
            m.d.comb += [Assert(dut.taken_in == taken), Assert(dut.handed_on == given)]
        for number, (filled, word) in enumerate(held):
            with m.If(filled):
                m.d.comb += Assert(word == (given + number)[:BITS])
        return m


class ShiftQueueHarness(QueueHarness):
    """The same of the queue in registers."""

    def __init__(self, make: Callable[..., Any] = ShiftQueue) -> None:
        super().__init__(make)


class SplitterHarness(Elaboratable):
    """The bursts of a request are legal and cover it in order, each word once."""

    def __init__(self, make: Callable[..., Any] = BurstSplitter) -> None:
        self.dut = make(address_width=14, beats_width=6, burst_beats=BEATS, index_width=3)
        self.ports = [self.dut.i.valid, self.dut.i.payload.as_value(), self.dut.o.ready]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        burst = dut.o.payload
        takes = dut.i.valid & dut.i.ready
        gives = dut.o.valid & dut.o.ready
        # What is due: the rest of the one request that is inside.
        busy = Signal()
        word = Signal(11)
        left = Signal(6)
        index = Signal(3)
        ends = gives & (burst.beats == left)
        with m.If(gives):
            m.d.sync += [word.eq(word + burst.beats), left.eq(left - burst.beats)]
        with m.If(ends):
            m.d.sync += [busy.eq(0), index.eq(index + 1)]
        with m.If(takes):
            m.d.comb += Assert(~busy | ends)
            m.d.sync += [
                busy.eq(1),
                word.eq(dut.i.payload.address[3:]),
                left.eq(dut.i.payload.beats),
            ]
        m.d.comb += Assert(dut.o.valid == busy)
        holds(m, Assert, "o", dut.o.valid, dut.o.ready, burst.as_value())
        with m.If(dut.o.valid):
            m.d.comb += [
                Assert(burst.address[3:] == word),
                Assert(burst.beats <= left),
                Assert(burst.beats <= BEATS),
                Assert(burst.last == (burst.beats == left)),
                Assert((burst.beats != 0) | (left == 0)),
                Assert(burst.index == index),
                Assert(dut.left == left),
                Assert(dut.room == BEATS - dut.place),
            ]
            with m.If(burst.beats != 0):
                legal_burst(m, burst.address, burst.beats - 1, BEATS)
        with m.If(~busy):
            m.d.comb += Assert(dut.i.ready)
        m.d.comb += Assert(dut.index == index)
        with m.If(has_past(m) & past(m, takes, name="takes")):
            m.d.comb += Assert(dut.o.valid)
        m.d.comb += Cover(ends & takes & (index == 2))
        return m


PROOFS = [
    Proof(
        "queue",
        "no word lost, repeated or reordered; offers hold still; ready is a matter of level",
        QueueHarness,
        "prove",
        2,
    ),
    Proof(
        "shift-queue",
        "no word lost, repeated or reordered; offers hold still; ready is a matter of level",
        ShiftQueueHarness,
        "prove",
        2,
    ),
    Proof("queue-fills", "a queue that was used is full", QueueHarness, "cover", 16),
    Proof(
        "splitter",
        "bursts are legal, inside 4 KiB, and cover each request in order and once",
        SplitterHarness,
        "prove",
        2,
    ),
    Proof("splitter-flows", "requests without a gap", SplitterHarness, "cover", 16),
]
