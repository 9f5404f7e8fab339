"""Block RAM as the memory of an accelerator."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from hdl.axi.signatures import AXI4, Burst, Response, flat, size_of

__all__ = ["BlockMemory"]

DATA_WIDTH = 64
PAGE_WORDS_LOG2 = 9  # a burst stays within 4 KiB


class BlockMemory(wiring.Component):
    """An AXI4 subordinate of ``size`` bytes from byte ``base`` on.

    Function: bursts of whole words with incrementing addresses, of up to 256 beats within 4 KiB.
    A burst of another kind or width is answered with SLVERR, one that begins outside with DECERR,
    each of its beats the same; such a read gives zeros and such a write changes nothing. Strobes
    count. Reads and writes go on side by side, one burst each at a time. A read whose address is
    taken after a write was answered sees that write.

    Latency: the first word is offered 2 clocks after the address was taken, a write is answered in
    the clock after its last word. Throughput: a word a clock each way within a burst, 2 clocks
    between bursts. Back-pressure: a word or an answer waits until it is taken, and no address is
    taken meanwhile; words are taken only after their address. No output depends combinationally
    on an input. Reset forgets what was under way, not what was written.

    Members
    -------
    s_axi_* : In(AXI4)
    """

    def __init__(self, *, base: int, size: int, address_width: int = 32, id_width: int = 1):
        page = DATA_WIDTH // 8 << PAGE_WORDS_LOG2
        if size < page or size % page:
            raise ValueError(f"size must be a multiple of {page}, not {size!r}")
        if base % page or not 0 <= base <= (1 << address_width) - size:
            raise ValueError(f"base must be a multiple of {page} with room, not {base!r}")
        self.base = base
        self.size = size
        self.signature_axi = AXI4(address_width=address_width, id_width=id_width)
        super().__init__(flat("s_axi", self.signature_axi.flip()))
        self.memory = Memory(shape=DATA_WIDTH, depth=size // (DATA_WIDTH // 8), init=[])

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.memory
        self._reads(m)
        self._writes(m)
        return m

    def _verdict(self, channel: str):
        """Return what the bursts of an address channel deserve, and their first word's number."""
        address = getattr(self, f"s_axi_{channel}addr")
        offset = Signal(len(address), name=f"{channel}_offset")
        usual = (getattr(self, f"s_axi_{channel}burst") == Burst.INCR) & (
            getattr(self, f"s_axi_{channel}size") == size_of(DATA_WIDTH)
        )
        response = Mux(
            offset >= self.size, Response.DECERR, Mux(usual, Response.OKAY, Response.SLVERR)
        )
        return offset, offset.eq(address - self.base), response

    def _next(self, place):
        """Return the word after this one: no count of beats leads out of its page."""
        low = Signal(PAGE_WORDS_LOG2, name="next_low")
        return low, low.eq(place[:PAGE_WORDS_LOG2] + 1)

    def _reads(self, m):
        read = self.memory.read_port()
        offset, subtract, response = self._verdict("ar")
        m.d.comb += subtract
        place = Signal.like(read.addr)  # of the word to fetch next
        low, advance = self._next(place)
        m.d.comb += advance
        left = Signal(9)  # words to fetch
        last = Signal()  # what is fetched was the last
        moves = Signal()
        m.d.comb += [
            moves.eq(~self.s_axi_rvalid | self.s_axi_rready),
            self.s_axi_arready.eq((left == 0) & ~self.s_axi_rvalid),
            read.addr.eq(place),
            read.en.eq((left != 0) & moves),
            self.s_axi_rdata.eq(Mux(self.s_axi_rresp[1], 0, read.data)),
            self.s_axi_rlast.eq(last),
        ]
        with m.If(self.s_axi_arvalid & self.s_axi_arready):
            m.d.sync += [
                place.eq(offset[3:]),
                left.eq(self.s_axi_arlen + 1),
                self.s_axi_rid.eq(self.s_axi_arid),
                self.s_axi_rresp.eq(response),
            ]
        with m.If(moves):
            m.d.sync += self.s_axi_rvalid.eq(left != 0)
            with m.If(left != 0):
                m.d.sync += [
                    place[:PAGE_WORDS_LOG2].eq(low),
                    left.eq(left - 1),
                    last.eq(left == 1),
                ]

    def _writes(self, m):
        write = self.memory.write_port(granularity=8)
        offset, subtract, response = self._verdict("aw")
        m.d.comb += subtract
        place = Signal.like(write.addr)
        low, advance = self._next(place)
        m.d.comb += advance
        under_way = Signal()
        takes = Signal()
        m.d.comb += [
            takes.eq(self.s_axi_wvalid & self.s_axi_wready),
            self.s_axi_awready.eq(~under_way & ~self.s_axi_bvalid),
            self.s_axi_wready.eq(under_way),
            write.addr.eq(place),
            write.data.eq(self.s_axi_wdata),
            write.en.eq(Mux(takes & ~self.s_axi_bresp[1], self.s_axi_wstrb, 0)),
        ]
        with m.If(self.s_axi_awvalid & self.s_axi_awready):
            m.d.sync += [
                place.eq(offset[3:]),
                under_way.eq(1),
                self.s_axi_bid.eq(self.s_axi_awid),
                self.s_axi_bresp.eq(response),
            ]
        with m.If(takes):
            m.d.sync += place[:PAGE_WORDS_LOG2].eq(low)
            with m.If(self.s_axi_wlast):
                m.d.sync += [under_way.eq(0), self.s_axi_bvalid.eq(1)]
        with m.If(self.s_axi_bvalid & self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)
        return m
