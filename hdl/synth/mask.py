"""Law 3, the mask, at one word a clock."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from engram.arch.laws import MaskLaw
from hdl.stream import Pipeline
from hdl.synth.mixer import MixerDatapath
from hdl.synth.multiplier import DSP48E1, Tile

__all__ = ["MaskDatapath", "MaskPipeline"]


class MaskDatapath(wiring.Component):
    """``o = mixer(seed + i + increment)`` modulo 2**64.

    - *Latency*: `latency` clocks: two for the sum, then the mixer's.
    - *Throughput*: 1 word a clock. There is no handshake: wrap it in an `EnableInserter`.

    Members
    -------
    i : In(64)
    o : Out(64)
    seed : In(64)
        Held while words are under way.
    """

    def __init__(self, law: MaskLaw, tile: Tile) -> None:
        self.law = law
        self._mixer = MixerDatapath(law.mixer, tile)
        self.latency = 2 + self._mixer.latency
        super().__init__({"i": In(64), "o": Out(64), "seed": In(64)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.mixer = mixer = self._mixer
        address = Signal(64, reset_less=True)
        start = Signal(64, reset_less=True)  # added apart: three terms are too slow for one clock
        total = Signal(64, reset_less=True)
        m.d.sync += [
            address.eq(self.i),
            start.eq(self.seed + self.law.increment),
            total.eq(address + start),
        ]
        m.d.comb += [mixer.i.eq(total), self.o.eq(mixer.o)]
        return m


class MaskPipeline(Pipeline):
    """A stream of addresses turned into the words that a mask law gives them.

    - *Latency*: `latency` clocks; law 3: 16, whether cut for the xc7 or the ECP5.
    - *Throughput*: 1 word a clock.
    - *Back-pressure*, *reset*: those of `Pipeline`.

    Parameters
    ----------
    law : MaskLaw
    tile : Tile
        The hardware multiplier to cut for.

    Members
    -------
    i : In(stream.Signature(64))
        Addresses.
    o : Out(stream.Signature(64))
        Words, in the order of the addresses.
    seed : In(64)
        Held from the clock in which the first address is taken for as long as `busy`.
    busy : Out(1)
        Whether a word is inside.
    """

    def __init__(self, law: MaskLaw, tile: Tile = DSP48E1) -> None:
        self.law = law
        super().__init__(MaskDatapath(law, tile))
