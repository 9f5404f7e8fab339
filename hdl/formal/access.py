"""Proof that `WordAccess` keeps the rules of AXI4, makes of each request what it asks, and ends it.

The environment is a memory that answers what was asked, whenever it likes, and a requester that
asks for bursts within 4 KiB and offers words whenever it likes.
"""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Mux, Signal
from amaranth.hdl import Assert, Assume, Cover

from hdl.axi.access import MAX_BEATS, WordAccess
from hdl.formal.bus import count, holds, legal_burst
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof

__all__ = ["PROOFS", "AccessHarness"]

ADDRESS_WIDTH = 14


class AccessHarness(Elaboratable):
    """One burst a request, as asked for; every word where it belongs; one end a request."""

    def __init__(self, make: Callable[..., Any] = WordAccess) -> None:
        self.dut = dut = make(address_width=ADDRESS_WIDTH)
        self.ports = [dut.i.valid, dut.i.payload.as_value(), dut.words.valid, dut.words.payload]
        self.ports += [
            getattr(dut, f"m_axi_{name}")
            for name in (
                "arready", "rid", "rdata", "rresp", "rlast", "rvalid",
                "awready", "wready", "bid", "bresp", "bvalid",
            )
        ]  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        asked = dut.i.payload
        with m.If(dut.i.valid):
            m.d.comb += [
                Assume((asked.beats != 0) & (asked.beats <= MAX_BEATS)),
                Assume(asked.address[3:12] + asked.beats <= 512),
            ]
        takes = dut.i.valid & dut.i.ready
        request = Signal.like(asked)
        under_way = Signal()
        with m.If(takes):
            m.d.comb += Assert(~under_way)
            m.d.sync += [request.eq(asked), under_way.eq(1)]
        with m.Elif(dut.done.valid):
            m.d.sync += under_way.eq(0)
        with m.If(dut.done.valid):
            m.d.comb += Assert(under_way)
        m.d.comb += [
            Assert(dut.i.ready == ~under_way),
            Assert(dut.reading == (under_way & ~request.write)),
            Assert(dut.writing == (under_way & request.write)),
        ]
        self._addresses(m, request)
        self._reads(m, takes, request)
        self._writes(m, takes)
        return m

    def _addresses(self, m: Module, request: Any) -> None:
        dut = self.dut
        begins = past(m, dut.i.valid & dut.i.ready, name="begins")
        for channel, write in (("ar", 0), ("aw", 1)):
            names = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot")
            of = {
                name: getattr(dut, f"m_axi_{channel}{name}")
                for name in ("valid", "ready", *names)
            }
            payload = [of[name] for name in names]
            holds(m, Assert, channel, of["valid"], of["ready"], *payload)
            with m.If(of["valid"]):
                legal_burst(m, of["addr"], of["len"], MAX_BEATS)
                m.d.comb += [
                    Assert(of["addr"][3:] == request.address[3:]),
                    Assert(of["len"] + 1 == request.beats),
                    Assert(of["size"] == 3),
                    Assert(of["burst"] == 1),
                    Assert(of["id"] == 0),
                ]
            with m.If(has_past(m) & begins):
                m.d.comb += Assert(of["valid"] == (request.write == write))

    def _reads(self, m: Module, takes: Any, request: Any) -> None:
        dut = self.dut
        asks = dut.m_axi_arvalid & dut.m_axi_arready
        came = dut.m_axi_rvalid & dut.m_axi_rready
        owed = count(m, "owed", Mux(asks, dut.m_axi_arlen + 1, 0), came)
        error = Signal(2)
        with m.If(takes):
            m.d.sync += error.eq(0)
        with m.Elif(came & (error == 0) & dut.m_axi_rresp[1]):
            m.d.sync += error.eq(dut.m_axi_rresp)
        verdict = Mux(error != 0, error, dut.m_axi_rresp)
        with m.If(dut.m_axi_rvalid):
            m.d.comb += [
                Assume((owed != 0) & (dut.m_axi_rlast == (owed == 1))),
                Assert(dut.m_axi_rready),
                Assert(dut.beat.data == dut.m_axi_rdata),
                Assert(dut.beat.response == dut.m_axi_rresp),
                Assert(dut.beat.last == dut.m_axi_rlast),
                Assert(dut.done.valid == dut.m_axi_rlast),
                Assert(~dut.done.valid | (dut.done.response == verdict)),
            ]
        m.d.comb += [
            Assert(dut.beat.valid == dut.m_axi_rvalid),
            Assert(dut.reading == (dut.m_axi_arvalid | (owed != 0))),
            Assert(~dut.m_axi_arvalid | (owed == 0)),
            Assert(dut.failed == Mux(dut.reading, error, 0)),
            Assert(~dut.reading | (owed == 0) | (owed <= request.beats)),
            Cover(dut.done.valid & (request.beats == 3) & dut.reading & (error == 2)),
        ]

    def _writes(self, m: Module, takes: Any) -> None:
        dut = self.dut
        offers = dut.words.valid & dut.words.ready
        sends = dut.m_axi_wvalid & dut.m_axi_wready
        ends = dut.m_axi_bvalid & dut.m_axi_bready
        holds(
            m, Assert, "w", dut.m_axi_wvalid, dut.m_axi_wready,
            dut.m_axi_wdata, dut.m_axi_wstrb, dut.m_axi_wlast,
        )  # fmt: skip
        begins = takes & dut.i.payload.write
        due = count(m, "due", Mux(begins, dut.i.payload.beats, 0), sends)
        addresses = count(m, "addresses", dut.m_axi_awvalid & dut.m_axi_awready, ends)
        bodies = count(m, "bodies", sends & dut.m_axi_wlast, ends)
        word = Signal(64)
        with m.If(offers):
            m.d.sync += word.eq(dut.words.payload)
        with m.If(dut.m_axi_wvalid):
            m.d.comb += [
                Assert(dut.m_axi_wlast == (due == 1)),
                Assert(dut.m_axi_wdata == word),
                Assert(dut.m_axi_wstrb == 0xFF),
            ]
        with m.If(dut.m_axi_bvalid):
            m.d.comb += [
                Assume((addresses != 0) & (bodies != 0)),
                Assert(dut.m_axi_bready & dut.done.valid),
                Assert(dut.done.response == dut.m_axi_bresp),
            ]
        with m.If(dut.done.valid):
            m.d.comb += Assert(dut.m_axi_bvalid | (dut.m_axi_rvalid & dut.m_axi_rlast))
        # A word that is there is not refused while the bus takes words.
        with m.If(dut.writing & (dut.left != 0) & dut.m_axi_wready):
            m.d.comb += Assert(dut.words.ready)
        m.d.comb += [
            Assert(due == Mux(dut.writing, dut.left + dut.m_axi_wvalid, 0)),
            Assert(dut.writing | ~dut.m_axi_wvalid),
            Assert(dut.writing == dut.m_axi_awvalid + addresses),
            Assert(dut.writing == (due != 0) + bodies),
            Assert(~offers | (dut.writing & (dut.left != 0))),
            Cover(dut.done.valid & dut.writing & (dut.m_axi_awlen == 2)),
        ]


PROOFS = [
    Proof(
        "access",
        "AXI4 rules; the burst, the words and the verdict of each request; one end of each",
        AccessHarness,
        "prove",
        2,
    ),
    Proof("access-ends", "a read and a write of three words come to their end", AccessHarness,
          "cover", 12),
]
