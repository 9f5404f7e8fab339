"""Cuts the bursts of an AXI4 manager into pieces of consecutive words within a page."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.axi.signatures import Burst

__all__ = [
    "PIECE_WORDS",
    "PieceCutter",
    "burst_layout",
    "piece_layout",
    "request_layout",
    "take_burst",
]

PIECE_WORDS = 16
SIZE = 3  # AxSIZE of a full beat, and how many address bits tell the bytes of a word apart
# A piece ends where this many address bits are zero. No burst that wraps has more bytes.
LOW_BITS = 7


def request_layout() -> data.StructLayout:
    """Return the layout of a request for ``count`` words, 1 to 16, from word ``address`` on."""
    return data.StructLayout({"address": 64, "count": range(PIECE_WORDS + 1)})


def burst_layout(address_width: int) -> data.StructLayout:
    """Return a burst of ``length + 1`` beats, read from the channel by `take_burst`.

    ``moves`` has a bit for each low address bit that the next beat may change, ``counts`` says
    whether the bits above go on, too, ``full`` whether a piece may have more than one word.
    """
    return data.StructLayout(
        {
            "address": address_width,
            "length": 8,
            "size": 2,
            "moves": LOW_BITS,
            "counts": 1,
            "full": 1,
            "refused": 1,
        }
    )


def piece_layout(address_width: int) -> data.StructLayout:
    """Return ``count`` words from the window's word ``word`` on; ``last`` ends a burst."""
    return data.StructLayout(
        {
            "word": address_width - SIZE,
            "count": range(PIECE_WORDS + 1),
            "last": 1,
            "refused": 1,
        }
    )


def take_burst(
    m: Module, burst: data.View, address: Value, length: Value, size: Value, kind: Value
) -> None:
    """Read an address channel: what AXI says of the burst, and whether it is refused."""
    # Wrapping bursts have 2, 4, 8 or 16 beats: the length is a run of ones.
    wraps_well = (length & (length + 1) == 0) & (length[4:] == 0) & length[0]
    refused = size[2] | (kind == 3) | ((kind == Burst.WRAP) & ~wraps_well)
    m.d.comb += [
        burst.address.eq(address),
        burst.length.eq(length),
        burst.size.eq(size),
        burst.counts.eq(kind == Burst.INCR),
        burst.full.eq((kind == Burst.INCR) & (size == SIZE)),
        burst.refused.eq(refused),
    ]
    with m.Switch(kind):
        with m.Case(Burst.INCR):
            m.d.comb += burst.moves.eq(~0)
        with m.Case(Burst.WRAP):
            within_beat = (1 << size[:2]) - 1
            m.d.comb += burst.moves.eq((length[:4] << size[:2]) | within_beat)


class PieceCutter(wiring.Component):
    """Says which words the beats of a burst are about, in their order.

    Function: a burst of full beats that counts on (INCR) becomes pieces that end where word
    addresses are multiples of 16; every other one becomes pieces of one word, one for each beat,
    as AXI moves its address. A refused burst becomes pieces of one word, too, of no meaning but
    their number. Addresses wrap at ``address_width`` bits.

    Latency: 1 clock. Throughput: 1 piece a clock, bursts without a gap. Back-pressure:
    ``i.ready`` is a register and says that the place for a second burst is free. All of ``o``
    depends on registers alone and stays until it is taken. Reset forgets both bursts.

    Attributes
    ----------
    current, spare, spare_full
        What is left of the burst that is being cut, the one behind it, and whether there is one;
        for proofs.

    Members
    -------
    i : In(stream of burst_layout)
    o : Out(stream of piece_layout)
    """

    def __init__(self, address_width: int):
        shape = burst_layout(address_width)
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(piece_layout(address_width))),
            }
        )
        self.current = Signal(shape, reset_less=True)
        self.spare = Signal(shape, reset_less=True)
        self.spare_full = Signal()

    def elaborate(self, platform):
        m = Module()
        current = self.current
        spare = self.spare
        pending = Signal()
        ready = Signal(init=1)
        m.d.comb += [self.i.ready.eq(ready), self.spare_full.eq(~ready), self.o.valid.eq(pending)]

        place = current.address[SIZE:LOW_BITS]
        length = current.length
        fits = Signal()  # all that is left lies before the next multiple of 16
        last = Signal()
        less_one = Signal(4)  # words of the piece, less one
        with m.If(current.full):
            m.d.comb += [
                fits.eq(length <= ~place),
                last.eq(fits),
                less_one.eq(Mux(fits, length[:4], ~place)),
            ]
        with m.Else():
            m.d.comb += last.eq(length == 0)
        m.d.comb += [
            self.o.payload.word.eq(current.address[SIZE:]),
            self.o.payload.count.eq(less_one + 1),
            self.o.payload.last.eq(last),
            self.o.payload.refused.eq(current.refused),
        ]

        low = current.address[:LOW_BITS]
        high = current.address[LOW_BITS:]
        # Not aligned to the beat first, as AXI does: that changes bits below the word only.
        moved = Signal(LOW_BITS + 1)
        m.d.comb += moved.eq(low + (1 << current.size))
        with m.If(self.o.ready & ~last):
            m.d.sync += [
                low.eq(Mux(current.full, 0, (low & ~current.moves) | (moved & current.moves))),
                high.eq(high + (current.full | (current.counts & moved[-1]))),
                length.eq(length + Mux(current.full, Cat(place, Const(15, 4)), 0xFF)),
            ]
        with m.If((self.o.ready & last) | ~pending):
            m.d.sync += [
                ready.eq(1),
                pending.eq(self.i.valid | ~ready),
                current.eq(Mux(ready, self.i.payload.as_value(), spare.as_value())),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += ready.eq(0)
        with m.If(ready):
            m.d.sync += spare.eq(self.i.payload)
        return m
