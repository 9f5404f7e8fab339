"""Proofs that the ring never overtakes its doorbell, and completes its commands one by one.

The environment is a bus, a pager and a mover that answer when and what they like, and a host that
takes no descriptor back.
"""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import Assert, Assume, Cover, Value
from amaranth.lib import wiring

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import COMPLETION_BYTES, MAX_RING_LOG2
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof
from hdl.ring.sequencer import Sequencer

__all__ = ["PROOFS", "RingHarness"]

CONFIG = AcceleratorConfig(address_bits=32)


class RingHarness(Elaboratable):
    """`head` stays behind `tail`, counts single commands, and names the place of completions."""

    def __init__(self, make: Callable[..., Any] = Sequencer) -> None:
        self.dut = make(CONFIG)
        self.ports = [
            Value.cast(signal)
            for _, member, signal in self.dut.signature.flatten(self.dut)
            if member.flow is wiring.In
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        started = has_past(m)
        tail = past(m, dut.tail, name="tail")
        head = past(m, dut.head, name="head")
        working = past(m, dut.working, name="working")
        completed = past(m, dut.completed, name="completed")
        ahead = Signal(32)
        place = Signal(MAX_RING_LOG2)
        m.d.comb += [
            ahead.eq(dut.tail - dut.head),
            place.eq(dut.head & ((1 << dut.ring_log2) - 1)),
        ]
        settings = [
            (value, past(m, value, name=name))
            for name, value in (("log2", dut.ring_log2), ("base", dut.completion_base))
        ]
        with m.If(started):
            m.d.comb += Assume((dut.tail - head)[:32] >= (tail - head)[:32])
            m.d.comb += [Assume(value == before) for value, before in settings]
            m.d.comb += Assert((dut.head == (head + completed)[:32]) | (dut.head == 0))
            with m.If(dut.head != head):
                m.d.comb += Assert(working == completed)
        # A memory answers a write when it has all of it.
        m.d.comb += Assume(~dut.m_axi_bvalid | ~(dut.m_axi_awvalid | dut.m_axi_wvalid))
        m.d.comb += [
            Assert(~dut.access.writing | dut.completing),
            Assert(~dut.access.reading | dut.fetching | dut.pieces.fetching),
            Assert(~dut.ended.valid | ~(dut.access.writing | dut.access.reading)),
            Assert(~dut.m_axi_awvalid | dut.access.writing),
            Assert(dut.pieces.busy == dut.running),
        ]
        with m.If(dut.working):
            m.d.comb += [
                Assert(ahead != 0),
                Assert(
                    dut.completion
                    == (dut.completion_base + place * COMPLETION_BYTES)[: CONFIG.address_bits]
                ),
            ]
        with m.If(dut.m_axi_awvalid):
            m.d.comb += [
                Assert(dut.completing), Assert(dut.m_axi_awaddr == dut.completion & ~7)
            ]
        m.d.comb += Cover((dut.head == 1) & dut.working)
        return m


PROOFS = [
    Proof(
        "ring",
        "the ring never overtakes its doorbell; one completion a command, at its place",
        RingHarness,
        "prove",
        6,
    ),
    Proof("ring-runs", "a second command begins", RingHarness, "cover", 40),
]
