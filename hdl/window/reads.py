"""The window's reads: addresses in, requests for words out, and the words to the manager."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.axi.queue import Queue
from hdl.axi.signatures import AXI4, Response, flat
from hdl.mover.moves import FAULT_BITS, window_read_layout
from hdl.window.bursts import PIECE_WORDS, PieceCutter, request_layout, take_burst

__all__ = ["WindowReads"]


class WindowReads(wiring.Component):
    """The half of `Window` that reads: what is said there of reads holds here.

    Function: a burst is cut by `PieceCutter`; a piece is requested when 16 words have room, so the
    words of all requests do. The words of a refused burst are made up when their turn comes.

    Latency: ``reads.valid`` 1 clock after an address was taken, RVALID 1 clock after a word came.
    Throughput: a piece a clock, a beat a clock, bursts without a gap. Back-pressure: ``words``
    wait inside, ``bursts`` are unanswered at most; ``window_out.ready`` is always high. No output
    of the port depends combinationally on an input of it. Reset forgets all.

    Attributes
    ----------
    cutter, bursts, buffer, room, beat
        The parts, how many words of the buffer are neither filled nor promised, and how many
        beats of the oldest burst were given; for proofs.

    Members
    -------
    s_axi_* : In(AXI4, read channels)
    base : In(64), word address of the space; to be held unless idle
    reads : Out(stream of request_layout)
    window_out : In(stream of window_read_layout)
    fault : Out(``{valid, fault}``), in the clock of a failed word
    idle : Out(1), no burst is under way or offered
    """

    def __init__(self, *, address_width: int, id_width: int, words: int = 64, bursts: int = 16):
        if words < PIECE_WORDS or words & (words - 1):
            raise ValueError(
                f"words must be a power of two of at least {PIECE_WORDS}, not {words!r}"
            )
        self.signature_axi = AXI4(address_width=address_width, id_width=id_width, write=False)
        super().__init__(
            {
                **flat("s_axi", self.signature_axi.flip()),
                "base": In(64),
                "reads": Out(stream.Signature(request_layout())),
                "window_out": In(stream.Signature(window_read_layout())),
                "fault": Out(data.StructLayout({"valid": 1, "fault": FAULT_BITS})),
                "idle": Out(1),
            }
        )
        self.cutter = PieceCutter(address_width)
        self.bursts = Queue(data.StructLayout({"id": id_width, "length": 8, "refused": 1}), bursts)
        self.buffer = Queue(data.StructLayout({"data": 64, "failed": 1}), words)
        self.room = Signal(range(words + 1), init=words)
        self.beat = Signal(8)

    def elaborate(self, platform):
        m = Module()
        m.submodules.cutter = cutter = self.cutter
        m.submodules.bursts = bursts = self.bursts
        m.submodules.buffer = buffer = self.buffer

        burst = cutter.i.payload
        take_burst(
            m, burst, self.s_axi_araddr, self.s_axi_arlen, self.s_axi_arsize, self.s_axi_arburst
        )
        m.d.comb += [
            self.s_axi_arready.eq(cutter.i.ready & bursts.i.ready),
            cutter.i.valid.eq(self.s_axi_arvalid & bursts.i.ready & ~burst.refused),
            bursts.i.valid.eq(self.s_axi_arvalid & cutter.i.ready),
            bursts.i.payload.id.eq(self.s_axi_arid),
            bursts.i.payload.length.eq(self.s_axi_arlen),
            bursts.i.payload.refused.eq(burst.refused),
        ]

        # Room for a full piece, whatever is asked for: a test of three bits.
        piece = cutter.o.payload
        fits = self.room >= PIECE_WORDS
        m.d.comb += [
            self.reads.valid.eq(cutter.o.valid & fits),
            cutter.o.ready.eq(self.reads.ready & fits),
            self.reads.payload.address.eq(Cat(piece.word, self.base[len(piece.word) :])),
            self.reads.payload.count.eq(piece.count),
        ]
        asked = self.reads.valid & self.reads.ready
        given = buffer.o.valid & buffer.o.ready
        m.d.sync += self.room.eq(self.room - Mux(asked, piece.count, 0) + given)

        word = self.window_out.payload
        m.d.comb += [
            self.window_out.ready.eq(1),
            buffer.i.valid.eq(self.window_out.valid),
            buffer.i.payload.data.eq(word.data),
            buffer.i.payload.failed.eq(word.fault.any()),
            self.fault.valid.eq(self.window_out.valid & word.fault.any()),
            self.fault.fault.eq(word.fault),
        ]

        oldest = bursts.o.payload
        failed = Signal()
        m.d.comb += [
            failed.eq(oldest.refused | buffer.o.payload.failed),
            self.s_axi_rvalid.eq(bursts.o.valid & (oldest.refused | buffer.o.valid)),
            self.s_axi_rid.eq(oldest.id),
            self.s_axi_rdata.eq(Mux(failed, 0, buffer.o.payload.data)),
            self.s_axi_rresp.eq(Mux(failed, Response.SLVERR, Response.OKAY)),
            self.s_axi_rlast.eq(self.beat == oldest.length),
            buffer.o.ready.eq(self.s_axi_rready & bursts.o.valid & ~oldest.refused),
            bursts.o.ready.eq(self.s_axi_rvalid & self.s_axi_rready & self.s_axi_rlast),
            self.idle.eq(~bursts.o.valid & ~self.s_axi_arvalid),
        ]
        with m.If(self.s_axi_rvalid & self.s_axi_rready):
            m.d.sync += self.beat.eq(Mux(self.s_axi_rlast, 0, self.beat + 1))
        return m
