"""Reads and writes a few 64-bit words at a time through an AXI4 manager port."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.axi.signatures import AXI4, CACHE_BUFFERABLE, Burst, flat, size_of

__all__ = [
    "MAX_BEATS",
    "WordAccess",
    "access_beat_layout",
    "access_done_layout",
    "access_request_layout",
]

DATA_WIDTH = 64
MAX_BEATS = 16


def access_request_layout(address_width: int) -> data.StructLayout:
    """Return what asks for a burst of ``beats`` words from byte ``address`` on."""
    return data.StructLayout(
        {"write": 1, "address": address_width, "beats": range(MAX_BEATS + 1)}
    )


def access_beat_layout() -> data.StructLayout:
    """Return a word that was read, as it comes: there while ``valid``, ``last`` of its burst."""
    return data.StructLayout({"valid": 1, "data": DATA_WIDTH, "response": 2, "last": 1})


def access_done_layout() -> data.StructLayout:
    """Return the end of a request, a pulse: ``response`` is its first error, else OKAY."""
    return data.StructLayout({"valid": 1, "response": 2})


class WordAccess(wiring.Component):
    """Makes one burst of each request, one request at a time.

    Function: a request for 1 to 16 beats within 4 KiB, which the requester promises, becomes one
    burst. What is read comes at ``beat``, each word with its own response; what is written is
    taken from ``words`` once the request is. ``done`` is valid in one clock a request: with the
    last word read, or when a write is answered. Three low address bits are ignored.

    Latency: ``m_axi_arvalid`` or ``m_axi_awvalid`` rises in the clock after the request was taken,
    the first word is taken in that clock, and ``m_axi_wvalid`` rises in the next; ``beat`` and
    ``done`` are there in the clock of the bus. Throughput: a word a clock within a burst;
    ``i.ready`` rises in the clock after ``done``. Back-pressure: none at ``beat`` and ``done``; a
    word that ``words`` does not offer when it is due holds up the burst, so the requester offers
    all its words without a gap. No output of the port depends combinationally on an input. Reset
    forgets what was under way, so the bus behind must be reset too.

    Attributes
    ----------
    reading, writing, left, failed
        Whether a read or write is under way, how many words are still to be taken, and the first
        error of those read so far; for proofs.

    Members
    -------
    i : In(stream of access_request_layout), ready while nothing is under way
    words : In(stream of 64 bits)
    beat : Out(access_beat_layout)
    done : Out(access_done_layout)
    m_axi_* : Out(AXI4), always ID 0; `signature_reader` and `signature_writer` are its halves
    """

    def __init__(self, *, address_width: int = 40, id_width: int = 1):
        widths = {"address_width": address_width, "id_width": id_width}
        self.signature_axi = AXI4(**widths)
        self.signature_reader = AXI4(**widths, write=False)
        self.signature_writer = AXI4(**widths, read=False)
        super().__init__(
            {
                "i": In(stream.Signature(access_request_layout(address_width))),
                "words": In(stream.Signature(DATA_WIDTH)),
                "beat": Out(access_beat_layout()),
                "done": Out(access_done_layout()),
                **flat("m_axi", self.signature_axi),
            }
        )
        self.reading = Signal()
        self.writing = Signal()
        self.left = Signal(range(MAX_BEATS + 1))
        self.failed = Signal(2)

    def elaborate(self, platform):
        m = Module()
        reading = self.reading
        writing = self.writing
        left = self.left
        request = self.i.payload
        word_bits = size_of(DATA_WIDTH)
        address = Signal(self.signature_axi.address_width - word_bits, reset_less=True)
        length = Signal(range(MAX_BEATS), reset_less=True)
        idle = Signal()
        takes = Signal()
        m.d.comb += [
            idle.eq(~reading & ~writing),
            self.i.ready.eq(idle),
            takes.eq(self.i.valid & idle),
        ]
        for channel in ("ar", "aw"):
            valid = getattr(self, f"m_axi_{channel}valid")
            m.d.comb += [
                getattr(self, f"m_axi_{channel}addr")[word_bits:].eq(address),
                getattr(self, f"m_axi_{channel}len").eq(length),
                getattr(self, f"m_axi_{channel}size").eq(word_bits),
                getattr(self, f"m_axi_{channel}burst").eq(Burst.INCR),
                getattr(self, f"m_axi_{channel}cache").eq(CACHE_BUFFERABLE),
            ]
            with m.If(getattr(self, f"m_axi_{channel}ready")):
                m.d.sync += valid.eq(0)
        with m.If(idle):
            m.d.sync += [
                address.eq(request.address[word_bits:]),
                length.eq(request.beats - 1),
                left.eq(request.beats),
            ]
        with m.If(takes):
            m.d.sync += [
                self.m_axi_arvalid.eq(~request.write),
                self.m_axi_awvalid.eq(request.write),
                reading.eq(~request.write),
                writing.eq(request.write),
            ]

        # Words wait for the request, though they might be there with it: what decides about a
        # request comes late in a clock, and must not have to decide about words as well.
        sends = Signal()
        m.d.comb += [
            self.words.ready.eq(writing & (left != 0) & (self.m_axi_wready | ~self.m_axi_wvalid)),
            sends.eq(self.words.valid & self.words.ready),
            self.m_axi_wstrb.eq(~0),
        ]
        with m.If(sends):
            m.d.sync += [
                self.m_axi_wvalid.eq(1),
                self.m_axi_wdata.eq(self.words.payload),
                self.m_axi_wlast.eq(left == 1),
                left.eq(left - 1),
            ]
        with m.Elif(self.m_axi_wready):
            m.d.sync += self.m_axi_wvalid.eq(0)

        failed = self.failed
        response = Signal(2)
        m.d.comb += [
            self.m_axi_rready.eq(reading),
            self.m_axi_bready.eq(writing),
            self.beat.valid.eq(reading & self.m_axi_rvalid),
            self.beat.data.eq(self.m_axi_rdata),
            self.beat.response.eq(self.m_axi_rresp),
            self.beat.last.eq(self.m_axi_rlast),
            self.done.valid.eq(
                (self.beat.valid & self.beat.last) | (writing & self.m_axi_bvalid)
            ),
            response.eq(Mux(reading, self.m_axi_rresp, self.m_axi_bresp)),
            self.done.response.eq(Mux(failed.any(), failed, response)),
        ]
        with m.If(self.done.valid):
            m.d.sync += [reading.eq(0), writing.eq(0), failed.eq(0)]
        with m.Elif(self.beat.valid & ~failed.any() & self.m_axi_rresp[1]):
            m.d.sync += failed.eq(self.m_axi_rresp)
        return m
