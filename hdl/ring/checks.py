"""Whether a command may be carried out: every check that needs no page table."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import FORMS, Fault, Opcode
from engram.arch.page_table import BUCKET_BYTES, PAGE_NUMBER_BITS
from hdl.mover.moves import FAULT_BITS
from hdl.ring.operands import fields_layout

__all__ = ["Checks"]

# Opcodes that a check is about.
INDEXED = tuple(opcode for opcode, form in FORMS.items() if "indices" in form.fields[:3])
MOVES_WORDS = (*INDEXED, Opcode.FILL, Opcode.READ, Opcode.WRITE)
COUNTED = (*MOVES_WORDS, Opcode.ERASE, Opcode.MAP)
NEEDS_NO_SPACE = tuple(opcode for opcode, form in FORMS.items() if not form.selected)


class Checks(wiring.Component):
    """Goes through a descriptor's checks one by one and says what is the first that fails.

    Each clock does one sum or comparison of its own, so none of them is in the way of a clock
    rate. Latency: from `start` to `done` at most 9 clocks; `done` is high for one clock.

    Members
    -------
    start : In(1)
    fields : In(fields_layout()), held until `done`
    well_formed, selected : In(1)
    buffer_base, buffer_limit, table_base, table_limit : In(64), as the registers say
    done : Out(1)
    fault : Out, the verdict, in the clock of `done`
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "start": In(1),
            "fields": In(fields_layout()),
            "well_formed": In(1),
            "selected": In(1),
            "buffer_base": In(64),
            "buffer_limit": In(64),
            "table_base": In(64),
            "table_limit": In(64),
            "done": Out(1),
            "fault": Out(FAULT_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        fields = self.fields
        bits = self.config.address_bits
        count = fields.count

        def among(opcodes):
            return sum((fields.opcode == opcode for opcode in opcodes), Const(0)).any()

        selecting = Signal()
        moving = Signal()
        indexed = Signal()
        counted = Signal()
        m.d.comb += [
            selecting.eq(fields.opcode == Opcode.SELECT),
            moving.eq(among(MOVES_WORDS)),
            indexed.eq(among(INDEXED)),
            counted.eq(among(COUNTED)),
        ]
        regional = among((Opcode.MAP, Opcode.UNMAP))

        # The run of bytes that has to lie within a pool, one after the other.
        low = Signal(64)
        end = Signal(bits + 1)
        size = Signal(bits + 1)
        too_large = Signal()
        base = Signal(bits)
        limit = Signal(bits + 1)
        m.d.sync += [
            base.eq(Mux(selecting, self.table_base, self.buffer_base)),
            limit.eq(Mux(selecting, self.table_limit, self.buffer_limit)),
        ]
        starts_inside = Signal()
        ends_inside = Signal()
        last = Signal(65)
        law_built = Signal()
        for number in self.config.laws:
            with m.If(fields.law == number):
                m.d.comb += law_built.eq(1)

        def fail(fault, condition):
            with m.If(condition):
                m.d.comb += [self.done.eq(1), self.fault.eq(fault)]
                m.next = "WAIT"

        with m.FSM():
            with m.State("WAIT"), m.If(self.start):
                m.next = "FORM"
            with m.State("FORM"):
                m.next = "RANGE"
                m.d.sync += [
                    last.eq(fields.address + count[:32]),
                    too_large.eq(count[32:].any() | (count == 0)),
                ]
                fail(Fault.NO_SPACE, ~self.selected & ~among(NEEDS_NO_SPACE))
                fail(Fault.BAD_COMMAND, ~self.well_formed)
            with m.State("RANGE"):
                m.next = "ALIGNMENT"
                beyond = Signal()
                # One past the end: 2**64 is the highest that a space has.
                m.d.comb += beyond.eq(last[64] & last[:64].any())
                pages = Signal()
                m.d.comb += pages.eq(
                    fields.address[PAGE_NUMBER_BITS:].any()
                    | ((last > 1 << PAGE_NUMBER_BITS) & (fields.opcode == Opcode.MAP))
                )
                fail(
                    Fault.BAD_RANGE,
                    (counted & (too_large | beyond))
                    | (regional & pages)
                    | (selecting & fields.crowded),
                )
            with m.State("ALIGNMENT"):
                m.next = "BUFFER"
                m.d.sync += [
                    low.eq(Mux(selecting, fields.indices, fields.buffer)),
                    size.eq(
                        Mux(selecting, BUCKET_BYTES << fields.buckets_log2, count[:32] << 3)
                    ),
                ]
                fail(
                    Fault.BAD_RANGE,
                    (moving & fields.buffer[:3].any())
                    | (indexed & fields.indices[:3].any())
                    | (selecting & fields.indices[: (BUCKET_BYTES - 1).bit_length()].any()),
                )
                with m.If(~moving & ~selecting):
                    m.next = "LAW"
            for name, then in (("BUFFER", "BUFFER_POOL"), ("INDICES", "INDICES_POOL")):
                with m.State(name):
                    m.next = then
                    m.d.sync += [
                        end.eq(low[:bits] + size),
                        starts_inside.eq((low[:bits] >= base) & ~low[bits:].any()),
                    ]
                with m.State(then):
                    m.next = f"{then}_CHECK"
                    m.d.sync += ends_inside.eq(end <= limit)
                with m.State(f"{then}_CHECK"):
                    m.next = "LAW"
                    if name == "BUFFER":
                        m.d.sync += low.eq(fields.indices)
                        with m.If(indexed):
                            m.next = "INDICES"
                    fail(Fault.OUT_OF_POOL, ~starts_inside | ~ends_inside)
            with m.State("LAW"):
                m.next = "WAIT"
                m.d.comb += [
                    self.done.eq(1),
                    self.fault.eq(
                        Mux(
                            (fields.law != 0) & ~law_built, Fault.UNSUPPORTED_LAW, Fault.OK
                        )
                    ),
                ]
        return m
