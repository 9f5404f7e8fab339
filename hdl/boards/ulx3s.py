"""The accelerator on a ULX3S: memory in block RAM, a host at the USB port's serial line."""

from amaranth.hdl import Cat, ClockDomain, Elaboratable, Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import LAWS
from engram.arch.uart import GAP_BITS, Identity
from hdl.accelerator import Accelerator
from hdl.axi.arbiter import Arbiter
from hdl.axi.signatures import port
from hdl.boards.bridge import Bridge
from hdl.boards.memory import BlockMemory
from hdl.boards.uart import UartReceiver, UartTransmitter
from hdl.synth.multiplier import ECP5, Tile

__all__ = ["BAUD", "CLOCK_HZ", "CONFIG", "MEMORY_BASE", "MEMORY_BYTES", "Ulx3s", "Ulx3sBoard"]

CLOCK_HZ = 25_000_000  # the oscillator's
# The FT231X divides 3 MHz, and this board 25 MHz: of what both make exactly, the fastest.
BAUD = 1_000_000
MEMORY_BASE = 0x1000_0000
MEMORY_BYTES = 256 << 10  # 128 of the 208 block RAMs of an 85F
PATIENCE = 1 << 16  # clocks after which a port counts as hung: 2.6 ms
SEEN_CLOCKS = CLOCK_HZ // 20  # for so long an LED shows what lasted for a clock

# There is no manager for the window, so it is as small as can be, and Yosys leaves it out.
CONFIG = AcceleratorConfig(laws=tuple(LAWS), address_bits=32, window_bits=13, window_id_bits=1)


class Ulx3s(wiring.Component):
    """Accelerator, memory and bridge, with the line at two ports.

    Members
    -------
    clk, rst : In(1)
    rx : In(1), the line from the host; high when idle
    tx : Out(1), the line to the host
    leds : Out(8): interrupt, idle, bytes came, bytes went, a damaged byte came, registers hung,
        memory hung, and a light that blinks each 1.3 s of clocks
    """

    def __init__(
        self,
        config: AcceleratorConfig = CONFIG,
        *,
        divisor: int = CLOCK_HZ // BAUD,
        gap_bits: int = GAP_BITS,
        patience: int = PATIENCE,
        memory_bytes: int = MEMORY_BYTES,
        tile: Tile = ECP5,
    ):
        self.identity = Identity(
            memory_base=MEMORY_BASE,
            memory_bytes=memory_bytes,
            clock_hz=CLOCK_HZ,
            patience=patience,
        )
        width = config.address_bits
        self.receiver = UartReceiver(divisor)
        self.transmitter = UartTransmitter(divisor)
        self.accelerator = Accelerator(config, tile)
        self.bridge = Bridge(
            identity=self.identity,
            gap=gap_bits * divisor,
            register_bits=self.accelerator.signature_axil.address_width,
            address_width=width,
        )
        self.arbiter = Arbiter(readers=2, writers=2, address_width=width)
        self.memory = BlockMemory(base=MEMORY_BASE, size=memory_bytes, address_width=width)
        super().__init__(
            {
                "clk": In(1),
                "rst": In(1),
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "leds": Out(8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.clk), domain.rst.eq(self.rst)]
        m.submodules.receiver = receiver = self.receiver
        m.submodules.transmitter = transmitter = self.transmitter
        m.submodules.bridge = bridge = self.bridge
        accelerator, arbiter, memory = self.accelerator, self.arbiter, self.memory
        for name in ("accelerator", "arbiter", "memory"):
            m.submodules[name] = ResetInserter(bridge.clear)(getattr(self, name))

        m.d.comb += [
            receiver.line.eq(self.rx),
            self.tx.eq(transmitter.line),
            bridge.i.eq(receiver.o),
            bridge.irq.eq(accelerator.irq),
        ]
        wiring.connect(m, bridge.o, transmitter.i)
        registers = accelerator.signature_axil
        wiring.connect(
            m, port(bridge, "m_axil", registers), port(accelerator, "s_axil", registers.flip())
        )
        for number, unit in enumerate((accelerator, bridge)):
            for prefix, signature in (
                ("r", arbiter.signature_reader), ("w", arbiter.signature_writer),
            ):
                wiring.connect(
                    m,
                    port(unit, "m_axi", signature),
                    port(arbiter, f"{prefix}{number}", signature.flip()),
                )
        signature = memory.signature_axi
        wiring.connect(
            m, port(arbiter, "m_axi", signature), port(memory, "s_axi", signature.flip())
        )
        blink = Signal(25)
        m.d.sync += blink.eq(blink + 1)
        m.d.comb += self.leds.eq(
            Cat(
                accelerator.irq,
                accelerator.bank.status[0],
                self._seen(m, "came", receiver.o.valid),
                self._seen(m, "went", bridge.o.valid),
                self._seen(m, "damaged", receiver.o.valid & receiver.o.bad),
                bridge.gone,
                blink[-1],
            )
        )
        return m

    def _seen(self, m, name: str, pulse):
        """Return a signal that is high for long enough after a pulse."""
        left = Signal(range(SEEN_CLOCKS + 1), name=f"{name}_left")
        with m.If(pulse):
            m.d.sync += left.eq(SEEN_CLOCKS)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        return left != 0


class Ulx3sBoard(Elaboratable):
    """`Ulx3s` at the pins of the board, as the platform of amaranth-boards names them."""

    def __init__(self, design: Ulx3s | None = None):
        self.design = design or Ulx3s()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.design
        clock = platform.request(platform.default_clk)
        line = platform.request("uart")
        # A register loads what it is configured with, so the first clocks need no reset.
        m.d.comb += [
            design.clk.eq(clock.i),
            design.rst.eq(0),
            design.rx.eq(line.rx.i),
            line.tx.o.eq(design.tx),
        ]
        for number in range(8):
            m.d.comb += platform.request("led", number).o.eq(design.leds[number])
        return m
