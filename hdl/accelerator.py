"""The accelerator: registers, ring, MMU, mover and window around one port to DRAM."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import Fault
from engram.arch.regs import COUNTERS, REGISTERS
from hdl.axi.arbiter import Arbiter
from hdl.axi.register_bank import RegisterBank
from hdl.axi.signatures import flat, port
from hdl.counters import COUNTER_BITS, Counters
from hdl.mmu.pager import Pager
from hdl.mover.mover import Mover
from hdl.mover.moves import FAULT_BITS
from hdl.ring.sequencer import Sequencer
from hdl.stream import SkidBuffer
from hdl.synth.multiplier import DSP48E1, Tile
from hdl.window.window import Window

__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """A 2**64-word space in hardware: its words are generated, or lie in frames once written.

    Function: as `engram.arch.commands` says for the ring, `engram.arch.regs` for the registers,
    and for the window: any manager on the chip reads and writes the words at WINDOW_BASE as
    memory. Commands, window reads and window writes may all be under way at once; each is a
    series of pieces within pages, and pieces are carried out one after the other.

    Whatever arrives at its ports, every access is answered, every command completed, and nothing
    is written outside the frames, tables, buffers and completions that the registers name.

    Clock: one, `sync`. Reset: everything is forgotten; the bus behind must be reset too.

    Members
    -------
    s_axil_* : In(AXI4Lite), the registers
    s_axi_* : In(AXI4), the window
    m_axi_* : Out(AXI4), DRAM
    irq : Out(1), level: an event that IRQ_ENABLE names is set in IRQ_STATUS
    """

    def __init__(self, config: AcceleratorConfig | None = None, tile: Tile = DSP48E1):
        self.config = config = config or AcceleratorConfig()
        self.bank = RegisterBank(REGISTERS)
        self.sequencer = Sequencer(config)
        self.pager = Pager(config)
        self.mover = Mover(config, tile)
        self.window = Window(config)
        self.arbiter = Arbiter(readers=3, writers=3, address_width=config.address_bits)
        self.counters = Counters(COUNTERS)
        self.signature_axil = self.bank.signature_axil
        self.signature_window = self.window.signature_axi
        self.signature_axi = self.arbiter.signature_axi
        super().__init__({
            **flat("s_axil", self.signature_axil.flip()),
            **flat("s_axi", self.signature_window.flip()),
            **flat("m_axi", self.signature_axi),
            "irq": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = bank = self.bank
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.pager = pager = self.pager
        m.submodules.mover = mover = self.mover
        m.submodules.window = window = self.window
        m.submodules.arbiter = arbiter = self.arbiter
        m.submodules.counters = self.counters

        # A port of this component, seen from inside, has the directions of the other end.
        for unit, prefix, signature in (
            (bank, "s_axil", self.signature_axil),
            (window, "s_axi", self.signature_window),
        ):
            wiring.connect(
                m, port(self, prefix, signature), port(unit, prefix, signature.flip())
            )
        self._connect_dram(m)
        for number, (unit, reads, writes) in enumerate((
            (mover, "r", "w"), (pager, "m_axi", "m_axi"), (sequencer, "m_axi", "m_axi"),
        )):
            for prefix, client, signature in (
                (reads, f"r{number}", unit.signature_reader),
                (writes, f"w{number}", unit.signature_writer),
            ):
                wiring.connect(
                    m, port(unit, prefix, signature), port(arbiter, client, signature.flip())
                )

        wiring.connect(m, sequencer.requests, pager.ring)
        wiring.connect(m, window.reads, pager.window_reads)
        wiring.connect(m, window.writes, pager.window_writes)
        self._order(m)
        wiring.connect(m, window.window_in, mover.window_in)
        wiring.connect(m, mover.window_out, window.window_out)
        m.d.comb += [
            sequencer.answer.eq(pager.answer),
            sequencer.ring_moved.eq(pager.ring_moved),
            sequencer.report.eq(mover.report),
            pager.report.eq(mover.report),
            window.report.eq(mover.report),
            pager.context.eq(sequencer.context),
            pager.clear.eq(sequencer.clear),
            mover.keys.eq(sequencer.context.keys),
            mover.seed.eq(sequencer.context.seed),
        ]
        self._registers(m)
        self._count(m)
        return m

    def _order(self, m):
        """Hand the pager's moves to the mover, with a register each way."""
        pager, mover = self.pager, self.mover
        # Whether there is room is a clock old when it is used, and a move arrives a clock later.
        # It still holds: only a move takes room away, and the pager orders none in the two
        # clocks after one.
        room = Signal()
        ordered = Signal()
        move = Signal(pager.moves.payload.shape())
        m.d.sync += [
            room.eq(mover.i.ready),
            ordered.eq(pager.moves.valid & room),
            move.eq(pager.moves.payload),
        ]
        m.d.comb += [
            pager.moves.ready.eq(room),
            mover.i.valid.eq(ordered),
            mover.i.payload.eq(move),
            pager.mover_idle.eq(mover.idle & ~ordered),
        ]

    def _connect_dram(self, m):
        """Join the arbiter to the port; words that are read pass a buffer on their way in."""
        inner = port(self.arbiter, "m_axi", self.signature_axi)
        layout = data.StructLayout({"id": 1, "data": 64, "resp": 2, "last": 1})
        m.submodules.incoming = incoming = SkidBuffer(layout)
        m.d.comb += [
            incoming.i.valid.eq(self.m_axi_rvalid),
            self.m_axi_rready.eq(incoming.i.ready),
            inner.rvalid.eq(incoming.o.valid),
            incoming.o.ready.eq(inner.rready),
        ]
        for name in layout.members:
            m.d.comb += [
                incoming.i.payload[name].eq(getattr(self, f"m_axi_r{name}")),
                getattr(inner, f"r{name}").eq(incoming.o.payload[name]),
            ]
        for name, member in self.signature_axi.members.items():
            if name.startswith("r"):
                continue
            ours, theirs = getattr(self, f"m_axi_{name}"), getattr(inner, name)
            m.d.comb += ours.eq(theirs) if member.flow is Out else theirs.eq(ours)

    def _registers(self, m):
        """Give the units what software wrote, and software what the units are at."""
        bank, sequencer, pager, window = self.bank, self.sequencer, self.pager, self.window
        enable, window_read, window_write = (bank.control[bit] for bit in range(3))
        config = self.config
        shape = [
            (config.lanes, 5),
            (config.tlb_entries, 7),
            (config.regions, 7),
            (config.address_bits, 6),
            (config.window_bits, 6),
        ]
        fields = {field.name: field for field in REGISTERS["SHAPE"].fields}
        assert [width for _, width in shape] == [field.width for field in fields.values()]
        window_fault = Signal(FAULT_BITS)
        # A clock late, which does no harm: a window access that begins in that clock finds the
        # window closed before it could use what is being cleared.
        quiet = Signal()
        m.d.sync += quiet.eq(pager.idle & pager.mover_idle & window.idle)
        with m.If(window.fault.valid):
            m.d.sync += window_fault.eq(window.fault.fault)
        with m.Elif(sequencer.clear):
            m.d.sync += window_fault.eq(Fault.OK)
        m.d.comb += [
            bank.laws.eq(config.law_mask),
            bank.shape.eq(
                sum(
                    value << field.low
                    for (value, _), field in zip(shape, fields.values(), strict=True)
                )
            ),
            sequencer.quiet.eq(quiet),
            sequencer.enable.eq(enable),
            sequencer.tail.eq(bank.ring_tail),
            sequencer.ring_log2.eq(bank.ring_log2),
            pager.window_readable.eq(enable & window_read),
            pager.window_writable.eq(enable & window_write),
            pager.frame_base.eq(bank.frame_base),
            pager.frame_count.eq(bank.frame_count),
            window.base.eq(bank.window_base),
            bank.ring_head.eq(sequencer.head),
            bank.frames_used.eq(pager.frames_used),
            bank.irq_status_set.eq(
                Cat(sequencer.done, sequencer.failed, sequencer.halts, window.fault.valid)
            ),
        ]
        status = {
            "IDLE": sequencer.idle & quiet,
            "HALTED": sequencer.halted,
            "SELECTED": sequencer.context.selected,
            "HALT_FAULT": sequencer.halt_fault,
            "WINDOW_FAULT": window_fault,
        }
        for field in REGISTERS["STATUS"].fields:
            low, high = field.low, field.low + field.width
            m.d.sync += bank.status[low:high].eq(status[field.name])
        for name in (
            "ring_base", "completion_base", "buffer_base", "buffer_limit", "table_base",
            "table_limit",
        ):
            m.d.comb += getattr(sequencer, name).eq(getattr(bank, name))
        m.d.sync += self.irq.eq((bank.irq_status & bank.irq_enable).any())

    def _count(self, m):
        """Let the counters see the events, and software the counters."""
        counters, bank, pager, mover = self.counters, self.bank, self.pager, self.mover
        read = self.m_axi_rvalid & self.m_axi_rready
        written = self.m_axi_wvalid & self.m_axi_wready
        events = {
            "CYCLES": 1,
            "COMMANDS": self.sequencer.completed,
            "WORDS_GENERATED": mover.generated,
            "TLB_HITS": pager.tlb_hit,
            "TLB_MISSES": pager.tlb_miss,
            "PROBES": pager.probe,
            "FRAMES_TAKEN": pager.frame_taken,
            "BYTES_READ": read,
            "BYTES_WRITTEN": written,
            "STALL_GENERATE": mover.stall_generate,
            "STALL_FETCH": mover.stall_fetch,
            "STALL_WRITE": mover.stall_write,
            "STALL_WALK": pager.stall_walk,
        }
        for name in COUNTERS:
            small = name.lower()
            unit = 3 if name.startswith("BYTES") else 0  # a beat is eight bytes
            m.d.comb += [
                getattr(counters, f"{small}_event").eq(events[name]),
                getattr(bank, small).eq(getattr(counters, small) << unit),
            ]


assert int(max(Fault)) < 1 << FAULT_BITS
assert COUNTER_BITS <= 61  # a count of bytes is eight times that of beats
