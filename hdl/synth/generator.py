"""Runs of addresses turned into words, over all laws that were built."""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Const, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from engram.arch.laws import FeistelLaw, Law, MaskLaw, ResidueLaw
from hdl.stream import SkidBuffer
from hdl.synth.feistel import KEYS, FeistelPipeline
from hdl.synth.mask import MaskPipeline
from hdl.synth.multiplier import DSP48E1, Tile
from hdl.synth.residue import ResiduePipeline

__all__ = ["WordGenerator", "law_pipeline"]


def law_pipeline(law: Law, tile: Tile) -> wiring.Component:
    """Return the pipeline that makes a law's words."""
    if isinstance(law, FeistelLaw):
        return FeistelPipeline(law, tile)
    if isinstance(law, ResidueLaw):
        return ResiduePipeline(law, tile)
    if isinstance(law, MaskLaw):
        return MaskPipeline(law, tile)
    raise TypeError(f"law must be one that has a pipeline, not {law!r}")


class WordGenerator(wiring.Component):
    """A stream of runs turned into beats of ``lanes`` words each, in the order of the runs.

    A run is a law, a first address and a count of words; the addresses go up by one, modulo 2**64.
    Lane i of a run's beat b is the word of address ``first + b * lanes + i``. Only the last beat of
    a run may be partly filled: `keep` says which lanes count, and the others mean nothing. A run of
    a law that was not built gives its beats too, zeros marked `unsupported`; a run of no words
    gives none.

    - *Latency*: `latencies[number]` clocks from the clock in which a run is taken to that in which
      its first beat is offered, if nothing is before it: two more than the law's pipeline. For a
      law that was not built it is 3.
    - *Throughput*: one beat a clock, also from run to run and for runs of one beat (for residue
      laws, one beat in as many clocks as the law has lanes). Runs of several laws overlap, so
      another law costs a gap only as far as its pipeline is longer.
    - *Back-pressure*: every pipeline stands still by itself. A run is taken when the last address
      of the one before enters its pipeline, at most ``runs + 2`` of them ahead of the reader. There
      is no combinational path from `o.ready` to `i.ready`.
    - *Reset*: forgets everything under way.

    Parameters
    ----------
    lanes : int
        Words a beat, each with pipelines of its own.
    laws : Sequence of Law
        The laws to build.
    tile : Tile
        The hardware multiplier to cut for.
    longest : int
        Words of the longest run; `count` has as many bits as this needs.
    runs : int
        How many runs may wait in the queue. As many as the longest latency keep the reader busy
        with runs of one beat.
    make : Callable
        Makes the pipeline of a law and a tile; proofs put something smaller in its place.

    Members
    -------
    i : In(stream.Signature(StructLayout({"law": 8, "address": 64, "count": ...})))
        Runs. `law` is a law's number.
    o : Out(stream.Signature(StructLayout({"words": ArrayLayout(64, lanes), "keep": lanes,
    "last": 1, "unsupported": 1})))
        Beats. `last` marks the last one of a run.
    keys : In(KEYS)
        Keys of the Feistel laws; held while `busy`.
    seed : In(64)
        Seed of the other laws; held while `busy`.
    busy : Out(1)
        Whether any run is under way.
    """

    def __init__(
        self,
        lanes: int,
        laws: Sequence[Law],
        tile: Tile = DSP48E1,
        *,
        longest: int = 512,
        runs: int = 64,
        make: Callable[[Law, Tile], wiring.Component] = law_pipeline,
    ) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be at least 1, not {lanes!r}")
        numbers = [law.number for law in laws]
        if not numbers or len(set(numbers)) < len(numbers):
            raise ValueError(f"laws must be one or more, each once, not {numbers!r}")
        self.lanes = lanes
        self.laws = tuple(laws)
        self.runs = runs
        self._pipelines = [[make(law, tile) for _ in range(lanes)] for law in laws]
        self.latencies = {
            law.number: 2 + pipelines[0].latency
            for law, pipelines in zip(laws, self._pipelines, strict=True)
        }
        self._count = Signal(range(longest + 1)).shape()
        # A bit for each law that was built; none is set for all others.
        self._select = len(laws)
        self._order = data.StructLayout({
            "select": self._select,
            "absent": 1,
            "count": self._count,
        })
        super().__init__({
            "i": In(stream.Signature(
                data.StructLayout({"law": 8, "address": 64, "count": self._count})
            )),
            "o": Out(stream.Signature(data.StructLayout({
                "words": data.ArrayLayout(64, lanes),
                "keep": lanes,
                "last": 1,
                "unsupported": 1,
            }))),
            "keys": In(KEYS),
            "seed": In(64),
            "busy": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.order = order = SyncFIFO(width=self._order.size, depth=self.runs)
        # The queue is read without a clock, so its head waits in registers: it steers much.
        m.submodules.head = head = SkidBuffer(self._order)
        m.submodules.skid = skid = SkidBuffer(self.o.payload.shape())
        m.d.comb += [
            head.i.valid.eq(order.r_rdy),
            head.i.payload.eq(order.r_data),
            order.r_en.eq(head.i.ready),
        ]
        for law, pipelines in zip(self.laws, self._pipelines, strict=True):
            for lane, pipeline in enumerate(pipelines):
                m.submodules[f"{law.name}_{lane}"] = pipeline
                for setting in ("keys", "seed"):
                    if setting in pipeline.signature.members:
                        m.d.comb += getattr(pipeline, setting).eq(getattr(self, setting))
        active = self._dispatch(m, order)
        self._collect(m, head, skid)
        wiring.connect(m, skid.o, wiring.flipped(self.o))
        m.d.comb += self.busy.eq(active | order.r_rdy | head.o.valid | skid.o.valid)
        return m

    def _dispatch(self, m: Module, order: SyncFIFO) -> Value:
        """Send the addresses of one run after the other into the pipelines of its law."""
        run = self.i.payload
        active = Signal()
        select = Signal(self._select)
        left = Signal(self._count, reset_less=True)
        addresses = [
            Signal(64, name=f"address_{lane}", reset_less=True) for lane in range(self.lanes)
        ]
        ready = Signal()
        sends = Signal()
        m.d.comb += sends.eq(active & ready)
        for k, pipelines in enumerate(self._pipelines):
            for pipeline, address in zip(pipelines, addresses, strict=True):
                m.d.comb += [
                    pipeline.i.payload.eq(address),
                    pipeline.i.valid.eq(sends & select[k]),
                ]
            with m.If(select[k]):
                m.d.comb += ready.eq(_all(pipeline.i.ready for pipeline in pipelines))

        wanted = Signal(self._select)
        m.d.comb += [
            wanted[k].eq(run.law == law.number) for k, law in enumerate(self.laws)
        ]
        free = ~active | (sends & (left <= self.lanes))
        takes = self.i.valid & self.i.ready
        entry = Signal(self._order)
        m.d.comb += [
            self.i.ready.eq(free & order.w_rdy),
            entry.select.eq(wanted),
            entry.absent.eq(~wanted.any()),
            entry.count.eq(run.count),
            order.w_data.eq(entry),
            order.w_en.eq(takes & (run.count != 0)),
        ]
        with m.If(sends):
            m.d.sync += [address.eq(address + self.lanes) for address in addresses]
            m.d.sync += left.eq(left - self.lanes)
        with m.If(free):
            m.d.sync += active.eq(takes & (run.count != 0) & wanted.any())
            m.d.sync += [select.eq(wanted), left.eq(run.count)]
            m.d.sync += [
                address.eq(run.address + lane) for lane, address in enumerate(addresses)
            ]
        return active

    def _collect(self, m: Module, head: SkidBuffer, skid: SkidBuffer) -> None:
        """Take the beats of the oldest run from the pipelines of its law."""
        run = head.o.payload
        done = Signal(self._count)
        there: Value = head.o.valid & run.absent
        beat = skid.i.payload
        m.d.comb += [
            beat.last.eq(done + self.lanes >= run.count),
            beat.unsupported.eq(run.absent),
        ]
        m.d.comb += [beat.keep[lane].eq(done + lane < run.count) for lane in range(self.lanes)]
        words: list[Value] = [Const(0, 64)] * self.lanes
        for k, pipelines in enumerate(self._pipelines):
            # Of its own law alone: what steers a pipeline should not wait for the choice of laws.
            chosen = Signal(name=f"chosen_{k}")
            m.d.comb += chosen.eq(
                head.o.valid & run.select[k] & _all(pipeline.o.valid for pipeline in pipelines)
            )
            there = there | chosen
            for lane, pipeline in enumerate(pipelines):
                m.d.comb += pipeline.o.ready.eq(chosen & skid.i.ready)
                words[lane] = words[lane] | (pipeline.o.payload & run.select[k].replicate(64))
        m.d.comb += [beat.words[lane].eq(word) for lane, word in enumerate(words)]
        m.d.comb += skid.i.valid.eq(there)
        gives = skid.i.valid & skid.i.ready
        m.d.comb += head.o.ready.eq(gives & beat.last)
        with m.If(gives):
            m.d.sync += done.eq(done + self.lanes)
            with m.If(beat.last):
                m.d.sync += done.eq(0)


def _all(bits: Any) -> Value:
    together: Any = 1
    for bit in bits:
        together = together & bit
    return together
