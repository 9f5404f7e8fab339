"""Proofs that the register bank keeps the rules of AXI4-Lite and answers every access once."""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module
from amaranth.hdl import Assert, Assume, Cover

from engram.arch.registers import Access, Field, Register, RegisterTable, wide
from hdl.axi.register_bank import RegisterBank
from hdl.axi.signatures import Response
from hdl.formal.bus import count, holds, skid_level
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof

__all__ = ["PROOFS", "RegisterBankHarness"]

# Every kind of register, and a hole.
TABLE = RegisterTable(
    "SMALL",
    Register("ID", 0x00, Access.CONSTANT, 0x1234),
    Register("TAIL", 0x04, Access.RW),
    wide("CYCLES", 0x08, Access.RO, snapshot="COMMAND"),
    Register("COMMAND", 0x10, Access.STROBE, fields=(Field("TAKE", 0), Field("GO", 1))),
    Register("EVENTS", 0x14, Access.W1C, fields=(Field("DONE", 0), Field("FAILED", 1))),
)


class RegisterBankHarness(Elaboratable):
    """A bank between a manager that keeps the rules and hardware that does anything."""

    def __init__(self, make: Callable[..., Any] = RegisterBank) -> None:
        self.dut = dut = make(TABLE)
        self.ports = [
            dut.s_axil_awaddr,
            dut.s_axil_awprot,
            dut.s_axil_awvalid,
            dut.s_axil_wdata,
            dut.s_axil_wstrb,
            dut.s_axil_wvalid,
            dut.s_axil_bready,
            dut.s_axil_araddr,
            dut.s_axil_arprot,
            dut.s_axil_arvalid,
            dut.s_axil_rready,
            dut.cycles,
            dut.events_set,
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        incoming = dut.s_axil_buffers
        aw, w = dut.s_axil_awvalid, dut.s_axil_wvalid
        ar, b, r = dut.s_axil_arvalid, dut.s_axil_bvalid, dut.s_axil_rvalid
        holds(m, Assume, "aw", aw, dut.s_axil_awready, dut.s_axil_awaddr)
        holds(m, Assume, "w", w, dut.s_axil_wready, dut.s_axil_wdata, dut.s_axil_wstrb)
        holds(m, Assume, "ar", ar, dut.s_axil_arready, dut.s_axil_araddr)
        holds(m, Assert, "b", b, dut.s_axil_bready, dut.s_axil_bresp)
        holds(m, Assert, "r", r, dut.s_axil_rready, dut.s_axil_rdata, dut.s_axil_rresp)

        # Each access is answered exactly once: what is owed is what is inside.
        answered = b & dut.s_axil_bready
        addresses = count(m, "addresses_owed", aw & dut.s_axil_awready, answered)
        words = count(m, "words_owed", w & dut.s_axil_wready, answered)
        reads = count(m, "reads_owed", ar & dut.s_axil_arready, r & dut.s_axil_rready)
        m.d.comb += [
            Assert(addresses == skid_level(incoming["aw"]) + b),
            Assert(words == skid_level(incoming["w"]) + b),
            Assert(reads == skid_level(incoming["ar"]) + r),
        ]
        for skid in incoming.values():
            with m.If(skid.spare_full):
                m.d.comb += Assert(skid.o.valid)
        # It waits for nobody but who must fetch an answer: no access waits beside a free answer.
        started = has_past(m)
        due = incoming["aw"].o.valid & incoming["w"].o.valid & (~b | dut.s_axil_bready)
        with m.If(started & past(m, due, name="due")):
            m.d.comb += Assert(b)
        asked = incoming["ar"].o.valid & (~r | dut.s_axil_rready)
        with m.If(started & past(m, asked, name="asked")):
            m.d.comb += Assert(r)

        okay = b & (dut.s_axil_bresp == Response.OKAY)
        with m.If(b):
            m.d.comb += Assert((dut.s_axil_bresp == Response.SLVERR) | okay)
        with m.If(r):
            m.d.comb += Assert(
                (dut.s_axil_rresp == Response.SLVERR) | (dut.s_axil_rresp == Response.OKAY)
            )
        # A register changes, and a strobe pulses, only with the answer to a write; a strobe of
        # one write is over when the next answer may come.
        fresh = okay & past(m, due, name="due_before")
        tail = past(m, dut.tail, name="tail")
        with m.If(started & (dut.tail != tail)):
            m.d.comb += Assert(fresh)
        with m.If(dut.command != 0):
            m.d.comb += [Assert(fresh), Assert(dut.command < 4)]
        events = past(m, dut.events, name="events")
        raised = past(m, dut.events_set, name="events_set") & 3
        with m.If(started):
            m.d.comb += [
                Assert(dut.events & raised == raised),  # setting wins
                Assert(dut.events & ~(events | raised) == 0),
            ]
            with m.If(events & ~dut.events != 0):
                m.d.comb += Assert(fresh)
        with m.Else():
            m.d.comb += Assert(dut.command == 0)
        m.d.comb += Cover(
            answered & (r & dut.s_axil_rready) & (addresses == 3) & (words == 3) & (reads == 3)
        )
        return m


PROOFS = [
    Proof(
        "register-bank",
        "AXI4-Lite rules; every access answered once; only answered writes change anything",
        RegisterBankHarness,
        "prove",
        2,
    ),
    Proof("register-bank-fills", "all channels full and moving", RegisterBankHarness, "cover", 12),
]
