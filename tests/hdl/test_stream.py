# amaranth: UnusedElaboratable=no
# (What a constructor refuses is never elaborated.)
"""Streams: the skid buffer and a datapath made into a stream, under every kind of stall."""

import random

import pytest
from amaranth import ResetInserter, Signal

from hdl.delay import Delay
from hdl.stream import Pipeline, SkidBuffer
from tests.hdl.bench import exchange, simulate

PAUSES = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.1, 0.9), (0.9, 0.1)]


MAKES = {
    "skid": lambda: SkidBuffer(16),
    "pipeline-1": lambda: Pipeline(Delay(16, 1)),
    "pipeline-2": lambda: Pipeline(Delay(16, 2)),
    "pipeline-7": lambda: Pipeline(Delay(16, 7)),
}


@pytest.mark.parametrize(("pause_in", "pause_out"), PAUSES)
@pytest.mark.parametrize("which", MAKES)
def test_words_come_out_in_order_each_once(which, pause_in, pause_out) -> None:
    dut = MAKES[which]()
    words = [random.Random(which).getrandbits(16) for _ in range(200)]

    async def bench(ctx):
        found = await exchange(
            ctx, dut, words, expected=len(words), pause_in=pause_in, pause_out=pause_out
        )
        assert found.words == words
        if not pause_out:
            assert set(found.latencies()) == {dut.latency}
        assert not ctx.get(dut.o.valid)

    simulate(dut, bench)


@pytest.mark.parametrize("which", MAKES)
def test_stopped_reader_fills_every_place_and_no_more(which) -> None:
    dut = MAKES[which]()
    places = dut.latency + 1

    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        taken = 0
        for _ in range(3 * places):
            ctx.set(dut.i.payload, taken)
            _, _, ready = await ctx.tick().sample(dut.i.ready)
            taken += ready
        assert taken == places
        found = await exchange(ctx, dut, [], expected=places)
        assert found.words == list(range(places))
        clocks = [clock for clock, _ in found.given]
        assert clocks == list(range(places))  # and out again without a gap

    simulate(dut, bench)


@pytest.mark.parametrize("which", MAKES)
def test_ready_of_the_reader_is_not_seen_by_the_writer_in_the_same_clock(which) -> None:
    dut = MAKES[which]()

    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        for clock in range(40):
            seen = set()
            for ready in (0, 1, clock % 3 == 0):
                ctx.set(dut.o.ready, ready)
                seen.add(ctx.get(dut.i.ready))
            assert len(seen) == 1
            await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize("which", MAKES)
def test_reset_empties(which) -> None:
    dut = MAKES[which]()
    reset = Signal()

    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, 0xDEAD)
        await ctx.tick().repeat(20)
        assert ctx.get(dut.o.valid)
        ctx.set(reset, 1)
        ctx.set(dut.i.valid, 0)
        await ctx.tick()
        ctx.set(reset, 0)
        assert ctx.get(dut.i.ready)
        assert not ctx.get(dut.o.valid)
        found = await exchange(ctx, dut, [1, 2, 3], expected=3)
        assert found.words == [1, 2, 3]

    simulate(ResetInserter(reset)(dut), bench)


def test_pipeline_is_busy_until_its_last_word_is_taken() -> None:
    dut = Pipeline(Delay(16, 3))

    async def bench(ctx):
        assert not ctx.get(dut.busy)
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        for _ in range(10):
            assert ctx.get(dut.busy)
            await ctx.tick()
        assert ctx.get(dut.o.valid)
        ctx.set(dut.o.ready, 1)
        await ctx.tick()
        assert not ctx.get(dut.busy)

    simulate(dut, bench)


def test_delay_of_no_clocks_is_refused() -> None:
    with pytest.raises(ValueError, match="latency must be at least 1, not 0"):
        Delay(8, 0)
