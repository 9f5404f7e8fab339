"""The window's writes: words are gathered into pieces, and their reports into responses."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.axi.queue import Queue
from hdl.axi.signatures import AXI4, Response, flat
from hdl.mover.moves import FAULT_BITS, Client, report_layout, window_write_layout
from hdl.window.bursts import PIECE_WORDS, PieceCutter, request_layout, take_burst

__all__ = ["WindowWrites"]


class WindowWrites(wiring.Component):
    """The half of `Window` that writes: what is said there of writes holds here.

    Function: a burst is cut by `PieceCutter`; a piece is requested when its words are inside. The
    words of a refused burst are thrown away once all pieces before it were reported.

    Latency: ``writes.valid`` 2 clocks after a piece's last word was taken, if its burst was taken
    no later and the piece before it was requested; BVALID 1 clock after the last report.
    Throughput: a piece every 2 clocks, a beat a clock, bursts without a gap. Back-pressure:
    ``words`` wait inside, also for an address that is still to come; ``bursts`` are unanswered
    and ``pieces`` unreported at most; ``report`` is never held up. No output of the port depends
    combinationally on an input of it. Reset forgets all.

    Attributes
    ----------
    cutter, ids, buffer, unreported, done, promised, fits
        The parts, the buffer's counter at the first word that belongs to no requested piece, and
        whether the next piece's words are inside; for proofs.

    Members
    -------
    s_axi_* : In(AXI4, write channels)
    base : In(64), word address of the space; to be held unless idle
    writes : Out(stream of request_layout)
    window_in : Out(stream of window_write_layout)
    report : In(report_layout)
    fault : Out(``{valid, fault}``), in the clock of a failed piece's report
    idle : Out(1), no burst is under way or offered, and no word waits for its address
    """

    def __init__(
        self,
        *,
        address_width: int,
        id_width: int,
        words: int = 64,
        bursts: int = 16,
        pieces: int = 16,
    ):
        if words < PIECE_WORDS or words & (words - 1):
            raise ValueError(
                f"words must be a power of two of at least {PIECE_WORDS}, not {words!r}"
            )
        self.signature_axi = AXI4(address_width=address_width, id_width=id_width, read=False)
        super().__init__(
            {
                **flat("s_axi", self.signature_axi.flip()),
                "base": In(64),
                "writes": Out(stream.Signature(request_layout())),
                "window_in": Out(stream.Signature(window_write_layout())),
                "report": In(report_layout()),
                "fault": Out(data.StructLayout({"valid": 1, "fault": FAULT_BITS})),
                "idle": Out(1),
            }
        )
        self.cutter = PieceCutter(address_width)
        self.ids = Queue(id_width, bursts)  # of bursts still to be answered
        self.buffer = Queue(window_write_layout(), words)
        self.unreported = Queue(1, pieces)  # whether a piece is its burst's last
        self.done = Queue(1, bursts)  # whether a burst failed; never more than there are IDs
        self.promised = Signal.like(self.buffer.taken_in)
        self.fits = Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules.cutter = cutter = self.cutter
        m.submodules.ids = ids = self.ids
        m.submodules.buffer = buffer = self.buffer
        m.submodules.unreported = unreported = self.unreported
        m.submodules.done = done = self.done

        take_burst(
            m,
            cutter.i.payload,
            self.s_axi_awaddr,
            self.s_axi_awlen,
            self.s_axi_awsize,
            self.s_axi_awburst,
        )
        m.d.comb += [
            self.s_axi_awready.eq(cutter.i.ready & ids.i.ready),
            cutter.i.valid.eq(self.s_axi_awvalid & ids.i.ready),
            ids.i.valid.eq(self.s_axi_awvalid & cutter.i.ready),
            ids.i.payload.eq(self.s_axi_awid),
            self.s_axi_wready.eq(buffer.i.ready),
            buffer.i.valid.eq(self.s_axi_wvalid),
            buffer.i.payload.data.eq(self.s_axi_wdata),
            buffer.i.payload.strobe.eq(self.s_axi_wstrb),
        ]

        piece = cutter.o.payload
        promised = self.promised
        asked = Signal()
        swallowed = Signal()
        free = (buffer.taken_in - promised)[: len(promised)]
        m.d.comb += [
            self.writes.valid.eq(self.fits & ~piece.refused),
            self.writes.payload.address.eq(Cat(piece.word, self.base[len(piece.word) :])),
            self.writes.payload.count.eq(piece.count),
            asked.eq(self.writes.valid & self.writes.ready),
            # All words before it have left, and no report can come in the same clock.
            swallowed.eq(self.fits & piece.refused & ~unreported.o.valid),
            cutter.o.ready.eq(asked | swallowed),
            unreported.i.valid.eq(asked),
            unreported.i.payload.eq(piece.last),
            self.window_in.valid.eq(buffer.handed_on != promised),
            self.window_in.payload.eq(buffer.o.payload),
            buffer.o.ready.eq(swallowed | (self.window_in.valid & self.window_in.ready)),
        ]
        m.d.sync += self.fits.eq(
            cutter.o.valid & ~cutter.o.ready & (free >= piece.count) & unreported.i.ready
        )
        with m.If(cutter.o.ready):
            m.d.sync += promised.eq(promised + piece.count)

        failed = Signal()  # a piece of the burst whose reports are coming did
        reported = Signal()
        fault = Signal()
        m.d.comb += [
            reported.eq(
                self.report.valid & (self.report.client == Client.WINDOW) & unreported.o.valid
            ),
            fault.eq(self.report.fault.any()),
            unreported.o.ready.eq(reported),
            done.i.valid.eq((reported & unreported.o.payload) | (swallowed & piece.last)),
            done.i.payload.eq(swallowed | failed | fault),
            self.fault.valid.eq(reported & fault),
            self.fault.fault.eq(self.report.fault),
        ]
        with m.If(reported):
            m.d.sync += failed.eq(~unreported.o.payload & (failed | fault))

        m.d.comb += [
            self.s_axi_bvalid.eq(done.o.valid),
            self.s_axi_bid.eq(ids.o.payload),
            self.s_axi_bresp.eq(Mux(done.o.payload, Response.SLVERR, Response.OKAY)),
            done.o.ready.eq(self.s_axi_bready),
            ids.o.ready.eq(self.s_axi_bready & done.o.valid),
            self.idle.eq(~ids.o.valid & ~buffer.o.valid & ~self.s_axi_awvalid & ~self.s_axi_wvalid),
        ]
        return m
