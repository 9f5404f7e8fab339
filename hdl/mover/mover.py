"""Carries out moves: words from their source to their sink, in order, and a report of each end."""

from collections.abc import Callable
from typing import Any

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.laws import Law
from engram.arch.pages import PAGE_WORDS
from hdl.axi.queue import Queue
from hdl.axi.reader import BurstReader
from hdl.axi.signatures import flat, port
from hdl.axi.splitter import BEAT_BITS
from hdl.axi.writer import BurstWriter
from hdl.mover.collector import Collector
from hdl.mover.merge import Merge, order_layout
from hdl.mover.moves import (
    Sink,
    Source,
    move_layout,
    report_layout,
    window_read_layout,
    window_write_layout,
)
from hdl.mover.unpacker import Unpacker
from hdl.stream import SkidBuffer
from hdl.synth.feistel import KEYS
from hdl.synth.generator import WordGenerator, law_pipeline
from hdl.synth.multiplier import DSP48E1, Tile

__all__ = ["Mover"]

RUNS = 64  # moves that may wait for their words: more than the latency of any law's pipeline
AHEAD = 2  # and for their source to begin: with none, `i.ready` would wait for both sources' own


class Mover(wiring.Component):
    """Takes moves and carries them out one after the other, a word a clock.

    Function: every move has 1 to 512 words (`hdl.mover.moves`), and the words of one move follow
    those of the move before. They come from the laws, from DRAM or from `window_in`, or are 0
    (`NOTHING`), and go to DRAM, to `window_out` or nowhere. A word *fails* if its read was answered
    with an error (`READ_ERROR`; so do then the words behind it in its move), if its law is not
    built (`UNSUPPORTED_LAW`), or if its move has a `fault` (with that one). At `window_out` a
    failed word is 0 and has its fault. In DRAM a failed word changes nothing, except that NOTHING
    writes its zeros all the same. Of a word from `window_in` the bytes that `strobe` names are
    written, of all others all eight.

    Reports: each move to MEMORY or NOWHERE is reported by one pulse of `report.valid`, in the order
    of these moves; moves to WINDOW are not, `last` at `window_out` tells their end. A move to
    MEMORY is reported when all its writes were answered, with the fault of the first failed word,
    else `WRITE_ERROR` if an answer was an error, else `OK`; a move to NOWHERE when its words were
    taken and all moves before it are reported, with the fault of its first failed word or `OK`.
    Errors stop nothing.

    Latency: from the clock in which a move is taken at an idle mover to that in which its first
    word is offered at `window_out`: `latencies[law]` clocks for a law that is built (two more than
    the generator's), 5 for one that is not, 3 for NOTHING. A word that comes at `r_rvalid` is
    offered 3 clocks later, one that is taken at `window_in` 1 clock later; `r_arvalid` rises 4
    clocks after a move was taken. A move to NOWHERE is reported 3 clocks after its last word was
    taken from its source, a move to MEMORY 2 clocks after its last response.

    Throughput: one move and one word a clock. Moves of one word go one a clock from the laws to
    the window; from DRAM, `outstanding` bursts are under way at most, and to DRAM `writes` moves,
    whose requests wait beside their orders until then, so that up to 64 moves hide the laws'
    latency. There is no gap between moves of different kinds as long as the words are there.

    Back-pressure: `i.ready` depends on registers alone, and so do `window_out`, `report` and the
    outputs of the ports. `window_in.ready` depends on registers alone, too. Moves wait in a queue
    of 64 orders. A move from WINDOW holds up all behind it until its words come; a word for the
    window that is not taken holds up all behind it. Neither holds up the bus.

    Reset forgets what was under way, so the bus behind the ports must be reset too.

    Parameters
    ----------
    config : AcceleratorConfig
        Lanes, laws and the width of addresses.
    tile : Tile
        The hardware multiplier to cut for.
    outstanding : int
        Bursts being read; the reader's buffer has 16 words for each.
    writes : int
        Bursts, and so moves to MEMORY, being written; they cost next to nothing.
    make : Callable
        Makes the pipeline of a law and a tile; tests put something faster in its place.

    Attributes
    ----------
    latencies : dict of int to int
        Clocks to the first word, by the number of the law.
    signature_reader, signature_writer : AXI4
        What `r_*` and `w_*` are.

    Members
    -------
    i : In(stream of move_layout)
        Moves. ``count`` is 1 to 512; a FETCH or a move to MEMORY may be any run of DRAM words.
    report : Out(report_layout)
        Ends of moves to MEMORY and NOWHERE; cannot be held up.
    window_in : In(stream of window_write_layout)
        Words for the moves from WINDOW.
    window_out : Out(stream of window_read_layout)
        Words of the moves to WINDOW.
    keys : In(KEYS)
        Keys of the Feistel laws; held from the clock in which a move is taken until `idle`.
    seed : In(64)
        Seed of the other laws; held likewise.
    idle : Out(1)
        No move, word or report is under way. It falls one clock after a move is taken.
    r_* : Out(AXI4, read channels)
    w_* : Out(AXI4, write channels)
    generated : Out(1)
        Counter pulse: a word that a law made went on to its sink. It and the next three are a
        clock late.
    stall_generate : Out(1)
        Counter pulse: the oldest move waits for the next word of its law.
    stall_fetch : Out(1)
        Counter pulse: it waits for a word from DRAM.
    stall_write : Out(1)
        Counter pulse: a word or move waits for the writer.
    """

    def __init__(
        self,
        config: AcceleratorConfig,
        tile: Tile = DSP48E1,
        *,
        outstanding: int = 4,
        writes: int = 8,
        make: Callable[[Law, Tile], wiring.Component] = law_pipeline,
    ) -> None:
        widths = {
            "address_width": config.address_bits,
            "beats_width": PAGE_WORDS.bit_length(),
            "index_width": 1,
        }
        self.generator = WordGenerator(
            config.lanes,
            config.built_laws,
            tile,
            longest=PAGE_WORDS,
            runs=RUNS,
            make=make,
        )
        self.reader = BurstReader(**widths, outstanding=outstanding)
        self.writer = BurstWriter(**widths, outstanding=writes)
        self.latencies = {
            law: latency + 2 for law, latency in self.generator.latencies.items()
        }
        self.signature_reader = self.reader.signature_axi
        self.signature_writer = self.writer.signature_axi
        self.runs = Queue(self.generator.i.payload.shape(), AHEAD)
        self.fetches = Queue(self.reader.i.payload.shape(), AHEAD)
        self.orders = Queue(
            data.StructLayout({
                "order": order_layout(),
                "target": config.address_bits - BEAT_BITS,
            }),
            RUNS,
        )
        # Words of a few moves more than are begun may be with the writer.
        self.collector = Collector(2 * writes)
        self.merge = Merge()
        super().__init__({
            "i": In(stream.Signature(move_layout(config.address_bits))),
            "report": Out(report_layout()),
            "window_in": In(stream.Signature(window_write_layout())),
            "window_out": Out(stream.Signature(window_read_layout())),
            "keys": In(KEYS),
            "seed": In(64),
            "idle": Out(1),
            **flat("r", self.signature_reader),
            **flat("w", self.signature_writer),
            "generated": Out(1),
            "stall_generate": Out(1),
            "stall_fetch": Out(1),
            "stall_write": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.generator = generator = self.generator
        m.submodules.reader = reader = self.reader
        m.submodules.writer = writer = self.writer
        m.submodules.runs = self.runs
        m.submodules.fetches = self.fetches
        m.submodules.orders = self.orders
        m.submodules.collector = collector = self.collector
        m.submodules.merge = merge = self.merge
        m.submodules.unpacker = unpacker = Unpacker(
            generator.o.payload.shape(), generator.lanes
        )
        self._take_moves(m)
        waits_for_writer = self._give_orders(m)

        wiring.connect(m, self.runs.o, generator.i)
        wiring.connect(m, self.fetches.o, reader.i)
        wiring.connect(m, generator.o, unpacker.i)
        wiring.connect(m, unpacker.o, merge.generated)
        # The reader's buffer is read without a clock, and its answers decide about the word.
        m.submodules.fetched = fetched = SkidBuffer(reader.o.payload.shape())
        wiring.connect(m, reader.o, fetched.i)
        wiring.connect(m, fetched.o, merge.fetched)
        wiring.connect(m, wiring.flipped(self.window_in), merge.given)
        wiring.connect(m, merge.shown, wiring.flipped(self.window_out))
        wiring.connect(m, merge.written, writer.words)
        # Whether there is room for an end decides about every word: it has to be a register.
        m.submodules.ends = ends = SkidBuffer(collector.i.payload.shape())
        wiring.connect(m, merge.ends, ends.i)
        wiring.connect(m, ends.o, collector.i)
        wiring.connect(m, writer.reports, collector.written)
        for name, unit in (("r", reader), ("w", writer)):
            axi = unit.signature_axi
            wiring.connect(m, port(unit, "m_axi", axi), port(self, name, axi.flip()))
        m.d.comb += [
            generator.keys.eq(self.keys),
            generator.seed.eq(self.seed),
            self.report.eq(collector.report),
            # A request or a word in the other units has its order or its end in one of these.
            self.idle.eq(~(self.orders.o.valid | merge.busy | ends.o.valid | collector.busy)),
        ]
        m.d.sync += [
            self.generated.eq(merge.passes),
            self.stall_generate.eq(merge.stall_generate),
            self.stall_fetch.eq(merge.stall_fetch),
            self.stall_write.eq(merge.stall_write | waits_for_writer),
        ]
        return m

    def _take_moves(self, m: Module) -> None:
        """Give each move to the source of its words, and put its order in the queue."""
        runs = self.runs
        fetches = self.fetches
        orders = self.orders
        move = self.i.payload
        entry = orders.i.payload
        takes = Signal()
        # One ready for all moves: it need not wait for the source that a move names.
        m.d.comb += [
            self.i.ready.eq(orders.i.ready & runs.i.ready & fetches.i.ready),
            takes.eq(self.i.valid & self.i.ready),
            orders.i.valid.eq(takes),
            entry.order.source.eq(move.source),
            entry.order.sink.eq(move.sink),
            entry.order.client.eq(move.client),
            entry.order.length.eq(move.count - 1),
            entry.order.fault.eq(move.fault),
            entry.target.eq(move.target[BEAT_BITS:]),
            runs.i.valid.eq(takes & (move.source == Source.GENERATE)),
            runs.i.payload.law.eq(move.law),
            runs.i.payload.address.eq(move.address),
            runs.i.payload.count.eq(move.count),
            fetches.i.valid.eq(takes & (move.source == Source.FETCH)),
            fetches.i.payload.address.eq(move.address),
            fetches.i.payload.beats.eq(move.count),
        ]

    def _give_orders(self, m: Module) -> Signal:
        """Pass orders to the merge, to MEMORY also to the writer; return whether it delays one.

        The requests wait here rather than in the writer, which holds three whose words are to come.
        """
        writer = self.writer
        merge = self.merge
        entry = self.orders.o.payload
        waiting = self.orders.o.valid
        to_memory = Signal()
        passes = Signal()
        waits = Signal()
        m.d.comb += [
            to_memory.eq(entry.order.sink == Sink.MEMORY),
            passes.eq(merge.i.ready & (writer.i.ready | ~to_memory)),
            self.orders.o.ready.eq(passes),
            merge.i.valid.eq(waiting & passes),
            merge.i.payload.eq(entry.order),
            writer.i.valid.eq(waiting & to_memory & merge.i.ready),
            writer.i.payload.address.eq(entry.target << BEAT_BITS),
            writer.i.payload.beats.eq(entry.order.length + 1),
            waits.eq(waiting & to_memory & ~writer.i.ready & ~merge.busy),
        ]
        return waits
