"""Cuts requests of any length into bursts that AXI allows."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

__all__ = ["BEAT_BITS", "BurstSplitter", "burst_layout", "check_settings", "request_layout"]

BEAT_BITS = 3  # a beat of 64 bits has 2**3 bytes


def request_layout(address_width: int, beats_width: int) -> data.StructLayout:
    """Return what asks for ``beats`` words of 8 bytes from byte ``address`` on."""
    return data.StructLayout({"address": address_width, "beats": beats_width})


def burst_layout(address_width: int, burst_beats: int, index_width: int) -> data.StructLayout:
    """Return one burst of the request numbered ``index``; ``last`` marks the request's last."""
    return data.StructLayout(
        {
            "address": address_width,
            "beats": range(burst_beats + 1),
            "last": 1,
            "index": index_width,
        }
    )


def check_settings(
    beats_width: int, burst_beats: int, index_width: int, outstanding: int = 1
) -> None:
    """Refuse what no burst engine can be built with."""
    if beats_width < 1:
        raise ValueError(f"beats_width must be at least 1, not {beats_width!r}")
    if burst_beats not in (2, 4, 8, 16):
        raise ValueError(f"burst_beats must be 2, 4, 8 or 16, not {burst_beats!r}")
    if index_width < 1:
        raise ValueError(f"index_width must be at least 1, not {index_width!r}")
    if outstanding < 1 or outstanding & (outstanding - 1):
        raise ValueError(f"outstanding must be a power of two, not {outstanding!r}")


class BurstSplitter(wiring.Component):
    """Cuts each request into bursts that end where addresses are multiples of a full burst.

    Function: the bursts of a request cover its beats in order, each once; none is longer than
    ``burst_beats``, and since a full burst divides 4 KiB none crosses such a boundary. The three
    low address bits are ignored. An address counts on from 0 after the top of the address space.
    A request of no beats becomes one burst of 0 beats that is its last. Requests are numbered
    from 0 since reset, modulo 2**index_width.

    Latency: 1 clock to the first burst. Throughput: 1 burst per clock, requests without a gap.
    Back-pressure: the only combinational path is from ``o.ready`` to ``i.ready``. Reset forgets
    what was under way and numbers from 0.

    Attributes
    ----------
    block, place, room, left, index
        Where the next burst begins, in full bursts and words, the words that fit behind it, the
        words to go, and the number of the request; for proofs.

    Members
    -------
    i : In(stream of request_layout)
    o : Out(stream of burst_layout)
    """

    def __init__(
        self,
        *,
        address_width: int = 40,
        beats_width: int = 16,
        burst_beats: int = 16,
        index_width: int = 8,
    ):
        check_settings(beats_width, burst_beats, index_width)
        self.burst_beats = burst_beats
        super().__init__(
            {
                "i": In(stream.Signature(request_layout(address_width, beats_width))),
                "o": Out(
                    stream.Signature(burst_layout(address_width, burst_beats, index_width))
                ),
            }
        )
        place_bits = exact_log2(burst_beats)
        self.block = Signal(address_width - BEAT_BITS - place_bits, reset_less=True)
        self.place = Signal(place_bits, reset_less=True)
        self.room = Signal(range(burst_beats + 1), reset_less=True)
        self.left = Signal(beats_width, reset_less=True)
        self.index = Signal(index_width)

    def elaborate(self, platform):
        m = Module()
        block = self.block
        place = self.place
        left = self.left
        busy = Signal()
        index = self.index
        room = self.room
        last = Signal()
        m.d.comb += [
            last.eq(left <= room),
            self.o.valid.eq(busy),
            self.o.payload.address.eq(Cat(Const(0, BEAT_BITS), place, block)),
            self.o.payload.beats.eq(Mux(last, left, room)),
            self.o.payload.last.eq(last),
            self.o.payload.index.eq(index),
            self.i.ready.eq(~busy | (self.o.ready & last)),
        ]
        with m.If(busy & self.o.ready):
            m.d.sync += [
                place.eq(0),
                room.eq(self.burst_beats),
                block.eq(block + 1),
                left.eq(left - room),
                busy.eq(~last),
            ]
            with m.If(last):
                m.d.sync += index.eq(index + 1)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                Cat(place, block).eq(self.i.payload.address[BEAT_BITS:]),
                room.eq(self.burst_beats - self.i.payload.address[BEAT_BITS:][: len(place)]),
                left.eq(self.i.payload.beats),
                busy.eq(1),
            ]
        return m
