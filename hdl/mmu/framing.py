"""States of the pager in which pages get frames, and frames are given back."""

from engram.arch.commands import Fault
from hdl.mmu.frames import FrameIntent
from hdl.mmu.orders import order_content
from hdl.mmu.walker import WalkIntent
from hdl.mover.moves import Client

__all__ = ["add_framing", "add_retirement"]


def add_framing(m, pager, fail):
    """Take a frame for a page, fill it, and only then publish it."""
    tlb, walker, frames = pager.tlb, pager.walker, pager.frames
    with m.State("TAKE"):
        m.d.comb += [
            frames.i.valid.eq(1), frames.i.payload.intent.eq(FrameIntent.TAKE)
        ]
        with m.If(frames.i.ready):
            m.next = "TAKING"
    with m.State("TAKING"):
        m.d.comb += frames.o.ready.eq(1)
        m.d.sync += pager.frame.eq(frames.o.payload.frame)
        with m.If(frames.o.valid):
            m.next = "PREPARE"
            with m.If(frames.o.payload.fault != Fault.OK):
                fail(frames.o.payload.fault)
    with m.State("PREPARE"):
        order_content(m, pager)
        with m.If(pager.moves.ready):
            m.next = "FILLING"
    with m.State("FILLING"):
        m.d.sync += pager.fault.eq(pager.report.fault)
        with m.If(pager.report.valid & (pager.report.client == Client.PAGER)):
            m.next = "INSERT"
            with m.If(pager.report.fault != Fault.OK):
                m.next = "KEEP"
    with m.State("INSERT"):
        m.d.comb += [
            walker.i.valid.eq(1), walker.i.payload.intent.eq(WalkIntent.INSERT)
        ]
        with m.If(walker.i.ready):
            m.next = "INSERTING"
    with m.State("INSERTING"):
        m.d.comb += walker.o.ready.eq(1)
        m.d.sync += [pager.framed.eq(1), pager.fault.eq(walker.o.payload.fault)]
        with m.If(walker.o.valid):
            m.next = "ISSUE"
            with m.If(walker.o.payload.fault == Fault.OK):
                m.d.comb += [tlb.fill.eq(1), pager.frame_taken.eq(1)]
                with m.If(pager.whole):
                    m.next = "DONE"
            with m.Elif(walker.o.payload.found):
                # The table may name the frame, so it is nobody's from now on.
                m.d.comb += tlb.drop.eq(1)
                m.next = "FAIL"
            with m.Else():
                m.next = "KEEP"
    with m.State("KEEP"):
        m.d.comb += [
            frames.i.valid.eq(1), frames.i.payload.intent.eq(FrameIntent.KEEP)
        ]
        with m.If(frames.i.ready):
            m.next = "KEEPING"
    with m.State("KEEPING"):
        m.d.comb += frames.o.ready.eq(1)
        with m.If(frames.o.valid):
            m.next = "FAIL"


def add_retirement(m, pager):
    """Give back the frame of a page that is in the table no longer."""
    tlb, frames = pager.tlb, pager.frames
    with m.State("RETIRE"):
        m.d.comb += tlb.drop.eq(1)
        m.next = "RETIRE_SETTLE"
    with m.State("RETIRE_SETTLE"), m.If(pager.mover_idle):
        m.next = "GIVE"
    with m.State("GIVE"):
        m.d.comb += [
            frames.i.valid.eq(1), frames.i.payload.intent.eq(FrameIntent.GIVE)
        ]
        with m.If(frames.i.ready):
            m.next = "GIVING"
    with m.State("GIVING"):
        m.d.comb += [
            frames.o.ready.eq(1),
            pager.outcome.freed.eq(1),
            pager.outcome.fault.eq(frames.o.payload.fault),
        ]
        with m.If(frames.o.valid):
            m.d.comb += pager.ended.eq(1)
            m.next = "IDLE"
