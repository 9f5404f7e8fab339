# amaranth: UnusedElaboratable=no
# (What a constructor refuses is never elaborated.)
"""The pipelines against the golden model: every word, in order, in the clock that is promised."""

import json
import random
from pathlib import Path

import pytest
from amaranth import ResetInserter, Signal

from engram.arch.laws import LAWS, ResidueLaw
from engram.arch.seeds import feistel_keys
from hdl.synth.feistel import FeistelPipeline
from hdl.synth.mask import MaskPipeline
from hdl.synth.multiplier import DSP48E1, ECP5, FAMILIES, Tile
from hdl.synth.residue import ResidueDatapath, ResiduePipeline
from sim.golden.laws import generate
from tests.hdl.bench import exchange, simulate

PIPELINES = {1: FeistelPipeline, 2: ResiduePipeline, 3: MaskPipeline, 4: FeistelPipeline}
CLOCKS_PER_WORD = {1: 1, 2: 16, 3: 1, 4: 1}
# What the docstrings say, per family.
LATENCIES = {
    DSP48E1: {1: 44, 2: 45, 3: 16, 4: 30},
    ECP5: {1: 38, 2: 41, 3: 16, 4: 26},
}
WORD = (1 << 64) - 1
CORNERS = [
    0, 1, 0xFFFF, 0x1_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x1_0000_0001,
    0xFFFF_FFFF_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 1 << 63, WORD - 1, WORD,
]
SEEDS = [0, 1, WORD, 0x1337_BEEF_CAFE_BABE]
BUILDS = [
    pytest.param(number, tile, id=f"{LAWS[number].name}-{family}")
    for number in PIPELINES
    for family, tile in FAMILIES.items()
]


def pipeline(number: int, tile: Tile = DSP48E1):
    return PIPELINES[number](LAWS[number], tile)


def give_seed(ctx, dut, seed: int) -> None:
    if hasattr(dut, "keys"):
        ctx.set(dut.keys, list(feistel_keys(seed)))
    else:
        ctx.set(dut.seed, seed)


def addresses_for(number: int, count: int, seed: int) -> list[int]:
    chance = random.Random(seed)
    found = [*CORNERS]
    found += [chance.getrandbits(64) for _ in range(count)]
    start = (1 << 32) - 4
    found += range(start, start + 8)  # a run that carries from half to half
    return found


@pytest.mark.parametrize(("number", "tile"), BUILDS)
def test_latency_and_throughput_are_as_stated(number, tile) -> None:
    dut = pipeline(number, tile)
    addresses = addresses_for(number, 30, 1)
    expected = [generate(LAWS[number], SEEDS[3], address) for address in addresses]

    async def bench(ctx):
        give_seed(ctx, dut, SEEDS[3])
        found = await exchange(ctx, dut, addresses, expected=len(addresses))
        assert found.words == expected
        assert dut.latency == LATENCIES[tile][number]
        assert set(found.latencies()) == {dut.latency}
        clocks = [clock for clock, _ in found.given]
        apart = CLOCKS_PER_WORD[number]
        assert clocks == list(range(clocks[0], clocks[0] + apart * len(clocks), apart))

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("pauses", "seed"),
    [*zip([(0.5, 0.0), (0.0, 0.5), (0.6, 0.6), (0.1, 0.9)], SEEDS, strict=True)],
)
@pytest.mark.parametrize("number", PIPELINES)
def test_words_are_golden_whoever_stalls(number, pauses, seed) -> None:
    dut = pipeline(number)
    addresses = addresses_for(number, 60 if number != 2 else 5, seed)
    expected = [generate(LAWS[number], seed, address) for address in addresses]

    async def bench(ctx):
        give_seed(ctx, dut, seed)
        found = await exchange(
            ctx, dut, addresses, expected=len(addresses), seed=seed,
            pause_in=pauses[0], pause_out=pauses[1],
        )
        assert found.words == expected
        assert not ctx.get(dut.o.valid)
        assert not ctx.get(dut.busy)

    simulate(dut, bench)


@pytest.mark.parametrize("number", PIPELINES)
def test_reader_that_stops_gets_the_words_later(number) -> None:
    dut = pipeline(number)
    addresses = addresses_for(number, 60, 7)

    async def bench(ctx):
        give_seed(ctx, dut, 5)
        ctx.set(dut.i.valid, 1)
        taken = 0
        for _ in range(40 * dut.latency):  # ready stays low, so the pipe must fill and stop
            ctx.set(dut.i.payload, addresses[taken])
            _, _, ready = await ctx.tick().sample(dut.i.ready)
            taken += ready
        assert not ctx.get(dut.i.ready)
        assert ctx.get(dut.busy)
        if number != 2:
            assert taken == dut.latency + 1  # every stage, and both places of the buffer
        ctx.set(dut.i.valid, 0)
        found = await exchange(ctx, dut, [], expected=taken)
        assert found.words == [generate(LAWS[number], 5, address) for address in addresses[:taken]]

    simulate(dut, bench)


@pytest.mark.parametrize("number", PIPELINES)
def test_reader_reaches_no_writer_in_the_same_clock(number) -> None:
    dut = pipeline(number)

    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        seen = set()
        for clock in range(6 * dut.latency):
            for ready in (0, 1, clock % 40 > 35):
                ctx.set(dut.o.ready, ready)
                seen.add((clock, ctx.get(dut.i.ready)))
            await ctx.tick()
        assert len(seen) == 6 * dut.latency
        assert {ready for _, ready in seen} == {0, 1}

    simulate(dut, bench)


@pytest.mark.parametrize("number", PIPELINES)
def test_reset_in_mid_flight_forgets_and_starts_afresh(number) -> None:
    dut = pipeline(number)
    reset = Signal()
    addresses = addresses_for(number, 10, 3)

    async def bench(ctx):
        for clocks in (3, dut.latency - 1, dut.latency, 3 * dut.latency):
            give_seed(ctx, dut, 1)
            ctx.set(dut.o.ready, 0)
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, 0x0123_4567_89AB_CDEF)
            await ctx.tick().repeat(clocks)
            assert ctx.get(dut.busy)
            ctx.set(dut.i.valid, 0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            assert not ctx.get(dut.busy)
            assert not ctx.get(dut.o.valid)
            give_seed(ctx, dut, 2)
            found = await exchange(ctx, dut, addresses, expected=len(addresses))
            assert found.words == [generate(LAWS[number], 2, address) for address in addresses]
            assert set(found.latencies()[:1]) == {dut.latency}
            await ctx.tick().repeat(2 * dut.latency)
            assert not ctx.get(dut.o.valid)  # nothing of before the reset comes late

    simulate(ResetInserter(reset)(dut), bench)


def test_keys_may_change_when_the_pipeline_is_not_busy() -> None:
    dut = pipeline(1)

    async def bench(ctx):
        for seed in (1, 2, 3):
            give_seed(ctx, dut, seed)
            found = await exchange(ctx, dut, CORNERS, expected=len(CORNERS))
            assert found.words == [generate(LAWS[1], seed, address) for address in CORNERS]
            assert not ctx.get(dut.busy)

    simulate(dut, bench)


@pytest.mark.parametrize(("number", "key"), [(2, "fetch16"), (3, "vl_mask")])
def test_published_vectors(number, key) -> None:
    path = Path(__file__).parents[2] / "data" / "gmem_golden.json"
    vectors = json.loads(path.read_text())[key]
    dut = pipeline(number)
    assert len(vectors) > 40

    async def bench(ctx):
        for seed in sorted({vector["seed"] for vector in vectors}):
            chosen = [vector for vector in vectors if vector["seed"] == seed]
            give_seed(ctx, dut, int(seed, 16))
            addresses = [int(vector["addr"], 16) for vector in chosen]
            found = await exchange(ctx, dut, addresses, expected=len(chosen))
            assert found.words == [int(vector["h"], 16) for vector in chosen]

    simulate(dut, bench)


def test_published_words_of_the_feistel_laws() -> None:
    path = Path(__file__).parents[2] / "data" / "feistel.json"
    vectors = json.loads(path.read_text())["words"]
    for number in (1, 4):
        dut = pipeline(number)

        async def bench(ctx, dut=dut, number=number):
            mine = [vector for vector in vectors if vector["law"] == number]
            assert mine
            for seed in sorted({vector["seed"] for vector in mine}):
                chosen = [vector for vector in mine if vector["seed"] == seed]
                give_seed(ctx, dut, int(seed, 16))
                addresses = [int(vector["address"], 16) for vector in chosen]
                found = await exchange(ctx, dut, addresses, expected=len(chosen))
                assert found.words == [int(vector["word"], 16) for vector in chosen]

        simulate(dut, bench)


def test_residues_are_right_where_folding_is_hardest() -> None:
    law = LAWS[2]
    dut = pipeline(2)
    near = [
        (multiple * modulus + offset) & WORD
        for modulus in (law.moduli[0], law.moduli[5], law.moduli[-1])
        for multiple in (1, 2, 65535, (WORD // modulus) - 1, WORD // modulus)
        for offset in (-1, 0, 1)
    ]

    async def bench(ctx):
        give_seed(ctx, dut, 0)
        found = await exchange(ctx, dut, near, expected=len(near))
        assert found.words == [generate(law, 0, address) for address in near]

    simulate(dut, bench)


def test_law_whose_folds_would_not_end_is_refused() -> None:
    law = ResidueLaw(99, "far", bijective=False, moduli=(32771, 65521))
    with pytest.raises(ValueError, match=r"moduli must be nearer to 2\*\*16, not 32771"):
        ResidueDatapath(law, DSP48E1)


def test_another_law_of_the_same_kind_is_a_parameter() -> None:
    law = ResidueLaw(99, "three", bijective=False, moduli=(65521, 65381, 65003))
    dut = ResiduePipeline(law)

    async def bench(ctx):
        give_seed(ctx, dut, 9)
        found = await exchange(ctx, dut, CORNERS, expected=len(CORNERS))
        assert found.words == [generate(law, 9, address) for address in CORNERS]
        assert found.given[1][0] - found.given[0][0] == 3

    simulate(dut, bench)
