"""Remembers where the pages lie that were asked for last."""

from enum import IntEnum

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import FRAME_BITS
from engram.arch.page_table import PAGE_NUMBER_BITS
from hdl.mmu.equality import equal

__all__ = ["TLB", "PageKind"]


class PageKind(IntEnum):
    """What the words of a page are, as the TLB knows it."""

    GENERATED = 0  # made by the law; no frame
    FRAME = 1  # in the frame that stands beside it
    REGION = 2  # part of a region; no frame


class TLB(wiring.Component):
    """Tells of a page, without asking memory, what was entered for it.

    Function: fully associative; a new page takes the place of the oldest entry (first in, first
    out). `hit`, `kind` and `frame` answer for the page presented in the clock before, and take
    account of everything up to that clock, its own `fill`, `drop` or `flush` included. `fill` and
    `drop` are about `page`, which must have been the same in the clock before, too. A page that is
    filled while it is there has its entry replaced. `flush` goes before `drop`, and that before
    `fill`.

    Latency: 1 clock from `page` to the answer. Throughput: a page a clock. Back-pressure: none.
    Reset forgets all.

    Attributes
    ----------
    tags, valid, match, memory, pointer
        The entries' page numbers, whether they count, which of them the answer is about, what they
        hold, and the next to be replaced; for proofs.

    Members
    -------
    page : In, a page number
    hit : Out(1), whether the page presented in the clock before has an entry
    kind : Out(2), its PageKind; undefined without a hit
    frame : Out, its frame; undefined unless the kind is FRAME
    fill : In(1), enter `page` with `fill_kind` and `fill_frame`
    fill_kind : In(2)
    fill_frame : In
    drop : In(1), forget `page` if it is there
    flush : In(1), forget all
    """

    def __init__(
        self, entries: int, frame_bits: int = FRAME_BITS, page_bits: int = PAGE_NUMBER_BITS
    ):
        if entries < 2 or entries & (entries - 1):
            raise ValueError(f"entries must be a power of two from 2 on, not {entries!r}")
        self.entries = entries
        super().__init__(
            {
                "page": In(page_bits),
                "hit": Out(1),
                "kind": Out(2),
                "frame": Out(frame_bits),
                "fill": In(1),
                "fill_kind": In(2),
                "fill_frame": In(frame_bits),
                "drop": In(1),
                "flush": In(1),
            }
        )
        self.tags = [
            Signal(page_bits, name=f"tag_{number}", reset_less=True) for number in range(entries)
        ]
        self.valid = Signal(entries)
        self.match = Signal(entries)
        self.pointer = Signal(range(entries))
        layout = data.StructLayout({"kind": 2, "frame": frame_bits})
        self.memory = Memory(shape=layout, depth=entries, init=[])

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self.memory
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        match = self.match
        pointer = self.pointer
        index = Signal(range(self.entries))
        place = Signal(self.entries)  # of what is filled, one bit
        enters = Signal()
        bits = range(len(index))
        m.d.comb += [
            self.hit.eq(match.any()),
            # At most one entry matches, so each bit of its number is a sum of matches.
            index.eq(
                Cat(
                    Cat(match[number] for number in range(self.entries) if number >> bit & 1).any()
                    for bit in bits
                )
            ),
            read.addr.eq(index),
            self.kind.eq(read.data.kind),
            self.frame.eq(read.data.frame),
            place.eq(Mux(self.hit, match, 1 << pointer)),
            write.addr.eq(Mux(self.hit, index, pointer)),
            write.data.kind.eq(self.fill_kind),
            write.data.frame.eq(self.fill_frame),
            write.en.eq(enters),
            enters.eq(self.fill & ~self.drop),
        ]
        m.d.sync += match.eq(
            Cat(
                equal(tag, self.page, valid)
                for tag, valid in zip(self.tags, self.valid, strict=True)
            )
        )
        with m.If(self.flush):
            m.d.sync += [self.valid.eq(0), match.eq(0)]
        with m.Elif(self.drop):
            m.d.sync += [self.valid.eq(self.valid & ~match), match.eq(0)]
        with m.Elif(enters):
            m.d.sync += [self.valid.eq(self.valid | place), match.eq(place)]
            with m.If(~self.hit):
                m.d.sync += pointer.eq(pointer + 1)
        for number, tag in enumerate(self.tags):
            # Harmless with a flush, after which no tag counts.
            with m.If(enters & ~self.hit & (pointer == number)):
                m.d.sync += tag.eq(self.page)
        return m
