"""An AXI4 port through which any manager on the chip sees a part of the space."""

from amaranth.hdl import Module, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from hdl.axi.signatures import AXI4, flat
from hdl.mover.moves import FAULT_BITS, report_layout, window_read_layout, window_write_layout
from hdl.window.bursts import request_layout
from hdl.window.reads import WindowReads
from hdl.window.writes import WindowWrites

__all__ = ["Window"]


class Window(wiring.Component):
    """Turns the bursts of a manager into requests for words, and their answers into AXI's.

    Function: byte a of the window is in the word whose address is ``base`` with its low
    ``window_bits - 3`` bits replaced by those of a above the byte. INCR bursts of full beats are
    asked for in pieces of up to 16 words that end where word addresses are multiples of 16, hence
    within a page; FIXED, WRAP and narrow bursts in pieces of one word, one for each beat. A read
    gives the whole word in any case; the strobes of a write are kept, none set included. Addresses
    wrap at ``window_bits``. Answers of one direction come in the order of its addresses, with
    their IDs.

    A word that comes with a fault is read as 0 with SLVERR; a write of which any piece had a fault
    is answered SLVERR. A burst of beats wider than the port, of the reserved kind, or a WRAP of
    other than 2, 4, 8 or 16 beats is answered SLVERR on every beat; nothing is requested for it
    and no fault is shown. Exclusive accesses are carried out and answered OKAY. WLAST is not
    looked at: the length of the address counts.

    Requests: each of ``reads`` is to be answered by ``count`` words at ``window_out``, in order.
    There is room for them before they are requested, so ``window_out.ready`` is always high and a
    manager that does not take its words holds up nobody else. Each of ``writes`` is made only when
    its words are inside; they are offered at ``window_in`` from the clock after it was taken on,
    in order, and never before. It is to be answered by one ``report`` whose client is
    `Client.WINDOW`, in order, after its words were taken; other reports are ignored.

    Latency: ``reads.valid`` 1 clock after an address was taken, RVALID 1 clock after a word came;
    ``writes.valid`` 2 clocks after the last word of a piece was taken if its address came no
    later; BVALID 1 clock after the last report; ``fault`` 1 clock after the word or report.
    Throughput: 1 beat a clock each way for bursts of full beats, if a piece is taken every 4 clocks
    and the words of a write within 32 clocks after their last; a piece a clock for reads, one
    every 2 clocks for writes.
    Back-pressure: 64 words of each direction wait inside. 16 bursts of each direction may be
    unanswered, of which 2 not wholly requested; up to 16 pieces of writes unreported. No output of
    the port depends combinationally on an input of it. Reset forgets what was under way; words
    still to come would be taken for those of later bursts, so it is for the idle window only.

    Members
    -------
    s_axi_* : In(AXI4), 64-bit words, ``window_bits`` of address, ``window_id_bits`` of ID; AxLOCK,
        AxCACHE, AxPROT and WLAST are ignored
    base : In(64), word address of the space; to be held unless idle
    reads : Out(stream of request_layout), ``{address: 64, count}``, count 1 to 16
    window_out : In(stream of window_read_layout), words that were read; ``last`` is ignored
    writes : Out(stream of request_layout)
    window_in : Out(stream of window_write_layout), words to be written
    report : In(report_layout), the end of a move
    fault : Out(``{valid, fault}``), a pulse for each word read and piece written that failed; of
        two in one clock the write's is shown
    idle : Out(1), no burst is under way or offered, and no word of a write waits for its address
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        widths = {"address_width": config.window_bits, "id_width": config.window_id_bits}
        self.signature_axi = AXI4(**widths)
        super().__init__(
            {
                **flat("s_axi", self.signature_axi.flip()),
                "base": In(64),
                "reads": Out(stream.Signature(request_layout())),
                "window_out": In(stream.Signature(window_read_layout())),
                "writes": Out(stream.Signature(request_layout())),
                "window_in": Out(stream.Signature(window_write_layout())),
                "report": In(report_layout()),
                "fault": Out(data.StructLayout({"valid": 1, "fault": FAULT_BITS})),
                "idle": Out(1),
            }
        )
        self._reads = WindowReads(**widths)
        self._writes = WindowWrites(**widths)

    def elaborate(self, platform):
        m = Module()
        m.submodules.reader = reads = self._reads
        m.submodules.writer = writes = self._writes
        for half in (reads, writes):
            for name, member in half.signature_axi.members.items():
                inner = getattr(half, f"s_axi_{name}")
                outer = getattr(self, f"s_axi_{name}")
                # Named as the manager sees them: what flows out of it comes in here.
                m.d.comb += inner.eq(outer) if member.flow == Out else outer.eq(inner)
            m.d.comb += half.base.eq(self.base)
        wiring.connect(m, reads.reads, wiring.flipped(self.reads))
        wiring.connect(m, wiring.flipped(self.window_out), reads.window_out)
        wiring.connect(m, writes.writes, wiring.flipped(self.writes))
        wiring.connect(m, writes.window_in, wiring.flipped(self.window_in))
        m.d.comb += [
            writes.report.eq(self.report),
            self.idle.eq(reads.idle & writes.idle),
        ]
        m.d.sync += [
            self.fault.valid.eq(reads.fault.valid | writes.fault.valid),
            self.fault.fault.eq(Mux(writes.fault.valid, writes.fault.fault, reads.fault.fault)),
        ]
        return m
