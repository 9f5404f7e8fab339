"""Frames of a serial line: requests are checked before they count, answers get their check."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import crc, data, stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.uart import (
    ANSWER_MARK,
    CHECK,
    MAX_PAYLOAD,
    REQUEST,
    REQUEST_MARK,
    REQUEST_WRITES,
    Status,
)
from hdl.boards.uart import byte_layout

__all__ = ["FrameReceiver", "FrameSender", "answer_layout", "request_layout"]

PLACE = range(MAX_PAYLOAD)
LENGTH = range(MAX_PAYLOAD + 1)
STATUS_BITS = 8


def request_layout() -> data.StructLayout:
    """Return a request as it is on the wire, behind its mark."""
    return data.StructLayout({"sequence": 8, "opcode": 8, "address": 32, "length": 16})


def answer_layout() -> data.StructLayout:
    """Return what an answer says besides its payload."""
    return data.StructLayout({"sequence": 8, "status": STATUS_BITS, "length": 16})


def _check():
    """Return a unit that computes zlib's CRC-32, a byte a clock."""
    return crc.catalog.CRC32_ISO_HDLC(data_width=8).create()


class FrameReceiver(wiring.Component):
    """Finds requests among bytes.

    Function: a request that is whole and correct is offered with the status OK when its last byte
    came; its payload has by then been given out at ``store``. All else is thrown away until the
    line was quiet for ``gap`` clocks, and then offered with what was wrong; what it asks for then
    means nothing. While a request is offered, bytes are lost, so the other end waits for its
    answer. Reset forgets what came so far.

    Members
    -------
    i : In(byte_layout)
    store : Out, byte ``data`` of the payload, at ``place``, when ``valid``
    request : Out(request_layout), steady while ``offered``
    status : Out(8), OK or what is wrong with it
    offered : Out(1)
    take : In(1), a pulse: look for the next
    """

    def __init__(self, *, gap: int):
        if gap < 1:
            raise ValueError(f"gap must be at least 1, not {gap!r}")
        self.gap = gap
        super().__init__(
            {
                "i": In(byte_layout()),
                "store": Out(data.StructLayout({"valid": 1, "place": PLACE, "data": 8})),
                "request": Out(request_layout()),
                "status": Out(STATUS_BITS),
                "offered": Out(1),
                "take": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.check = check = _check()
        byte = self.i
        header = self.request.as_value()
        quiet = Signal(range(self.gap + 1))
        pause = Signal()
        place = Signal(range(max(MAX_PAYLOAD, REQUEST.size)))  # of the next byte in its part
        part = Signal.like(place)
        # What the header will be once this byte is in it, when that completes it.
        whole = Signal(request_layout())
        writes = Signal()
        m.d.comb += [
            pause.eq(quiet == self.gap),
            whole.eq(Cat(header[8:], byte.data)),
            writes.eq(sum(whole.opcode == opcode for opcode in REQUEST_WRITES)),
            check.data.eq(byte.data),
            self.store.place.eq(place),
            self.store.data.eq(byte.data),
        ]
        with m.If(byte.valid):
            m.d.sync += quiet.eq(0)
        with m.Elif(~pause):
            m.d.sync += quiet.eq(quiet + 1)

        def give_up(status: Status):
            m.d.sync += self.status.eq(status)
            m.next = "drain"

        def each_byte():
            """Return the condition of a good byte within a frame; end the frame otherwise."""
            m.d.comb += check.valid.eq(byte.valid)
            with m.If(pause):
                m.d.sync += self.status.eq(Status.TRUNCATED)
                m.next = "offer"
            with m.Elif(byte.valid & byte.bad):
                give_up(Status.DAMAGED)
            return m.Elif(byte.valid)

        with m.FSM():
            with m.State("hunt"):
                m.d.comb += check.start.eq(1)
                m.d.sync += [place.eq(0), header.eq(0)]
                with m.If(byte.valid):
                    m.next = "header"
                    with m.If(byte.bad | (byte.data != REQUEST_MARK)):
                        give_up(Status.DAMAGED)
            with m.State("header"), each_byte():
                m.d.sync += [self.request.eq(whole), place.eq(place + 1)]
                with m.If(place == REQUEST.size - 2):
                    m.d.sync += [place.eq(0), part.eq(whole.length - 1)]
                    m.next = "check"
                    with m.If(writes & (whole.length > MAX_PAYLOAD)):
                        give_up(Status.TOO_LONG)
                    with m.Elif(writes & (whole.length != 0)):
                        m.next = "payload"
            with m.State("payload"), each_byte():
                m.d.comb += self.store.valid.eq(1)
                m.d.sync += place.eq(place + 1)
                with m.If(place == part):
                    m.d.sync += place.eq(0)
                    m.next = "check"
            with m.State("check"), each_byte():
                m.d.sync += place.eq(place + 1)
                with m.If(place == CHECK.size - 1):
                    m.next = "verdict"
            with m.State("verdict"):
                m.d.sync += self.status.eq(Status.OK)
                m.next = "offer"
                with m.If(~check.match_detected):
                    give_up(Status.DAMAGED)
            with m.State("drain"), m.If(pause):
                m.next = "offer"
            with m.State("offer"):
                m.d.comb += self.offered.eq(1)
                with m.If(self.take):
                    m.next = "hunt"
        return m


class FrameSender(wiring.Component):
    """Makes frames of answers.

    Function: once ``start`` is given with an answer, its frame goes out, and ``done`` is high in
    the clock in which its last byte is taken. Latency: the first byte is offered in the clock
    after. Throughput: a byte a clock. Back-pressure: at ``o``; an offered byte stays.

    Members
    -------
    start : In(1), a pulse
    answer : In(answer_layout), taken with it
    place : Out, of the byte of the payload that is wanted at ``byte`` in the same clock
    byte : In(8)
    o : Out(stream of 8 bits)
    done : Out(1)
    """

    def __init__(self):
        super().__init__(
            {
                "start": In(1),
                "answer": In(answer_layout()),
                "place": Out(PLACE),
                "byte": In(8),
                "o": Out(stream.Signature(8)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.check = check = _check()
        header = Signal(answer_layout())
        left = Signal(LENGTH)
        taken = Signal()
        m.d.comb += [
            taken.eq(self.o.valid & self.o.ready),
            check.data.eq(self.o.payload),
        ]
        size = len(header.as_value()) // 8
        with m.FSM():
            with m.State("idle"), m.If(self.start):
                m.d.sync += [header.eq(self.answer), self.place.eq(0)]
                m.next = "mark"
            with m.State("mark"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.payload.eq(ANSWER_MARK),
                    check.start.eq(1),
                ]
                m.d.sync += left.eq(size)
                with m.If(taken):
                    m.next = "header"
            with m.State("header"):
                first = header.as_value()[:8]
                m.d.comb += [
                    self.o.valid.eq(1), self.o.payload.eq(first), check.valid.eq(taken)
                ]
                with m.If(taken):
                    # It goes round, so that its length is there again in the end.
                    m.d.sync += [
                        header.as_value().eq(header.as_value().rotate_right(8)),
                        left.eq(left - 1),
                    ]
                with m.If(taken & (left == 1)):
                    length = header.as_value().rotate_right(8)[-16:]
                    m.d.sync += left.eq(length)
                    m.next = "payload"
                    with m.If(length == 0):
                        m.d.sync += left.eq(CHECK.size)
                        m.next = "check"
            with m.State("payload"):
                m.d.comb += [
                    self.o.valid.eq(1), self.o.payload.eq(self.byte), check.valid.eq(taken)
                ]
                with m.If(taken):
                    m.d.sync += [self.place.eq(self.place + 1), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.d.sync += left.eq(CHECK.size)
                        m.next = "check"
            with m.State("check"):
                # The check stands still while its bytes go out, lowest first.
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.payload.eq(check.crc.word_select((CHECK.size - left)[:2], 8)),
                    self.done.eq(taken & (left == 1)),
                ]
                with m.If(taken):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "idle"
        return m


assert int(max(Status)) < 1 << STATUS_BITS
assert 8 + request_layout().size == 8 * REQUEST.size
