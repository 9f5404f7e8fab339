"""Pager: the moves of plain integers, and nothing published before it is complete."""

from collections import deque
from dataclasses import dataclass, field
from random import Random

import pytest

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import Fault
from engram.arch.page_table import BUCKET_WORDS, VALID
from engram.arch.pages import PAGE_BYTES, PAGE_WORDS
from hdl.mmu.pager import Pager
from hdl.mmu.requests import Operation
from hdl.mover.moves import Client, Sink, Source
from tests.hdl.axi.bus import ReadMemory, WriteMemory, clock_once, simulate

CONFIG = AcceleratorConfig(tlb_entries=4, regions=2)
TABLE, BUCKETS_LOG2 = 0x4000, 1
FRAMES, FRAME_COUNT = 0x10_0000, 40
BUFFER = 0x8_0000
LAW = 4
MISS_CLOCKS = 40  # at most, at 20 clocks of latency


@dataclass
class Mover:
    """Takes moves, and reports them in order some time later; ``fault`` says how."""

    unit: Pager
    random: Random
    pause: float = 0.0
    slow: int = 0
    fault: object = lambda move: Fault.OK
    moves: list = field(default_factory=list)
    events: list = field(default_factory=list)
    waiting: deque = field(default_factory=deque)
    clock: int = 0

    def drive(self, ctx):
        unit = self.unit
        ctx.set(unit.moves.ready, self.random.random() >= self.pause)
        ctx.set(unit.mover_idle, not self.waiting)
        due = bool(self.waiting) and self.waiting[0][0] <= self.clock
        ctx.set(unit.report.valid, due)
        if due:
            _, move = self.waiting.popleft()
            if move["sink"] != Sink.WINDOW:
                fault = move["fault"] or self.fault(move)
                ctx.set(unit.report.client, move["client"])
                ctx.set(unit.report.fault, fault)
                self.events.append(("reported", move))
            else:
                ctx.set(unit.report.valid, 0)

    def observe(self, ctx):
        unit = self.unit
        if ctx.get(unit.moves.valid) and ctx.get(unit.moves.ready):
            names = ("source", "sink", "client", "law", "address", "count", "target", "fault")
            move = {name: ctx.get(unit.moves.payload[name]) for name in names}
            move["clock"] = self.clock
            self.moves.append(move)
            self.events.append(("taken", move))
            self.waiting.append((self.clock + 2 + self.random.randint(0, self.slow), move))
        self.clock += 1


class Watch:
    """Notes each word that is written to DRAM, among the events of the mover."""

    def __init__(self, unit, events):
        self.unit, self.events = unit, events

    def drive(self, ctx):
        pass

    def observe(self, ctx):
        if ctx.get(self.unit.m_axi_awvalid) and ctx.get(self.unit.m_axi_awready):
            self.events.append(("written", ctx.get(self.unit.m_axi_awaddr)))


class Bench:
    """Asks the pager for one thing after the other, as the ring does or the window."""

    def __init__(self, *, seed=0, pause=0.0, slow=0, latency=0, fault=lambda move: Fault.OK):
        random = Random(seed)
        self.unit = unit = Pager(CONFIG)
        self.mover = Mover(unit, random, pause, slow, fault)
        self.read = ReadMemory(unit, random, pause, latency)
        self.write = WriteMemory(unit, random, pause, latency)
        words = {TABLE + 8 * place: 0 for place in range(BUCKET_WORDS << BUCKETS_LOG2)}
        self.dram = self.read.words = self.write.words = words
        watch = Watch(unit, self.mover.events)
        self.agents = [self.mover, self.read, self.write, watch]
        self.answers = []

    def run(self, requests, *, readable=True, writable=True, selected=True):
        """Carry out requests: (operation, address, count) of the ring, or with a port's name."""
        unit = self.unit

        async def bench(ctx):
            context = unit.context
            for signal, value in (
                (context.selected, selected), (context.law, LAW), (context.table, TABLE),
                (context.buckets_log2, BUCKETS_LOG2), (unit.frame_base, FRAMES),
                (unit.frame_count, FRAME_COUNT), (unit.window_readable, readable),
                (unit.window_writable, writable),
            ):
                ctx.set(signal, value)
            await ctx.tick()
            for what, address, count in requests:
                await self._ask(ctx, what, address, count)
            for _ in range(60):
                await clock_once(ctx, self.agents)

        simulate(unit, bench)

    async def _ask(self, ctx, what, address, count):
        unit = self.unit
        ports = {"reads": unit.window_reads, "writes": unit.window_writes}
        port = ports.get(what, unit.ring)
        payload = port.payload
        ctx.set(payload.address, address)
        ctx.set(payload.count, min(count, 16) if what in ports else count % 1024)
        if what not in ports:
            ctx.set(payload.operation, what)
            ctx.set(payload.buffer, BUFFER)
            ctx.set(payload.first_page, address)
            ctx.set(payload.pages, count)
        ctx.set(port.valid, 1)
        asked = self.mover.clock
        for _ in range(5000):
            for agent in self.agents:
                agent.drive(ctx)
            taken = ctx.get(port.ready)
            answer = (ctx.get(unit.answer.fault), ctx.get(unit.answer.freed))
            for agent in self.agents:
                agent.observe(ctx)
            await ctx.tick()
            if taken:
                break
        else:
            raise AssertionError("it hangs")
        ctx.set(port.valid, 0)
        if what not in ports:
            self.answers.append((Fault(answer[0]), answer[1], self.mover.clock - asked))

    def ring_moves(self):
        return [
            (Source(m["source"]), m["address"], m["count"], m["target"])
            for m in self.mover.moves
            if m["client"] == Client.RING
        ]


def frame_at(number, offset=0):
    return FRAMES + number * PAGE_BYTES + 8 * offset


def test_an_unwritten_page_is_generated_and_remembered() -> None:
    bench = Bench()
    bench.run([(Operation.READ, 513, 7), (Operation.READ, 700, 3)])
    assert bench.ring_moves() == [
        (Source.GENERATE, 513, 7, BUFFER), (Source.GENERATE, 700, 3, BUFFER)
    ]
    assert len(bench.read.bursts) == 1, "the second read asks the TLB alone"
    assert all(move["law"] == LAW for move in bench.mover.moves)


def test_a_first_write_fills_a_frame_publishes_it_and_then_writes() -> None:
    bench = Bench(slow=30, pause=0.3)
    bench.run([(Operation.WRITE, 1030, 2), (Operation.WRITE, 1024, 1), (Operation.READ, 1025, 9)])
    assert bench.ring_moves() == [
        (Source.FETCH, BUFFER, 2, frame_at(0, 6)),
        (Source.FETCH, BUFFER, 1, frame_at(0, 0)),
        (Source.FETCH, frame_at(0, 1), 9, BUFFER),
    ]
    fill = bench.mover.moves[0]
    assert (fill["client"], fill["source"]) == (Client.PAGER, Source.GENERATE)
    assert fill["address"] == 1024
    assert (fill["count"], fill["target"]) == (PAGE_WORDS, frame_at(0))
    kinds = [(kind, isinstance(what, dict) and what["client"]) for kind, what in bench.mover.events]
    assert kinds[:2] == [("taken", Client.PAGER), ("reported", Client.PAGER)]
    assert kinds[2:4] == [("written", False), ("written", False)]
    assert [word & ~VALID for word in bench.dram.values() if word & VALID] == [2]


def test_a_whole_page_is_written_straight_into_its_frame() -> None:
    bench = Bench(slow=9)
    bench.run([(Operation.WRITE, 512, PAGE_WORDS), (Operation.READ, 600, 1)])
    first, second = bench.mover.moves
    assert (first["source"], first["address"], first["client"]) == (
        Source.FETCH, BUFFER, Client.PAGER
    )
    assert (second["source"], second["address"]) == (Source.FETCH, frame_at(0, 88))


def test_a_frame_that_was_not_filled_is_used_for_the_next_page() -> None:
    failing = iter([Fault.READ_ERROR])
    bench = Bench(fault=lambda move: next(failing, Fault.OK))
    bench.run(
        [(Operation.WRITE, 5, 1), (Operation.READ, 5, 1), (Operation.WRITE, 9999, 1)]
    )
    assert [fault for fault, *_ in bench.answers] == [Fault.READ_ERROR, Fault.OK, Fault.OK]
    assert bench.ring_moves() == [
        (Source.GENERATE, 5, 1, BUFFER),
        (Source.FETCH, BUFFER, 1, frame_at(0, 9999 % PAGE_WORDS)),
    ]


def test_a_frame_is_given_back_when_all_moves_have_ended() -> None:
    bench = Bench(slow=60)
    bench.run([
        (Operation.WRITE, 0, 1), (Operation.READ, 0, 512), (Operation.ERASE, 0, 512),
        (Operation.READ, 0, 1), (Operation.ERASE, 0, 512), (Operation.WRITE, 7 << 9, 1),
    ])
    assert [freed for _, freed, _ in bench.answers] == [0, 0, 1, 0, 0, 0]
    events = bench.mover.events
    link = next(i for i, (kind, what) in enumerate(events) if (kind, what) == ("written", FRAMES))
    ends = [
        i
        for i, (kind, what) in enumerate(events)
        if kind == "reported" and what["source"] == Source.FETCH and what["count"] == 512
    ]
    assert ends[0] < link, "the link is written while the frame is being read"
    assert bench.ring_moves()[2][0] is Source.GENERATE
    assert bench.ring_moves()[3][3] == frame_at(0), "the frame is used again"


def test_regions_hide_generated_words_and_frames_hide_regions() -> None:
    bench = Bench()
    bench.run([
        (Operation.WRITE, 512, 1), (Operation.MAP, 1, 2), (Operation.READ, 513, 1),
        (Operation.READ, 1024, 1), (Operation.READ, 1025, 1), (Operation.WRITE, 1024, 1),
        (Operation.ERASE, 512, 1), (Operation.ERASE, 1030, 1), (Operation.WRITE, 1024, 512),
        (Operation.MAP, 2, 1), (Operation.UNMAP, 5, 0), (Operation.UNMAP, 1, 0),
        (Operation.READ, 2048, 1), (Operation.ERASE, 512, 1),
    ])
    faults = [fault for fault, *_ in bench.answers]
    hidden = Fault.SYNTHESISED
    assert faults == [
        Fault.OK, Fault.OK, Fault.OK, hidden, hidden, hidden, hidden, Fault.OK, Fault.OK,
        Fault.REGION_CLASH, Fault.NO_REGION, Fault.OK, Fault.OK, Fault.OK,
    ]
    assert bench.ring_moves()[-1] == (Source.GENERATE, 512, 1, frame_at(0))


@pytest.mark.parametrize("latency", [0, 20])
def test_every_window_request_becomes_one_move(latency) -> None:
    bench = Bench(pause=0.2, slow=9, latency=latency)
    bench.run([("reads", 100, 3), ("writes", 100, 2), ("reads", 101, 16)])
    kinds = [
        (Source(m["source"]), Sink(m["sink"]), m["count"])
        for m in bench.mover.moves
        if m["client"] == Client.WINDOW
    ]
    assert kinds == [
        (Source.GENERATE, Sink.WINDOW, 3),
        (Source.WINDOW, Sink.MEMORY, 2),
        (Source.FETCH, Sink.WINDOW, 16),
    ]


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        ({"readable": False}, [Fault.REFUSED, Fault.OK]),
        ({"writable": False}, [Fault.OK, Fault.REFUSED]),
        ({"selected": False}, [Fault.NO_SPACE, Fault.NO_SPACE]),
    ],
)
def test_a_window_that_is_closed_gives_faults_in_place_of_words(settings, faults) -> None:
    bench = Bench()
    bench.run([("reads", 0, 4), ("writes", 0, 4)], **settings)
    moves = [m for m in bench.mover.moves if m["client"] == Client.WINDOW]
    assert [Fault(m["fault"]) for m in moves] == faults
    for move, closed in zip(moves, (Source.NOTHING, Source.WINDOW), strict=True):
        if move["fault"]:
            assert (move["source"], move["count"]) == (closed, 4)


def test_a_page_that_the_tlb_forgot_costs_forty_clocks_at_most() -> None:
    pages = [page << 9 for page in range(12)]
    bench = Bench(latency=19)  # words come 20 clocks after their address
    requests = [(Operation.WRITE, page, 1) for page in pages]
    # The TLB has 4 entries, so that each page is forgotten when it is read again.
    requests += [(Operation.READ, page, 1) for page in [*pages, *(20 << 9, 21 << 9), *pages]]
    requests += [(Operation.READ, pages[-1], 1)] * 2
    bench.run(requests)
    clocks = [clocks for *_, clocks in bench.answers]
    hit = clocks[-1]
    misses = clocks[len(pages) : -2]
    assert hit == 5
    assert max(misses) - hit <= MISS_CLOCKS
    assert min(misses) - hit >= 20
