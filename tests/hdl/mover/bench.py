"""A mover between memories, a window and whoever orders moves, and what should come of it all."""

from collections.abc import Callable
from random import Random
from typing import Any

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import Fault
from engram.arch.laws import LAWS, Law
from engram.arch.seeds import feistel_keys
from hdl.delay import delayed
from hdl.mover.mover import Mover
from hdl.mover.moves import Sink, Source, move_layout
from hdl.stream import Pipeline
from hdl.synth.multiplier import Tile
from sim.golden.laws import generate
from tests.hdl.axi import bus

SEED = 0x1337_BEEF_CAFE_BABE
WORD = (1 << 64) - 1
KINDS = tuple((source, sink) for source in Source for sink in Sink)


def scrambled(law: int, address: int) -> int:
    """Return the word of a law that is no law, but can be told from others."""
    return address ^ law * 0x0101_0101_0101_0101


def synthesised(law: int, address: int) -> int:
    """Return the word of a real law."""
    return generate(LAWS[law], SEED, address)


class Scrambler(wiring.Component):
    """Takes the place of a law's datapath where its arithmetic does not matter."""

    def __init__(self, law: int) -> None:
        self.law = law
        self.latency = 3 * law
        super().__init__({"i": In(64), "o": Out(64)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word = self.i ^ self.law * 0x0101_0101_0101_0101
        m.d.comb += self.o.eq(delayed(m, word, self.latency, name="word"))
        return m


def scrambler(law: Law, tile: Tile) -> Pipeline:
    """Make what stands in for a law's pipeline."""
    return Pipeline(Scrambler(law.number))


def mover(lanes: int = 1, laws: tuple[int, ...] = (1,), **settings: Any) -> Mover:
    """Return a mover whose laws are stand-ins, unless ``make`` says otherwise."""
    return Mover(AcceleratorConfig(lanes=lanes, laws=laws), **{"make": scrambler, **settings})


def move(source: Source, sink: Sink, count: int, **fields: int) -> dict[str, int]:
    """Return a move; law 1, client 0, no fault and addresses 0 if nothing else is said."""
    found = {"source": source, "sink": sink, "client": 0, "law": 1}
    return {**found, "address": 0, "count": count, "target": 0, "fault": 0, **fields}


def random_move(random: Random, longest: int, kinds=KINDS) -> dict[str, int]:
    """Return any move; of the laws it names, 3 and 9 are never built here."""
    source, sink = random.choice(kinds)
    fault = 0
    if source == Source.NOTHING or sink == Sink.NOWHERE:
        fault = random.choice([0, Fault.SYNTHESISED, Fault.REFUSED])
    return move(
        source,
        sink,
        random.choice([1, 1, 2, random.randint(1, longest)]),
        client=random.randrange(3),
        law=random.choice([1, 1, 1, 2, 2, 3, 9]),
        address=random.getrandbits(34) << 3 if source == Source.FETCH else random.getrandbits(64),
        target=random.getrandbits(10) << 3,
        fault=fault,
    )


class Reports:
    """Sees the ends of moves as (client, fault), and the clock of each."""

    def __init__(self, unit: Mover) -> None:
        self.report = unit.report
        self.words: list[tuple[int, int]] = []
        self.at: list[int] = []
        self.clock = 0

    def drive(self, ctx) -> None:
        pass

    def observe(self, ctx) -> None:
        if ctx.get(self.report.valid):
            self.words.append((ctx.get(self.report.client), ctx.get(self.report.fault)))
            self.at.append(self.clock)
        self.clock += 1


class Watch:
    """Checks in every clock that `idle` tells the truth, and counts the counter pulses."""

    EVENTS = ("generated", "stall_generate", "stall_fetch", "stall_write")

    def __init__(self, bench: "Bench", unit: Mover) -> None:
        self.bench = bench
        self.unit = unit
        self.events = dict.fromkeys(self.EVENTS, 0)
        self.idle_clocks = 0

    def drive(self, ctx) -> None:
        if not self.bench.reports.clock:
            ctx.set(self.unit.keys, list(feistel_keys(SEED)))
            ctx.set(self.unit.seed, SEED)

    def observe(self, ctx) -> None:
        for name in self.EVENTS:
            self.events[name] += ctx.get(getattr(self.unit, name))
        bench = self.bench
        words, reports = bench.due[bench.moves.sent]
        open_ends = words > len(bench.shown.words) or reports > len(bench.reports.words)
        idle = ctx.get(self.unit.idle)
        assert idle != open_ends, "idle is wrong"
        self.idle_clocks = self.idle_clocks + 1 if idle else 0


class Bench:
    """A mover between its ends; what is expected comes from a plain model of moves."""

    def __init__(
        self,
        unit: Mover,
        moves: list[dict[str, int]],
        seed: int = 1,
        *,
        word: Callable[[int, int], int] = scrambled,
        pause: float = 0.0,
        window: float = 0.0,
        latency: int = 0,
        read_fault: Callable[[int], int] = lambda address: 0,
        write_fault: Callable[[int], int] = lambda address: 0,
        strobes: tuple[int, ...] = (0xFF,),
    ) -> None:
        random = Random(seed)
        self.unit = unit
        self.word = word
        self.read_fault = read_fault
        self.write_fault = write_fault
        layout = move_layout(40)
        self.moves = bus.Source(unit.i, random, pause)
        self.moves.words.extend(layout.const(each).as_bits() for each in moves)
        self.given = bus.Source(unit.window_in, random, window)
        self.shown = bus.Sink(unit.window_out, ("data", "fault", "last"), random, window)
        self.reports = Reports(unit)
        self.read = bus.ReadMemory(unit, random, pause, latency, read_fault, prefix="r")
        self.write = bus.WriteMemory(unit, random, pause, latency, write_fault, prefix="w")
        self.watch = Watch(self, unit)
        self.agents = [
            self.watch, self.moves, self.given, self.shown, self.reports, self.read, self.write
        ]
        self.expected_shown: list[dict[str, int]] = []
        self.expected_reports: list[tuple[int, int]] = []
        self.expected_words: dict[int, int] = {}
        self.made = 0
        # Words at the window and reports after so many moves.
        self.due = [(0, 0)]
        for each in moves:
            self.expect(each, random, strobes)
            self.due.append((len(self.expected_shown), len(self.expected_reports)))

    def expect(self, each: dict[str, int], random: Random, strobes: tuple[int, ...]) -> None:
        """Add what a move should do, and the words that it takes from the window."""
        unread = False
        verdict = each["fault"]
        for number in range(each["count"]):
            data, strobe, fault = 0, 0xFF, each["fault"]
            if each["source"] == Source.GENERATE:
                if each["law"] in self.unit.latencies:
                    data = self.word(each["law"], (each["address"] + number) & WORD)
                    self.made += 1
                else:
                    fault = fault or Fault.UNSUPPORTED_LAW
            elif each["source"] == Source.FETCH:
                address = (each["address"] + 8 * number) % (1 << 40)
                data = address ^ 0x5A5A_0000_0000_A5A5
                unread |= self.read_fault(address) >= 2
                if unread:
                    fault = fault or Fault.READ_ERROR
            elif each["source"] == Source.WINDOW:
                data, strobe = random.getrandbits(64), random.choice(strobes)
                self.given.words.append(data | strobe << 64)
            verdict = verdict or fault
            if fault:
                data = 0
                if each["source"] != Source.NOTHING:
                    strobe = 0
            place = each["target"] + 8 * number
            if each["sink"] == Sink.WINDOW:
                last = int(number == each["count"] - 1)
                self.expected_shown.append({"data": data, "fault": fault, "last": last})
            elif each["sink"] == Sink.MEMORY and strobe:
                old = self.expected_words.get(place, 0)
                self.expected_words[place] = bus.overwritten(old, data, strobe)
        if each["sink"] == Sink.MEMORY and not verdict:
            end = each["target"] + 8 * each["count"]
            starts = [each["target"], *range((each["target"] | 127) + 1, end, 128)]
            if any(self.write_fault(start) >= 2 for start in starts):
                verdict = Fault.WRITE_ERROR
        if each["sink"] != Sink.WINDOW:
            self.expected_reports.append((each["client"], verdict))

    def ended(self) -> bool:
        """Whether all moves were taken and the mover has been idle for a while."""
        return not self.moves.words and self.watch.idle_clocks >= 20

    def check(self) -> None:
        """Compare all that came with all that should have."""
        assert self.shown.words == self.expected_shown
        assert self.reports.words == self.expected_reports
        assert self.write.words == self.expected_words
        assert not self.given.words
        # A word counts when it passes, also if its move has a fault and it reaches nothing.
        assert self.watch.events["generated"] == self.made


def carry_out(unit: Mover, moves: list[dict[str, int]], **settings: Any) -> Bench:
    """Let a mover carry out moves, and check what became of them."""
    bench = Bench(unit, moves, **settings)
    bus.run(unit, bench.agents, bench.ended)
    bench.check()
    return bench
