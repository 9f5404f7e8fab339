"""Proofs about the units that make words, with the laws' datapaths replaced by delays.

The arithmetic is tested against the golden model; what is proved here is that the control around it
keeps count: lanes of a word, runs, beats and laws.
"""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import Array, Assert, Assume, Cat, Cover, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from engram.arch.laws import LAWS, Law
from hdl.delay import Delay
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof
from hdl.stream import Pipeline
from hdl.synth.generator import WordGenerator
from hdl.synth.lanes import LaneFold, LaneSequencer

__all__ = ["PROOFS", "FoldHarness", "GeneratorHarness", "SequencerHarness"]

BITS = 4


def _holds_still(m: Module, offered: Any, what: Value, *, name: str) -> None:
    """Assert that an offer that was not taken is there in the next clock, unchanged."""
    stalled = past(m, offered.valid & ~offered.ready, name=f"{name}_stalled")
    before = past(m, what, name=f"{name}_offer")
    with m.If(has_past(m) & stalled):
        m.d.comb += [Assert(offered.valid), Assert(what == before)]


class SequencerHarness(Elaboratable):
    """Each numbered word is offered once for every lane, lanes in order, words without a gap."""

    def __init__(
        self, make: Callable[[int], wiring.Component] = LaneSequencer, lanes: int = 5
    ) -> None:
        self.dut = dut = make(lanes)
        self.ports = [dut.i.valid, dut.i.payload, dut.o.ready]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        taken = Signal(BITS)
        given = Signal(BITS)
        lane = Signal(range(dut.lanes))
        m.d.sync += taken.eq(taken + (dut.i.valid & dut.i.ready))
        m.d.comb += Assume(dut.i.payload == taken)
        last = lane == dut.lanes - 1
        with m.If(dut.o.valid):
            m.d.comb += [
                Assert(dut.o.payload.x == given),
                Assert(dut.o.payload.lane == lane),
                Assert(taken == (given + 1)[:BITS]),
            ]
        with m.Else():
            m.d.comb += [Assert(taken == given), Assert(lane == 0), Assert(dut.i.ready)]
        m.d.comb += Assert(lane < dut.lanes)
        with m.If(dut.o.valid & dut.o.ready):
            m.d.sync += lane.eq(lane + 1)
            with m.If(last):
                # The mixer never idles: the next word may come in the very same clock.
                m.d.comb += Assert(dut.i.ready)
                m.d.sync += [lane.eq(0), given.eq(given + 1)]
        _holds_still(m, dut.o, dut.o.payload.as_value(), name="lane")
        return m


class FoldHarness(Elaboratable):
    """A word is the exclusive or of the lanes since the one before, whatever these are."""

    def __init__(self, make: Callable[[], wiring.Component] = LaneFold) -> None:
        self.dut = dut = make()
        self.ports = [dut.i.valid, dut.i.payload.as_value(), dut.o.ready]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        gathered = Signal(64)
        due = Signal(64)
        waiting = Signal()
        takes = dut.i.valid & dut.i.ready
        ends = takes & dut.i.payload.last
        gives = dut.o.valid & dut.o.ready
        m.d.comb += Assert(dut.gathered == gathered)
        m.d.comb += Assert(dut.o.valid == waiting)
        with m.If(waiting):
            m.d.comb += Assert(dut.o.payload == due)
        with m.If(takes):
            m.d.sync += gathered.eq(gathered ^ dut.i.payload.mixed)
        with m.If(ends):
            m.d.comb += Assert(~waiting | gives)
            m.d.sync += [gathered.eq(0), due.eq(gathered ^ dut.i.payload.mixed)]
        m.d.sync += waiting.eq(ends | (waiting & ~gives))
        with m.If(dut.o.ready):
            m.d.comb += Assert(dut.i.ready)
        _holds_still(m, dut.o, dut.o.payload, name="word")
        return m


class _Marked(wiring.Component):
    """A delay of another length for each law, which marks its words with the law's number."""

    def __init__(self, law: Law) -> None:
        self.law = law
        self._delay = Delay(BITS, 1 + law.number // 2)
        self.latency = self._delay.latency
        super().__init__({"i": In(BITS), "o": Out(BITS)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.delay = delay = self._delay
        m.d.comb += [delay.i.eq(self.i), self.o.eq(delay.o ^ self.law.number)]
        return m


class GeneratorHarness(Elaboratable):
    """Beats come as the runs asked for them: law, address, lanes kept, last, unsupported.

    The solver chooses a table of runs, asked for in turn, between runs of no words at any time. The
    addresses continue one another, so that the address due is a counter.
    """

    LAWS = (LAWS[1], LAWS[3])
    LANES = 2
    LONGEST = 3
    RUNS = 4
    # A beat that is due may have to wait for its law's pipeline, and one that follows another
    # law's for the difference; the longest pipeline of the two has 3 clocks.
    PATIENCE = 5

    def __init__(self, make: Callable[..., WordGenerator] = WordGenerator) -> None:
        self.dut = dut = make(
            self.LANES,
            self.LAWS,
            longest=self.LONGEST,
            runs=2,
            make=lambda law, tile: Pipeline(_Marked(law)),
        )
        self.table = [
            Signal(dut.i.payload.shape(), name=f"run_{i}") for i in range(self.RUNS)
        ]
        self.ports = [dut.i.valid, dut.i.payload.as_value(), dut.o.ready]
        self.ports += [run.as_value() for run in self.table]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        asked = Signal(BITS)  # runs and words asked for, and those that came
        came = Signal(BITS)
        address = Signal(BITS)
        due = Signal(BITS)
        self._ask(m, asked, address)

        run = Signal(dut.i.payload.shape())
        done = Signal(run.count.shape())
        beat = dut.o.payload
        m.d.comb += run.eq(Array(self.table)[came[: exact_log2(self.RUNS)]].as_value())
        left = run.count - done
        absent = Signal()
        m.d.comb += absent.eq(1)
        for law in self.LAWS:
            with m.If(run.law == law.number):
                m.d.comb += absent.eq(0)
        with m.If(dut.o.valid):
            m.d.comb += [
                Assert(came != asked),
                Assert(beat.unsupported == absent),
                Assert(beat.last == (left <= self.LANES)),
            ]
            for lane in range(self.LANES):
                m.d.comb += Assert(beat.keep[lane] == (lane < left))
                word = Mux(absent, 0, (due + lane)[:BITS] ^ run.law[:BITS])
                with m.If(beat.keep[lane]):
                    m.d.comb += Assert(beat.words[lane] == word)
        with m.If(dut.o.valid & dut.o.ready):
            m.d.sync += [done.eq(done + self.LANES), due.eq(due + self.LANES)]
            with m.If(beat.last):
                m.d.sync += [done.eq(0), due.eq(due + left), came.eq(came + 1)]
        _holds_still(m, dut.o, beat.as_value(), name="beat")

        waited = Signal(range(self.PATIENCE + 2))
        m.d.sync += waited.eq(Mux((came != asked) & ~dut.o.valid, waited + 1, 0))
        m.d.comb += [
            Assert(waited <= self.PATIENCE),
            Assert(dut.busy == (came != asked)),
            Cover((came == self.RUNS) & (due > 8) & ~dut.busy),
        ]
        return m

    def _ask(self, m: Module, asked: Signal, address: Signal) -> None:
        run = self.dut.i.payload
        wanted = Array(self.table)[asked[: exact_log2(self.RUNS)]]
        m.d.comb += Assume(run.address == address)
        with m.If(run.count != 0):
            m.d.comb += Assume(run.as_value() == Cat(wanted.law, run.address, wanted.count))
        for i, each in enumerate(self.table):
            before = past(m, each.as_value(), name=f"run_{i}")
            m.d.comb += Assume((each.count != 0) & (each.count <= self.LONGEST))
            with m.If(has_past(m)):
                m.d.comb += Assume(each.as_value() == before)
        with m.If(self.dut.i.valid & self.dut.i.ready & (run.count != 0)):
            m.d.sync += [asked.eq(asked + 1), address.eq(address + run.count)]


PROOFS = [
    Proof(
        "lane-sequencer",
        "each word once for every lane, in order, without a gap",
        SequencerHarness,
        "prove",
        2,
    ),
    Proof("lane-fold", "each word is the exclusive or of its lanes", FoldHarness, "prove", 2),
    Proof(
        "generator",
        "beats are those of the runs, in order; an absent law is flagged; no wait without end",
        GeneratorHarness,
        "bmc",
        11,
    ),
    Proof("generator-ends", "four runs come to their end", GeneratorHarness, "cover", 16),
]
