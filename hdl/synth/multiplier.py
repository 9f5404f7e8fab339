"""Multiplication by a constant modulo a power of two, cut to the multipliers of a device family."""

from dataclasses import dataclass
from typing import Any

from amaranth import Module, Value
from amaranth.hdl import Cat, Const
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.delay import delayed

__all__ = ["DSP48E1", "ECP5", "FAMILIES", "ConstantMultiplier", "Tile"]


@dataclass(frozen=True)
class Tile:
    """The unsigned factors that one multiplier of a family takes, and the registers after it."""

    a: int
    b: int
    product_registers: int


# Xilinx 7 series: 25 x 18 signed, with registers M and P inside.
DSP48E1 = Tile(24, 17, 2)
# Lattice ECP5, MULT18X18D: Yosys packs no register into it, so a second one would buy nothing.
ECP5 = Tile(18, 18, 1)

FAMILIES = {"xc7": DSP48E1, "ecp5": ECP5}


@dataclass(frozen=True)
class _Part:
    """A tile's share: the factor's bits from ``a_at`` times the constant's from ``b_at``."""

    a_at: int
    a_bits: int
    b_at: int
    b: int

    @property
    def offset(self) -> int:
        return self.a_at + self.b_at


@dataclass(frozen=True)
class _Term:
    """A partial sum that counts ``value << offset``."""

    offset: int
    value: Value


class ConstantMultiplier(wiring.Component):
    """``o = i * constant`` modulo 2**width, in tiles of one hardware multiplier each.

    Only tiles that reach below 2**width exist, cut to the bits that count there; zero parts of the
    constant cost nothing. Neighbours in weight are added first, so adders stay short.

    - *Latency*: `latency` clocks: one for the factor, the tile's product registers, and one for
      each level of the adder tree.
    - *Throughput*: 1 product a clock. There is no handshake: wrap it in an `EnableInserter`.
    - *Reset*: none; all registers are datapath.

    Parameters
    ----------
    constant : int
        The constant factor.
    width : int
        Bits of the product.
    tile : Tile
        The hardware multiplier to cut for.
    factor_width : int or None
        Bits of the other factor, if it has fewer than the product.

    Attributes
    ----------
    tiles : int
        How many multipliers there are. A tool may build the smallest in logic instead.

    Members
    -------
    i : In(factor_width)
    o : Out(width)
    """

    def __init__(
        self, constant: int, width: int, tile: Tile, factor_width: int | None = None
    ) -> None:
        if not 0 < constant < 1 << width:
            raise ValueError(f"constant must be in 1..2**{width} - 1, not {constant!r}")
        self.constant = constant
        self.width = width
        self.tile = tile
        factor_width = width if factor_width is None else factor_width
        self._parts = _parts(constant, width, factor_width, tile)
        self.tiles = len(self._parts)
        self.latency = 1 + tile.product_registers + (self.tiles - 1).bit_length()
        super().__init__({"i": In(factor_width), "o": Out(width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        factor = delayed(m, self.i, 1, name="factor")
        terms = []
        for part in self._parts:
            product = factor[part.a_at : part.a_at + part.a_bits] * Const(part.b)
            product = product[: self.width - part.offset]
            name = f"product_{part.a_at}_{part.b_at}"
            product = delayed(m, product, self.tile.product_registers, name=name)
            terms.append(_Term(part.offset, product))
        level = 0
        while len(terms) > 1:
            level += 1
            terms = self._add_neighbours(m, terms, level)
        m.d.comb += self.o.eq(terms[0].value << terms[0].offset)
        return m

    def _add_neighbours(self, m: Module, terms: list[_Term], level: int) -> list[_Term]:
        terms = sorted(terms, key=lambda term: term.offset, reverse=True)
        added = []
        for i in range(0, len(terms), 2):
            value = terms[i].value
            if i + 1 < len(terms):
                value = self._sum(terms[i + 1], terms[i])
            offset = terms[min(i + 1, len(terms) - 1)].offset
            added.append(_Term(offset, delayed(m, value, 1, name=f"sum_{level}_{i}")))
        return added

    def _sum(self, low: _Term, high: _Term) -> Value:
        """Add two terms: the low bits of the lower one meet nothing and need no adder."""
        alone = high.offset - low.offset
        if len(low.value) <= alone:
            return Cat(low.value, Const(0, alone - len(low.value)), high.value)
        overlap = (low.value[alone:] + high.value)[: self.width - high.offset]
        return Cat(low.value[:alone], overlap)


def _parts(constant: int, width: int, factor_width: int, tile: Tile) -> list[_Part]:
    parts = []
    for a_at in range(0, factor_width, tile.a):
        for b_at in range(0, width - a_at, tile.b):
            reach = width - a_at - b_at
            b = constant >> b_at & (1 << min(tile.b, reach)) - 1
            if b:
                parts.append(_Part(a_at, min(tile.a, factor_width - a_at, reach), b_at, b))
    return parts
