"""A command cut into requests for the pager: pieces that end with their page, or single words."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import INDEX_BATCH, Fault, Flag, Opcode
from engram.arch.pages import PAGE_BITS, PAGE_WORDS
from hdl.axi.access import access_beat_layout, access_done_layout, access_request_layout
from hdl.mmu.requests import Operation, answer_layout, request_layout
from hdl.mover.moves import FAULT_BITS
from hdl.ring.operands import fields_layout

__all__ = ["Pieces"]

OPERATIONS = {
    Opcode.FILL: Operation.READ,
    Opcode.READ: Operation.READ,
    Opcode.GATHER: Operation.READ,
    Opcode.WRITE: Operation.WRITE,
    Opcode.SCATTER: Operation.WRITE,
    Opcode.ERASE: Operation.ERASE,
    Opcode.MAP: Operation.MAP,
    Opcode.UNMAP: Operation.UNMAP,
    Opcode.SELECT: Operation.SELECT,
    Opcode.INVALIDATE: Operation.INVALIDATE,
    Opcode.FENCE: Operation.FENCE,
}


class Pieces(wiring.Component):
    """Asks the pager for one piece of a checked command after the other, until all or a fault.

    A run of words becomes pieces that end where pages do; an array of addresses is fetched up to
    16 at a time, in bursts that end where 16 of them are aligned, and each becomes a piece of one
    word. Other commands are one request. A piece that fails ends the command.

    Throughput: a piece each 6 clocks, as far as the pager takes them.

    Attributes
    ----------
    busy, fetching : Signal
        A command is under way; addresses are on their way. For proofs.

    Members
    -------
    begin : In(1), forget what the command before came to
    start : In(1)
    fields : In(fields_layout()), which the outputs below move on
    step, step_words, load_address, loaded, skip, skip_words : Out, to `Operands`
    requests : Out(stream(request_layout())), held until it is taken
    answer : In(answer_layout()), in that clock
    access_i : Out(stream(access_request_layout())), for arrays of addresses
    access_beat, access_done : In
    done : Out(1), for one clock
    fault : Out, why it ended, in the clock of `done`
    stopped : Out(1), a piece failed; `fields.address` is where it begins
    words_done : Out(32), words of the pieces that did not fail; of ERASE, frames given back
    """

    def __init__(self, config: AcceleratorConfig):
        bits = config.address_bits
        super().__init__({
            "begin": In(1),
            "start": In(1),
            "fields": In(fields_layout()),
            "step": Out(1),
            "step_words": Out(range(PAGE_WORDS + 1)),
            "load_address": Out(1),
            "loaded": Out(64),
            "skip": Out(1),
            "skip_words": Out(range(INDEX_BATCH + 1)),
            "requests": Out(stream.Signature(request_layout(bits))),
            "answer": In(answer_layout()),
            "access_i": Out(stream.Signature(access_request_layout(bits))),
            "access_beat": In(access_beat_layout()),
            "access_done": In(access_done_layout()),
            "done": Out(1),
            "fault": Out(FAULT_BITS),
            "stopped": Out(1),
            "words_done": Out(32),
        })
        self.busy = Signal()
        self.fetching = Signal()
        self.batch = Memory(shape=64, depth=INDEX_BATCH, init=[])

    def elaborate(self, platform):
        m = Module()
        m.submodules.batch = self.batch
        store = self.batch.write_port()
        load = self.batch.read_port(domain="comb")
        fields = self.fields
        request = self.requests.payload
        indexed = Signal()
        runs = Signal()
        erases = Signal()
        last = Signal()
        words = Signal(range(PAGE_WORDS + 1))
        room = Signal(range(PAGE_WORDS + 1))
        fetched = Signal(range(INDEX_BATCH + 1))
        taken = Signal(range(INDEX_BATCH + 1))
        arrived = Signal(range(INDEX_BATCH))
        m.d.comb += [
            indexed.eq((fields.opcode == Opcode.GATHER) | (fields.opcode == Opcode.SCATTER)),
            erases.eq(fields.opcode == Opcode.ERASE),
            runs.eq(
                erases
                | (fields.opcode == Opcode.FILL)
                | (fields.opcode == Opcode.READ)
                | (fields.opcode == Opcode.WRITE)
            ),
            room.eq(PAGE_WORDS - fields.address[:PAGE_BITS]),
            self.step_words.eq(words),
            self.skip_words.eq(fetched),
            self.loaded.eq(load.data),
            load.addr.eq(taken),
            store.addr.eq(arrived),
            store.data.eq(self.access_beat.data),
            self.access_i.payload.address.eq(fields.indices),
            self.access_i.payload.beats.eq(fetched),
        ]
        self._describe(m, request, words)
        with m.If(self.begin):
            m.d.sync += [self.words_done.eq(0), self.stopped.eq(0)]

        def finish(fault):
            m.d.comb += [self.done.eq(1), self.fault.eq(fault)]
            m.next = "WAIT"

        with m.FSM() as fsm:
            m.d.comb += [
                self.busy.eq(~fsm.ongoing("WAIT")), self.fetching.eq(fsm.ongoing("FETCHING"))
            ]
            with m.State("WAIT"):
                m.d.sync += [words.eq(1), last.eq(1)]
                with m.If(self.start):
                    m.next = "REQUEST"
                    with m.If(runs):
                        m.next = "MEASURE"
                    with m.Elif(indexed):
                        m.next = "BATCH"
            with m.State("MEASURE"):
                m.d.sync += [
                    last.eq(fields.count[:32] <= room),
                    words.eq(Mux(fields.count[:32] <= room, fields.count, room)),
                ]
                m.next = "REQUEST"
            with m.State("BATCH"):
                aligned = INDEX_BATCH - fields.indices[3:7]
                m.d.sync += [
                    fetched.eq(Mux(fields.count[:32] <= aligned, fields.count, aligned)),
                    taken.eq(0),
                    arrived.eq(0),
                ]
                m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += self.access_i.valid.eq(1)
                with m.If(self.access_i.ready):
                    m.next = "FETCHING"
            with m.State("FETCHING"):
                m.d.comb += store.en.eq(self.access_beat.valid)
                m.d.sync += arrived.eq(arrived + self.access_beat.valid)
                with m.If(self.access_done.valid):
                    m.d.comb += self.skip.eq(1)
                    m.next = "INDEX"
                    with m.If(self.access_done.response[1]):
                        finish(Fault.READ_ERROR)
            with m.State("INDEX"):
                m.d.comb += self.load_address.eq(1)
                m.d.sync += [taken.eq(taken + 1), last.eq(fields.count[:32] == 1)]
                m.next = "REQUEST"
            with m.State("REQUEST"):
                m.d.comb += self.requests.valid.eq(1)
                with m.If(self.requests.ready):
                    with m.If(self.answer.fault != Fault.OK):
                        m.d.sync += self.stopped.eq(runs | indexed)
                        finish(self.answer.fault)
                    with m.Else():
                        m.d.comb += self.step.eq(runs | indexed)
                        m.d.sync += self.words_done.eq(
                            self.words_done
                            + Mux(erases, self.answer.freed, Mux(runs | indexed, words, 0))
                        )
                        with m.If(last):
                            finish(Fault.OK)
                        with m.Elif(runs):
                            m.next = "MEASURE"
                        with m.Elif(taken == fetched):
                            m.next = "BATCH"
                        with m.Else():
                            m.next = "INDEX"
        return m

    def _describe(self, m, request, words):
        """Say what the pager is asked for, out of the fields."""
        fields = self.fields
        for opcode, operation in OPERATIONS.items():
            with m.If(fields.opcode == opcode):
                m.d.comb += request.operation.eq(operation)
        m.d.comb += [
            request.generated.eq(
                (fields.opcode == Opcode.FILL)
                | (fields.flags & Flag.GENERATED).any()
            ),
            request.law.eq(fields.law),
            request.address.eq(fields.address),
            request.count.eq(words),
            request.buffer.eq(fields.buffer),
            request.first_page.eq(fields.address),
            request.pages.eq(fields.count),
            request.descriptor.eq(fields.buffer),
        ]
