"""The 64-bit mixers of the laws as a datapath."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from engram.arch.laws import Mixer
from hdl.synth.multiplier import ConstantMultiplier, Tile

__all__ = ["MixerDatapath"]


class MixerDatapath(wiring.Component):
    """``o = mixer(i)``, one word a clock.

    - *Latency*: `latency` clocks: those of a multiplication for each stage, and one for the last
      xor-shift.
    - *Throughput*: 1 word a clock. There is no handshake: wrap it in an `EnableInserter`.
    - *Reset*: none; all registers are datapath.

    Parameters
    ----------
    mixer : Mixer
        Shifts and factors.
    tile : Tile
        The hardware multiplier to cut for.
    width : int
        Bits of the words that come in. Fewer than 64 make the first multiplication smaller.

    Members
    -------
    i : In(width)
    o : Out(64)
    """

    def __init__(self, mixer: Mixer, tile: Tile, width: int = 64) -> None:
        if not 0 < width <= 64:
            raise ValueError(f"width must be in 1..64, not {width!r}")
        self.mixer = mixer
        widths = [width, *[64] * (len(mixer.stages) - 1)]
        self._multipliers = [
            ConstantMultiplier(factor, 64, tile, factor_width)
            for (_, factor), factor_width in zip(mixer.stages, widths, strict=True)
        ]
        self.latency = sum(multiplier.latency for multiplier in self._multipliers) + 1
        super().__init__({"i": In(width), "o": Out(64)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        value = self.i
        for i, (shift, _) in enumerate(self.mixer.stages):
            multiplier = m.submodules[f"multiplier_{i}"] = self._multipliers[i]
            m.d.comb += multiplier.i.eq(value ^ (value >> shift))
            value = multiplier.o
        mixed = Signal(64, reset_less=True)
        m.d.sync += mixed.eq(value ^ (value >> self.mixer.final_shift))
        m.d.comb += self.o.eq(mixed)
        return m
