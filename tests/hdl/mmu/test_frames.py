"""FramePool: each frame has one taker, and those given back are found again."""

from random import Random

import pytest
from amaranth.sim import Simulator

from engram.arch.commands import Fault
from engram.arch.page_table import NO_FRAME
from hdl.mmu.frames import FrameIntent, FramePool
from tests.hdl.axi.bus import CLOCK
from tests.hdl.mmu.dram import ADDRESS_WIDTH, Bench

BASE = 0x3_4567_8000
TAKE, GIVE, KEEP = FrameIntent


def link_address(frame):
    return BASE + 4096 * frame


class Model:
    """The pool with its list in ``dram``."""

    def __init__(
        self, dram, count, read_error=lambda address: False, write_error=lambda address: False
    ):
        self.dram = dram
        self.count = count
        self.read_error = read_error
        self.write_error = write_error
        self.head = NO_FRAME
        self.fresh = 0
        self.kept = None
        self.used = 0

    def answer(self, intent, frame=0):
        """Return (frame if one was taken, fault)."""
        if intent == TAKE:
            frame, fault = self._take()
            self.used += fault == Fault.OK
            return (frame, fault)
        self.used -= 1
        if intent == KEEP:
            self.kept = frame
            return (None, Fault.OK)
        self.dram[link_address(frame)] = self.head
        if self.write_error(link_address(frame)):
            return (None, Fault.WRITE_ERROR)
        self.head = frame
        return (None, Fault.OK)

    def _take(self):
        if self.kept is not None:
            frame, self.kept = self.kept, None
            return (frame, Fault.OK)
        if self.head == NO_FRAME:
            if self.fresh == self.count:
                return (None, Fault.NO_FRAME)
            self.fresh += 1
            return (self.fresh - 1, Fault.OK)
        place = link_address(self.head)
        if self.read_error(place):
            return (None, Fault.READ_ERROR)
        link = self.dram[place] % (1 << 20)
        if link != NO_FRAME and link >= self.count:
            self.head = NO_FRAME
            return (None, Fault.BAD_FRAME)
        frame, self.head = self.head, link
        return (frame, Fault.OK)


def follow(requests, count, *, damage=None, **settings):
    """Check the pool against the model; return the bench and the model's answers."""
    errors = {name: settings[name] for name in ("read_error", "write_error") if name in settings}
    model = Model({}, count, **errors)
    bench = Bench(unit := FramePool(ADDRESS_WIDTH), {}, **settings)
    if damage is not None:
        # Whatever is written to the damaged link reads as something else.
        model.dram = Damaged(damage)
        bench.dram = bench.read.words = bench.write.words = Damaged(damage)
    expected = [model.answer(*request) for request in requests]

    class Used:
        def drive(self, ctx):
            pass

        def observe(self, ctx):
            self.value = ctx.get(unit.used)

    answers = bench.run(
        {"base": BASE + 0x123, "count": count},
        [
            {"intent": intent, "frame": frame[0] if frame else 0}
            for intent, *frame in requests
        ],
        watch=[used := Used()],
    )
    found = [
        (answer["frame"] if taken is not None else None, answer["fault"])
        for answer, (taken, _) in zip(answers, expected, strict=True)
    ]
    assert found == expected
    assert dict(bench.dram) == dict(model.dram)
    assert used.value == model.used
    return bench, expected


class Damaged(dict):
    """A DRAM in which one word cannot be changed."""

    def __init__(self, word):
        super().__init__([word])
        self.place = word[0]

    def __setitem__(self, place, word):
        if place != self.place:
            super().__setitem__(place, word)


def random_requests(random, count, length):
    model = Model({}, count)
    held = []
    requests = []
    for _ in range(length):
        intent = random.choices([TAKE, GIVE, KEEP], [8, 4, 1])[0]
        if intent == TAKE or not held or (intent == KEEP and model.kept is not None):
            requests.append((TAKE,))
            frame, fault = model.answer(TAKE)
            if fault == Fault.OK:
                assert frame not in held
                held.append(frame)
        else:
            requests.append((intent, held.pop(random.randrange(len(held)))))
            model.answer(*requests[-1])
    return requests


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("pause", "latency"), [(0.0, 0), (0.3, 5)])
def test_it_answers_and_links_as_the_model_does(seed, pause, latency) -> None:
    random = Random(seed)
    requests = random_requests(random, 5, 80)
    _, expected = follow(
        requests, 5, seed=seed, pause=pause, source=pause, sink=pause, latency=latency
    )
    assert (None, Fault.NO_FRAME) in expected


def test_a_kept_frame_goes_first_then_what_was_given_last_then_a_new_one() -> None:
    requests = [(TAKE,)] * 3 + [(GIVE, 0), (GIVE, 1), (KEEP, 2)] + [(TAKE,)] * 5
    _, expected = follow(requests, 4)
    assert [frame for frame, _ in expected[6:]] == [2, 1, 0, 3, None]


def test_a_bad_link_drops_the_list_and_later_takes_go_on() -> None:
    requests = [(TAKE,)] * 3 + [(GIVE, 0), (GIVE, 1), (GIVE, 2)] + [(TAKE,)] * 4
    for link in (5, NO_FRAME - 1, 7 << 20 | 5):
        _, expected = follow(requests, 5, damage=(link_address(1), link))
        assert expected[6:] == [(2, 0), (None, Fault.BAD_FRAME), (3, 0), (4, 0)]
    # Bits above a frame's number are void.
    _, expected = follow(requests, 5, damage=(link_address(1), 7 << 20 | 0))
    assert [frame for frame, _ in expected[6:]] == [2, 1, 0, 3]


def test_a_link_that_cannot_be_read_changes_nothing() -> None:
    requests = [(TAKE,), (TAKE,), (GIVE, 0), (TAKE,), (TAKE,), (GIVE, 1), (TAKE,)]
    _, expected = follow(requests, 4, read_error=lambda address: address == link_address(0))
    assert [fault for _, fault in expected[3:]] == [
        Fault.READ_ERROR, Fault.READ_ERROR, Fault.OK, Fault.OK,
    ]  # fmt: skip


def test_a_link_that_cannot_be_written_loses_its_frame_only() -> None:
    requests = [(TAKE,), (TAKE,), (GIVE, 0), (GIVE, 1), (TAKE,), (TAKE,)]
    _, expected = follow(requests, 3, write_error=lambda address: address == link_address(1))
    assert expected[3:] == [(None, Fault.WRITE_ERROR), (0, 0), (2, 0)]


def test_a_new_frame_comes_in_the_next_clock_and_a_listed_one_after_its_link() -> None:
    bench, _ = follow([(TAKE,), (TAKE,)], 3)
    assert bench.sink.at == [1, 3]
    bench, _ = follow([(TAKE,), (GIVE, 0), (TAKE,)], 3, latency=20)
    # GIVE: 2 taken, 3 asked, 4 address, 5 word, 26 answered. TAKE: 28 taken, 29 asked, 51 there.
    assert bench.sink.at == [1, 27, 52]


def test_a_cleared_pool_begins_anew() -> None:
    bench = Bench(pool := FramePool(ADDRESS_WIDTH), {})
    simulator = Simulator(bench.joined)
    simulator.add_clock(CLOCK)

    async def one(ctx, intent, frame=0):
        ctx.set(pool.i.valid, 1)
        ctx.set(pool.i.payload, {"intent": intent, "frame": frame})
        ctx.set(pool.o.ready, 1)
        answer = None
        while answer is None:
            for agent in (bench.read, bench.write):
                agent.drive(ctx)
            if ctx.get(pool.o.valid):
                payload = pool.o.payload
                answer = (ctx.get(payload.frame), ctx.get(payload.fault))
            for agent in (bench.read, bench.write):
                agent.observe(ctx)
            taken = ctx.get(pool.i.ready)
            await ctx.tick()
            if taken:
                ctx.set(pool.i.valid, 0)
        return answer

    async def testbench(ctx):
        ctx.set(pool.base, BASE)
        ctx.set(pool.count, 3)
        for _ in range(2):
            assert [await one(ctx, TAKE) for _ in range(3)] == [(0, 0), (1, 0), (2, 0)]
            assert (await one(ctx, TAKE))[1] == Fault.NO_FRAME
            await one(ctx, GIVE, 1)
            await one(ctx, KEEP, 0)
            assert ctx.get(pool.used) == 1
            ctx.set(pool.clear, 1)
            await ctx.tick()
            ctx.set(pool.clear, 0)
            assert ctx.get(pool.used) == 0

    simulator.add_testbench(testbench)
    simulator.run()
