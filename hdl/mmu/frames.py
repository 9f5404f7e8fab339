"""The pool of frames: which are free, as a list that lies in the free frames themselves."""

from enum import IntEnum

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from engram.arch.accelerator import FRAME_BITS
from engram.arch.commands import Fault
from engram.arch.page_table import NO_FRAME
from engram.arch.pages import PAGE_BYTES
from hdl.axi.access import access_beat_layout, access_done_layout, access_request_layout
from hdl.mover.moves import FAULT_BITS

__all__ = ["FrameIntent", "FramePool", "frame_answer_layout", "frame_request_layout"]

PAGE_BYTE_BITS = exact_log2(PAGE_BYTES)


class FrameIntent(IntEnum):
    """What is asked of the pool."""

    TAKE = 0  # a free frame
    GIVE = 1  # put back a frame that a page had
    KEEP = 2  # put back a frame that was taken in vain


def frame_request_layout() -> data.StructLayout:
    """Return a request; TAKE has no ``frame``."""
    return data.StructLayout({"intent": 2, "frame": FRAME_BITS})


def frame_answer_layout() -> data.StructLayout:
    """Return an answer; ``frame`` is TAKE's, and void with a fault."""
    return data.StructLayout({"frame": FRAME_BITS, "fault": FAULT_BITS})


class FramePool(wiring.Component):
    """Hands out the frames of a pool, each to one taker at a time.

    Function, by intent; each has one answer:

    - TAKE gives the frame that was kept, else the one that was given back last, else the next
      that was never used, else NO_FRAME. One that was given back is the head of a list, whose rest
      word 0 of that frame names: if that is no frame of the pool nor the list's end, the answer is
      BAD_FRAME and the list is dropped, its frames lost until `clear`, so that later takes go on.
      READ_ERROR if the word cannot be read; then nothing changes.
    - GIVE writes the list's head into word 0 of the frame, waits, and makes it the head. After
      WRITE_ERROR the frame is lost until `clear`; it is not in use any more either.
    - KEEP holds a frame for the next TAKE without a word to DRAM. There must be none yet.

    Latency: 1 clock, or that of the one access to DRAM and 1 clock more. Throughput: one request at
    a time. Back-pressure: `i.ready` depends on a register, high while nothing is under way; an
    answer stays until it is taken. Reset does what `clear` does.

    Members
    -------
    base : In, byte address of frame 0; the bits below a page's size are ignored
    count : In, frames of the pool
        Both are to be held while a request is under way, and changed only with a `clear` after.
    i : In(stream of frame_request_layout)
    o : Out(stream of frame_answer_layout)
    used : Out, frames taken less those given and kept
    clear : In(1), all frames are free again; only while nothing is under way
    access_i : Out(stream of access_request_layout)
    access_words : Out(stream of 64 bits)
    access_beat : In(access_beat_layout)
    access_done : In(access_done_layout)
    """

    def __init__(self, address_bits: int):
        self.address_bits = address_bits
        super().__init__(
            {
                "base": In(address_bits),
                "count": In(FRAME_BITS),
                "i": In(stream.Signature(frame_request_layout())),
                "o": Out(stream.Signature(frame_answer_layout())),
                "used": Out(FRAME_BITS),
                "clear": In(1),
                "access_i": Out(stream.Signature(access_request_layout(address_bits))),
                "access_words": Out(stream.Signature(64)),
                "access_beat": In(access_beat_layout()),
                "access_done": In(access_done_layout()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        asked = self.i.payload
        access = self.access_i
        beat = self.access_beat
        intent = Signal(FrameIntent, reset_less=True)
        frame = Signal(FRAME_BITS, reset_less=True)
        fault = Signal(FAULT_BITS, reset_less=True)
        head = Signal(FRAME_BITS, init=NO_FRAME)  # of the list of those given back
        fresh = Signal(FRAME_BITS)  # the first that was never used
        kept = Signal(FRAME_BITS, reset_less=True)
        has_kept = Signal()
        writes = Signal()
        m.d.comb += [
            access.payload.write.eq(writes),
            access.payload.address.eq(
                Cat(Const(0, PAGE_BYTE_BITS), self.base[PAGE_BYTE_BITS:] + frame)
            ),
            access.payload.beats.eq(1),
            self.access_words.payload.eq(head),
            self.o.payload.frame.eq(frame),
            self.o.payload.fault.eq(fault),
        ]
        with m.FSM() as fsm:
            # The word stands until it is taken, which is once the request is.
            m.d.comb += self.access_words.valid.eq(fsm.ongoing("WRITE") | fsm.ongoing("WRITTEN"))
            with m.State("IDLE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [intent.eq(asked.intent), fault.eq(Fault.OK)]
                with m.If(self.i.valid):
                    m.next = "ANSWER"
                    with m.Switch(asked.intent):
                        with m.Case(FrameIntent.TAKE):
                            with m.If(has_kept):
                                m.d.sync += [frame.eq(kept), has_kept.eq(0)]
                            with m.Elif(head != NO_FRAME):
                                m.d.sync += frame.eq(head)
                                m.next = "READ"
                            with m.Elif(fresh < self.count):
                                m.d.sync += [frame.eq(fresh), fresh.eq(fresh + 1)]
                            with m.Else():
                                m.d.sync += fault.eq(Fault.NO_FRAME)
                        with m.Case(FrameIntent.GIVE):
                            m.d.sync += frame.eq(asked.frame)
                            m.next = "WRITE"
                        with m.Default():
                            m.d.sync += [kept.eq(asked.frame), has_kept.eq(1)]

            with m.State("READ"):
                m.d.comb += access.valid.eq(1)
                with m.If(access.ready):
                    m.next = "LINK"

            with m.State("LINK"):
                link = beat.data[:FRAME_BITS]
                with m.If(beat.valid):
                    m.next = "ANSWER"
                    with m.If(beat.response[1]):
                        m.d.sync += fault.eq(Fault.READ_ERROR)
                    with m.Elif((link < self.count) | (link == NO_FRAME)):
                        m.d.sync += head.eq(link)
                    with m.Else():
                        m.d.sync += [head.eq(NO_FRAME), fault.eq(Fault.BAD_FRAME)]

            with m.State("WRITE"):
                m.d.comb += [writes.eq(1), access.valid.eq(1)]
                with m.If(access.ready):
                    m.next = "WRITTEN"

            with m.State("WRITTEN"), m.If(self.access_done.valid):
                m.next = "ANSWER"
                with m.If(self.access_done.response[1]):
                    m.d.sync += fault.eq(Fault.WRITE_ERROR)
                with m.Else():
                    m.d.sync += head.eq(frame)

            with m.State("ANSWER"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "IDLE"
                    is_take = intent == FrameIntent.TAKE
                    with m.If(~is_take | (fault == Fault.OK)):
                        m.d.sync += self.used.eq(self.used + Mux(is_take, 1, -1))
        with m.If(self.clear):
            m.d.sync += [self.used.eq(0), head.eq(NO_FRAME), fresh.eq(0), has_kept.eq(0)]
        return m
