"""The window's ends: stated clocks and paces, nobody held up, nothing seen in the same clock."""

import gc
from itertools import pairwise
from random import Random

import pytest
from amaranth.hdl import Cat

from engram.arch.accelerator import AcceleratorConfig
from hdl.window.reads import WindowReads
from hdl.window.window import Window
from hdl.window.writes import WindowWrites
from tests.hdl.axi.bus import clock_once, run, run_reset, simulate
from tests.hdl.window.bench import BITS, HALF, Bench
from tests.hdl.window.ends import Burst, random_burst

INCR = 1


def test_of_two_faults_in_a_clock_the_write_is_shown() -> None:
    unit = Window(AcceleratorConfig())

    async def bench(ctx):
        await accept(ctx, unit, "ar", 0)
        await accept(ctx, unit, "aw", 0)
        ctx.set(unit.reads.ready, 1)
        ctx.set(unit.writes.ready, 1)
        ctx.set(unit.s_axi_wvalid, 1)
        await ctx.tick()
        ctx.set(unit.s_axi_wvalid, 0)
        await ctx.tick().repeat(4)
        ctx.set(unit.window_out.valid, 1)
        ctx.set(unit.window_out.payload.fault, 6)
        ctx.set(unit.report.as_value(), 1 | 1 << 1 | 7 << 3)
        await ctx.tick()
        ctx.set(unit.window_out.valid, 0)
        ctx.set(unit.report.as_value(), 0)
        assert ctx.get(unit.fault.valid)
        assert ctx.get(unit.fault.fault) == 7
        await ctx.tick()
        assert not ctx.get(unit.fault.valid)

    simulate(unit, bench)


async def accept(ctx, unit, channel, address, *, beats=1, size=3):
    ctx.set(getattr(unit, f"s_axi_{channel}addr"), address)
    ctx.set(getattr(unit, f"s_axi_{channel}len"), beats - 1)
    ctx.set(getattr(unit, f"s_axi_{channel}size"), size)
    ctx.set(getattr(unit, f"s_axi_{channel}burst"), INCR)
    ctx.set(getattr(unit, f"s_axi_{channel}valid"), 1)
    assert ctx.get(getattr(unit, f"s_axi_{channel}ready"))
    await ctx.tick()
    ctx.set(getattr(unit, f"s_axi_{channel}valid"), 0)


def test_requests_and_answers_come_after_the_stated_clocks() -> None:
    unit = Window(AcceleratorConfig())

    async def bench(ctx):
        assert not ctx.get(unit.reads.valid)
        await accept(ctx, unit, "ar", 0x108)
        assert ctx.get(unit.reads.valid)  # 1 clock
        ctx.set(unit.reads.ready, 1)
        await ctx.tick()
        assert not ctx.get(unit.reads.valid)
        ctx.set(unit.window_out.valid, 1)
        ctx.set(unit.window_out.payload.data, 77)
        assert not ctx.get(unit.s_axi_rvalid)
        await ctx.tick()
        assert ctx.get(unit.s_axi_rvalid)  # 1 clock
        assert ctx.get(unit.s_axi_rdata) == 77

        await accept(ctx, unit, "aw", 0x108, beats=2)
        ctx.set(unit.s_axi_wvalid, 1)
        await ctx.tick().repeat(2)
        ctx.set(unit.s_axi_wvalid, 0)
        assert not ctx.get(unit.writes.valid)
        await ctx.tick()
        assert ctx.get(unit.writes.valid)  # 2 clocks
        assert not ctx.get(unit.window_in.valid)
        ctx.set(unit.writes.ready, 1)
        await ctx.tick()
        assert ctx.get(unit.window_in.valid)  # 1 clock
        ctx.set(unit.window_in.ready, 1)
        await ctx.tick().repeat(2)
        assert not ctx.get(unit.window_in.valid)
        ctx.set(unit.report.as_value(), 1 | 1 << 1)
        assert not ctx.get(unit.s_axi_bvalid)
        await ctx.tick()
        assert ctx.get(unit.s_axi_bvalid)  # 1 clock

    simulate(unit, bench)


def longest_gap(clocks):
    return max(later - sooner for sooner, later in pairwise(clocks))


def test_a_beat_a_clock_both_ways_from_a_request_every_four_clocks() -> None:
    bench = Bench(every=4, delay=0)
    for number in range(8):
        bench.read(Burst(0x400 * number, (128, 16, 32, 64)[number % 4]))
        bench.write(Burst(HALF + 0x400 * number, (128, 16, 32, 64)[number % 4]))
    took = bench.run()
    assert longest_gap(bench.manager.r.at) == 1
    # Addresses, the words of a first and a last piece, a report: beyond that a beat a clock.
    assert took <= 480 + 40


def test_short_bursts_follow_each_other_as_fast_as_they_are_taken() -> None:
    bench = Bench(every=4, delay=0)
    for number in range(50):
        bench.read(Burst(8 * number))
        bench.write(Burst(HALF + 8 * number))
    bench.run()
    assert longest_gap(bench.manager.r.at) == 4
    assert longest_gap(bench.manager.b.at) == 4


def test_a_manager_that_takes_nothing_holds_up_nobody_behind() -> None:
    bench = Bench(take=1.0)
    # One word first: what is left of the room is no multiple of a full piece then.
    bench.manager.read(Burst(0))
    for number in range(10):
        bench.manager.read(Burst(0x400 * number % HALF, 100))
        bench.write(Burst(HALF + 8 * number, 1))
    run(bench.unit, bench.agents, lambda: bench.pager.clock > 400)
    assert sum(count for _, count in bench.pager.asked_reads) in range(49, 65)
    # That the pager could give all of these is seen to by the pager itself.
    assert not bench.pager.due
    assert len(bench.pager.asked_writes) == 10
    assert not bench.pager.reports
    assert not bench.manager.r.words


def test_sixteen_bursts_of_each_direction_are_unanswered_at_most() -> None:
    bench = Bench(take=1.0)
    for number in range(20):
        bench.read(Burst(8 * number))
        bench.write(Burst(HALF + 8 * number))

    def until():
        if bench.pager.clock == 120:
            assert bench.manager.ar.sent == 16
            assert bench.manager.aw.sent == 16
            bench.manager.r.pause = 0
            bench.manager.b.pause = 0
        return bench.ended

    run(bench.unit, bench.agents, until)
    bench.compare()


def test_two_bursts_of_each_direction_wait_for_a_pager_that_takes_nothing() -> None:
    bench = Bench()
    bench.pager.deaf = True
    for number in range(4):
        bench.read(Burst(0x400 * number, 64))
        bench.write(Burst(HALF + 0x400 * number, 16))

    def until():
        if bench.pager.clock == 100:
            assert bench.manager.ar.sent >= 2
            assert bench.manager.aw.sent >= 2
            bench.pager.deaf = False
        return bench.pager.clock > 100 and bench.ended

    run(bench.unit, bench.agents, until)
    bench.compare()


def test_no_output_of_the_port_depends_on_an_input_in_the_same_clock() -> None:
    bench = Bench(5, take=0.3, offer=0.3, pause=0.3, delay=4)
    for _ in range(12):
        bench.read(random_burst(bench.random, BITS, past=HALF // 2))
        bench.write(random_burst(bench.random, BITS, first=HALF, past=2 * HALF - 2048))
    members = bench.unit.signature_axi.flip().members.items()
    inputs = Cat(
        getattr(bench.unit, f"s_axi_{n}") for n, member in members if member.flow.name == "In"
    )
    outputs = Cat(
        getattr(bench.unit, f"s_axi_{n}") for n, member in members if member.flow.name == "Out"
    )
    noise = Random(1)

    async def watch(ctx):
        for _ in range(600):
            held = ctx.get(inputs)
            before = ctx.get(outputs)
            for _ in range(3):
                ctx.set(inputs, noise.getrandbits(len(inputs)))
                assert ctx.get(outputs) == before
            ctx.set(inputs, held)
            await clock_once(ctx, bench.agents)

    simulate(bench.unit, watch)
    assert bench.manager.r.words
    assert bench.manager.b.words


def test_idle_is_low_from_an_address_or_word_until_the_answer_is_taken() -> None:
    bench = Bench(6, offer=0.5, take=0.5, pause=0.5, delay=6)
    unit = bench.unit
    random = bench.random
    inside = [0, 0]  # answers that are due, and words without an address

    async def watch(ctx):
        seen = set()
        for clock in range(1500):
            if clock % 60 == 0:
                if random.randrange(2):
                    bench.read(Burst(8 * random.randrange(100), random.randint(1, 20)))
                else:
                    bench.write(Burst(HALF + 8 * clock, 2))
            for agent in bench.agents:
                agent.drive(ctx)
            offered = any(ctx.get(getattr(unit, f"s_axi_{n}valid")) for n in ("ar", "aw", "w"))
            idle = ctx.get(unit.idle)
            assert idle == (inside == [0, 0] and not offered)
            seen.add(idle)
            for name in ("ar", "aw", "r", "b", "w"):
                valid = ctx.get(getattr(unit, f"s_axi_{name}valid"))
                if valid and ctx.get(getattr(unit, f"s_axi_{name}ready")):
                    if name == "w":
                        inside[1] += 1
                    elif name == "b":
                        inside[0] -= 1
                        inside[1] -= 2
                    elif name != "r" or ctx.get(unit.s_axi_rlast):
                        inside[0] += -1 if name == "r" else 1
            for agent in bench.agents:
                agent.observe(ctx)
            await ctx.tick()
        assert seen == {0, 1}

    simulate(unit, watch)


def test_words_may_come_before_their_address() -> None:
    bench = Bench()
    bench.write(Burst(HALF, 20))
    held = list(bench.manager.aw.words)
    bench.manager.aw.words.clear()

    def until():
        if bench.pager.clock == 30:
            assert bench.manager.w.sent == 20
            bench.manager.aw.words.extend(held)
        return bench.ended

    run(bench.unit, bench.agents, until)
    bench.compare()


@pytest.mark.parametrize("clock", [3, 9, 30, 55])
def test_after_a_reset_in_mid_burst_it_works_as_if_new(clock) -> None:
    before = Bench(clock, pause=0.3, take=0.3)
    after = Bench(clock + 1, unit=before.unit, pause=0.3, take=0.3)
    for bench in (before, after):
        bench.read(Burst(0x108, 50))
        bench.write(Burst(HALF + 0x108, 50))
    run_reset(before.unit, before.agents, clock, after.agents, lambda: after.ended)
    after.compare()


@pytest.mark.parametrize("half", [WindowReads, WindowWrites])
@pytest.mark.parametrize("words", [8, 24])
@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_buffers_that_cannot_hold_a_piece_are_refused(half, words) -> None:
    message = f"words must be a power of two of at least 16, not {words}"
    with pytest.raises(ValueError, match=message):
        half(address_width=16, id_width=1, words=words)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
