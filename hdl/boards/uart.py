"""Both ends of an asynchronous serial line: 8 data bits, no parity, 1 stop bit."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["UartReceiver", "UartTransmitter", "byte_layout"]

SMALLEST_DIVISOR = 4  # of which the receiver finds the middle to a quarter


def byte_layout() -> data.StructLayout:
    """Return what came over a line in this clock: a byte, or one whose stop bit was not there."""
    return data.StructLayout({"valid": 1, "bad": 1, "data": 8})


def _check_divisor(divisor: int) -> None:
    if divisor < SMALLEST_DIVISOR:
        raise ValueError(f"divisor must be at least {SMALLEST_DIVISOR}, not {divisor!r}")


class UartReceiver(wiring.Component):
    """Finds bytes on a line.

    Function: each bit is sampled in its middle, as counted from the edge of the start bit. A start
    bit that is over in its middle was none. After a byte without its stop bit, the line has to be
    high before the next can begin. Latency: ``o`` is a pulse in the middle of the stop bit, 2
    clocks late, so a sender may be 4 % too fast or too slow with a divisor of 25. Throughput: that
    of the line. Back-pressure: none.

    Members
    -------
    line : In(1), from the pin
    o : Out(byte_layout), valid for one clock
    """

    def __init__(self, divisor: int):
        _check_divisor(divisor)
        self.divisor = divisor
        super().__init__({"line": In(1, init=1), "o": Out(byte_layout())})

    def elaborate(self, platform):
        m = Module()
        level = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.line, level, init=1)
        left = Signal(range(self.divisor))  # clocks to the next sample
        bits = Signal(range(8))
        shift = Signal(8)
        m.d.comb += self.o.data.eq(shift)
        m.d.sync += left.eq(left - 1)
        with m.FSM():
            with m.State("idle"):
                m.d.sync += left.eq(self.divisor // 2 - 1)
                with m.If(~level):
                    m.next = "start"
            with m.State("start"), m.If(left == 0):
                m.d.sync += [left.eq(self.divisor - 1), bits.eq(7)]
                m.next = "data"
                with m.If(level):
                    m.next = "idle"
            with m.State("data"), m.If(left == 0):
                m.d.sync += [
                    left.eq(self.divisor - 1),
                    bits.eq(bits - 1),
                    shift.eq(Cat(shift[1:], level)),
                ]
                with m.If(bits == 0):
                    m.next = "stop"
            with m.State("stop"), m.If(left == 0):
                m.d.comb += [self.o.valid.eq(1), self.o.bad.eq(~level)]
                m.next = "idle"
                with m.If(~level):
                    m.next = "low"
            with m.State("low"), m.If(level):
                m.next = "idle"
        return m


class UartTransmitter(wiring.Component):
    """Puts bytes on a line.

    Latency: the start bit begins in the clock after the byte was taken. Throughput: a byte in 10
    bits. Back-pressure: ``i.ready`` is high when the stop bit is over. Reset lets the line rise.

    Members
    -------
    i : In(stream of 8 bits)
    line : Out(1), to the pin
    """

    def __init__(self, divisor: int):
        _check_divisor(divisor)
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "line": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        left = Signal(range(self.divisor))  # clocks of this bit
        bits = Signal(range(11))  # still to come, with this one
        shift = Signal(9, init=~0)
        m.d.comb += self.i.ready.eq(bits == 0)
        with m.If(bits == 0), m.If(self.i.valid):
            m.d.sync += [
                self.line.eq(0),
                shift.eq(Cat(self.i.payload, Const(1, 1))),
                bits.eq(10),
                left.eq(self.divisor - 1),
            ]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Else():
            m.d.sync += [
                self.line.eq(shift[0]),
                shift.eq(Cat(shift[1:], Const(1, 1))),
                bits.eq(bits - 1),
                left.eq(self.divisor - 1),
            ]
        return m
