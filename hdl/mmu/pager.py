"""The pager: finds out what a page is, frames pages that are written, and orders moves."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import FRAME_BITS, AcceleratorConfig
from engram.arch.commands import Fault
from engram.arch.pages import PAGE_BITS, PAGE_WORDS
from hdl.axi.access import WordAccess
from hdl.axi.signatures import AXI4, flat, port
from hdl.mmu.frames import FramePool
from hdl.mmu.framing import add_framing, add_retirement
from hdl.mmu.orders import order, order_nothing
from hdl.mmu.regions import RegionIntent, RegionTable
from hdl.mmu.requests import Operation, answer_layout, context_layout, request_layout
from hdl.mmu.tlb import TLB, PageKind
from hdl.mmu.walker import Walker, WalkIntent
from hdl.mover.moves import FAULT_BITS, move_layout, report_layout

__all__ = ["Pager", "piece_layout"]


def piece_layout() -> data.StructLayout:
    """Return the layout of a piece that the window asks for: at most 16 words of one page."""
    return data.StructLayout({"address": 64, "count": range(17)})


class Pager(wiring.Component):
    """Turns requests about words of one page into moves, one request after the other.

    A page is framed (it was written and lies in DRAM), in a region, or else generated. The TLB
    knows or the walker finds out; both answers are remembered, and what is read of a page that
    nobody wrote costs no walk the second time.

    The first write to a page takes a frame and has it filled with the words that the law makes,
    or with the written ones if those are a whole page. Only when all of that is in memory does
    the page table name the frame, and only then does the next request begin: nobody ever sees a
    frame that is not complete. An error on the way leaves the page as it was. A page that is
    erased is taken from the table first, and its frame is given back when every move that was
    ordered before has ended.

    Requests of the ring and of the window's two directions take turns. A request of the window
    becomes exactly one move, also if it fails: then its words come from or go nowhere, with the
    fault. One of the ring that fails gives an answer and no move.

    - *Latency*: a page that the TLB knows is ordered 3 clocks after its request was seen; one it
      does not, in up to 40 clocks more at 20 clocks of DRAM latency, fewer if it has no frame.
    - *Throughput*: a request of the window each 4 clocks, one of the ring each 5.
    - *Back-pressure*: requests wait while the mover is full.

    Members
    -------
    context : In(context_layout()), changes only in the clock in which a SELECT is taken
    window_readable, window_writable : In(1)
    frame_base : In, byte address of frame 0
    frame_count : In, frames of the pool
    clear : In(1), forget the TLB, all regions and frames; only while idle
    ring : In(stream(request_layout())), taken in the clock in which it is answered
    answer : Out(answer_layout()), in the clock in which `ring` is taken
    window_reads, window_writes : In(stream(piece_layout()))
    moves : Out(stream(move_layout())), to the mover
    report : In(report_layout()), from the mover
    mover_idle : In(1)
    m_axi_* : Out(AXI4), for page table and free list
    frames_used : Out, frames that hold a page
    idle : Out(1)
    ring_moved : Out(1), pulse: the mover took a move of the ring
    tlb_hit, tlb_miss, probe, frame_taken, stall_walk : Out(1), events to count
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        bits = config.address_bits
        self.tlb = TLB(config.tlb_entries)
        self.regions = RegionTable(config.regions)
        self.walker = Walker(bits)
        self.frames = FramePool(bits)
        self.access = WordAccess(address_width=bits)
        self.signature_reader = self.access.signature_reader
        self.signature_writer = self.access.signature_writer
        super().__init__({
            "context": In(context_layout(bits)),
            "window_readable": In(1),
            "window_writable": In(1),
            "frame_base": In(bits),
            "frame_count": In(FRAME_BITS),
            "clear": In(1),
            "ring": In(stream.Signature(request_layout(bits))),
            "answer": Out(answer_layout()),
            "window_reads": In(stream.Signature(piece_layout())),
            "window_writes": In(stream.Signature(piece_layout())),
            "moves": Out(stream.Signature(move_layout(bits))),
            "report": In(report_layout()),
            "mover_idle": In(1),
            **flat("m_axi", AXI4(address_width=bits)),
            "frames_used": Out(FRAME_BITS),
            "idle": Out(1),
            "ring_moved": Out(1),
            "tlb_hit": Out(1),
            "tlb_miss": Out(1),
            "probe": Out(1),
            "frame_taken": Out(1),
            "stall_walk": Out(1),
        })
        # The request in work.
        self.operation = Signal(range(3))
        self.windowed = Signal()
        self.generated = Signal()
        self.law = Signal(8)
        self.address = Signal(64)
        self.count = Signal(range(PAGE_WORDS + 1))
        self.buffer = Signal(bits)
        self.whole = Signal()
        # What came out.
        self.framed = Signal()
        self.frame = Signal(FRAME_BITS)
        self.fault = Signal(FAULT_BITS)
        # The end of a request of the ring, and what it came to.
        self.ended = Signal()
        self.outcome = Signal(answer_layout())

    def elaborate(self, platform):
        m = Module()
        m.submodules.tlb = tlb = self.tlb
        m.submodules.regions = regions = self.regions
        m.submodules.walker = walker = self.walker
        m.submodules.frames = frames = self.frames
        m.submodules.access = self.access
        self._connect(m)
        ring = self.ring.payload
        page = self.address[PAGE_BITS:]
        found = Signal()
        awaited = Signal()  # the region table owes an answer
        m.d.comb += [
            tlb.page.eq(page),
            tlb.fill_kind.eq(PageKind.FRAME),
            tlb.fill_frame.eq(self.frame),
            walker.i.payload.page.eq(page),
            walker.i.payload.frame.eq(self.frame),
            regions.i.payload.intent.eq(RegionIntent.LOOKUP),
            regions.i.payload.first_page.eq(page),
            frames.i.payload.frame.eq(self.frame),
        ]
        # The ring hears a clock later, from registers: much hangs on it over there.
        m.d.sync += [
            self.ring.ready.eq(self.ended),
            self.answer.eq(self.outcome),
        ]
        m.d.comb += self.outcome.fault.eq(self.fault)
        is_read = self.operation == Operation.READ
        is_write = self.operation == Operation.WRITE
        is_erase = self.operation == Operation.ERASE

        def fail(fault):
            m.d.sync += self.fault.eq(fault)
            m.next = "FAIL"

        def unframed(in_region):
            """Go on with a page that has no frame."""
            with m.If(is_read):
                m.d.comb += [
                    tlb.fill.eq(1),
                    tlb.fill_kind.eq(Mux(in_region, PageKind.REGION, PageKind.GENERATED)),
                ]
                m.d.sync += self.framed.eq(0)
                m.next = "ISSUE"
                with m.If(in_region):
                    fail(Fault.SYNTHESISED)
            with m.Elif(is_write):
                m.next = "TAKE"
                with m.If(in_region & ~self.whole):
                    fail(Fault.SYNTHESISED)
            with m.Else():
                m.next = "DONE"

        def in_frame(in_region):
            """Go on with a page that has one."""
            m.next = "ISSUE"
            with m.If(is_erase):
                with m.If(self.whole):
                    m.next = "RETIRE"
                with m.Elif(in_region):
                    fail(Fault.SYNTHESISED)

        with m.FSM() as fsm:
            with m.State("IDLE"):
                m.d.sync += [self.fault.eq(Fault.OK), awaited.eq(0)]
                # Nobody is chosen while the ring is answered: a SELECT changes the context then.
                with m.If(~self.ring.ready):
                    self._choose(m)
            with m.State("LOOKUP"):
                m.next = "RESOLVE"
            with m.State("RESOLVE"):
                m.d.sync += [
                    self.framed.eq(tlb.kind == PageKind.FRAME), self.frame.eq(tlb.frame)
                ]
                m.next = "WALK"
                with m.If(self.windowed & ~self.context.selected):
                    fail(Fault.NO_SPACE)
                with m.Elif(
                    self.windowed
                    & Mux(is_write, ~self.window_writable, ~self.window_readable)
                ):
                    fail(Fault.REFUSED)
                with m.Elif(self.generated):
                    m.d.sync += self.framed.eq(0)
                    m.next = "ISSUE"
                # What a whole page becomes is decided in the table, and whether a page that
                # has a frame is in a region as well is not in the TLB.
                with m.Elif(~is_erase | ~(self.whole | regions.any)):
                    m.d.comb += [self.tlb_hit.eq(tlb.hit), self.tlb_miss.eq(~tlb.hit)]
                    with m.If(tlb.hit & (tlb.kind == PageKind.FRAME)):
                        m.next = "ISSUE"
                    with m.Elif(tlb.hit & is_erase):
                        m.next = "DONE"
                    with m.Elif(tlb.hit & is_read):
                        m.next = "ISSUE"
                        with m.If(tlb.kind == PageKind.REGION):
                            fail(Fault.SYNTHESISED)
            with m.State("WALK"):
                m.d.comb += [
                    walker.i.valid.eq(1),
                    regions.i.valid.eq(regions.any & walker.i.ready),
                ]
                with m.Switch(self.operation):
                    with m.Case(Operation.READ):
                        m.d.comb += walker.i.payload.intent.eq(WalkIntent.FIND)
                    with m.Case(Operation.WRITE):
                        m.d.comb += walker.i.payload.intent.eq(WalkIntent.CLAIM)
                    with m.Case(Operation.ERASE):
                        m.d.comb += walker.i.payload.intent.eq(
                            Mux(self.whole, WalkIntent.REMOVE, WalkIntent.FIND)
                        )
                with m.If(walker.i.ready):
                    m.d.sync += awaited.eq(regions.any)
                    m.next = "WALKING"
            with m.State("WALKING"):
                m.d.comb += walker.o.ready.eq(1)
                result = walker.o.payload
                with m.If(walker.o.valid):
                    m.d.sync += [
                        self.frame.eq(result.frame), found.eq(result.found), self.framed.eq(1)
                    ]
                    with m.If(result.fault != Fault.OK):
                        # What a failed removal left in the table is not known.
                        m.d.comb += tlb.drop.eq(1)
                        m.d.sync += self.fault.eq(result.fault)
                        m.next = "FORGO"
                    with m.Elif(awaited):
                        m.next = "REGION"
                    with m.Elif(result.found):
                        in_frame(Const(0))
                    with m.Else():
                        unframed(Const(0))
                with m.If(walker.o.valid & result.found & (result.fault == Fault.OK)):
                    m.d.comb += [
                        tlb.fill.eq(~(is_erase & self.whole)),
                        tlb.fill_frame.eq(result.frame),
                    ]
            with m.State("FORGO"):
                m.d.comb += regions.o.ready.eq(1)
                with m.If(~awaited | regions.o.valid):
                    m.next = "FAIL"
            with m.State("REGION"):
                m.d.comb += regions.o.ready.eq(1)
                with m.If(regions.o.valid):
                    with m.If(found):
                        in_frame(regions.o.payload.found)
                    with m.Else():
                        unframed(regions.o.payload.found)
            add_framing(m, self, fail)
            add_retirement(m, self)
            self._settle(m)
            with m.State("ISSUE"):
                order(m, self, is_read)
                m.d.comb += self.moves.valid.eq(1)
                with m.If(self.moves.ready):
                    m.d.comb += [
                        self.ended.eq(~self.windowed), self.ring_moved.eq(~self.windowed)
                    ]
                    m.next = "IDLE"
            with m.State("DONE"):
                m.d.comb += self.ended.eq(1)
                m.next = "IDLE"
            with m.State("FAIL"):
                m.next = "IDLE"
                with m.If(self.windowed):
                    order_nothing(m, self, is_read)
                with m.Else():
                    m.d.comb += self.ended.eq(1)
        m.d.comb += [
            self.idle.eq(fsm.ongoing("IDLE") & ~self.ring.ready),
            self.stall_walk.eq(
                ~(
                    fsm.ongoing("IDLE") | fsm.ongoing("LOOKUP") | fsm.ongoing("RESOLVE")
                    | fsm.ongoing("ISSUE") | fsm.ongoing("DONE") | fsm.ongoing("FAIL")
                )
            ),
            regions.i.payload.pages.eq(ring.pages),
            regions.i.payload.descriptor.eq(ring.descriptor),
        ]
        return m

    def _connect(self, m):
        """Join the units to the context, the pool and the one access to DRAM that they share."""
        walker, frames, access = self.walker, self.frames, self.access
        m.d.comb += [
            walker.table.eq(self.context.table),
            walker.buckets_log2.eq(self.context.buckets_log2),
            walker.frame_count.eq(self.frame_count),
            frames.base.eq(self.frame_base),
            frames.count.eq(self.frame_count),
            frames.clear.eq(self.clear),
            self.frames_used.eq(frames.used),
            self.probe.eq(walker.probe),
        ]
        signature = AXI4(address_width=self.config.address_bits)
        wiring.connect(
            m, port(access, "m_axi", signature), port(self, "m_axi", signature.flip())
        )
        # Never both at once: each is asked when the other has answered.
        for unit in (walker, frames):
            with m.If(unit.access_i.valid):
                m.d.comb += [
                    access.i.valid.eq(1),
                    access.i.payload.eq(unit.access_i.payload),
                ]
            with m.If(unit.access_words.valid):
                m.d.comb += [
                    access.words.valid.eq(1),
                    access.words.payload.eq(unit.access_words.payload),
                ]
            m.d.comb += [
                unit.access_i.ready.eq(access.i.ready),
                unit.access_words.ready.eq(access.words.ready),
                unit.access_beat.eq(access.beat),
                unit.access_done.eq(access.done),
            ]

    def _choose(self, m):
        """Take the request of whom it is the turn, or of the next who has one."""
        ring = self.ring.payload
        turn = Signal(range(3))
        special = ring.operation > Operation.ERASE
        ring_word = Signal()
        m.d.comb += ring_word.eq(self.ring.valid & ~special)
        offers = [self.ring.valid, self.window_reads.valid, self.window_writes.valid]
        chosen = Signal(range(3))
        with m.Switch(turn):
            for last in range(3):
                with m.Case(last):
                    for number in reversed(range(last + 1, last + 4)):
                        with m.If(offers[number % 3]):
                            m.d.comb += chosen.eq(number % 3)
        m.d.sync += [
            self.windowed.eq(chosen != 0),
            self.law.eq(self.context.law),
            self.generated.eq(0),
            self.whole.eq(0),
        ]
        with m.If(Cat(offers).any()):
            m.d.sync += turn.eq(chosen)
            m.next = "LOOKUP"
        with m.Switch(chosen):
            with m.Case(0):
                m.d.sync += [
                    self.operation.eq(ring.operation),
                    self.generated.eq(ring.generated),
                    self.address.eq(ring.address),
                    self.count.eq(ring.count),
                    self.buffer.eq(ring.buffer),
                    self.whole.eq(
                        (ring.count == PAGE_WORDS) & (ring.operation != Operation.READ)
                    ),
                ]
                with m.If(ring.law != 0):
                    m.d.sync += self.law.eq(ring.law)
                with m.If(self.ring.valid & special):
                    m.next = "SETTLE"
            for number, operation, pieces in (
                (1, Operation.READ, self.window_reads),
                (2, Operation.WRITE, self.window_writes),
            ):
                with m.Case(number):
                    m.d.comb += pieces.ready.eq(1)
                    m.d.sync += [
                        self.operation.eq(operation),
                        self.address.eq(pieces.payload.address),
                        self.count.eq(pieces.payload.count),
                    ]

    def _settle(self, m):
        """Let every move end, and then change what the pager goes by."""
        tlb, regions = self.tlb, self.regions
        operation = self.ring.payload.operation
        regional = (operation == Operation.MAP) | (operation == Operation.UNMAP)
        m.d.comb += [tlb.flush.eq(self.clear), regions.clear.eq(self.clear)]
        with m.State("SETTLE"), m.If(self.mover_idle):
            with m.If(regional):
                m.next = "REGION_CHANGE"
            with m.Else():
                m.d.comb += [
                    self.ended.eq(1),
                    tlb.flush.eq(operation != Operation.FENCE),
                    regions.clear.eq(operation == Operation.SELECT),
                ]
                m.next = "IDLE"
        with m.State("REGION_CHANGE"):
            m.d.comb += [
                regions.i.valid.eq(1),
                regions.i.payload.first_page.eq(self.ring.payload.first_page),
                regions.i.payload.intent.eq(
                    Mux(operation == Operation.MAP, RegionIntent.MAP, RegionIntent.UNMAP)
                ),
            ]
            with m.If(regions.i.ready):
                m.next = "REGION_CHANGING"
        with m.State("REGION_CHANGING"):
            m.d.comb += [
                regions.o.ready.eq(1), self.outcome.fault.eq(regions.o.payload.fault)
            ]
            with m.If(regions.o.valid):
                m.d.comb += [self.ended.eq(1), tlb.flush.eq(1)]
                m.next = "IDLE"
