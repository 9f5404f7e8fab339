"""Proofs that streams lose, repeat and reorder nothing, whoever stalls them and when.

Words are told apart by their number: the environment counts them in, the harness expects them to
come out counted. No control here looks at a word, so what holds for numbered words holds for all.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import Assert, Assume, Cat, Cover

from hdl.delay import Delay
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof
from hdl.stream import Pipeline, SkidBuffer

__all__ = ["PROOFS", "PipelineHarness", "SkidHarness"]

BITS = 4  # numbers of words; more of them than words fit inside


class _NumberedStream(Elaboratable):
    """A component between an environment that numbers words and one that checks their numbers."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.ports = [dut.i.valid, dut.i.payload, dut.o.ready]
        self.taken = Signal(BITS)
        self.given = Signal(BITS)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        takes = dut.i.valid & dut.i.ready
        gives = dut.o.valid & dut.o.ready
        m.d.sync += [self.taken.eq(self.taken + takes), self.given.eq(self.given + gives)]
        m.d.comb += Assume(dut.i.payload == self.taken)
        with m.If(dut.o.valid):
            m.d.comb += Assert(dut.o.payload == self.given)
        stalled = past(m, dut.o.valid & ~dut.o.ready, name="stalled")
        payload = past(m, dut.o.payload, name="payload")
        with m.If(has_past(m) & stalled):
            m.d.comb += [Assert(dut.o.valid), Assert(dut.o.payload == payload)]
        self.inside(m)
        return m

    @abstractmethod
    def inside(self, m: Module) -> None:
        """Say what holds of the words inside, which is what induction needs."""


class SkidHarness(_NumberedStream):
    """The skid buffer: both places hold the numbers that are due, and only stalls stop it."""

    def __init__(self, make: Callable[[int], Any] = SkidBuffer) -> None:
        super().__init__(make(BITS))

    def inside(self, m: Module) -> None:
        dut = self.dut
        level = (self.taken - self.given)[:BITS]
        m.d.comb += Assert(level == dut.o.valid + dut.spare_full)
        with m.If(dut.spare_full):
            m.d.comb += [
                Assert(dut.o.valid),
                Assert(dut.spare == (self.given + 1)[:BITS]),
            ]
        # Full throughput: it refuses only after a clock in which the reader refused.
        free = past(m, dut.o.ready, name="free")
        with m.If(has_past(m) & free):
            m.d.comb += Assert(dut.i.ready)


class PipelineHarness(_NumberedStream):
    """A pipeline: every stage that is occupied holds the number due there."""

    def __init__(self, make: Callable[[Any], Any] = Pipeline, latency: int = 5) -> None:
        self.datapath = Delay(BITS, latency)
        super().__init__(make(self.datapath))

    def inside(self, m: Module) -> None:
        dut = self.dut
        skid = dut.skid
        ahead = skid.o.valid + skid.spare_full
        with m.If(skid.spare_full):
            m.d.comb += [
                Assert(skid.o.valid),
                Assert(skid.spare == (self.given + 1)[:BITS]),
            ]
        stages = list(zip(self.datapath.stages, dut.occupied, strict=True))
        for stage, occupied in reversed(stages):
            with m.If(occupied):
                m.d.comb += Assert(stage == (self.given + ahead)[:BITS])
            ahead = ahead + occupied
        m.d.comb += [
            Assert((self.taken - self.given)[:BITS] == ahead),
            Assert(dut.busy == (ahead != 0)),
        ]
        free = past(m, dut.o.ready, name="free")
        with m.If(has_past(m) & free):
            m.d.comb += Assert(dut.i.ready)
        # Frozen: a stage keeps its word while the pipeline takes none.
        still = past(m, ~dut.i.ready, name="still")
        stages = Cat(self.datapath.stages, dut.occupied)
        held = past(m, stages, name="stages")
        with m.If(has_past(m) & still):
            m.d.comb += Assert(stages == held)
        m.d.comb += Cover(dut.occupied.all() & skid.spare_full)


PROOFS = [
    Proof(
        "skid-buffer",
        "no word lost, repeated or reordered; offers hold still; full throughput",
        SkidHarness,
        "prove",
        2,
    ),
    Proof(
        "pipeline",
        "the same of a datapath with its enable; frozen while stalled; busy is exact",
        PipelineHarness,
        "prove",
        2,
    ),
    Proof("pipeline-fills", "all stages and both places full", PipelineHarness, "cover", 12),
]
