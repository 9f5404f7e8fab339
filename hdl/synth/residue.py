"""Law 2, the mixed residues: all lanes of a word go through one mixer, one lane a clock."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat, Const, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.laws import ResidueLaw
from hdl.delay import delayed
from hdl.stream import Pipeline
from hdl.synth.lanes import MIXED, LaneFold, LaneSequencer, lane_shape
from hdl.synth.mixer import MixerDatapath
from hdl.synth.multiplier import DSP48E1, Tile

__all__ = ["ResidueDatapath", "ResiduePipeline"]


class ResidueDatapath(wiring.Component):
    """``o.mixed`` is the mixed residue of ``i.x`` in lane ``i.lane``; the lane travels along.

    There is no division. A modulus is 2**16 - c, so 2**16 counts as c: first the 16-bit digits of x
    are weighted by the residues of their places and added up; then, as often as the largest value
    there can be needs it, all above the low 16 bits is multiplied by c and added to these; one
    conditional subtraction ends it.

    - *Latency*: `latency` clocks: that of the sum of digits, of each fold, of the subtraction and
      of the mixer.
    - *Throughput*: 1 lane a clock. There is no handshake: wrap it in an `EnableInserter`.

    Parameters
    ----------
    law : ResidueLaw
        Its moduli must be near enough to 2**16 for the folds to end.
    tile : Tile
        The hardware multiplier to cut for.

    Attributes
    ----------
    folds : list of int
        For each fold the largest value that can come into it.

    Members
    -------
    i : In(StructLayout({"x": 64, "lane": range(lanes)}))
    o : Out(StructLayout({"mixed": 64, "last": 1}))
        ``last`` marks the last lane of a word.
    """

    def __init__(self, law: ResidueLaw, tile: Tile) -> None:
        self.law = law
        self.tile = tile
        self.folds, self._largest = _folds(law.moduli)
        lanes = len(law.moduli)
        self._lane_bits = (lanes - 1).bit_length()
        self._mixer = MixerDatapath(law.mixer, tile, 32 + self._lane_bits)
        step = 1 + tile.product_registers
        self.latency = step + 2 + (step + 1) * len(self.folds) + 1 + self._mixer.latency
        super().__init__({"i": In(lane_shape(lanes)), "o": Out(MIXED)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.mixer = mixer = self._mixer
        value, lane = self._sum_of_digits(m)
        for i, bound in enumerate(self.folds):
            value = value[: bound.bit_length()]
            weight = self._complements(lane)
            high, lane_then = self._product(m, value[16:], weight, lane, f"fold_{i}")
            low = delayed(m, value[:16], 1 + self.tile.product_registers, name=f"low_{i}")
            value = delayed(m, high + low, 1, name=f"folded_{i}")
            lane = delayed(m, lane_then, 1, name=f"fold_lane_{i}")
        value = value[: self._largest.bit_length()]
        modulus = _table(self.law.moduli, lane)
        less = Signal(len(value) + 1)
        m.d.comb += less.eq(value - modulus)
        residue = Signal(16, reset_less=True)
        with m.If(less[-1]):
            m.d.sync += residue.eq(value)
        with m.Else():
            m.d.sync += residue.eq(less)
        lane = delayed(m, lane, 1, name="residue_lane")
        m.d.comb += mixer.i.eq(Cat(residue, _table(self.law.moduli, lane), lane))
        last = lane == len(self.law.moduli) - 1
        m.d.comb += [
            self.o.mixed.eq(mixer.o),
            self.o.last.eq(delayed(m, last, mixer.latency, name="last")),
        ]
        return m

    def _sum_of_digits(self, m: Module) -> tuple[Value, Value]:
        lane = self.i.lane
        digits = [self.i.x[at : at + 16] for at in range(0, 64, 16)]
        products = []
        for place in (1, 2, 3):
            weights = [pow(1 << 16, place, modulus) for modulus in self.law.moduli]
            product, lane_then = self._product(
                m, digits[place], _table(weights, lane), lane, f"digit_{place}"
            )
            products.append(product)
        lowest = delayed(m, digits[0], 1 + self.tile.product_registers, name="digit_0")
        halves = [
            delayed(m, products[2] + products[1], 1, name="digits_high"),
            delayed(m, products[0] + lowest, 1, name="digits_low"),
        ]
        total = delayed(m, halves[0] + halves[1], 1, name="digits")
        return total, delayed(m, lane_then, 2, name="digits_lane")

    def _product(
        self, m: Module, factor: Value, weight: Value, lane: Value, name: str
    ) -> tuple[Value, Value]:
        """Multiply in one tile; the lane comes out in the clock of the product."""
        registers = self.tile.product_registers
        factor = delayed(m, factor, 1, name=f"{name}_factor")
        weight = delayed(m, weight, 1, name=f"{name}_weight")
        product = delayed(m, factor * weight, registers, name=f"{name}_product")
        return product, delayed(m, lane, 1 + registers, name=f"{name}_lane")

    def _complements(self, lane: Value) -> Value:
        return _table([(1 << 16) - modulus for modulus in self.law.moduli], lane)


class ResiduePipeline(wiring.Component):
    """A stream of addresses turned into the words that a residue law gives them.

    - *Latency*: `latency` clocks; law 2: 45 cut for the xc7, 41 for the ECP5.
    - *Throughput*: a word in as many clocks as the law has lanes (law 2: 16): the mixer never waits
      between two words.
    - *Back-pressure*: the datapath stands still, as in `Pipeline`, when a whole word waits for the
      reader and the next is complete; there is no combinational path from `o.ready` to `i.ready`.
    - *Reset*: forgets all words under way.

    Parameters
    ----------
    law : ResidueLaw
    tile : Tile
        The hardware multiplier to cut for.

    Members
    -------
    i : In(stream.Signature(64))
        Addresses.
    o : Out(stream.Signature(64))
        Words, in the order of the addresses.
    seed : In(64)
        Taken with each address.
    busy : Out(1)
        Whether a word is inside.
    """

    def __init__(self, law: ResidueLaw, tile: Tile = DSP48E1) -> None:
        self.law = law
        self._lanes = Pipeline(ResidueDatapath(law, tile))
        self.latency: int = len(law.moduli) + self._lanes.latency + 1
        super().__init__({
            "i": In(stream.Signature(64)),
            "o": Out(stream.Signature(64)),
            "seed": In(64),
            "busy": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = LaneSequencer(len(self.law.moduli))
        m.submodules.lanes = lanes = self._lanes
        m.submodules.fold = fold = LaneFold()
        m.d.comb += [
            sequencer.i.payload.eq(self.i.payload ^ self.seed),
            sequencer.i.valid.eq(self.i.valid),
            self.i.ready.eq(sequencer.i.ready),
            # A word partly gathered has its last lane still in the sequencer or under way.
            self.busy.eq(sequencer.o.valid | lanes.busy | fold.o.valid),
        ]
        wiring.connect(m, sequencer.o, lanes.i)
        wiring.connect(m, lanes.o, fold.i)
        wiring.connect(m, fold.o, wiring.flipped(self.o))
        return m


def _table(values: list[int] | tuple[int, ...], lane: Value) -> Value:
    bits = max(values).bit_length()
    return Array(Const(value, bits) for value in values)[lane]


def _folds(moduli: tuple[int, ...]) -> tuple[list[int], int]:
    """Return the largest value before each fold that is needed, and after the last one."""
    digit = (1 << 16) - 1
    largest = {
        modulus: digit * sum(pow(1 << 16, place, modulus) for place in range(4))
        for modulus in moduli
    }
    folds = []
    while any(value >= 2 * modulus for modulus, value in largest.items()):
        folds.append(max(largest.values()))
        largest = {
            modulus: (value >> 16) * ((1 << 16) - modulus) + digit
            for modulus, value in largest.items()
        }
        if max(largest.values()) >= folds[-1]:
            raise ValueError(f"moduli must be nearer to 2**16, not {min(moduli)!r}")
    return folds, max(largest.values())
