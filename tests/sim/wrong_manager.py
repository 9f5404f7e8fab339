"""A manager that breaks AXI's rules: what the checks of a Verilated bus are tried on."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from hdl.axi.signatures import AXI4, AXI4Lite, Burst, flat

__all__ = ["MISTAKES", "WrongManager"]

# What the manager does once the register of this number was read, and how a report of it ends.
MISTAKES = {
    "withdraws": "m_axi ar: an offer was withdrawn",
    "changes": "m_axi ar: an offer changed while it waited",
    "crosses": "m_axi ar: 16 beats at 0x10000fc0 cross 4 KiB",
    "wraps": "m_axi ar: burst 2 is not INCR",
    "narrow": "m_axi ar: size 2 is not 8 bytes",
    "long": "m_axi ar: 17 beats are over 16",
    "skewed": "m_axi ar: address 0x10000004 is no multiple of 8",
    "late_last": "m_axi w: last is wrong on beat 2 of 2",
    "chatters": "s_axil b: an answer before its address and data",
}
NAMES = list(MISTAKES)


class WrongManager(wiring.Component):
    """Once register n is read, n from 1: reads, or writes two words, with the n-th mistake.

    Members
    -------
    s_axil_* : In(AXI4Lite)
    m_axi_* : Out(AXI4)
    """

    def __init__(self):
        super().__init__({
            **flat("s_axil", AXI4Lite(address_width=8).flip()),
            **flat("m_axi", AXI4()),
        })

    def elaborate(self, platform):
        m = Module()
        chosen = Signal(6)
        parity = Signal()

        def makes(mistake):
            return chosen == NAMES.index(mistake) + 1

        m.d.sync += parity.eq(~parity)
        m.d.comb += self.s_axil_arready.eq(~self.s_axil_rvalid)
        with m.If(self.s_axil_arvalid & self.s_axil_arready):
            m.d.sync += [chosen.eq(self.s_axil_araddr[2:]), self.s_axil_rvalid.eq(1)]
        with m.If(self.s_axil_rvalid & self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)

        writes = makes("late_last")
        offset = Mux(makes("crosses"), 0xFC0, Mux(makes("skewed"), 4, makes("changes") & parity))
        m.d.comb += [
            self.s_axil_bvalid.eq(makes("chatters")),
            self.m_axi_araddr.eq(0x1000_0000 + offset),
            self.m_axi_arlen.eq(Mux(makes("crosses"), 15, Mux(makes("long"), 16, 0))),
            self.m_axi_arsize.eq(Mux(makes("narrow"), 2, 3)),
            self.m_axi_arburst.eq(Mux(makes("wraps"), Burst.WRAP, Burst.INCR)),
            self.m_axi_arvalid.eq((chosen != 0) & ~writes & ~(makes("withdraws") & parity)),
            self.m_axi_rready.eq(1),
            self.m_axi_awaddr.eq(0x1000_0000),
            self.m_axi_awlen.eq(1),
            self.m_axi_awsize.eq(3),
            self.m_axi_awburst.eq(Burst.INCR),
            self.m_axi_awvalid.eq(writes),
            self.m_axi_wvalid.eq(writes),
            self.m_axi_wstrb.eq(0xFF),
            self.m_axi_bready.eq(1),
        ]
        return m
