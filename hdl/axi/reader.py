"""Reads runs of 64-bit words through an AXI4 manager port."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.axi.queue import Queue
from hdl.axi.signatures import AXI4, CACHE_BUFFERABLE, Burst, flat, size_of
from hdl.axi.splitter import BurstSplitter, burst_layout, check_settings, request_layout
from hdl.stream import SkidBuffer

__all__ = ["BurstReader", "beat_layout"]

DATA_WIDTH = 64


def beat_layout(index_width: int) -> data.StructLayout:
    """Return a word that was read for the request numbered ``index``; ``last`` marks its last.

    ``response`` is the first error among the request's beats so far, else the beat's own: with
    the last beat it is the verdict on the request.
    """
    return data.StructLayout(
        {"data": DATA_WIDTH, "response": 2, "last": 1, "index": index_width}
    )


class BurstReader(wiring.Component):
    """Turns requests into bursts, and their answers into one stream of words, in order.

    Function: as `BurstSplitter` says, with ``outstanding`` bursts under way at most. A request of
    no beats gives none, but is numbered. Errors are reported beside the words, which are whatever
    the bus gave; the words of a failed burst still come, so the count always is what was asked.
    A burst is asked for only when there is room for all its words, so ``m_axi_rready`` is always
    high: whoever shares the bus never waits for this reader's consumer.

    Latency: ``m_axi_arvalid`` rises 3 clocks after a request was taken; a word is offered 1 clock
    after it came. Throughput: 1 word per clock while requests wait, if the memory keeps up and
    answers within ``(outstanding - 1) * burst_beats`` clocks. Back-pressure: words wait in a
    buffer of ``outstanding * burst_beats``; then no more are asked for. No output of the port
    depends combinationally on an input. Reset forgets what was under way, so the bus behind must
    be reset too.

    Attributes
    ----------
    splitter, cut, addresses, bursts, buffer, room
        The parts, and how many words of the buffer are neither filled nor promised; for proofs.

    Members
    -------
    i : In(stream of request_layout)
    o : Out(stream of beat_layout)
    m_axi_* : Out(AXI4, read channels), always ID 0
    idle : Out, high while no burst is under way, no request is being cut and no word waits
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
        self.signature_axi = AXI4(address_width=address_width, id_width=id_width, write=False)
        super().__init__(
            {
                "i": In(stream.Signature(request_layout(address_width, beats_width))),
                "o": Out(stream.Signature(beat_layout(index_width))),
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
        self.bursts = Queue(data.StructLayout({"last": 1, "index": index_width}), outstanding)
        self.buffer = Queue(beat_layout(index_width), outstanding * burst_beats)
        self.room = Signal(range(self.buffer.depth + 1), init=self.buffer.depth)

    def elaborate(self, platform):
        m = Module()
        m.submodules.splitter = splitter = self.splitter
        m.submodules.cut = cut = self.cut
        m.submodules.addresses = addresses = self.addresses
        m.submodules.bursts = bursts = self.bursts
        m.submodules.buffer = buffer = self.buffer
        wiring.connect(m, wiring.flipped(self.i), splitter.i)
        wiring.connect(m, buffer.o, wiring.flipped(self.o))

        wiring.connect(m, splitter.o, cut.i)
        burst = cut.o.payload
        room = self.room
        asked = Signal()
        fits = Signal()
        m.d.comb += [
            fits.eq(burst.beats <= room),
            cut.o.ready.eq(fits & bursts.i.ready & addresses.i.ready),
            asked.eq(cut.o.valid & cut.o.ready & (burst.beats != 0)),
            bursts.i.valid.eq(asked),
            bursts.i.payload.last.eq(burst.last),
            bursts.i.payload.index.eq(burst.index),
            addresses.i.valid.eq(asked),
            addresses.i.payload.address.eq(burst.address),
            addresses.i.payload.length.eq(burst.beats - 1),
        ]
        m.d.sync += room.eq(
            room - Mux(asked, burst.beats, 0) + (buffer.o.valid & buffer.o.ready)
        )
        m.d.comb += [
            self.m_axi_arvalid.eq(addresses.o.valid),
            self.m_axi_araddr.eq(addresses.o.payload.address),
            self.m_axi_arlen.eq(addresses.o.payload.length),
            self.m_axi_arsize.eq(size_of(DATA_WIDTH)),
            self.m_axi_arburst.eq(Burst.INCR),
            self.m_axi_arcache.eq(CACHE_BUFFERABLE),
            addresses.o.ready.eq(self.m_axi_arready),
        ]

        failed = Signal(2)  # the first error of the request whose beats are coming
        m.d.comb += [
            self.m_axi_rready.eq(1),
            buffer.i.valid.eq(self.m_axi_rvalid),
            buffer.i.payload.data.eq(self.m_axi_rdata),
            buffer.i.payload.response.eq(Mux(failed.any(), failed, self.m_axi_rresp)),
            buffer.i.payload.last.eq(self.m_axi_rlast & bursts.o.payload.last),
            buffer.i.payload.index.eq(bursts.o.payload.index),
            bursts.o.ready.eq(self.m_axi_rvalid & self.m_axi_rlast),
        ]
        with m.If(self.m_axi_rvalid):
            with m.If(buffer.i.payload.last):
                m.d.sync += failed.eq(0)
            with m.Elif(buffer.i.payload.response[1]):
                m.d.sync += failed.eq(buffer.i.payload.response)
        m.d.comb += self.idle.eq(
            ~splitter.o.valid & ~cut.o.valid & ~bursts.o.valid & ~buffer.o.valid
        )
        return m
