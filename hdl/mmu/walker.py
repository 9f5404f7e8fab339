"""Walks the page table in DRAM: finds, enters and removes pages."""

from enum import IntEnum

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from engram.arch.accelerator import FRAME_BITS
from engram.arch.commands import Fault
from engram.arch.page_table import (
    BUCKET_BYTES,
    BUCKET_SLOTS,
    BUCKET_WORDS,
    CONTINUES,
    HASH_SHIFTS,
    LAST_SLOT,
    MAX_BUCKETS_LOG2,
    MAX_PROBES,
    PAGE_NUMBER_BITS,
    VALID,
)
from hdl.axi.access import access_beat_layout, access_done_layout, access_request_layout
from hdl.mmu.equality import equal
from hdl.mover.moves import FAULT_BITS

__all__ = ["WalkIntent", "Walker", "walk_answer_layout", "walk_request_layout"]


class WalkIntent(IntEnum):
    """What is asked of the page table."""

    FIND = 0  # the page's frame
    CLAIM = 1  # the same; and if the page is not there, a free slot for it
    INSERT = 2  # enter the page that was claimed just before, with its frame
    REMOVE = 3  # take the page out


def walk_request_layout() -> data.StructLayout:
    """Return a request; only INSERT has a ``frame``."""
    return data.StructLayout({"intent": 2, "page": PAGE_NUMBER_BITS, "frame": FRAME_BITS})


def walk_answer_layout() -> data.StructLayout:
    """Return an answer; ``frame`` is the page's frame if it was ``found``."""
    return data.StructLayout({"found": 1, "frame": FRAME_BITS, "fault": FAULT_BITS})


class _Write(IntEnum):
    """Which word is written."""

    CONTINUES = 0  # the bucket's last key, now with that bit
    FRAME = 1  # the slot's frame
    KEY = 2  # the slot's key, which enters the page
    FREE = 3  # the slot's key, which takes the page out


class Walker(wiring.Component):
    """Answers for one page at a time what the page table has, and changes it.

    Function, by intent:

    - FIND reads the page's bucket, and the next while the last key CONTINUES and fewer than
      MAX_PROBES were read. The first slot that is valid and has the page counts: `found` and its
      frame, or BAD_FRAME without `found` if that is not below `frame_count`. READ_ERROR without
      `found` if a key of a bucket, or that frame, came with an error.
    - CLAIM does the same, and remembers the first free slot if there is no such page. If there is
      none it goes on behind the end of the chain: it sets CONTINUES in the last key, waits for
      the answer, and follows the chain on from there. TABLE_FULL if MAX_PROBES buckets were read,
      WRITE_ERROR if CONTINUES could not be written. It changes nothing else.
    - INSERT must follow a CLAIM of the same page that found nothing and had no fault, with no
      other request in between. It writes the frame, waits, then the key, waits. `found` says that
      writing the key was begun: then the page may be in the table even after WRITE_ERROR.
    - REMOVE does what FIND does; the key of the page it found becomes a free one. `found` says
      that this was begun, with the frame the page had, even after WRITE_ERROR.

    Bits of a key between VALID, CONTINUES and the page number are void, as are those of a frame's
    word above its number. A walk ends after MAX_PROBES buckets whatever is in the table.

    Latency: a request's first read leaves in the clock in which it is taken. That a page is not
    there is said in the clock after the last key of the chain came; its frame, in the clock after
    that came. Throughput: one request at a time; none is begun before the burst of the last is
    over. Back-pressure: `i.ready` depends on `access_i.ready`, nothing else combinationally on an
    input but `access_i` on `i`; an answer stays until it is taken. Reset forgets what was under
    way, so the `WordAccess` must be reset, too.

    Members
    -------
    table : In, byte address of bucket 0; the bits below a bucket's size are ignored
    buckets_log2 : In(5), at most MAX_BUCKETS_LOG2
    frame_count : In, frames of the pool
        All three are to be held from the clock before a request is taken until its answer is.
    i : In(stream of walk_request_layout)
    o : Out(stream of walk_answer_layout)
    probe : Out(1), high for one clock for each bucket that is read
    access_i : Out(stream of access_request_layout)
    access_words : Out(stream of 64 bits)
    access_beat : In(access_beat_layout)
    access_done : In(access_done_layout)
    """

    def __init__(self, address_bits: int):
        self.address_bits = address_bits
        super().__init__(
            {
                "table": In(address_bits),
                "buckets_log2": In(range(MAX_BUCKETS_LOG2 + 1)),
                "frame_count": In(FRAME_BITS),
                "i": In(stream.Signature(walk_request_layout())),
                "o": Out(stream.Signature(walk_answer_layout())),
                "probe": Out(1),
                "access_i": Out(stream.Signature(access_request_layout(address_bits))),
                "access_words": Out(stream.Signature(64)),
                "access_beat": In(access_beat_layout()),
                "access_done": In(access_done_layout()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        asked = self.i.payload
        answer = self.o.payload
        access = self.access_i
        beat = self.access_beat

        # Of the request under way.
        intent = Signal(WalkIntent, reset_less=True)
        page = Signal(PAGE_NUMBER_BITS, reset_less=True)
        bucket = Signal(MAX_BUCKETS_LOG2, reset_less=True)  # before it is cut to their number
        probes = Signal(range(MAX_PROBES), reset_less=True)  # buckets behind us
        slot = Signal(range(BUCKET_SLOTS), reset_less=True)  # where the page is, or what is written
        found = Signal(reset_less=True)
        frame = Signal(FRAME_BITS, reset_less=True)
        fault = Signal(FAULT_BITS, reset_less=True)

        # Of the bucket that is being read.
        count = Signal(range(BUCKET_WORDS), reset_less=True)
        known = Signal(reset_less=True)
        failed = Signal(reset_less=True)
        last_key = Signal(64, reset_less=True)

        # What a CLAIM leaves behind for the INSERT.
        has_free = Signal(reset_less=True)
        free_bucket = Signal.like(bucket)
        free_slot = Signal.like(slot)
        free_continues = Signal(reset_less=True)

        mask = Signal.like(bucket)
        m.d.sync += mask.eq((1 << self.buckets_log2) - 1)
        mixed = 0
        for shift in HASH_SHIFTS:
            mixed = mixed ^ asked.page[shift : shift + MAX_BUCKETS_LOG2]

        idle = Signal()
        writes = Signal()
        step = Signal(_Write)
        place = Signal(range(BUCKET_WORDS))
        bucket_bits = exact_log2(BUCKET_BYTES)
        base = Signal(self.address_bits - bucket_bits)
        m.d.comb += [
            base.eq(self.table[bucket_bits:] + (Mux(idle, mixed, bucket) & mask)),
            place.eq(Mux(writes, Cat(slot, step == _Write.FRAME), 0)),
            access.payload.write.eq(writes),
            access.payload.address.eq(Cat(Const(0, 3), place, base)),
            access.payload.beats.eq(Mux(writes, 1, BUCKET_WORDS)),
            answer.found.eq(found),
            answer.frame.eq(frame),
            answer.fault.eq(fault),
        ]
        keep = last_key & Mux(slot == LAST_SLOT, CONTINUES, 0)
        with m.Switch(step):
            with m.Case(_Write.CONTINUES):
                m.d.comb += self.access_words.payload.eq(last_key | CONTINUES)
            with m.Case(_Write.FRAME):
                m.d.comb += self.access_words.payload.eq(frame)
            with m.Case(_Write.KEY):
                m.d.comb += self.access_words.payload.eq(
                    page | VALID | Mux(free_continues, CONTINUES, 0)
                )
            with m.Case(_Write.FREE):
                m.d.comb += self.access_words.payload.eq(keep)

        reads = Signal()
        m.d.comb += reads.eq(access.valid & access.ready & ~writes)
        m.d.sync += self.probe.eq(reads)
        with m.If(reads):
            m.d.sync += [count.eq(0), known.eq(0), failed.eq(0)]
        with m.Elif(beat.valid):
            m.d.sync += count.eq(count + 1)

        with m.FSM() as fsm:
            # The word stands until it is taken, which is once the request is.
            m.d.comb += self.access_words.valid.eq(fsm.ongoing("WRITE") | fsm.ongoing("WRITTEN"))
            with m.State("IDLE"):
                is_insert = asked.intent == WalkIntent.INSERT
                m.d.comb += [
                    idle.eq(1),
                    self.i.ready.eq(access.ready),
                    access.valid.eq(self.i.valid & ~is_insert),
                ]
                with m.If(self.i.valid & self.i.ready):
                    m.d.sync += [
                        intent.eq(asked.intent),
                        page.eq(asked.page),
                        frame.eq(asked.frame),
                        probes.eq(0),
                        found.eq(0),
                        fault.eq(Fault.OK),
                        has_free.eq(0),
                        step.eq(Mux(is_insert, _Write.FRAME, _Write.FREE)),
                        bucket.eq(Mux(is_insert, free_bucket, mixed)),
                        slot.eq(free_slot),
                    ]
                    with m.If(is_insert):
                        m.next = "WRITE"
                    with m.Else():
                        m.next = "KEYS"

            with m.State("KEYS"):
                is_page = equal(beat.data[:PAGE_NUMBER_BITS], page, beat.data[-1])
                is_free = ~beat.data[-1] & (intent == WalkIntent.CLAIM)
                continues = beat.data[exact_log2(CONTINUES)]
                ends = probes == MAX_PROBES - 1
                with m.If(beat.valid):
                    m.d.sync += [last_key.eq(beat.data), failed.eq(failed | beat.response[1])]
                    with m.If(~known):
                        m.d.sync += [known.eq(is_page), slot.eq(count)]
                    with m.If(~has_free):
                        m.d.sync += [
                            has_free.eq(is_free),
                            free_bucket.eq(bucket),
                            free_slot.eq(count),
                            free_continues.eq(continues & (count == LAST_SLOT)),
                        ]
                    with m.If(count == LAST_SLOT):
                        with m.If(failed | beat.response[1]):
                            m.d.sync += fault.eq(Fault.READ_ERROR)
                            m.next = "ANSWER"
                        with m.Elif(known | is_page):
                            m.next = "FRAME"
                        with m.Elif(continues & ~ends):
                            m.next = "ONWARD"
                        with m.Elif((intent != WalkIntent.CLAIM) | has_free | is_free):
                            m.next = "ANSWER"
                        with m.Elif(ends):
                            m.d.sync += fault.eq(Fault.TABLE_FULL)
                            m.next = "ANSWER"
                        with m.Else():
                            m.d.sync += step.eq(_Write.CONTINUES)
                            m.next = "WRITE"

            with m.State("FRAME"):
                named = beat.data[:FRAME_BITS]
                with m.If(beat.valid & (count == Cat(slot, Const(1, 1)))):
                    m.d.sync += frame.eq(named)
                    with m.If(beat.response[1]):
                        m.d.sync += fault.eq(Fault.READ_ERROR)
                        m.next = "ANSWER"
                    with m.Elif(named >= self.frame_count):
                        m.d.sync += fault.eq(Fault.BAD_FRAME)
                        m.next = "ANSWER"
                    with m.Else():
                        m.d.sync += found.eq(1)
                        with m.If(intent == WalkIntent.REMOVE):
                            m.next = "WRITE"
                        with m.Else():
                            m.next = "ANSWER"

            with m.State("ONWARD"):
                m.d.sync += [bucket.eq(bucket + 1), probes.eq(probes + 1)]
                m.next = "READ"

            with m.State("READ"):
                m.d.comb += access.valid.eq(1)
                with m.If(access.ready):
                    m.next = "KEYS"

            with m.State("WRITE"):
                m.d.comb += [writes.eq(1), access.valid.eq(1)]
                with m.If(access.ready):
                    m.next = "WRITTEN"

            with m.State("WRITTEN"), m.If(self.access_done.valid):
                m.next = "ANSWER"
                with m.If(self.access_done.response[1]):
                    m.d.sync += fault.eq(Fault.WRITE_ERROR)
                with m.Elif(step == _Write.CONTINUES):
                    m.next = "ONWARD"
                with m.Elif(step == _Write.FRAME):
                    m.d.sync += [step.eq(_Write.KEY), found.eq(1)]
                    m.next = "WRITE"

            with m.State("ANSWER"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "IDLE"
        return m
