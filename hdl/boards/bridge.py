"""The bridge from a serial line's frames to the registers, the memory and the interrupt."""

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from engram.arch.uart import (
    IDENTITY_BYTES,
    MAX_PAYLOAD,
    RESET_CLOCKS,
    WAIT_CLOCKS,
    WORD,
    Identity,
    Opcode,
    Status,
)
from hdl.axi.access import WordAccess
from hdl.axi.signatures import AXI4Lite, Response, flat, port
from hdl.boards.frames import FrameReceiver, FrameSender
from hdl.boards.uart import byte_layout

__all__ = ["Bridge"]

BURST = 16  # words: such pieces, if aligned, stay within 4 KiB
REGISTER = 4  # bytes


class Bridge(wiring.Component):
    """Carries out what requests ask for, one at a time, and answers each of them.

    Function: as `engram.arch.uart` says. A request is looked at when its check was right; then
    one access to a register is made, or so many bursts of memory as its words take, in order. The
    first error of the bus ends it and is its status, but words of later bursts then still stay
    as they were. An access that is not answered within ``identity.patience`` clocks is answered
    with HUNG, and so is each later one at that port until RESET: no more of the access that hung
    is offered to the bus, but what it took may still be done.

    Latency: an access begins 2 clocks after the request's last byte. Throughput: that of the line.
    Back-pressure: answers wait for ``o``; bytes that come before an answer is out are lost.
    Reset forgets all; the accelerator and its memory port are to be reset with it.

    Attributes
    ----------
    receiver, sender, access : the parts; for tests
    gone : bit 0, the port of registers hung, bit 1, that of memory

    Members
    -------
    i : In(byte_layout), from the receiver
    o : Out(stream of 8 bits), to the transmitter
    m_axil_* : Out(AXI4Lite), the accelerator's registers
    m_axi_* : Out(AXI4), memory; `signature_reader` and `signature_writer` are its halves
    irq : In(1), of the accelerator
    clear : Out(1), resets the accelerator and whatever is behind the two ports
    """

    def __init__(
        self, *, identity: Identity, gap: int, register_bits: int, address_width: int = 32
    ):
        self.identity = identity
        self.register_bits = register_bits
        self.receiver = FrameReceiver(gap=gap)
        self.sender = FrameSender()
        self.access = WordAccess(address_width=address_width)
        self.signature_axil = AXI4Lite(address_width=register_bits)
        self.signature_reader = self.access.signature_reader
        self.signature_writer = self.access.signature_writer
        self.gone = Signal(2)
        super().__init__(
            {
                "i": In(byte_layout()),
                "o": Out(stream.Signature(8)),
                **flat("m_axil", self.signature_axil),
                **flat("m_axi", self.access.signature_axi),
                "irq": In(1),
                "clear": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = self.receiver
        m.submodules.sender = sender = self.sender
        access = self.access
        m.submodules.access = ResetInserter(self.clear)(access)
        m.submodules.buffer = buffer = Memory(shape=64, depth=MAX_PAYLOAD // WORD, init=[])
        signature = access.signature_axi
        wiring.connect(
            m, port(access, "m_axi", signature), port(self, "m_axi", signature.flip())
        )
        wiring.connect(m, sender.o, wiring.flipped(self.o))
        request = receiver.request
        m.d.comb += [receiver.i.eq(self.i), receiver.take.eq(sender.done)]

        # One buffer for both ways: a request is done with its own before there is an answer.
        write = buffer.write_port(granularity=8)
        read = buffer.read_port(domain="comb")
        index = Signal.like(read.addr)  # of the word that memory reads or writes next
        reading = Signal()  # by the sender
        m.d.comb += [
            read.addr.eq(Mux(reading, sender.place[3:], index)),
            sender.byte.eq(read.data.word_select(sender.place[:3], 8)),
        ]
        with m.If(receiver.store.valid):
            m.d.comb += [
                write.addr.eq(receiver.store.place[3:]),
                write.data.eq(receiver.store.data.replicate(WORD)),
                write.en.eq(1 << receiver.store.place[:3]),
            ]

        left = Signal(range(MAX_PAYLOAD // WORD + 1))  # words of memory still to move
        length = Signal(range(MAX_PAYLOAD + 1))  # of the answer's payload
        timer = Signal(32)
        status = Signal(8)
        m.d.comb += [
            sender.answer.sequence.eq(Mux(receiver.status == Status.OK, request.sequence, 0)),
            sender.answer.status.eq(status),
            sender.answer.length.eq(Mux(status == Status.OK, length, 0)),
        ]

        def finish(verdict):
            m.d.sync += status.eq(verdict)
            m.next = "send"

        def put(place, value, size):
            """Write bytes to the buffer, to be sent."""
            m.d.comb += [write.addr.eq(place), write.data.eq(value), write.en.eq(~0)]
            m.d.sync += length.eq(size)

        def error_of(response):
            return Mux(
                response[1],
                Mux(response[0], Status.DECERR, Status.SLVERR),
                Status.OK,
            )

        for channel in ("ar", "aw", "w"):
            with m.If(getattr(self, f"m_axil_{channel}ready")):
                m.d.sync += getattr(self, f"m_axil_{channel}valid").eq(0)
        with m.FSM():
            with m.State("idle"):
                m.d.sync += [timer.eq(self.identity.patience), length.eq(0), index.eq(0)]
                with m.If(receiver.offered):
                    m.next = "decide"
            with m.State("decide"):
                m.d.sync += left.eq(request.length[3:])
                with m.If(receiver.status != Status.OK):
                    finish(receiver.status)
                with m.Else(), m.Switch(request.opcode):
                    with m.Case(Opcode.IDENTIFY):
                        m.next = "identify"
                    with m.Case(Opcode.RESET):
                        m.d.sync += [timer.eq(RESET_CLOCKS), self.gone.eq(0)]
                        m.next = "reset"
                    with m.Case(Opcode.READ_REGISTER, Opcode.WRITE_REGISTER):
                        self._begin_register(m, request, finish)
                    with m.Case(Opcode.READ_MEMORY, Opcode.WRITE_MEMORY):
                        wrong = (
                            (request.length > MAX_PAYLOAD)
                            | (request.length == 0)
                            | request.length[:3].any()
                            | request.address[:3].any()
                        )
                        with m.If(wrong):
                            finish(Status.BAD_RANGE)
                        with m.Elif(self.gone[1]):
                            finish(Status.HUNG)
                        with m.Else():
                            m.next = "burst"
                    with m.Case(Opcode.WAIT_IRQ):
                        m.d.sync += timer.eq(request.length * WAIT_CLOCKS)
                        m.next = "wait"
                    with m.Default():
                        finish(Status.BAD_OPCODE)
            with m.State("identify"):
                content = self.identity.pack()
                m.d.sync += index.eq(index + 1)
                with m.Switch(index):
                    for number in range(IDENTITY_BYTES // WORD):
                        word = content[WORD * number : WORD * (number + 1)]
                        with m.Case(number):
                            put(number, int.from_bytes(word, "little"), IDENTITY_BYTES)
                with m.If(index == IDENTITY_BYTES // WORD - 1):
                    finish(Status.OK)
            with m.State("reset"):
                m.d.comb += self.clear.eq(1)
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    finish(Status.OK)
            with m.State("wait"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(self.irq | (timer == 0)):
                    put(0, self.irq, REGISTER)
                    finish(Status.OK)
            with m.State("register"):
                self._end_register(m, put, finish, error_of)
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += self.gone[0].eq(1)
                    finish(Status.HUNG)
            self._move_memory(m, request, left, index, timer, length, finish, put, error_of)
            with m.State("send"):
                m.d.comb += [sender.start.eq(1), reading.eq(1)]
                m.next = "sending"
            with m.State("sending"):
                m.d.comb += reading.eq(1)
                with m.If(sender.done):
                    m.next = "idle"
        m.d.comb += [
            access.words.payload.eq(read.data),
            self.m_axil_wstrb.eq(~0),
            self.m_axil_araddr.eq(request.address),
            self.m_axil_awaddr.eq(request.address),
        ]
        # The first word of the payload, while there is nothing else to look at.
        with m.If(~self.m_axil_wvalid):
            m.d.sync += self.m_axil_wdata.eq(read.data)
        with m.If(self.clear):
            for channel in ("ar", "aw", "w"):
                m.d.sync += getattr(self, f"m_axil_{channel}valid").eq(0)
        return m

    def _begin_register(self, m, request, finish):
        writes = request.opcode == Opcode.WRITE_REGISTER
        with m.If((request.length != REGISTER) | request.address[:2].any()):
            finish(Status.BAD_RANGE)
        with m.Elif(request.address[self.register_bits :].any()):
            finish(Status.DECERR)
        with m.Elif(self.gone[0]):
            finish(Status.HUNG)
        with m.Else():
            m.d.sync += [
                self.m_axil_arvalid.eq(~writes),
                self.m_axil_awvalid.eq(writes),
                self.m_axil_wvalid.eq(writes),
            ]
            m.next = "register"

    def _end_register(self, m, put, finish, error_of):
        m.d.comb += [self.m_axil_rready.eq(1), self.m_axil_bready.eq(1)]
        with m.If(self.m_axil_rvalid):
            put(0, self.m_axil_rdata, REGISTER)
            finish(error_of(self.m_axil_rresp))
        with m.Elif(self.m_axil_bvalid):
            finish(error_of(self.m_axil_bresp))

    def _move_memory(self, m, request, left, index, timer, length, finish, put, error_of):
        """Add the states in which words move: a burst is asked for, then its words go by."""
        access = self.access
        beats = Signal(range(BURST + 1))
        room = Signal(range(BURST + 1))
        word = (request.address >> 3) + index
        writes = request.opcode == Opcode.WRITE_MEMORY
        m.d.comb += [
            room.eq(BURST - word[:4]),  # up to the next multiple of a burst
            beats.eq(Mux(left < room, left, room)),
            access.i.payload.address.eq(word << 3),
            access.i.payload.beats.eq(beats),
            access.i.payload.write.eq(writes),
        ]
        with m.State("burst"):
            m.d.comb += access.i.valid.eq(1)
            m.d.sync += timer.eq(self.identity.patience)
            with m.If(access.i.ready):
                m.d.sync += left.eq(left - beats)
                m.next = "words"
        with m.State("words"):
            m.d.sync += timer.eq(timer - 1)
            m.d.comb += access.words.valid.eq(1)
            with m.If(access.words.ready):
                m.d.sync += index.eq(index + 1)
            with m.If(access.beat.valid):
                put(index, access.beat.data, request.length)
                m.d.sync += index.eq(index + 1)
            with m.If(access.done.valid):
                m.next = "burst"
                with m.If(access.done.response[1]):
                    finish(error_of(access.done.response))
                with m.Elif(left == 0):
                    finish(Status.OK)
            with m.Elif(timer == 0):
                m.d.sync += self.gone[1].eq(1)
                finish(Status.HUNG)


# As `error_of` takes them apart.
assert Response.SLVERR == 2
assert Response.DECERR == 3
assert IDENTITY_BYTES % WORD == 0  # it is put in whole words
