"""Proof that the TLB tells of a page what was entered last, or nothing.

One page, any one, is followed; what holds of it holds of every page.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

from amaranth import Elaboratable, Module, Signal
from amaranth.hdl import Assert, Assume, Cover

from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof
from hdl.mmu.tlb import TLB

__all__ = ["PROOFS", "TLBHarness"]

ENTRIES = 4
FRAME_BITS = 3
PAGE_BITS = 4  # more pages than entries


class TLBHarness(Elaboratable):
    """A page has one entry at most, with what was filled last and not forgotten since."""

    def __init__(self, make: Callable[..., Any] = TLB) -> None:
        self.dut = dut = make(ENTRIES, frame_bits=FRAME_BITS, page_bits=PAGE_BITS)
        self.chosen = Signal(PAGE_BITS)
        self.ports = [
            dut.page,
            dut.fill,
            dut.fill_kind,
            dut.fill_frame,
            dut.drop,
            dut.flush,
            self.chosen,
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        chosen = self.chosen
        held = []
        for number in range(ENTRIES):
            read = dut.memory.read_port(domain="comb")
            m.d.comb += read.addr.eq(number)
            held.append(read.data.as_value())

        started = has_past(m)
        page = past(m, dut.page, name="page")
        before = past(m, chosen, name="chosen")
        with m.If(started):
            m.d.comb += Assume(chosen == before)
        with m.If(dut.fill | dut.drop):
            m.d.comb += [Assume(started), Assume(dut.page == page)]

        known = Signal()  # whether the chosen page may be told of, and what
        told = Signal(2 + FRAME_BITS)
        with m.If(dut.flush | (dut.drop & (dut.page == chosen))):
            m.d.sync += known.eq(0)
        with m.Elif(dut.fill & ~dut.drop & (dut.page == chosen)):
            m.d.sync += [known.eq(1), told.eq(dut.fill_kind | dut.fill_frame << 2)]

        count: Any = 0
        for number in range(ENTRIES):
            here = dut.valid[number] & (dut.tags[number] == chosen)
            count = count + here
            with m.If(here):
                m.d.comb += [Assert(known), Assert(held[number] == told)]
            is_match = dut.valid[number] & (dut.tags[number] == page)
            m.d.comb += Assert(dut.match[number] == (started & is_match))
        for one, other in combinations(range(ENTRIES), 2):
            both = dut.valid[one] & dut.valid[other]
            m.d.comb += Assert(~both | (dut.tags[one] != dut.tags[other]))
        m.d.comb += Assert(dut.match.any() == dut.hit)
        with m.If(started & (page == chosen) & dut.hit):
            m.d.comb += [Assert(known), Assert((dut.kind | dut.frame << 2) == told)]
        # It does know what was entered, and forgets an entry only to make room for another.
        entered = past(m, dut.fill & ~dut.drop & ~dut.flush, name="entered")
        with m.If(started & entered):
            m.d.comb += Assert(dut.hit)
        makes_room = dut.fill & ~dut.hit
        stays = past(m, (count == 1) & ~dut.flush & ~dut.drop & ~makes_room, name="stays")
        with m.If(started & stays):
            m.d.comb += Assert(count == 1)
        m.d.comb += Cover(dut.valid.all() & (dut.pointer == 1) & dut.hit & (page == chosen))
        return m


PROOFS = [
    Proof(
        "tlb",
        "tells only what was filled last and not forgotten; one entry a page; knows what it took",
        TLBHarness,
        "prove",
        2,
    ),
    Proof("tlb-fills", "all entries are taken, the first anew", TLBHarness, "cover", 16),
]
