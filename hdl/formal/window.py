"""Proofs that the window keeps the rules of AXI4 towards its manager, and its word to the pager.

The environment is any manager, and a pager that answers what was requested, in order, whenever it
likes: it is only bound to give no more words and reports than it owes.
"""

from collections.abc import Callable
from typing import Any

from amaranth import Elaboratable, Module, Mux, Signal
from amaranth.hdl import Assert, Assume, Cover

from hdl.axi.queue import Queue
from hdl.formal.bus import count, entries, holds
from hdl.formal.harness import has_past, past
from hdl.formal.runner import Proof
from hdl.mover.moves import Client
from hdl.window.bursts import PIECE_WORDS, PieceCutter
from hdl.window.reads import WindowReads
from hdl.window.writes import WindowWrites

__all__ = ["PROOFS", "WindowReadsHarness", "WindowWritesHarness"]

BURSTS = 2
PIECES = 2
WIDTH = 10  # of counts of words: wider than any difference of those inside
NUMBERS = 2  # bits of numbers that tell bursts apart: more numbers than bursts fit inside
SETTINGS = {"address_width": 12, "id_width": 2, "bursts": BURSTS}


def _constant(m: Module, value: Signal, name: str) -> None:
    """Assume that the environment chose a value once and for all."""
    before = past(m, value, name=name)
    with m.If(has_past(m)):
        m.d.comb += Assume(value == before)


def requests(m: Module, dut: Any, stream: Any) -> None:
    """Assert what holds of requests: they hold still and lie within sixteen aligned words."""
    _constant(m, dut.base, "base")
    holds(m, Assert, "request", stream.valid, stream.ready, stream.payload.as_value())
    with m.If(stream.valid):
        m.d.comb += [
            Assert(stream.payload.count != 0),
            Assert(stream.payload.address[:4] + stream.payload.count <= PIECE_WORDS),
        ]


def uncut(m: Module, cutter: PieceCutter) -> tuple[Any, Any]:
    """Return how many words of the burst being cut, and of the one behind, are not requested."""
    with m.If(cutter.spare_full):
        m.d.comb += Assert(cutter.o.valid)
    for burst in (cutter.current, cutter.spare):
        m.d.comb += Assert(~(burst.full & burst.refused))
    return (
        Mux(cutter.o.valid, cutter.current.length + 1, 0),
        Mux(cutter.spare_full, cutter.spare.length + 1, 0),
    )


class _Chosen:
    """What was accepted with any one burst, by its number, and which number comes next."""

    def __init__(self, m: Module, accepted: Any, ended: Any, **fields: Any) -> None:
        self.number = Signal(NUMBERS, name="chosen")
        self.begun = Signal(NUMBERS)
        self.ended = Signal(NUMBERS)
        self.fields = {name: Signal(len(value), name=name) for name, value in fields.items()}
        _constant(m, self.number, "chosen")
        m.d.sync += [
            self.begun.eq(self.begun + accepted),
            self.ended.eq(self.ended + ended),
        ]
        with m.If(accepted & (self.begun == self.number)):
            m.d.sync += [self.fields[name].eq(value) for name, value in fields.items()]

    def at(self, place: int) -> Any:
        """Return whether the burst at a place of the queue of those unanswered is the one."""
        return (self.ended + place)[:NUMBERS] == self.number


class WindowReadsHarness(Elaboratable):
    """As many beats as asked for, the last marked; room for every word that is requested."""

    def __init__(self, make: Callable[..., Any] = WindowReads) -> None:
        self.dut = dut = make(words=PIECE_WORDS, **SETTINGS)
        self.ports = [
            dut.s_axi_arid,
            dut.s_axi_araddr,
            dut.s_axi_arlen,
            dut.s_axi_arsize,
            dut.s_axi_arburst,
            dut.s_axi_arvalid,
            dut.s_axi_rready,
            dut.base,
            dut.reads.ready,
            dut.window_out.valid,
            dut.window_out.payload.as_value(),
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        inside = entries(m, dut.bursts)
        requests(m, dut, dut.reads)
        holds(
            m,
            Assert,
            "r",
            dut.s_axi_rvalid,
            dut.s_axi_rready,
            dut.s_axi_rid,
            dut.s_axi_rdata,
            dut.s_axi_rresp,
            dut.s_axi_rlast,
        )
        asked = dut.reads.valid & dut.reads.ready
        came = dut.window_out.valid
        owed = count(m, "owed", Mux(asked, dut.reads.payload.count, 0), came)
        with m.If(came):
            m.d.comb += [Assume(owed != 0), Assert(dut.buffer.i.ready)]

        # What the bursts inside are still to give is in the buffer, owed, or not requested.
        first_filled, first = inside[0]
        due = -Mux(first_filled & ~first.refused, dut.beat, 0)
        for filled, burst in inside:
            due = due + Mux(filled & ~burst.refused, burst.length + 1, 0)
        current, spare = uncut(m, dut.cutter)
        m.d.comb += [
            Assert(dut.window_out.ready),
            Assert(owed + dut.buffer.level <= dut.buffer.depth),
            Assert(dut.room + owed + dut.buffer.level == dut.buffer.depth),
            Assert(due == dut.buffer.level + owed + current + spare),
            Assert(dut.bursts.level <= BURSTS),
            Assert(Mux(first_filled, dut.beat <= first.length, dut.beat == 0)),
        ]
        # No word waits unoffered, and none is offered for nobody.
        with m.If(dut.buffer.level != 0):
            m.d.comb += Assert(dut.s_axi_rvalid)
        with m.If(dut.s_axi_rvalid):
            m.d.comb += Assert(first_filled)
        self._follow(m, inside)
        m.d.comb += Cover((dut.room == 0) & dut.cutter.o.valid & (dut.bursts.level == 2))
        return m

    def _follow(self, m: Module, inside: list[tuple[Any, Any]]) -> None:
        """Assert that a chosen burst is answered under its ID with as many beats as it has."""
        dut = self.dut
        accepted = dut.s_axi_arvalid & dut.s_axi_arready
        taken = dut.s_axi_rvalid & dut.s_axi_rready
        chosen = _Chosen(
            m, accepted, taken & dut.s_axi_rlast, id=dut.s_axi_arid, length=dut.s_axi_arlen
        )
        self.ports.append(chosen.number)
        beats = Signal(8)
        with m.If(taken):
            m.d.sync += beats.eq(Mux(dut.s_axi_rlast, 0, beats + 1))
        with m.If(dut.s_axi_rvalid & chosen.at(0)):
            m.d.comb += [
                Assert(dut.s_axi_rlast == (beats == chosen.fields["length"])),
                Assert(dut.s_axi_rid == chosen.fields["id"]),
            ]
        m.d.comb += [
            Assert(dut.beat == beats),
            Assert(dut.bursts.level == (chosen.begun - chosen.ended)[:NUMBERS]),
        ]
        for place, (filled, burst) in enumerate(inside):
            with m.If(filled & chosen.at(place)):
                m.d.comb += [
                    Assert(burst.length == chosen.fields["length"]),
                    Assert(burst.id == chosen.fields["id"]),
                ]


class WindowWritesHarness(Elaboratable):
    """One response a burst, never before its last word; requests for words inside only."""

    def __init__(self, make: Callable[..., Any] = WindowWrites) -> None:
        self.dut = dut = make(words=PIECE_WORDS, pieces=PIECES, **SETTINGS)
        self.ports = [
            dut.s_axi_awid,
            dut.s_axi_awaddr,
            dut.s_axi_awlen,
            dut.s_axi_awsize,
            dut.s_axi_awburst,
            dut.s_axi_awvalid,
            dut.s_axi_wdata,
            dut.s_axi_wstrb,
            dut.s_axi_wvalid,
            dut.s_axi_bready,
            dut.base,
            dut.writes.ready,
            dut.window_in.ready,
            dut.report.as_value(),
        ]
        # Of bursts still to be answered, and of pieces still to be reported: how many words came
        # in all when their last one did. Differences of such counts are small.
        self.bursts = Queue(WIDTH, BURSTS)
        self.pieces = Queue(WIDTH, PIECES)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        m.submodules.bursts = bursts = self.bursts
        m.submodules.pieces = pieces = self.pieces
        inside = [end for _, end in entries(m, bursts)]
        open_pieces = [end for _, end in entries(m, pieces)]
        lasts = entries(m, dut.unreported)
        ids = entries(m, dut.ids)
        requests(m, dut, dut.writes)
        word = dut.window_in
        holds(m, Assert, "word", word.valid, word.ready, word.payload.as_value())
        holds(m, Assert, "b", dut.s_axi_bvalid, dut.s_axi_bready, dut.s_axi_bid, dut.s_axi_bresp)
        accepted = dut.s_axi_awvalid & dut.s_axi_awready
        answered = dut.s_axi_bvalid & dut.s_axi_bready
        asked = dut.writes.valid & dut.writes.ready
        reported = dut.report.valid & (dut.report.client == Client.WINDOW)
        step = dut.cutter.o.valid & dut.cutter.o.ready

        # Words since reset: named by addresses, taken in, requested or thrown away, handed on;
        # and those of pieces that were reported.
        named = Signal(WIDTH)
        came = Signal(WIDTH)
        gone = Signal(WIDTH)
        handed = Signal(WIDTH)
        over = Signal(WIDTH)
        named_next = (named + dut.s_axi_awlen + 1)[:WIDTH]
        gone_next = (gone + dut.cutter.o.payload.count)[:WIDTH]
        with m.If(accepted):
            m.d.sync += named.eq(named_next)
        with m.If(dut.s_axi_wvalid & dut.s_axi_wready):
            m.d.sync += came.eq(came + 1)
        with m.If(step):
            m.d.sync += gone.eq(gone_next)
        with m.If(dut.buffer.o.valid & dut.buffer.o.ready):
            m.d.sync += handed.eq(handed + 1)
        with m.If(reported):
            m.d.sync += over.eq(pieces.o.payload)
        with m.Elif(step & ~asked):
            m.d.sync += over.eq(gone_next)
        m.d.comb += [
            bursts.i.valid.eq(accepted),
            bursts.i.payload.eq(named_next),
            bursts.o.ready.eq(answered),
            pieces.i.valid.eq(asked),
            pieces.i.payload.eq(gone_next),
            pieces.o.ready.eq(reported),
        ]
        with m.If(reported):
            m.d.comb += [
                Assume(pieces.o.valid),
                Assume((handed - over)[:WIDTH] >= (pieces.o.payload - over)[:WIDTH]),
            ]
        # All words of a burst came before it is answered.
        with m.If(dut.s_axi_bvalid):
            m.d.comb += [
                Assert(bursts.o.valid),
                Assert((came - bursts.o.payload)[:WIDTH] <= 256 + PIECE_WORDS),
            ]

        current, spare = uncut(m, dut.cutter)
        cutting = dut.cutter.o.valid + dut.cutter.spare_full
        free = (came - gone)[:WIDTH]
        to_go = (gone - handed)[:WIDTH]
        for counter, total in (
            (dut.buffer.taken_in, came),
            (dut.promised, gone),
            (dut.buffer.handed_on, handed),
        ):
            m.d.comb += Assert(counter == total[: len(counter)])
        m.d.comb += [
            Assert(free <= PIECE_WORDS),
            Assert(to_go <= PIECE_WORDS),
            Assert(free + to_go <= PIECE_WORDS),
            Assert(named == (gone + current + spare)[:WIDTH]),
            Assert(word.valid == (to_go != 0)),
            Assert(bursts.level <= BURSTS),
            Assert(dut.ids.level == bursts.level),
            Assert(pieces.level <= PIECES),
            Assert(dut.unreported.level == pieces.level),
            Assert(
                bursts.level
                == dut.done.level + sum(filled & last for filled, last in lasts) + cutting
            ),
        ]
        with m.Switch(bursts.level):
            with m.Case(1):
                m.d.comb += Assert(inside[0] == named)
            with m.Case(2):
                behind = (inside[1] - inside[0])[:WIDTH]
                m.d.comb += [Assert(inside[1] == named), Assert((behind != 0) & (behind <= 256))]
                with m.If(dut.cutter.spare_full):
                    m.d.comb += Assert(behind == spare)
                with m.Elif(dut.cutter.o.valid):
                    m.d.comb += Assert(behind >= current)
        done_with = (gone - over)[:WIDTH]
        with m.Switch(pieces.level):
            with m.Case(0):
                m.d.comb += Assert(done_with == 0)
            with m.Case(1):
                m.d.comb += [
                    Assert(open_pieces[0] == gone),
                    Assert((done_with != 0) & (done_with <= PIECE_WORDS)),
                ]
            with m.Case(2):
                first = (open_pieces[0] - over)[:WIDTH]
                second = (gone - open_pieces[0])[:WIDTH]
                m.d.comb += [
                    Assert(open_pieces[1] == gone),
                    Assert((first != 0) & (first <= PIECE_WORDS)),
                    Assert((second != 0) & (second <= PIECE_WORDS)),
                ]
        m.d.comb += Assert((handed - over)[:WIDTH] <= done_with)
        with m.If(dut.fits):
            m.d.comb += [
                Assert(dut.cutter.o.valid),
                Assert(free >= dut.cutter.o.payload.count),
                Assert(dut.unreported.level < PIECES),
            ]
        with m.If(dut.done.i.valid):
            m.d.comb += Assert(dut.done.i.ready)

        chosen = _Chosen(m, accepted, answered, id=dut.s_axi_awid)
        self.ports.append(chosen.number)
        with m.If(dut.s_axi_bvalid & chosen.at(0)):
            m.d.comb += Assert(dut.s_axi_bid == chosen.fields["id"])
        m.d.comb += Assert(dut.ids.level == (chosen.begun - chosen.ended)[:NUMBERS])
        for place, (filled, own) in enumerate(ids):
            with m.If(filled & chosen.at(place)):
                m.d.comb += Assert(own == chosen.fields["id"])
        m.d.comb += Cover((dut.done.level == 2) & dut.s_axi_bresp[1] & (chosen.ended == 1))
        m.d.comb += Cover((dut.unreported.level == PIECES) & (dut.done.level == 1))
        return m


PROOFS = [
    Proof(
        "window-reads",
        "R holds still, as many beats as asked and the last marked; room for all that is requested",
        WindowReadsHarness,
        "prove",
        2,
    ),
    Proof(
        "window-writes",
        "B holds still, one a burst and after its last word; requests for words inside only",
        WindowWritesHarness,
        "prove",
        2,
    ),
    Proof("window-reads-fill", "no room is left", WindowReadsHarness, "cover", 28),
    Proof("window-writes-fill", "responses and reports wait", WindowWritesHarness, "cover", 16),
]
