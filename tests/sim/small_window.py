"""A window onto a few words: what the window manager of a Verilated bus is tried on."""

from amaranth.hdl import ClockDomain, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from hdl.axi.signatures import AXI4, Response, flat

__all__ = ["REFUSED", "WORDS", "SmallWindow"]

WORDS = 1024  # 8 KiB: bursts have a border of 4 KiB to end at
REFUSED = 0x1800  # accesses from here on are answered with SLVERR


class SmallWindow(wiring.Component):
    """Words behind a window, one burst of each direction at a time.

    A burst that crosses 4 KiB, which AXI forbids, gets the wrong words.

    Its clock and reset are named as AXI does, and it has neither registers nor a manager port.

    Members
    -------
    aclk, aresetn : In(1)
    s_axi_* : In(AXI4)
    """

    def __init__(self):
        self.signature_axi = AXI4(address_width=13, id_width=4)
        super().__init__({
            "aclk": In(1),
            "aresetn": In(1),
            **flat("s_axi", self.signature_axi.flip()),
        })

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        m.submodules.words = words = memory.Memory(shape=64, depth=WORDS, init=[])
        write = words.write_port(granularity=8)
        read = words.read_port(domain="comb")

        reading = Signal()
        at = Signal(13)
        left = Signal(8)
        m.d.comb += [
            self.s_axi_arready.eq(~reading),
            read.addr.eq(at[3:]),
            self.s_axi_rvalid.eq(reading),
            self.s_axi_rdata.eq(read.data),
            self.s_axi_rresp.eq(Mux(at >= REFUSED, Response.SLVERR, Response.OKAY)),
            self.s_axi_rlast.eq(left == 0),
        ]
        with m.If(self.s_axi_arvalid & self.s_axi_arready):
            m.d.sync += [
                reading.eq(1),
                at.eq(self.s_axi_araddr),
                left.eq(self.s_axi_arlen),
                self.s_axi_rid.eq(self.s_axi_arid),
            ]
        with m.If(self.s_axi_rvalid & self.s_axi_rready):
            m.d.sync += [at[:12].eq(at[:12] + 8), left.eq(left - 1)]
            with m.If(left == 0):
                m.d.sync += reading.eq(0)

        writing = Signal()
        to = Signal(13)
        m.d.comb += [
            self.s_axi_awready.eq(~writing & ~self.s_axi_bvalid),
            self.s_axi_wready.eq(writing),
            write.addr.eq(to[3:]),
            write.data.eq(self.s_axi_wdata),
            write.en.eq(Mux(writing & self.s_axi_wvalid & (to < REFUSED), self.s_axi_wstrb, 0)),
        ]
        with m.If(self.s_axi_awvalid & self.s_axi_awready):
            m.d.sync += [
                writing.eq(1),
                to.eq(self.s_axi_awaddr),
                self.s_axi_bid.eq(self.s_axi_awid),
                self.s_axi_bresp.eq(
                    Mux(self.s_axi_awaddr >= REFUSED, Response.SLVERR, Response.OKAY)
                ),
            ]
        with m.If(self.s_axi_wvalid & self.s_axi_wready):
            m.d.sync += to[:12].eq(to[:12] + 8)
            with m.If(self.s_axi_wlast):
                m.d.sync += [writing.eq(0), self.s_axi_bvalid.eq(1)]
        with m.If(self.s_axi_bvalid & self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)
        return m
