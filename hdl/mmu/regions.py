"""The table of regions: which pages belong to which descriptor."""

from enum import IntEnum

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from engram.arch.commands import Fault
from engram.arch.page_table import PAGE_NUMBER_BITS
from hdl.mmu.equality import equal
from hdl.mover.moves import FAULT_BITS

__all__ = ["RegionIntent", "RegionTable", "region_answer_layout", "region_request_layout"]

DESCRIPTOR_BITS = 64


class RegionIntent(IntEnum):
    """What is asked of the table."""

    LOOKUP = 0  # whether first_page lies in a region, and in whose
    MAP = 1  # enter a region
    UNMAP = 2  # take out the region that begins at first_page


def region_request_layout() -> data.StructLayout:
    """Return a request; only MAP has ``pages`` and ``descriptor``."""
    return data.StructLayout(
        {
            "intent": 2,
            "first_page": PAGE_NUMBER_BITS,
            "pages": PAGE_NUMBER_BITS + 1,
            "descriptor": DESCRIPTOR_BITS,
        }
    )


def region_answer_layout() -> data.StructLayout:
    """Return an answer; ``found`` and ``descriptor`` are LOOKUP's, which has no fault."""
    return data.StructLayout({"found": 1, "descriptor": DESCRIPTOR_BITS, "fault": FAULT_BITS})


class RegionTable(wiring.Component):
    """Keeps regions that do not overlap, and finds the one a page lies in.

    Function: LOOKUP answers with `found` and the descriptor of the region that holds `first_page`.
    MAP enters the `pages` pages from `first_page` on, or changes nothing and answers REGION_CLASH
    if one of them is in a region or the table is full; the caller sees to it that there is a page
    and that the last is no further than page numbers go. UNMAP takes out the region whose first
    page is `first_page`, or answers NO_REGION. `found` is low in answers to these two.

    Latency: at most ``entries`` + 4 clocks from a request to its answer, one entry being looked at
    each clock. Throughput: one request at a time. Back-pressure: `i.ready` depends on registers
    only, high while nothing is under way; an answer stays until it is taken. Reset forgets all
    regions.

    Members
    -------
    i : In(stream of region_request_layout)
    o : Out(stream of region_answer_layout)
    any : Out(1), whether there is a region
    clear : In(1), forget all regions; only while nothing is under way
    """

    def __init__(self, entries: int):
        if entries < 1:
            raise ValueError(f"entries must be at least 1, not {entries!r}")
        self.entries = entries
        super().__init__(
            {
                "i": In(stream.Signature(region_request_layout())),
                "o": Out(stream.Signature(region_answer_layout())),
                "any": Out(1),
                "clear": In(1),
            }
        )
        self.valid = Signal(entries)
        page = PAGE_NUMBER_BITS
        # `end` is the page behind the last, which may be one more than page numbers reach.
        self._layout = data.StructLayout(
            {"first": page, "end": page + 1, "descriptor": DESCRIPTOR_BITS}
        )
        # One entry needs no address, but a memory of one word cannot be converted.
        self._memory = Memory(shape=self._layout, depth=max(entries, 2), init=[])

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self._memory
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        request = Signal(self._layout, reset_less=True)
        pages = Signal.like(request.end, reset_less=True)
        intent = Signal(RegionIntent, reset_less=True)
        place = Signal(range(max(self.entries, 2)))  # looked at now
        seen = Signal.like(place)  # looked at in the clock before
        looked = Signal()  # there was one
        hit = Signal()
        free = Signal.like(place)
        has_free = Signal()
        found = Signal()
        fault = Signal(FAULT_BITS)
        entry = read.data
        valid = self.valid.bit_select(place, 1)
        m.d.comb += [
            self.any.eq(self.valid.any()),
            read.addr.eq(place),
            write.addr.eq(free),
            write.data.eq(request),
            self.o.payload.found.eq(found),
            self.o.payload.descriptor.eq(entry.descriptor),
            self.o.payload.fault.eq(fault),
        ]
        asked = self.i.payload
        is_map = asked.intent == RegionIntent.MAP
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [
                    place.eq(0),
                    looked.eq(0),
                    hit.eq(0),
                    has_free.eq(0),
                    found.eq(0),
                    fault.eq(Fault.OK),
                    intent.eq(asked.intent),
                    request.first.eq(asked.first_page),
                    request.descriptor.eq(asked.descriptor),
                    pages.eq(Mux(is_map, asked.pages, 1)),
                ]
                with m.If(self.i.valid):
                    m.next = "MEASURE"
            # The sum has a clock of its own: what is asked for comes late in the one before.
            with m.State("MEASURE"):
                m.d.sync += request.end.eq(request.first + pages)
                m.next = "SCAN"
            with m.State("SCAN"):
                overlaps = (entry.first < request.end) & (request.first < entry.end)
                begins = equal(entry.first, request.first)
                m.d.sync += [
                    hit.eq(valid & Mux(intent == RegionIntent.UNMAP, begins, overlaps)),
                    looked.eq(1),
                    seen.eq(place),
                    place.eq(place + 1),
                ]
                with m.If(~has_free):
                    m.d.sync += [free.eq(place), has_free.eq(~valid)]
                with m.If(hit):
                    m.d.sync += place.eq(seen)
                    with m.Switch(intent):
                        with m.Case(RegionIntent.LOOKUP):
                            m.d.sync += found.eq(1)
                        with m.Case(RegionIntent.MAP):
                            m.d.sync += fault.eq(Fault.REGION_CLASH)
                        with m.Case(RegionIntent.UNMAP):
                            m.d.sync += self.valid.bit_select(seen, 1).eq(0)
                    m.next = "ANSWER"
                with m.Elif(looked & (seen == self.entries - 1)):
                    with m.Switch(intent):
                        with m.Case(RegionIntent.MAP):
                            with m.If(has_free):
                                m.d.comb += write.en.eq(1)
                                m.d.sync += self.valid.bit_select(free, 1).eq(1)
                            with m.Else():
                                m.d.sync += fault.eq(Fault.REGION_CLASH)
                        with m.Case(RegionIntent.UNMAP):
                            m.d.sync += fault.eq(Fault.NO_REGION)
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "IDLE"
        with m.If(self.clear):
            m.d.sync += self.valid.eq(0)
        return m
