"""Streams that may be stalled anywhere: the skid buffer, and a datapath made into a stream."""

from typing import Any

from amaranth import EnableInserter, Module, Signal
from amaranth.hdl import Cat, ShapeLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Pipeline", "SkidBuffer"]


class SkidBuffer(wiring.Component):
    """A register slice that cuts every path between its two ends and costs no throughput.

    Words leave in the order in which they came, each once. Two words fit: the one that is offered
    and one that was under way when the reader stopped.

    - *Latency*: 1 clock.
    - *Throughput*: 1 word a clock.
    - *Back-pressure*: `i.ready` is a register and says that the spare place is free, so it falls
      one clock after the reader stops. `o.valid` and `o.payload` are registers; once valid is up,
      neither changes until the word is taken.
    - *Reset*: empties the buffer; the words in it are lost.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a word.

    Attributes
    ----------
    spare : Signal
        The second word, while `spare_full`; for proofs.
    spare_full : Signal
        Whether there is a second word; for proofs.

    Members
    -------
    i : In(stream.Signature(shape))
    o : Out(stream.Signature(shape))
    """

    def __init__(self, shape: ShapeLike) -> None:
        self.latency = 1
        self.spare = Signal(shape, reset_less=True)
        self.spare_full = Signal()
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        offered = Signal(self.o.payload.shape(), reset_less=True)
        ready = Signal(init=1)
        m.d.comb += [
            self.i.ready.eq(ready),
            self.spare_full.eq(~ready),
            self.o.payload.eq(offered),
        ]
        with m.If(self.o.ready | ~self.o.valid):
            # The place in front is free: the spare word goes first, else whatever arrives.
            m.d.sync += [ready.eq(1), self.o.valid.eq(self.i.valid | ~ready)]
            with m.If(ready):
                m.d.sync += offered.eq(self.i.payload)
            with m.Else():
                m.d.sync += offered.eq(self.spare)
        with m.Elif(self.i.valid):
            m.d.sync += ready.eq(0)
        with m.If(ready):
            m.d.sync += self.spare.eq(self.i.payload)
        return m


class Pipeline(wiring.Component):
    """A datapath of fixed latency, made into a stream that may be stalled at both ends.

    Words leave in the order in which they came, each once. One enable steps all registers of the
    datapath together; it is a register of the skid buffer at the end, so there is no combinational
    path from `o.ready` to `i.ready`, and gaps between words stay gaps while they travel.

    - *Latency*: `latency` clocks, one more than the datapath's: a word taken in clock t is offered
      in clock t + `latency` if nothing stalls.
    - *Throughput*: 1 word a clock.
    - *Back-pressure*: when the reader stops, the skid buffer takes one more word and then the whole
      datapath stands still. It costs the enable, one net to all registers, and the buffer, two
      registers and a multiplexer a bit.
    - *Reset*: forgets all words under way.

    Parameters
    ----------
    datapath : wiring.Component
        Has members `i` and `o` of some shapes and an attribute `latency`. Its other inputs are
        settings: members of the pipeline too, to be held from the clock in which the first word is
        taken for as long as the pipeline is `busy`.

    Attributes
    ----------
    latency : int
        Clocks from a word to its image.
    occupied : Signal
        Which stages of the datapath hold a word, the youngest first; for proofs.
    skid : SkidBuffer
        The buffer at the end; for proofs.

    Members
    -------
    i : In(stream.Signature(shape of the datapath's i))
    o : Out(stream.Signature(shape of the datapath's o))
    busy : Out(1)
        Whether a word is inside.
    """

    def __init__(self, datapath: wiring.Component) -> None:
        self._datapath = datapath
        self.latency: int = datapath.latency + 1
        self.occupied = Signal(datapath.latency)
        self.skid = SkidBuffer(datapath.signature.members["o"].shape)
        members = dict(datapath.signature.members)
        members["i"] = In(stream.Signature(members["i"].shape))
        members["o"] = Out(stream.Signature(members["o"].shape))
        super().__init__({**members, "busy": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.skid = skid = self.skid
        enable = skid.i.ready
        datapath = self._datapath
        m.submodules.datapath = EnableInserter(enable)(datapath)
        with m.If(enable):
            m.d.sync += self.occupied.eq(Cat(self.i.valid, self.occupied))
        m.d.comb += [
            datapath.i.eq(self.i.payload),
            self.i.ready.eq(enable),
            skid.i.valid.eq(self.occupied[-1]),
            skid.i.payload.eq(datapath.o),
            # The spare place is only ever taken behind a word that is offered.
            self.busy.eq(self.occupied.any() | skid.o.valid),
        ]
        for name in datapath.signature.members:
            if name not in ("i", "o"):
                m.d.comb += getattr(datapath, name).eq(getattr(self, name))
        wiring.connect(m, skid.o, wiring.flipped(self.o))
        return m
