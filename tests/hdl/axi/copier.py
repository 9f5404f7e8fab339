"""A small accelerator of all AXI units: it copies words in memory, under the control of registers.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from engram.arch.registers import Access, Field, Register, RegisterTable, wide
from hdl.axi.arbiter import Arbiter
from hdl.axi.reader import BurstReader
from hdl.axi.register_bank import RegisterBank
from hdl.axi.signatures import flat, port
from hdl.axi.writer import BurstWriter

__all__ = ["COPIER", "Copier"]

COPIER = RegisterTable(
    "COPIER",
    Register("ID", 0x00, Access.CONSTANT, 0x434F5059),
    Register("ABI", 0x04, Access.CONSTANT, 0x0001_0000),
    Register("COMMAND", 0x08, Access.STROBE, fields=(Field("SNAPSHOT", 0), Field("START", 1))),
    Register(
        "STATUS",
        0x0C,
        Access.RO,
        fields=(Field("BUSY", 0), Field("READ", 4, 2), Field("WRITE", 8, 2)),
    ),
    Register("EVENTS", 0x10, Access.W1C, fields=(Field("DONE", 0),)),
    Register("WORDS", 0x14, Access.RW),
    wide("SOURCE", 0x18, Access.RW),
    wide("TARGET", 0x20, Access.RW),
    wide("CLOCKS", 0x28, Access.RO, snapshot="COMMAND"),
)


class Copier(wiring.Component):
    """Copies WORDS words from SOURCE to TARGET when started; DONE and the interrupt say when.

    Members
    -------
    s_axil_* : In(AXI4Lite)
    m_axi_* : Out(AXI4)
    irq : Out, high while DONE is set
    """

    def __init__(self):
        self.bank = RegisterBank(COPIER)
        self.reader = BurstReader()
        self.writer = BurstWriter()
        self.arbiter = Arbiter(readers=1, writers=1)
        super().__init__(
            {
                **flat("s_axil", self.bank.signature_axil.flip()),
                **flat("m_axi", self.arbiter.signature_axi),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = bank = self.bank
        m.submodules.reader = reader = self.reader
        m.submodules.writer = writer = self.writer
        m.submodules.arbiter = arbiter = self.arbiter

        # A port of this component, seen from inside, has the directions of the other end.
        axil = bank.signature_axil
        axi = arbiter.signature_axi
        wiring.connect(m, port(self, "s_axil", axil), port(bank, "s_axil", axil.flip()))
        wiring.connect(m, port(arbiter, "m_axi", axi), port(self, "m_axi", axi.flip()))
        for unit, prefix in ((reader, "r0"), (writer, "w0")):
            inner = unit.signature_axi
            wiring.connect(m, port(unit, "m_axi", inner), port(arbiter, prefix, inner.flip()))

        ordered = Signal(2)  # requests not taken yet
        start = bank.command[1]
        busy = Signal()
        responses = [Signal(2, name="read_response"), Signal(2, name="write_response")]
        clocks = Signal(64)
        m.d.sync += clocks.eq(clocks + busy)
        for bit, (unit, address) in enumerate(((reader, bank.source), (writer, bank.target))):
            m.d.comb += [
                unit.i.valid.eq(ordered[bit]),
                unit.i.payload.address.eq(address),
                unit.i.payload.beats.eq(bank.words),
            ]
            with m.If(unit.i.valid & unit.i.ready):
                m.d.sync += ordered[bit].eq(0)
        m.d.comb += [
            writer.words.valid.eq(reader.o.valid),
            writer.words.payload.data.eq(reader.o.payload.data),
            writer.words.payload.strobe.eq(~0),
            reader.o.ready.eq(writer.words.ready),
            writer.reports.ready.eq(1),
            bank.status.eq(busy | responses[0] << 4 | responses[1] << 8),
            bank.events_set.eq(writer.reports.valid),
            bank.clocks.eq(clocks),
            self.irq.eq(bank.events[0]),
        ]
        with m.If(reader.o.valid & reader.o.ready & reader.o.payload.last):
            m.d.sync += responses[0].eq(reader.o.payload.response)
        with m.If(writer.reports.valid):
            m.d.sync += [busy.eq(0), responses[1].eq(writer.reports.payload.response)]
        with m.If(start & ~busy):
            m.d.sync += [busy.eq(1), ordered.eq(0b11), clocks.eq(0)]
        return m
