"""The moves that the pager orders for the request in work."""

from amaranth.hdl import Cat, Const, Mux

from engram.arch.pages import PAGE_BITS, PAGE_BYTES, PAGE_WORDS
from hdl.mmu.requests import Operation
from hdl.mover.moves import Client, Sink, Source

__all__ = ["order", "order_content", "order_nothing"]


def _place(pager, offset):
    """Return the byte address of a word of the frame in work."""
    frame_bits = PAGE_BYTES.bit_length() - 1
    return Cat(Const(0, 3), offset, (pager.frame_base[frame_bits:] + pager.frame)[:-1])


def order(m, pager, is_read):
    """Order the move of a request whose page is known."""
    move = pager.moves.payload
    place = _place(pager, pager.address[:PAGE_BITS])
    m.d.comb += [
        move.client.eq(Mux(pager.windowed, Client.WINDOW, Client.RING)),
        move.law.eq(pager.law),
        move.count.eq(pager.count),
    ]
    with m.If(is_read):
        m.d.comb += [
            move.source.eq(Mux(pager.framed, Source.FETCH, Source.GENERATE)),
            move.address.eq(Mux(pager.framed, place, pager.address)),
            move.sink.eq(Mux(pager.windowed, Sink.WINDOW, Sink.MEMORY)),
            move.target.eq(pager.buffer),
        ]
    with m.Else():
        m.d.comb += [
            move.source.eq(Mux(pager.windowed, Source.WINDOW, Source.FETCH)),
            move.address.eq(pager.buffer),
            move.sink.eq(Sink.MEMORY),
            move.target.eq(place),
        ]
        with m.If(pager.operation == Operation.ERASE):
            m.d.comb += [move.source.eq(Source.GENERATE), move.address.eq(pager.address)]


def order_nothing(m, pager, is_read):
    """Order the move of a window request that failed: it keeps its turn among the others."""
    move = pager.moves.payload
    m.d.comb += [
        pager.moves.valid.eq(1),
        move.client.eq(Client.WINDOW),
        move.count.eq(pager.count),
        move.fault.eq(pager.fault),
        move.source.eq(Mux(is_read, Source.NOTHING, Source.WINDOW)),
        move.sink.eq(Mux(is_read, Sink.WINDOW, Sink.NOWHERE)),
    ]
    with m.If(~pager.moves.ready):
        m.next = "FAIL"


def order_content(m, pager):
    """Order what a new frame begins with: generated words, or the written ones if they fill it."""
    move = pager.moves.payload
    m.d.comb += [
        pager.moves.valid.eq(1),
        move.client.eq(Client.PAGER),
        move.source.eq(Mux(pager.whole, Source.FETCH, Source.GENERATE)),
        move.address.eq(
            Mux(
                pager.whole,
                pager.buffer,
                Cat(Const(0, PAGE_BITS), pager.address[PAGE_BITS:]),
            )
        ),
        move.law.eq(pager.context.law),
        move.count.eq(PAGE_WORDS),
        move.sink.eq(Sink.MEMORY),
        move.target.eq(_place(pager, Const(0, PAGE_BITS))),
    ]
