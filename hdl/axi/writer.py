"""Writes runs of 64-bit words through an AXI4 manager port."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.axi.queue import Queue
from hdl.axi.signatures import AXI4, CACHE_BUFFERABLE, Burst, flat, size_of
from hdl.axi.splitter import BurstSplitter, burst_layout, check_settings, request_layout
from hdl.stream import SkidBuffer

__all__ = ["BurstWriter", "report_layout", "word_layout"]

DATA_WIDTH = 64


def word_layout() -> data.StructLayout:
    """Return a word to write; bit n of ``strobe`` says that its byte n counts, low byte first."""
    return data.StructLayout({"data": DATA_WIDTH, "strobe": DATA_WIDTH // 8})


def report_layout(index_width: int) -> data.StructLayout:
    """Return the end of the request numbered ``index``: OKAY or the first error of its bursts."""
    return data.StructLayout({"index": index_width, "response": 2})


class BurstWriter(wiring.Component):
    """Turns requests and a stream of words into bursts, and reports each request's end.

    Function: as `BurstSplitter` says, with ``outstanding`` bursts under way at most. Each request
    takes its count of words from ``words``, of which those bytes are written that ``strobe`` names:
    a word without any takes its beat and changes nothing. A report comes once all responses of the
    request are in, in the order of the requests; one of no beats is reported too. Errors stop
    nothing. A burst is announced only when all its words are inside, so once begun it never waits
    for the words' source, and ``m_axi_bready`` never waits for the reports' consumer: who shares
    the bus is not held up.

    Latency: a burst's ``m_axi_awvalid`` rises 2 clocks after its last word was taken (if the
    request came a clock before), ``m_axi_wvalid`` with it; a report is offered 1 clock after the
    last response. Throughput: 1 word per clock while requests and words wait, if the memory keeps
    up and answers within ``(outstanding - 1) * burst_beats`` clocks. Back-pressure: words wait in a
    buffer of two full bursts; at most ``outstanding`` requests wait to be reported. No output of
    the port depends combinationally on an input. Reset forgets what was under way, so the bus
    behind must be reset too.

    Attributes
    ----------
    splitter, cut, addresses, lengths, bursts, buffer, done, free, sent, unreported
        The parts; how many words inside no burst was promised, how many of the burst under way
        are sent, how many begun requests have no report fetched; for proofs.

    Members
    -------
    i : In(stream of request_layout)
    words : In(stream of word_layout)
    reports : Out(stream of report_layout)
    m_axi_* : Out(AXI4, write channels), always ID 0
    idle : Out, high while no request is under way and no report waits
    """

    def __init__(
        self,
        *,
        address_width: int = 40,
        beats_width: int = 16,
        burst_beats: int = 16,
        outstanding: int = 4,
        index_width: int = 8,
        id_width: int = 1,
    ):
        check_settings(beats_width, burst_beats, index_width, outstanding)
        self.outstanding = outstanding
        self.burst_beats = burst_beats
        self.signature_axi = AXI4(address_width=address_width, id_width=id_width, read=False)
        super().__init__(
            {
                "i": In(stream.Signature(request_layout(address_width, beats_width))),
                "words": In(stream.Signature(word_layout())),
                "reports": Out(stream.Signature(report_layout(index_width))),
                **flat("m_axi", self.signature_axi),
                "idle": Out(1),
            }
        )
        self.splitter = BurstSplitter(
            address_width=address_width,
            beats_width=beats_width,
            burst_beats=burst_beats,
            index_width=index_width,
        )
        # Cutting a request and finding room for a burst are a clock's work each.
        self.cut = SkidBuffer(burst_layout(address_width, burst_beats, index_width))
        self.addresses = SkidBuffer(
            data.StructLayout({"address": address_width, "length": 8})
        )
        of_burst = data.StructLayout({"last": 1, "index": index_width, "empty": 1})
        self.lengths = Queue(range(burst_beats), outstanding)  # of bursts still to be sent
        self.bursts = Queue(of_burst, outstanding)  # still to be answered
        self.buffer = Queue(word_layout(), 2 * burst_beats)
        self.done = Queue(report_layout(index_width), outstanding)
        self.free = Signal(range(self.buffer.depth + 1))
        self.sent = Signal(range(burst_beats))
        self.unreported = Signal(range(outstanding + 1))

    def elaborate(self, platform):
        m = Module()
        m.submodules.splitter = splitter = self.splitter
        m.submodules.cut = cut = self.cut
        m.submodules.addresses = addresses = self.addresses
        m.submodules.lengths = lengths = self.lengths
        m.submodules.bursts = bursts = self.bursts
        m.submodules.buffer = buffer = self.buffer
        m.submodules.done = done = self.done
        wiring.connect(m, wiring.flipped(self.i), splitter.i)
        wiring.connect(m, wiring.flipped(self.words), buffer.i)
        wiring.connect(m, done.o, wiring.flipped(self.reports))

        wiring.connect(m, splitter.o, cut.i)
        burst = cut.o.payload
        free = self.free
        unreported = self.unreported
        begun = Signal()
        announced = Signal()
        m.d.comb += [
            cut.o.ready.eq(
                (burst.beats <= free)
                & (unreported != self.outstanding)
                & bursts.i.ready
                & lengths.i.ready
                & addresses.i.ready
            ),
            begun.eq(cut.o.valid & cut.o.ready),
            announced.eq(begun & (burst.beats != 0)),
            bursts.i.valid.eq(begun),
            bursts.i.payload.last.eq(burst.last),
            bursts.i.payload.index.eq(burst.index),
            bursts.i.payload.empty.eq(burst.beats == 0),
            addresses.i.valid.eq(announced),
            addresses.i.payload.address.eq(burst.address),
            addresses.i.payload.length.eq(burst.beats - 1),
            lengths.i.valid.eq(announced),
            lengths.i.payload.eq(burst.beats - 1),
        ]
        m.d.sync += [
            free.eq(free - Mux(announced, burst.beats, 0) + (buffer.i.valid & buffer.i.ready)),
            unreported.eq(
                unreported + (begun & burst.last) - (self.reports.valid & self.reports.ready)
            ),
        ]
        m.d.comb += [
            self.m_axi_awvalid.eq(addresses.o.valid),
            self.m_axi_awaddr.eq(addresses.o.payload.address),
            self.m_axi_awlen.eq(addresses.o.payload.length),
            self.m_axi_awsize.eq(size_of(DATA_WIDTH)),
            self.m_axi_awburst.eq(Burst.INCR),
            self.m_axi_awcache.eq(CACHE_BUFFERABLE),
            addresses.o.ready.eq(self.m_axi_awready),
        ]

        sent = self.sent
        m.d.comb += [
            self.m_axi_wvalid.eq(lengths.o.valid),
            self.m_axi_wdata.eq(buffer.o.payload.data),
            self.m_axi_wstrb.eq(buffer.o.payload.strobe),
            self.m_axi_wlast.eq(sent == lengths.o.payload),
            buffer.o.ready.eq(self.m_axi_wvalid & self.m_axi_wready),
            lengths.o.ready.eq(self.m_axi_wready & self.m_axi_wlast),
        ]
        with m.If(self.m_axi_wvalid & self.m_axi_wready):
            m.d.sync += sent.eq(Mux(self.m_axi_wlast, 0, sent + 1))

        failed = Signal(2)  # the first error of the request whose responses are coming
        verdict = Signal(2)
        ended = Signal()
        waits_for_nothing = bursts.o.payload.empty
        m.d.comb += [
            self.m_axi_bready.eq(bursts.o.valid & ~waits_for_nothing),
            ended.eq(bursts.o.valid & (waits_for_nothing | self.m_axi_bvalid)),
            verdict.eq(Mux(failed.any() | waits_for_nothing, failed, self.m_axi_bresp)),
            bursts.o.ready.eq(ended),
            done.i.valid.eq(ended & bursts.o.payload.last),
            done.i.payload.index.eq(bursts.o.payload.index),
            done.i.payload.response.eq(verdict),
        ]
        with m.If(ended):
            with m.If(bursts.o.payload.last):
                m.d.sync += failed.eq(0)
            with m.Elif(verdict[1]):
                m.d.sync += failed.eq(verdict)
        m.d.comb += self.idle.eq(
            ~splitter.o.valid & ~cut.o.valid & (unreported == 0) & ~bursts.o.valid
        )
        return m
