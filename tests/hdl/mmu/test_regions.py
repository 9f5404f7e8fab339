"""RegionTable: finds the region of a page, and lets none overlap."""

import gc
from random import Random

import pytest

from engram.arch.commands import Fault
from hdl.mmu.regions import RegionIntent, RegionTable
from tests.hdl.bench import exchange, simulate

LIMIT = 1 << 55


class Model:
    """Regions as plain intervals."""

    def __init__(self, entries):
        self.entries = entries
        self.regions = {}

    def answer(self, request):
        first = request["first_page"]
        end = first + request["pages"]
        if request["intent"] == RegionIntent.LOOKUP:
            for start, (stop, descriptor) in self.regions.items():
                if start <= first < stop:
                    return (1, descriptor, Fault.OK)
            return (0, None, Fault.OK)
        if request["intent"] == RegionIntent.MAP:
            clash = any(
                start < end and first < stop for start, (stop, _) in self.regions.items()
            )
            if clash or len(self.regions) == self.entries:
                return (0, None, Fault.REGION_CLASH)
            self.regions[first] = (end, request["descriptor"])
            return (0, None, Fault.OK)
        if first not in self.regions:
            return (0, None, Fault.NO_REGION)
        del self.regions[first]
        return (0, None, Fault.OK)


def ask(intent, first_page, pages=1, descriptor=0):
    return {
        "intent": intent,
        "first_page": first_page,
        "pages": pages,
        "descriptor": descriptor,
    }


def lookup(page):
    # What a LOOKUP does not name may be anything.
    return ask(RegionIntent.LOOKUP, page, 5, 77)


def answered(dut, requests, **settings):
    """Return what the table answers, with None for the descriptor where there is none."""
    found = None

    async def bench(ctx):
        nonlocal found
        found = await exchange(
            ctx, dut, requests, expected=len(requests),
            read=lambda payload: (payload.found, payload.descriptor, payload.fault), **settings,
        )  # fmt: skip

    simulate(dut, bench)
    return found


def follow(entries, requests, **settings):
    model = Model(entries)
    expected = [model.answer(request) for request in requests]
    found = answered(RegionTable(entries), requests, **settings)
    words = [(hit, word if hit else None, fault) for hit, word, fault in found.words]
    assert words == expected
    return found, expected


def random_requests(random, count):
    requests = []
    for _ in range(count):
        intent = random.choice([0, 0, 0, 1, 1, 2])
        # Few places, so that regions meet, at both ends of the space and where halves carry.
        origin = random.choice([0, (1 << 32) - 6, LIMIT - 12])
        first = origin + random.randrange(12)
        pages = min(random.randrange(1, 6), LIMIT - first)
        requests.append(ask(intent, first, pages, random.getrandbits(64)))
    return requests


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("entries", [1, 2, 3, 8])
def test_it_answers_as_the_model_does(entries, seed) -> None:
    pauses = {"pause_in": 0.3 * (seed % 2), "pause_out": 0.3 * (seed // 2)}
    found, expected = follow(entries, random_requests(Random(seed), 120), seed=seed, **pauses)
    assert {fault for _, _, fault in expected} == {
        Fault.OK, Fault.REGION_CLASH, Fault.NO_REGION,
    }  # fmt: skip
    if not seed:
        assert max(found.latencies()) <= entries + 4


def test_regions_may_touch_and_reach_the_last_page() -> None:
    half = 1 << 54
    mapped = [ask(RegionIntent.MAP, 0, half, 1), ask(RegionIntent.MAP, half, half, 2)]
    _, expected = follow(2, [*mapped, *(lookup(page) for page in (0, half - 1, half, LIMIT - 1))])
    assert [answer[1] for answer in expected] == [None, None, 1, 1, 2, 2]


def test_a_full_table_refuses_until_a_place_is_free() -> None:
    requests = [ask(RegionIntent.MAP, 10 * n, 5, n) for n in range(5)]
    requests += [ask(RegionIntent.UNMAP, 20), ask(RegionIntent.MAP, 40, 5, 4)]
    requests += [lookup(10 * n + 4) for n in range(5)]
    _, expected = follow(4, requests)
    assert [answer[0] for answer in expected[-5:]] == [1, 1, 0, 1, 1]


def test_a_cleared_table_is_empty() -> None:
    dut = RegionTable(4)
    mapped = [ask(RegionIntent.MAP, 8 * n, 8, n) for n in range(4)]

    async def bench(ctx):
        assert not ctx.get(dut.any)
        for _ in range(2):
            found = await exchange(
                ctx, dut, [*mapped, lookup(9)], expected=5, read=lambda payload: payload.found
            )
            assert found.words == [0, 0, 0, 0, 1]
            assert ctx.get(dut.any)
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            await ctx.tick()
            assert not ctx.get(dut.any)

    simulate(dut, bench)


@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match="entries must be at least 1, not 0"):
        RegionTable(0)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
