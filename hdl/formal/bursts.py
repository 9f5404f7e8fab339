"""Proofs that the burst engines keep the rules of AXI4 and never lose count.

The environment is a memory that answers what was asked, in order, whenever and however it likes:
it is only bound to send no more than it owes.
"""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Mux, Signal
from amaranth.hdl import Assert, Assume, Cover

from hdl.axi.reader import BurstReader
from hdl.axi.writer import BurstWriter
from hdl.formal.bus import count, entries, holds, legal_burst, skid_level
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof

__all__ = ["PROOFS", "ReaderHarness", "WriterHarness"]

OUTSTANDING = 4  # with 2, no answer can come while an empty request is reported
BEATS = 4
SETTINGS = {
    "address_width": 14,
    "beats_width": 5,
    "burst_beats": BEATS,
    "outstanding": OUTSTANDING,
    "index_width": 2,
}


def legal_addresses(m: Module, dut: Any, channel: str) -> Any:
    """Assert the rules of an address channel and of what waits for it; return the words there."""

    def of(name: str) -> Any:
        return getattr(dut, f"m_axi_{channel}{name}")

    payload = [of(name) for name in ("id", "addr", "len", "size", "burst", "lock", "cache", "prot")]
    holds(m, Assert, channel, of("valid"), of("ready"), *payload)
    skid = dut.addresses
    words: Any = 0
    for name, filled, burst in (
        ("offered", skid.o.valid, skid.o.payload),
        ("spare", skid.spare_full, skid.spare),
    ):
        with m.If(filled):
            legal_burst(m, burst.address, burst.length, BEATS)
        beats = Signal(4, name=f"{name}_beats")
        m.d.comb += beats.eq(Mux(filled, burst.length + 1, 0))
        words = words + beats
    with m.If(dut.splitter.o.valid):
        m.d.comb += Assert(dut.splitter.room == BEATS - dut.splitter.place)
    cut = dut.cut
    for filled, burst in ((cut.o.valid, cut.o.payload), (cut.spare_full, cut.spare)):
        with m.If(filled & (burst.beats != 0)):
            legal_burst(m, burst.address, burst.beats - 1, BEATS)
        with m.If(filled & (burst.beats == 0)):
            m.d.comb += Assert(burst.last)
    for buffer in (skid, cut):
        with m.If(buffer.spare_full):
            m.d.comb += Assert(buffer.o.valid)
    with m.If(of("valid")):
        legal_burst(m, of("addr"), of("len"), BEATS)
        m.d.comb += [Assert(of("size") == 3), Assert(of("burst") == 1), Assert(of("id") == 0)]
    return words


class ReaderHarness(Elaboratable):
    """The reader takes whatever comes at once, and has room for all that it asked for."""

    def __init__(self, make: Callable[..., Any] = BurstReader) -> None:
        self.dut = dut = make(**SETTINGS)
        self.ports = [
            dut.i.valid,
            dut.i.payload.as_value(),
            dut.o.ready,
            dut.m_axi_arready,
            dut.m_axi_rid,
            dut.m_axi_rdata,
            dut.m_axi_rresp,
            dut.m_axi_rlast,
            dut.m_axi_rvalid,
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        waiting = legal_addresses(m, dut, "ar")
        holds(m, Assert, "o", dut.o.valid, dut.o.ready, dut.o.payload.as_value())

        asked = dut.m_axi_arvalid & dut.m_axi_arready
        came = dut.m_axi_rvalid & dut.m_axi_rready
        ended = came & dut.m_axi_rlast
        owed = count(m, "owed", Mux(asked, dut.m_axi_arlen + 1, 0), came)
        bursts = count(m, "bursts", asked, ended)
        with m.If(dut.m_axi_rvalid):
            # A last word ends a burst; the bursts that remain have a word each at least.
            m.d.comb += [
                Assume(bursts != 0),
                Assume(Mux(dut.m_axi_rlast, owed >= bursts, owed > bursts)),
                Assume((bursts != 1) | (dut.m_axi_rlast == (owed == 1))),
            ]
        m.d.comb += [
            Assert(owed >= bursts),
            Assert((bursts != 0) | (owed == 0)),
            Assert(bursts <= OUTSTANDING),
            Assert(dut.bursts.level == bursts + skid_level(dut.addresses)),
            Assert(dut.bursts.level <= OUTSTANDING),
            Assert(dut.buffer.level <= dut.buffer.depth),
            Assert(dut.room + dut.buffer.level + owed + waiting == dut.buffer.depth),
            Assert(dut.m_axi_rready),
        ]
        with m.If(dut.m_axi_rvalid):
            m.d.comb += [Assert(dut.buffer.i.ready), Assert(dut.bursts.o.valid)]
        m.d.comb += Cover((bursts == OUTSTANDING) & (dut.buffer.level == 1) & dut.o.ready)
        m.d.comb += Cover(dut.buffer.level == dut.buffer.depth)
        return m


class WriterHarness(Elaboratable):
    """The writer never stops in a burst, and has room for all answers and reports."""

    def __init__(self, make: Callable[..., Any] = BurstWriter) -> None:
        self.dut = dut = make(**SETTINGS)
        self.chosen = Signal(4)  # any burst, by its number
        self.ports = [
            dut.i.valid,
            dut.i.payload.as_value(),
            dut.words.valid,
            dut.words.payload.as_value(),
            dut.reports.ready,
            dut.m_axi_awready,
            dut.m_axi_wready,
            dut.m_axi_bid,
            dut.m_axi_bresp,
            dut.m_axi_bvalid,
            self.chosen,
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        lengths = entries(m, dut.lengths)
        inside = entries(m, dut.bursts)
        legal_addresses(m, dut, "aw")
        holds(
            m,
            Assert,
            "w",
            dut.m_axi_wvalid,
            dut.m_axi_wready,
            dut.m_axi_wdata,
            dut.m_axi_wstrb,
            dut.m_axi_wlast,
        )
        holds(
            m,
            Assert,
            "reports",
            dut.reports.valid,
            dut.reports.ready,
            dut.reports.payload.as_value(),
        )
        announced = dut.m_axi_awvalid & dut.m_axi_awready
        sends = dut.m_axi_wvalid & dut.m_axi_wready
        finished = sends & dut.m_axi_wlast
        answered = dut.m_axi_bvalid & dut.m_axi_bready
        # Bursts announced and sent, less those answered.
        addresses = count(m, "addresses", announced, answered)
        bodies = count(m, "bodies", finished, answered)
        with m.If(dut.m_axi_bvalid):
            m.d.comb += [Assume(addresses != 0), Assume(bodies != 0)]

        promised = -dut.sent
        for filled, length in lengths:
            promised = promised + Mux(filled, length + 1, 0)
            with m.If(filled):
                m.d.comb += Assert(length < BEATS)
        real = 0
        ends = 0
        for filled, burst in inside:
            real = real + (filled & ~burst.empty)
            ends = ends + (filled & burst.last)
            with m.If(filled & burst.empty):
                m.d.comb += Assert(burst.last)
        m.d.comb += [
            Assert(dut.buffer.level <= dut.buffer.depth),
            Assert(dut.lengths.level <= OUTSTANDING),
            Assert(dut.bursts.level <= OUTSTANDING),
            Assert(dut.free + promised == dut.buffer.level),
            Assert(dut.unreported == ends + dut.done.level),
            Assert(dut.unreported <= OUTSTANDING),
            Assert(addresses + skid_level(dut.addresses) == real),
            Assert(bodies + dut.lengths.level == real),
            Assert(addresses <= OUTSTANDING),
        ]
        with m.If(dut.lengths.level == 0):
            m.d.comb += Assert(dut.sent == 0)
        with m.Else():
            m.d.comb += [
                Assert(dut.sent <= lengths[0][1]),
                Assert(dut.m_axi_wlast == (dut.sent == lengths[0][1])),
            ]
        with m.If(dut.m_axi_wvalid):
            m.d.comb += Assert(dut.buffer.o.valid)
        with m.If(dut.done.i.valid):
            m.d.comb += Assert(dut.done.i.ready)
        # An answer waits for one clock at most, while an empty request is reported.
        with m.If(dut.m_axi_bvalid & ~dut.m_axi_bready):
            m.d.comb += Assert(inside[0][1].empty & dut.bursts.o.ready)
        self.follow(m, lengths)
        m.d.comb += Cover((addresses == OUTSTANDING) & dut.reports.valid)
        m.d.comb += Cover(dut.unreported == OUTSTANDING)
        return m

    def follow(self, m: Module, lengths: list[tuple[Any, Any]]) -> None:
        """Assert that a chosen burst has the same length as address and as words."""
        dut = self.dut
        chosen = past(m, self.chosen, name="chosen")
        with m.If(has_past(m)):
            m.d.comb += Assume(self.chosen == chosen)
        begun = Signal(4)
        length = Signal(8)
        with m.If(dut.lengths.i.valid & dut.lengths.i.ready):
            m.d.sync += begun.eq(begun + 1)
            with m.If(begun == self.chosen):
                m.d.sync += length.eq(dut.cut.o.payload.beats - 1)
        skid = dut.addresses
        offered = (begun - skid_level(skid))[:4]
        under_way = (begun - dut.lengths.level)[:4]
        with m.If(skid.o.valid & (offered == self.chosen)):
            m.d.comb += [Assert(skid.o.payload.length == length), Assert(dut.m_axi_awlen == length)]
        with m.If(skid.spare_full & ((offered + 1)[:4] == self.chosen)):
            m.d.comb += Assert(skid.spare.length == length)
        for number, (filled, own) in enumerate(lengths):
            with m.If(filled & ((under_way + number)[:4] == self.chosen)):
                m.d.comb += Assert(own == length)
        with m.If(dut.m_axi_wvalid & (under_way == self.chosen)):
            m.d.comb += Assert(dut.m_axi_wlast == (dut.sent == length))


PROOFS = [
    Proof(
        "reader",
        "AXI4 rules; bursts bounded; room for every word asked for, so R never waits",
        ReaderHarness,
        "prove",
        2,
    ),
    Proof("reader-fills", "bursts under way, and a full buffer", ReaderHarness, "cover", 24),
    Proof(
        "writer",
        "AXI4 rules, last on the announced word; bursts bounded; no burst waits for its words",
        WriterHarness,
        "prove",
        2,
    ),
    Proof("writer-fills", "bursts under way, and reports waiting", WriterHarness, "cover", 24),
]
