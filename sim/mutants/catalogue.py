"""The mutants: where, what stands there, what stands there instead, and what that breaks."""

from dataclasses import dataclass

__all__ = ["MUTANTS", "Mutant"]


@dataclass(frozen=True)
class Mutant:
    """``old`` occurs once in ``path``, and becomes ``new``."""

    unit: str
    path: str
    old: str
    new: str
    breaks: str


MUTANTS = (
    Mutant(
        "register bank", "hdl/axi/register_bank.py",
        "cleared = Mux(here, written & bits, 0)",
        "cleared = Mux(here, bits, 0)",
        "a write to IRQ_STATUS clears every event",
    ),
    Mutant(
        "reader", "hdl/axi/reader.py",
        "fits.eq(burst.beats <= room)",
        "fits.eq(1)",
        "more words are asked for than there is room for",
    ),
    Mutant(
        "reader errors", "hdl/axi/reader.py",
        "m.d.sync += failed.eq(0)",
        "m.d.sync += failed.eq(failed)",
        "one failed read makes all later ones fail",
    ),
    Mutant(
        "writer", "hdl/axi/writer.py",
        "(burst.beats <= free)",
        "(burst.beats <= burst.beats)",
        "a burst is announced before its words are there",
    ),
    Mutant(
        "writer errors", "hdl/axi/writer.py",
        "Mux(failed.any() | waits_for_nothing, failed, self.m_axi_bresp)",
        "Mux(waits_for_nothing, failed, self.m_axi_bresp)",
        "only the last burst of a request can fail",
    ),
    Mutant(
        "arbiter", "hdl/axi/arbiter.py",
        "queue.i.payload.eq(chosen)",
        "queue.i.payload.eq(served)",
        "answers go to whom the one before was for",
    ),
    Mutant(
        "access", "hdl/axi/access.py",
        "self.done.response.eq(Mux(failed.any(), failed, response))",
        "self.done.response.eq(response)",
        "only the last word of a descriptor can fail",
    ),
    Mutant(
        "TLB drop", "hdl/mmu/tlb.py",
        "self.valid.eq(self.valid & ~match), match.eq(0)",
        "match.eq(0)",
        "the TLB remembers a page that was erased",
    ),
    Mutant(
        "TLB tags", "hdl/mmu/tlb.py",
        "place.eq(Mux(self.hit, match, 1 << pointer))",
        "place.eq(1 << pointer)",
        "a page that is entered again makes another entry valid",
    ),
    Mutant(
        "walker end", "hdl/mmu/walker.py",
        "with m.Elif(continues & ~ends):",
        "with m.Elif(continues):",
        "a walk along buckets that all continue never ends",
    ),
    Mutant(
        "walker key", "hdl/mmu/walker.py",
        "page | VALID | Mux(free_continues, CONTINUES, 0)",
        "page | VALID",
        "a page in the last slot cuts the chain behind it",
    ),
    Mutant(
        "walker frame", "hdl/mmu/walker.py",
        "with m.Elif(named >= self.frame_count):",
        "with m.Elif(named > self.frame_count):",
        "the table may name the frame behind the pool",
    ),
    Mutant(
        "walker errors", "hdl/mmu/walker.py",
        "with m.If(failed | beat.response[1]):",
        "with m.If(beat.response[1]):",
        "a key that could not be read counts as free",
    ),
    Mutant(
        "frames link", "hdl/mmu/frames.py",
        "with m.Elif((link < self.count) | (link == NO_FRAME)):",
        "with m.Elif((link < self.count) | link.any()):",
        "a link may name a frame outside of the pool",
    ),
    Mutant(
        "frames used", "hdl/mmu/frames.py",
        "with m.If(~is_take | (fault == Fault.OK)):",
        "with m.If(1):",
        "frames that could not be taken are counted",
    ),
    Mutant(
        "frames kept", "hdl/mmu/frames.py",
        "m.d.sync += [frame.eq(kept), has_kept.eq(0)]",
        "m.d.sync += [frame.eq(kept)]",
        "a frame that was kept is given to every page from then on",
    ),
    Mutant(
        "regions", "hdl/mmu/regions.py",
        "(entry.first < request.end) & (request.first < entry.end)",
        "(entry.first < request.end) & (request.first <= entry.end)",
        "the page behind a region is in it",
    ),
    Mutant(
        "pager regions", "hdl/mmu/pager.py",
        "with m.If(in_region & ~self.whole):",
        "with m.If(in_region):",
        "a whole page cannot be written into a region",
    ),
    Mutant(
        "pager select", "hdl/mmu/pager.py",
        "regions.clear.eq(operation == Operation.SELECT)",
        "regions.clear.eq(0)",
        "a space has the regions of the one before",
    ),
    Mutant(
        "pager flush", "hdl/mmu/pager.py",
        "tlb.flush.eq(operation != Operation.FENCE)",
        "tlb.flush.eq(operation == Operation.SELECT)",
        "INVALIDATE forgets nothing",
    ),
    Mutant(
        "pager window", "hdl/mmu/pager.py",
        "& Mux(is_write, ~self.window_writable, ~self.window_readable)",
        "& ~self.window_readable",
        "who may read the window may write it",
    ),
    Mutant(
        "framing order", "hdl/mmu/framing.py",
        'm.next = "FILLING"',
        'm.next = "INSERT"',
        "a frame is published before it is filled",
    ),
    Mutant(
        "framing errors", "hdl/mmu/framing.py",
        "with m.Elif(walker.o.payload.found):",
        "with m.Elif(0):",
        "a frame that the table may name is used for another page",
    ),
    Mutant(
        "orders", "hdl/mmu/orders.py",
        "Cat(Const(0, PAGE_BITS), pager.address[PAGE_BITS:]),",
        "pager.address,",
        "a new frame begins with the words of the write's address",
    ),
    Mutant(
        "merge strobes", "hdl/mover/merge.py",
        "Mux(order.source == Source.WINDOW, self.given.payload.strobe, 0xFF)",
        "0xFF",
        "window writes change bytes without a strobe",
    ),
    Mutant(
        "merge faults", "hdl/mover/merge.py",
        "self.ends.payload.fault.eq(fault),",
        "self.ends.payload.fault.eq(order.fault),",
        "errors of reads are not told",
    ),
    Mutant(
        "collector", "hdl/mover/collector.py",
        "Mux(end.memory & failed & (end.fault == Fault.OK), Fault.WRITE_ERROR, end.fault)",
        "end.fault",
        "errors of writes are not told",
    ),
    Mutant(
        "mover reads", "hdl/mover/mover.py",
        "outstanding: int = 4,",
        "outstanding: int = 1,",
        "reads wait for each burst's answer",
    ),
    Mutant(
        "mover counter", "hdl/mover/mover.py",
        "self.stall_fetch.eq(merge.stall_fetch)",
        "self.stall_fetch.eq(merge.stall_write)",
        "STALL_FETCH counts something else",
    ),
    Mutant(
        "window pieces", "hdl/window/bursts.py",
        "fits.eq(length <= ~place)",
        "fits.eq(length < ~place)",
        "a burst that ends where a piece must has one piece too many",
    ),
    Mutant(
        "window reads", "hdl/window/reads.py",
        "fits = self.room >= PIECE_WORDS",
        "fits = self.room.any()",
        "words are asked for that have no room",
    ),
    Mutant(
        "window writes", "hdl/window/writes.py",
        "done.i.payload.eq(swallowed | failed | fault)",
        "done.i.payload.eq(swallowed | fault)",
        "a burst is answered OKAY if its last piece was written",
    ),
    Mutant(
        "sequencer ring", "hdl/ring/sequencer.py",
        "(level > (1 << self.ring_log2))",
        "(level >= (1 << self.ring_log2))",
        "a full ring halts",
    ),
    Mutant(
        "sequencer drain", "hdl/ring/sequencer.py",
        'with m.State("DRAIN"), m.If(unanswered == 0):',
        'with m.State("DRAIN"), m.If(1):',
        "a command is complete before its words are in memory",
    ),
    Mutant(
        "sequencer errors", "hdl/ring/sequencer.py",
        "with m.If(reported & (bus_fault == Fault.OK)):",
        "with m.If(reported):",
        "an error is forgotten when a later move succeeds",
    ),
    Mutant(
        "pieces", "hdl/ring/pieces.py",
        "last.eq(fields.count[:32] <= room)",
        "last.eq(fields.count[:32] < room)",
        "a run that ends with its page goes on",
    ),
    Mutant(
        "pieces arrays", "hdl/ring/pieces.py",
        "aligned = INDEX_BATCH - fields.indices[3:7]",
        "aligned = INDEX_BATCH",
        "a burst of addresses crosses 4 KiB",
    ),
    Mutant(
        "operands", "hdl/ring/operands.py",
        "& ~(fields.flags & ~flags).any()",
        "",
        "flags that do not exist are taken",
    ),
    Mutant(
        "checks pool", "hdl/ring/checks.py",
        "ends_inside.eq(end <= limit)",
        "ends_inside.eq(end <= limit + 8)",
        "a buffer may end a word behind its pool",
    ),
    Mutant(
        "checks range", "hdl/ring/checks.py",
        "(counted & (too_large | beyond))",
        "(counted & too_large)",
        "a range goes on behind the end of the space",
    ),
    Mutant(
        "counters", "hdl/accelerator.py",
        '"PROBES": pager.probe,',
        '"PROBES": pager.tlb_miss,',
        "PROBES counts something else",
    ),
)  # fmt: skip
