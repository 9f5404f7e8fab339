# amaranth: UnusedElaboratable=no
# (What a constructor refuses is never elaborated.)
"""The word generator: runs of all laws in order, in full beats, and never a hang."""

import random
from itertools import pairwise

import pytest
from amaranth import ResetInserter, Signal

from engram.arch.laws import LAWS, Law
from engram.arch.seeds import feistel_keys
from hdl.synth.generator import WordGenerator, law_pipeline
from hdl.synth.multiplier import DSP48E1
from sim.golden.laws import generate
from tests.hdl.bench import exchange, simulate

SEED = 0x1337_BEEF_CAFE_BABE
WORD = (1 << 64) - 1
CLOCKS_PER_BEAT = {1: 1, 2: 16, 3: 1, 4: 1}


def generator(lanes: int, numbers: list[int], **settings) -> WordGenerator:
    return WordGenerator(lanes, [LAWS[number] for number in numbers], **settings)


def run(law: int, address: int, count: int) -> dict[str, int]:
    return {"law": law, "address": address, "count": count}


def expected_beats(dut: WordGenerator, runs: list[dict[str, int]]) -> list[tuple]:
    built = {law.number for law in dut.laws}
    beats = []
    for each in runs:
        for first in range(0, each["count"], dut.lanes):
            kept = min(dut.lanes, each["count"] - first)
            there = each["law"] in built
            words = [
                generate(LAWS[each["law"]], SEED, (each["address"] + first + lane) & WORD)
                if there
                else 0
                for lane in range(kept)
            ]
            last = first + dut.lanes >= each["count"]
            beats.append((words, (1 << kept) - 1, int(last), int(not there)))
    return beats


def beat(payload) -> tuple:
    kept = payload.keep.bit_count()
    words = [payload.words[lane] for lane in range(kept)]
    return words, payload.keep, payload.last, payload.unsupported


def give_settings(ctx, dut: WordGenerator) -> None:
    ctx.set(dut.keys, list(feistel_keys(SEED)))
    ctx.set(dut.seed, SEED)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("lanes", [1, 4])
def test_latency_and_throughput_are_as_stated(lanes, number) -> None:
    dut = generator(lanes, [1, 2, 3, 4])
    beats = 4 if number == 2 else 40
    runs = [run(number, 0xFFFF_FFF0, beats * lanes), run(number, WORD - 5, beats * lanes)]

    async def bench(ctx):
        give_settings(ctx, dut)
        found = await exchange(ctx, dut, runs, expected=2 * beats, read=beat)
        assert found.words == expected_beats(dut, runs)
        first = found.given[0][0]
        assert first - found.taken[0][0] == dut.latencies[number]
        assert dut.latencies[number] == law_pipeline_latency(number) + 2
        apart = CLOCKS_PER_BEAT[number]
        assert [clock for clock, _ in found.given] == [
            first + i * apart for i in range(2 * beats)
        ]
        assert not ctx.get(dut.busy)

    simulate(dut, bench)


def law_pipeline_latency(number: int) -> int:
    return {1: 44, 2: 45, 3: 16, 4: 30}[number]


def test_runs_of_one_beat_follow_each_other_without_a_gap() -> None:
    dut = generator(2, [1])
    chance = random.Random(1)
    runs = [run(1, chance.getrandbits(64), 1 + i % 2) for i in range(150)]

    async def bench(ctx):
        give_settings(ctx, dut)
        found = await exchange(ctx, dut, runs, expected=len(runs), read=beat)
        assert found.words == expected_beats(dut, runs)
        assert set(found.latencies()) == {dut.latencies[1]}

    simulate(dut, bench)


def test_another_law_costs_no_more_than_the_longer_pipeline() -> None:
    dut = generator(1, [1, 3])
    runs = [run(3, 0, 60), run(1, 0, 60), run(3, 100, 60)]

    async def bench(ctx):
        give_settings(ctx, dut)
        found = await exchange(ctx, dut, runs, expected=180, read=beat)
        assert found.words == expected_beats(dut, runs)
        clocks = [clock for clock, _ in found.given]
        gaps = [after - before - 1 for before, after in pairwise(clocks)]
        assert sum(gaps) == dut.latencies[1] - dut.latencies[3] == gaps[59]

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("lanes", "pauses"), [(1, (0.0, 0.5)), (2, (0.7, 0.0)), (3, (0.5, 0.5)), (4, (0.0, 0.9))]
)
def test_mixed_runs_come_in_order_whoever_stalls(lanes, pauses) -> None:
    dut = generator(lanes, [1, 2, 3, 4], runs=4)
    chance = random.Random(lanes)
    starts = [0, 0xFFFF_FFFD, 0x1_0000_0000, WORD - 2]
    runs = []
    for _ in range(24):
        law = chance.choice([1, 1, 2, 3, 4, 0, 7, 255])
        count = chance.choice([0, 1, lanes, chance.randrange(3 if law == 2 else 40)])
        runs.append(run(law, chance.choice([*starts, chance.getrandbits(64)]), count))

    async def bench(ctx):
        give_settings(ctx, dut)
        expected = expected_beats(dut, runs)
        found = await exchange(
            ctx, dut, runs, expected=len(expected), seed=lanes,
            pause_in=pauses[0], pause_out=pauses[1], read=beat,
        )
        assert found.words == expected
        assert not ctx.get(dut.busy)

    simulate(dut, bench)


@pytest.mark.parametrize("law", [0, 2, 3, 5, 255])
def test_absent_law_is_flagged_and_holds_nothing_up(law) -> None:
    dut = generator(4, [1, 4])
    runs = [run(law, 5, 10), run(1, 5, 10), run(law, 0, 1), run(law, 0, 0), run(4, 0, 4)]

    async def bench(ctx):
        give_settings(ctx, dut)
        expected = expected_beats(dut, runs)
        found = await exchange(ctx, dut, runs, expected=len(expected), read=beat)
        assert found.words == expected
        assert found.given[0][0] - found.taken[0][0] == 3
        assert [flag for _, _, _, flag in found.words] == [1] * 3 + [0] * 3 + [1, 0]

    simulate(dut, bench)


def test_reader_reaches_no_writer_in_the_same_clock() -> None:
    dut = generator(2, [1, 3], runs=4)

    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        seen = set()
        for clock in range(200):
            ctx.set(dut.i.payload, run((1, 3, 9)[clock % 3], 0, clock % 5))
            for ready in (0, 1, clock % 8 > 4):
                ctx.set(dut.o.ready, ready)
                seen.add((clock, ctx.get(dut.i.ready)))
            await ctx.tick()
        assert len(seen) == 200
        assert {ready for _, ready in seen} == {0, 1}

    simulate(dut, bench)


def test_longest_run() -> None:
    dut = generator(4, [3])
    runs = [run(3, WORD - 100, 512), run(3, 0, 3)]

    async def bench(ctx):
        give_settings(ctx, dut)
        found = await exchange(ctx, dut, runs, expected=129, read=beat)
        assert found.words == expected_beats(dut, runs)

    simulate(dut, bench)


def test_reset_in_mid_flight_forgets_every_run() -> None:
    dut = generator(2, [1, 2, 3])
    reset = Signal()
    runs = [run(1, 7, 5), run(2, 7, 2), run(3, 7, 5)]

    async def bench(ctx):
        give_settings(ctx, dut)
        for clocks in (1, 2, 20, 47, 90):
            ctx.set(dut.o.ready, 0)
            ctx.set(dut.i.valid, 1)
            for i in range(clocks):
                ctx.set(dut.i.payload, run(1 + i % 3, 1000, 3))
                await ctx.tick()
            assert ctx.get(dut.busy)
            ctx.set(dut.i.valid, 0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            assert not ctx.get(dut.busy)
            expected = expected_beats(dut, runs)
            found = await exchange(ctx, dut, runs, expected=len(expected), read=beat)
            assert found.words == expected
            assert found.given[0][0] - found.taken[0][0] == dut.latencies[1]
            assert not ctx.get(dut.busy)

    simulate(ResetInserter(reset)(dut), bench)


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="lanes must be at least 1, not 0"):
        generator(0, [1])
    with pytest.raises(ValueError, match=r"laws must be one or more, each once, not \[\]"):
        generator(1, [])
    with pytest.raises(ValueError, match=r"laws must be .*, not \[1, 1\]"):
        generator(1, [1, 1])
    with pytest.raises(TypeError, match="law must be one that has a pipeline"):
        law_pipeline(Law(9, "other", bijective=False), DSP48E1)
