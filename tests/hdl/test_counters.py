"""Counters: an event counts once a clock, and each counter has its own."""

from random import Random

from hdl.counters import Counters
from tests.hdl.bench import simulate


def test_each_counter_counts_the_clocks_of_its_event() -> None:
    names = ["WALKS", "CYCLES", "STALLS"]
    unit = Counters(names)
    random = Random(3)
    expected = dict.fromkeys(names, 0)
    found = {}

    async def bench(ctx):
        for _ in range(200):
            for number, name in enumerate(names):
                event = random.random() < (number + 1) / 4
                expected[name] += event
                ctx.set(getattr(unit, f"{name.lower()}_event"), event)
            await ctx.tick()
        for name in names:
            ctx.set(getattr(unit, f"{name.lower()}_event"), 0)
        await ctx.tick()
        found.update({name: ctx.get(getattr(unit, name.lower())) for name in names})

    simulate(unit, bench)
    assert found == expected
    assert len(set(expected.values())) == len(names)
