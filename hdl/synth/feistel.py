"""Laws 1 and 4, the keyed Feistel permutations, at one word a clock."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.laws import FeistelLaw
from hdl.delay import delayed
from hdl.stream import Pipeline
from hdl.synth.multiplier import DSP48E1, ConstantMultiplier, Tile

__all__ = ["KEYS", "FeistelDatapath", "FeistelPipeline"]

KEYS = data.ArrayLayout(32, 4)


class FeistelDatapath(wiring.Component):
    """``o`` is the law's permutation of ``i`` under four keys, every round in gates of its own.

    - *Latency*: `latency` clocks: one for the premix, and for each round one for the key, those of
      a multiplication and one for the exclusive or.
    - *Throughput*: 1 word a clock. There is no handshake: wrap it in an `EnableInserter`.

    Members
    -------
    i : In(64)
    o : Out(64)
    keys : In(KEYS)
        Held while words are under way.
    """

    def __init__(self, law: FeistelLaw, tile: Tile) -> None:
        self.law = law
        self._multipliers = [
            ConstantMultiplier(law.factors[i % 2], 32, tile) for i in range(law.rounds)
        ]
        self.latency = 1 + sum(multiplier.latency + 2 for multiplier in self._multipliers)
        super().__init__({"i": In(64), "o": Out(64), "keys": In(KEYS)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        low = self.i[:32]
        high = self.i[32:]
        right = delayed(m, low ^ high.rotate_left(self.law.premix), 1, name="right")
        left = delayed(m, high, 1, name="left")
        for i, multiplier in enumerate(self._multipliers):
            m.submodules[f"multiplier_{i}"] = multiplier
            source, target = (left, right) if i % 2 else (right, left)
            keyed = delayed(m, (source + self._key(m, i))[:32], 1, name=f"keyed_{i}")
            m.d.comb += multiplier.i.eq(keyed ^ (keyed >> self.law.shift_in))
            product = multiplier.o
            waited = delayed(m, target, 1 + multiplier.latency, name=f"target_{i}")
            changed = waited ^ product ^ (product >> self.law.shift_out)
            target = delayed(m, changed, 1, name=f"changed_{i}")
            source = delayed(m, source, 2 + multiplier.latency, name=f"source_{i}")
            left, right = (source, target) if i % 2 else (target, source)
        m.d.comb += self.o.eq(Cat(right, left))
        return m

    def _key(self, m: Module, i: int) -> Any:
        key = self.keys[i % 4]
        if i < 4:
            return key
        # Keys are held, so the sum may be a clock old: no round needs two adders in one clock.
        later = Signal(32, name=f"key_{i}", reset_less=True)
        m.d.sync += later.eq(key + (self.law.key_step * (i // 4) & 0xFFFF_FFFF))
        return later


class FeistelPipeline(Pipeline):
    """A stream of addresses turned into the words that a Feistel law gives them.

    - *Latency*: `latency` clocks. Law 1: 44 cut for the xc7, 38 for the ECP5; law 4: 30 and 26.
    - *Throughput*: 1 word a clock.
    - *Back-pressure*, *reset*: those of `Pipeline`.
    - *Keys* are settings, not part of the stream: carrying 128 bits along would double the
      registers of the pipeline, and a space has one seed. To change them wait until `busy` is low.

    Parameters
    ----------
    law : FeistelLaw
    tile : Tile
        The hardware multiplier to cut for.

    Members
    -------
    i : In(stream.Signature(64))
        Addresses.
    o : Out(stream.Signature(64))
        Words, in the order of the addresses.
    keys : In(KEYS)
        Four 32-bit keys, the first in the lowest bits (`engram.arch.seeds.feistel_keys`). Held from
        the clock in which the first address is taken for as long as `busy`.
    busy : Out(1)
        Whether a word is inside.
    """

    def __init__(self, law: FeistelLaw, tile: Tile = DSP48E1) -> None:
        self.law = law
        super().__init__(FeistelDatapath(law, tile))
