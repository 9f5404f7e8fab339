"""The sequencer: takes descriptors off the ring, has them carried out, and writes completions."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import (
    COMPLETION_BYTES,
    COMPLETION_WORDS,
    DESCRIPTOR_BYTES,
    DESCRIPTOR_WORDS,
    MAX_RING_LOG2,
    Fault,
    Flag,
)
from hdl.axi.access import WordAccess, access_beat_layout, access_done_layout
from hdl.axi.signatures import AXI4, flat, port
from hdl.mmu.requests import Operation, answer_layout, context_layout, request_layout
from hdl.mover.moves import FAULT_BITS, Client, report_layout
from hdl.ring.checks import Checks
from hdl.ring.operands import Operands
from hdl.ring.pieces import Pieces

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Carries out the commands of the ring, each wholly before it looks at the next.

    Function: while `enable` is high and `tail` is ahead of `head`, the descriptor at `head` is
    fetched, checked, cut into pieces for the pager, and when every word that it moved has been
    answered for, its completion is written; then `head` counts up and `done` or `failed` pulses.
    A doorbell further ahead than the ring is long, a descriptor that cannot be fetched and a
    completion that cannot be written halt the ring: nothing more is done until it is enabled anew.
    When `enable` falls, the command under way is ended first; then `clear` is high until `enable`
    rises, and what was selected is forgotten.

    Latency: about 60 clocks from the doorbell to the first request at 20 clocks of DRAM latency.
    Throughput: one command at a time. Back-pressure: none; commands wait in DRAM.

    Attributes
    ----------
    working, fetching, running, completing, completion : Signal
        A command is under way, from its fetch to its completion; it is being fetched, carried out,
        or its completion is being written; and where that goes. For proofs.

    Members
    -------
    enable : In(1)
    quiet : In(1), nothing is under way anywhere else
    tail, ring_log2, ring_base, completion_base : In, as the registers say
    buffer_base, buffer_limit, table_base, table_limit : In, likewise
    head : Out(32)
    halted : Out(1)
    halt_fault : Out, why
    context : Out(context_layout())
    clear : Out(1), all state behind may be forgotten
    requests : Out(stream(request_layout())), to the pager
    answer : In(answer_layout()), in the clock in which a request is taken
    ring_moved : In(1), pulse for each move that was ordered for the ring
    report : In(report_layout()), from the mover
    m_axi_* : Out(AXI4), for descriptors, arrays of addresses and completions
    done, failed, halts : Out(1), pulses: a command with INTERRUPT ended, one with a fault did,
        the ring halted
    completed : Out(1), pulse for each command
    idle : Out(1)
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        bits = config.address_bits
        self.access = WordAccess(address_width=bits)
        self.signature_reader = self.access.signature_reader
        self.signature_writer = self.access.signature_writer
        self.operands = Operands(bits)
        self.checks = Checks(config)
        self.pieces = Pieces(config)
        self.beat = Signal(access_beat_layout())
        self.ended = Signal(access_done_layout())
        self.working = Signal()
        self.fetching = Signal()
        self.running = Signal()
        self.completing = Signal()
        self.completion = Signal(bits)
        super().__init__({
            "enable": In(1),
            "quiet": In(1),
            "tail": In(32),
            "ring_log2": In(4),
            "ring_base": In(64),
            "completion_base": In(64),
            "buffer_base": In(64),
            "buffer_limit": In(64),
            "table_base": In(64),
            "table_limit": In(64),
            "head": Out(32),
            "halted": Out(1),
            "halt_fault": Out(FAULT_BITS),
            "context": Out(context_layout(bits)),
            "clear": Out(1),
            "requests": Out(stream.Signature(request_layout(bits))),
            "answer": In(answer_layout()),
            "ring_moved": In(1),
            "report": In(report_layout()),
            **flat("m_axi", AXI4(address_width=bits)),
            "done": Out(1),
            "failed": Out(1),
            "halts": Out(1),
            "completed": Out(1),
            "idle": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.access = access = self.access
        m.submodules.operands = operands = self.operands
        m.submodules.checks = checks = self.checks
        m.submodules.pieces = pieces = self.pieces
        fields = operands.fields
        self._connect(m)

        level = Signal(32)
        overrun = Signal()
        too_long = Signal()
        number = Signal(MAX_RING_LOG2)  # of the place in the ring
        fault = Signal(FAULT_BITS)
        clocks = Signal(40)
        unanswered = Signal(8)  # moves that the mover has not reported
        bus_fault = Signal(FAULT_BITS)  # the first that it reported
        part = Signal(range(COMPLETION_WORDS))
        bits = self.config.address_bits
        m.d.sync += [
            level.eq(self.tail - self.head),
            too_long.eq(self.ring_log2 > MAX_RING_LOG2),
            clocks.eq(clocks + 1),
        ]
        m.d.comb += [
            overrun.eq(too_long | (level > (1 << self.ring_log2))),
            number.eq(self.head & ((1 << self.ring_log2) - 1)),
        ]
        reported = self.report.valid & (self.report.client == Client.RING)
        m.d.sync += unanswered.eq(unanswered + self.ring_moved - reported)
        with m.If(reported & (bus_fault == Fault.OK)):
            m.d.sync += bus_fault.eq(self.report.fault)

        descriptor = Signal(bits)
        m.d.sync += [
            descriptor.eq(self.ring_base + number * DESCRIPTOR_BYTES),
            self.completion.eq(self.completion_base + number * COMPLETION_BYTES),
        ]
        words = [
            Cat(fault, Const(0, 8 - FAULT_BITS), fields.opcode, Const(0, 16), fields.tag),
            pieces.words_done,
            Mux(pieces.stopped, fields.address, 0),
            clocks,
        ]

        def halt(reason):
            m.d.comb += self.halts.eq(1)
            m.d.sync += [self.halted.eq(1), self.halt_fault.eq(reason)]
            m.next = "HALTED"

        with m.FSM() as fsm:
            with m.State("STOPPED"):
                m.d.comb += self.clear.eq(self.quiet)
                m.d.sync += [
                    self.head.eq(0),
                    self.halted.eq(0),
                    self.halt_fault.eq(Fault.OK),
                    self.context.selected.eq(0),
                ]
                with m.If(self.enable & self.quiet):
                    m.next = "SETTLE"
            # The level is a register: it is right in the second clock after `head` moved.
            with m.State("SETTLE"):
                m.next = "WAIT"
            with m.State("WAIT"):
                m.d.sync += bus_fault.eq(Fault.OK)
                m.d.comb += operands.begin.eq(1)
                with m.If(~self.enable):
                    m.next = "STOPPED"
                with m.Elif(level != 0):
                    m.next = "FETCH"
                    with m.If(overrun):
                        halt(Fault.BAD_RING)
            with m.State("FETCH"):
                m.d.comb += [
                    access.i.valid.eq(1),
                    access.i.payload.address.eq(descriptor),
                    access.i.payload.beats.eq(DESCRIPTOR_WORDS),
                ]
                with m.If(access.i.ready):
                    m.next = "FETCHING"
            with m.State("FETCHING"):
                m.d.comb += operands.word_valid.eq(self.beat.valid)
                m.d.sync += clocks.eq(0)
                with m.If(self.ended.valid):
                    m.next = "FORM"
                    with m.If(self.ended.response[1]):
                        halt(Fault.READ_ERROR)
            with m.State("FORM"):
                m.next = "CHECK"
            with m.State("CHECK"):
                m.d.comb += checks.start.eq(1)
                m.next = "CHECKING"
            with m.State("CHECKING"):
                m.d.sync += fault.eq(checks.fault)
                with m.If(checks.done):
                    m.next = "RUN"
                    with m.If(checks.fault != Fault.OK):
                        m.next = "COMPLETE"
            with m.State("RUN"):
                m.d.comb += pieces.start.eq(1)
                m.next = "RUNNING"
            with m.State("RUNNING"):
                m.d.sync += fault.eq(pieces.fault)
                with m.If(pieces.done):
                    m.next = "DRAIN"
            with m.State("DRAIN"), m.If(unanswered == 0):
                m.next = "COMPLETE"
                with m.If(fault == Fault.OK):
                    m.d.sync += fault.eq(bus_fault)
            with m.State("COMPLETE"):
                m.d.comb += [
                    access.i.valid.eq(1),
                    access.i.payload.write.eq(1),
                    access.i.payload.address.eq(self.completion),
                    access.i.payload.beats.eq(COMPLETION_WORDS),
                    access.words.valid.eq(1),
                ]
                with m.If(access.i.ready):
                    m.next = "COMPLETING"
            with m.State("COMPLETING"):
                m.d.comb += access.words.valid.eq(1)
                with m.If(self.ended.valid):
                    m.next = "NEXT"
                    with m.If(self.ended.response[1]):
                        halt(Fault.WRITE_ERROR)
            with m.State("NEXT"):
                m.d.comb += [
                    self.completed.eq(1),
                    self.failed.eq(fault != Fault.OK),
                    self.done.eq((fields.flags & Flag.INTERRUPT).any()),
                ]
                m.d.sync += self.head.eq(self.head + 1)
                m.next = "SETTLE"
            with m.State("HALTED"), m.If(~self.enable):
                m.next = "STOPPED"
        with m.If(pieces.access_i.valid):
            m.d.comb += [access.i.valid.eq(1), access.i.payload.eq(pieces.access_i.payload)]
        with m.Switch(part):
            for place, word in enumerate(words):
                with m.Case(place):
                    m.d.comb += access.words.payload.eq(word)
        with m.If(access.words.valid & access.words.ready):
            m.d.sync += part.eq(part + 1)
        resting = fsm.ongoing("STOPPED") | fsm.ongoing("HALTED")
        waiting = fsm.ongoing("WAIT")
        m.d.comb += [
            self.idle.eq(resting | (waiting & (level == 0))),
            self.working.eq(~(resting | waiting | fsm.ongoing("SETTLE"))),
            self.fetching.eq(fsm.ongoing("FETCHING")),
            self.running.eq(fsm.ongoing("RUNNING")),
            self.completing.eq(fsm.ongoing("COMPLETING")),
        ]
        return m

    def _connect(self, m):
        """Join the parts, and load the context when a SELECT was taken."""
        access, operands, checks, pieces = (
            self.access, self.operands, self.checks, self.pieces
        )
        fields = operands.fields
        context = self.context
        signature = AXI4(address_width=self.config.address_bits)
        wiring.connect(
            m, port(access, "m_axi", signature), port(self, "m_axi", signature.flip())
        )
        wiring.connect(m, pieces.requests, wiring.flipped(self.requests))
        m.d.comb += [
            operands.word.eq(self.beat.data),
            operands.step.eq(pieces.step),
            operands.step_words.eq(pieces.step_words),
            operands.load_address.eq(pieces.load_address),
            operands.loaded.eq(pieces.loaded),
            operands.skip.eq(pieces.skip),
            operands.skip_words.eq(pieces.skip_words),
            checks.fields.eq(fields),
            checks.well_formed.eq(operands.well_formed),
            checks.selected.eq(context.selected),
            pieces.begin.eq(operands.begin),
            pieces.fields.eq(fields),
            pieces.answer.eq(self.answer),
            pieces.access_i.ready.eq(access.i.ready),
            pieces.access_beat.eq(self.beat),
            pieces.access_done.eq(self.ended),
        ]
        # Answers come from afar, and nothing here is in a hurry.
        m.d.sync += [self.beat.eq(access.beat), self.ended.eq(access.done)]
        for name in ("buffer_base", "buffer_limit", "table_base", "table_limit"):
            m.d.comb += getattr(checks, name).eq(getattr(self, name))
        with m.If(
            self.requests.valid
            & self.requests.ready
            & (self.requests.payload.operation == Operation.SELECT)
        ):
            m.d.sync += [
                context.selected.eq(1),
                context.law.eq(fields.law),
                context.seed.eq(fields.address),
                context.keys.eq(Cat(fields.count, fields.buffer)),
                context.table.eq(fields.indices),
                context.buckets_log2.eq(fields.buckets_log2),
            ]
