"""The registers of a table behind an AXI4-Lite port."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.registers import REGISTER_BITS, REGISTER_BYTES, Access, Register, RegisterTable
from hdl.axi.signatures import AXI4Lite, Response, flat
from hdl.stream import SkidBuffer

__all__ = ["RegisterBank"]

LANES = REGISTER_BITS // 8


class RegisterBank(wiring.Component):
    """An AXI4-Lite subordinate that holds the registers of a table.

    Function: reads and writes of 32 bits; byte strobes count for every kind of register; the two
    low address bits are ignored. An address where no register is, and a write to a register that
    software may not write, are answered with SLVERR and change nothing. (DECERR is left to the
    interconnect, so that the two kinds of wrong address can be told apart.) Reads change nothing.

    Latency: the read data are offered 2 clocks after the address was taken; a write takes effect
    in the registers 2 clocks after the later of its address and data were taken, and is answered
    in the same clock. Throughput: one read and one write in each clock. A read whose address is
    taken after a write was answered sees that write. Back-pressure: each channel takes 2
    transfers before it waits for the answers to be fetched; no output of the port depends
    combinationally on an input. Every access is answered exactly once. Reset: registers take
    their reset values, accesses under way are forgotten.

    Attributes
    ----------
    table, signature_axil
        What it was built from, and the signature of its port.
    s_axil_buffers
        The buffers of the three channels that come in; for proofs.

    Members
    -------
    s_axil_* : In(AXI4Lite)
    <name> : of each value of the table, in small letters, 64 bits wide for a pair
        RO: In, what software reads. A pair is captured whole by bit 0 of its snapshot strobe,
        in the clock of the pulse; software reads what was captured.
        RW: Out, what software wrote last.
        W1C: Out, the bits that are set.
        STROBE: Out, each bit high for one clock when written as 1.
    <name>_set : In, of each W1C register, bits to set; setting wins over clearing in one clock
    """

    def __init__(self, table: RegisterTable):
        self.table = table
        self.signature_axil = AXI4Lite(address_width=table.address_bits)
        members = flat("s_axil", self.signature_axil.flip())
        for name, halves in table.values.items():
            width = REGISTER_BITS * len(halves)
            taken = {*members, "s_axil_buffers", *dir(self)}
            if not {name.lower(), f"{name.lower()}_set"}.isdisjoint(taken):
                raise ValueError(f"register must not have the name of another member: {name!r}")
            match halves[0].access:
                case Access.RO:
                    members[name.lower()] = In(width)
                case Access.RW:
                    reset = sum(half.reset << REGISTER_BITS * i for i, half in enumerate(halves))
                    members[name.lower()] = Out(width, init=reset)
                case Access.STROBE:
                    members[name.lower()] = Out(width)
                case Access.W1C:
                    members[name.lower()] = Out(width)
                    members[name.lower() + "_set"] = In(width)
        super().__init__(members)
        self.s_axil_buffers = {
            "aw": SkidBuffer(table.address_bits),
            "w": SkidBuffer(data.StructLayout({"data": REGISTER_BITS, "strobe": LANES})),
            "ar": SkidBuffer(table.address_bits),
        }

    def elaborate(self, platform):
        m = Module()
        self._reads(m, self._writes(m))
        return m

    def _writes(self, m):
        """Build the write half; return the values that software reads, by register name."""
        m.submodules.addresses = addresses = self.s_axil_buffers["aw"]
        m.submodules.words = words = self.s_axil_buffers["w"]
        m.d.comb += [
            addresses.i.valid.eq(self.s_axil_awvalid),
            addresses.i.payload.eq(self.s_axil_awaddr),
            self.s_axil_awready.eq(addresses.i.ready),
            words.i.valid.eq(self.s_axil_wvalid),
            words.i.payload.data.eq(self.s_axil_wdata),
            words.i.payload.strobe.eq(self.s_axil_wstrb),
            self.s_axil_wready.eq(words.i.ready),
        ]
        write = Signal()
        refused = Signal()
        bits = Signal(REGISTER_BITS)
        m.d.comb += [
            write.eq(
                addresses.o.valid & words.o.valid & (~self.s_axil_bvalid | self.s_axil_bready)
            ),
            addresses.o.ready.eq(write),
            words.o.ready.eq(write),
            bits.eq(Cat(bit.replicate(8) for bit in words.o.payload.strobe)),
            refused.eq(1),
        ]
        with m.If(write):
            m.d.sync += [
                self.s_axil_bvalid.eq(1),
                self.s_axil_bresp.eq(Mux(refused, Response.SLVERR, Response.OKAY)),
            ]
        with m.Elif(self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)

        number = addresses.o.payload[2:]
        written = words.o.payload.data
        readable = {}
        for name, halves in self.table.values.items():
            for index, register in enumerate(halves):
                part = slice(REGISTER_BITS * index, REGISTER_BITS * (index + 1))
                selected = Signal(name=f"{register.name.lower()}_selected")
                m.d.comb += selected.eq(number == register.offset // REGISTER_BYTES)
                if register.access.writable:
                    with m.If(selected):
                        m.d.comb += refused.eq(0)
                here = write & selected
                mask = Const(register.mask, REGISTER_BITS)
                match register.access:
                    case Access.CONSTANT:
                        readable[register.name] = Const(register.reset, REGISTER_BITS)
                    case Access.RO:
                        readable[register.name] = self._status(m, name, register, part)
                    case Access.RW:
                        value = getattr(self, name.lower())[part]
                        # An enable a byte: a multiplexer a bit would cost eight times as much.
                        for lane in range(LANES):
                            byte = slice(8 * lane, 8 * (lane + 1))
                            with m.If(here & words.o.payload.strobe[lane]):
                                m.d.sync += value[byte].eq(written[byte] & mask.value >> 8 * lane)
                        readable[register.name] = value
                    case Access.W1C:
                        value = getattr(self, name.lower())
                        raised = getattr(self, name.lower() + "_set")
                        cleared = Mux(here, written & bits, 0)
                        m.d.sync += value.eq((value & ~cleared | raised) & mask)
                        readable[register.name] = value
                    case Access.STROBE:
                        pulse = getattr(self, name.lower())
                        m.d.sync += pulse.eq(Mux(here, written & bits & mask, 0))
                        readable[register.name] = Const(0, REGISTER_BITS)
        return readable

    def _status(self, m, name: str, register: Register, part: slice):
        """Return what software reads of a read-only register."""
        value = getattr(self, name.lower())[part]
        if register.snapshot is not None:
            taken = Signal(REGISTER_BITS, name=f"{register.name.lower()}_taken")
            with m.If(getattr(self, register.snapshot.lower())[0]):
                m.d.sync += taken.eq(value)
            value = taken
        return value & register.mask

    def _reads(self, m, readable):
        m.submodules.places = places = self.s_axil_buffers["ar"]
        m.d.comb += [
            places.i.valid.eq(self.s_axil_arvalid),
            places.i.payload.eq(self.s_axil_araddr),
            self.s_axil_arready.eq(places.i.ready),
            places.o.ready.eq(~self.s_axil_rvalid | self.s_axil_rready),
        ]
        with m.If(places.o.ready):
            m.d.sync += self.s_axil_rvalid.eq(places.o.valid)
            # What is put there while nothing is asked for is not offered.
            with m.Switch(places.o.payload[2:]):
                for register in self.table:
                    with m.Case(register.offset // REGISTER_BYTES):
                        m.d.sync += [
                            self.s_axil_rdata.eq(readable[register.name]),
                            self.s_axil_rresp.eq(Response.OKAY),
                        ]
                with m.Default():
                    m.d.sync += [
                        self.s_axil_rdata.eq(0),
                        self.s_axil_rresp.eq(Response.SLVERR),
                    ]
