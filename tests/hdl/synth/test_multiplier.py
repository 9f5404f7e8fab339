# amaranth: UnusedElaboratable=no
# (What a constructor refuses is never elaborated.)
"""Constant multiplication and the mixers, bit by bit against Python's integers."""

import random

import pytest

from engram.arch.laws import FMIX64, LAWS, MX3, SPLITMIX64
from engram.arch.seeds import mix
from hdl.synth.mixer import MixerDatapath
from hdl.synth.multiplier import DSP48E1, ECP5, ConstantMultiplier, Tile
from tests.hdl.bench import simulate

TILES = [DSP48E1, ECP5, Tile(5, 3, 1), Tile(64, 64, 2)]
CONSTANTS = [
    (0xD2511F53, 32), (0xCD9E8D57, 32), (0xFF51AFD7ED558CCD, 64), (1, 32), (1 << 63, 64),
    (0x8000_0000_0000_0001, 64), (0xFFFF_FFFF, 32), (5, 3),
]


async def images(ctx, dut, values: list[int]) -> list[int]:
    """Send values in a row through a datapath and return what comes out `latency` clocks later."""
    found = []
    for value in [*values, *[0] * dut.latency]:
        ctx.set(dut.i, value)
        _, _, image = await ctx.tick().sample(dut.o)
        found.append(image)
    return found[dut.latency :]


def numbers(width: int, count: int) -> list[int]:
    chance = random.Random(width)
    top = (1 << width) - 1
    return [0, 1, top, top >> 1, *(chance.getrandbits(width) for _ in range(count))]


@pytest.mark.parametrize("tile", TILES, ids=lambda tile: f"{tile.a}x{tile.b}")
@pytest.mark.parametrize(("constant", "width"), CONSTANTS, ids=lambda value: hex(value))
def test_product_is_right_in_the_clock_that_is_promised(constant, width, tile) -> None:
    dut = ConstantMultiplier(constant, width, tile)
    values = numbers(width, 40)

    async def bench(ctx):
        expected = [value * constant % (1 << width) for value in values]
        assert await images(ctx, dut, values) == expected

    simulate(dut, bench)


@pytest.mark.parametrize("factor_width", [1, 17, 18, 24, 25, 36, 63])
def test_narrow_factors_take_fewer_tiles(factor_width) -> None:
    dut = ConstantMultiplier(FMIX64.stages[0][1], 64, DSP48E1, factor_width)
    assert dut.tiles <= ConstantMultiplier(FMIX64.stages[0][1], 64, DSP48E1).tiles
    values = numbers(factor_width, 40)

    async def bench(ctx):
        expected = [value * dut.constant % (1 << 64) for value in values]
        assert await images(ctx, dut, values) == expected

    simulate(dut, bench)


def test_tiles_are_as_few_as_the_modulus_allows() -> None:
    for factor in LAWS[1].factors:
        assert ConstantMultiplier(factor, 32, DSP48E1).tiles == 3  # of 4
        assert ConstantMultiplier(factor, 32, ECP5).tiles == 3
    dense = FMIX64.stages[0][1]
    assert ConstantMultiplier(dense, 64, DSP48E1).tiles == 8  # of 12
    assert ConstantMultiplier(dense, 64, ECP5).tiles == 10  # of 16
    assert ConstantMultiplier(dense, 64, DSP48E1, 36).tiles == 7
    assert ConstantMultiplier(1, 64, DSP48E1).tiles == 3  # zeros of the constant cost nothing


@pytest.mark.parametrize("constant", [0, -1, 1 << 32])
def test_constant_out_of_range_is_refused(constant) -> None:
    with pytest.raises(ValueError, match=f"constant must be in .*, not {constant!r}"):
        ConstantMultiplier(constant, 32, DSP48E1)


@pytest.mark.parametrize("width", [64, 36, 33, 20])
@pytest.mark.parametrize("mixer", [FMIX64, SPLITMIX64, MX3], ids=["fmix64", "splitmix64", "mx3"])
@pytest.mark.parametrize("tile", [DSP48E1, ECP5], ids=["xc7", "ecp5"])
def test_mixers_are_those_of_the_contract(mixer, tile, width) -> None:
    dut = MixerDatapath(mixer, tile, width)
    values = numbers(width, 30)

    async def bench(ctx):
        assert await images(ctx, dut, values) == [mix(value, mixer) for value in values]

    simulate(dut, bench)


def test_mixer_of_no_bits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width must be in 1\.\.64, not 0"):
        MixerDatapath(FMIX64, DSP48E1, 0)
