"""The other ends of AXI ports and streams, in Python: memory, stream ends, AXI-Lite manager.

Each agent has two steps a clock: ``drive`` sets its inputs of the unit, ``observe`` sees which
transfers happen in this clock. All pauses come from one seeded generator.
"""

from collections import deque
from random import Random

from amaranth.hdl import Cat, ResetInserter, Signal, ValueCastable
from amaranth.sim import Simulator

CLOCK = 1e-8


class Channel:
    """One channel that the unit drives: checks that an offer stays until it is taken."""

    def __init__(self, valid, ready, **payload):
        self.valid = valid
        self.ready = ready
        self.names = tuple(payload)
        self.lengths = [len(signal) for signal in payload.values()]
        self.all = Cat(*payload.values(), valid, ready)
        self.waiting = None

    def take(self, ctx):
        """Return the transfer of this clock by name, or None."""
        word = ctx.get(self.all)
        values = []
        for length in self.lengths:
            values.append(word & ((1 << length) - 1))
            word >>= length
        valid, ready = word & 1, word >> 1
        if self.waiting is not None:
            assert valid, "an offer was withdrawn"
            assert values == self.waiting, "an offer changed while it waited"
        self.waiting = values if valid and not ready else None
        return dict(zip(self.names, values, strict=True)) if valid and ready else None


class Source:
    """Feeds a stream with words, each a plain number (a layout's bits, low member first)."""

    def __init__(self, stream, random: Random, pause: float = 0.0):
        self.payload = stream.payload
        if isinstance(self.payload, ValueCastable):
            self.payload = self.payload.as_value()
        self.all = Cat(self.payload, stream.valid)
        self.ready = stream.ready
        self.random = random
        self.pause = pause
        self.words = deque()
        self.offered = False
        self.sent = 0

    def drive(self, ctx):
        if not self.offered and self.words and self.random.random() >= self.pause:
            self.offered = True
        word = self.words[0] | 1 << len(self.payload) if self.offered else 0
        ctx.set(self.all, word)

    def observe(self, ctx):
        if self.offered and ctx.get(self.ready):
            self.words.popleft()
            self.offered = False
            self.sent += 1


class Sink:
    """Takes words from a stream, as dictionaries; ``at`` has the clock of each."""

    def __init__(self, stream, layout, random: Random, pause: float = 0.0):
        self.stream = stream
        self.channel = Channel(
            stream.valid, stream.ready, **{name: stream.payload[name] for name in layout}
        )
        self.random = random
        self.pause = pause
        self.words = []
        self.at = []
        self.clock = 0

    def drive(self, ctx):
        ctx.set(self.stream.ready, self.random.random() >= self.pause)

    def observe(self, ctx):
        word = self.channel.take(ctx)
        if word is not None:
            self.words.append(word)
            self.at.append(self.clock)
        self.clock += 1


class ReadMemory:
    """Answers the read channels of a manager port; ``fault(address)`` gives a beat's response."""

    def __init__(
        self, unit, random, pause=0.0, latency=0, fault=lambda address: 0, *, prefix="m_axi"
    ):
        get = port_of(unit, prefix)
        self.random, self.pause, self.latency, self.fault = random, pause, latency, fault
        self.address = Channel(
            get("arvalid"), get("arready"),
            **{name: get(f"ar{name}") for name in ("addr", "len", "size", "burst", "id")},
        )
        self.out = Cat(get("rid"), get("rdata"), get("rresp"), get("rlast"), get("rvalid"))
        self.id_bits = len(get("rid"))
        self.rready = get("rready")
        self.words = {}
        self.bursts = []
        self.queue = deque()
        self.offer = None
        self.clock = 0
        self.most = 0

    def drive(self, ctx):
        ctx.set(self.address.ready, self.random.random() >= self.pause)
        if (
            self.offer is None
            and self.queue
            and self.queue[0][0] <= self.clock
            and self.random.random() >= self.pause
        ):
            self.offer = self.queue.popleft()
        word = 0
        if self.offer is not None:
            _, name, address, last = self.offer
            word = 1
            word = word << 1 | last
            word = word << 2 | self.fault(address)
            word = word << 64 | self.words.get(address, address ^ 0x5A5A_0000_0000_A5A5)
            word = word << self.id_bits | name
        ctx.set(self.out, word)

    def observe(self, ctx):
        if self.offer is not None and ctx.get(self.rready):
            self.offer = None
        burst = self.address.take(ctx)
        if burst is not None:
            check_burst(burst)
            self.bursts.append((burst["addr"], burst["len"] + 1))
            for beat in range(burst["len"] + 1):
                last = beat == burst["len"]
                self.queue.append(
                    (self.clock + 1 + self.latency, burst["id"], burst["addr"] + 8 * beat, last)
                )
        waiting = sum(last for *_, last in self.queue) + bool(self.offer and self.offer[3])
        self.most = max(self.most, waiting)
        self.clock += 1


class WriteMemory:
    """Answers the write channels of a manager port; ``fault(address)`` is asked per burst.

    ``words`` has what was written: of a word that was not there, bytes not written are 0.
    """

    def __init__(
        self, unit, random, pause=0.0, latency=0, fault=lambda address: 0, *, prefix="m_axi"
    ):
        get = port_of(unit, prefix)
        self.random, self.pause, self.latency, self.fault = random, pause, latency, fault
        self.address = Channel(
            get("awvalid"), get("awready"),
            **{name: get(f"aw{name}") for name in ("addr", "len", "size", "burst", "id")},
        )
        self.data = Channel(
            get("wvalid"), get("wready"),
            **{name: get(f"w{name}") for name in ("data", "strb", "last")},
        )
        self.out = Cat(get("bid"), get("bresp"), get("bvalid"))
        self.id_bits = len(get("bid"))
        self.bready = get("bready")
        self.words = {}
        self.bursts = []
        self.announced = deque()
        self.beats = deque()
        self.at = []
        self.answers = deque()
        self.offer = None
        self.clock = 0
        self.unanswered = 0
        self.most = 0

    def drive(self, ctx):
        ctx.set(self.address.ready, self.random.random() >= self.pause)
        ctx.set(self.data.ready, self.random.random() >= self.pause)
        if (
            self.offer is None
            and self.answers
            and self.answers[0][0] <= self.clock
            and self.random.random() >= self.pause
        ):
            self.offer = self.answers.popleft()
        word = 0
        if self.offer is not None:
            _, name, response = self.offer
            word = (1 << 2 | response) << self.id_bits | name
        ctx.set(self.out, word)

    def observe(self, ctx):
        if self.offer is not None and ctx.get(self.bready):
            self.offer = None
            self.unanswered -= 1
        burst = self.address.take(ctx)
        if burst is not None:
            check_burst(burst)
            self.announced.append(burst)
            self.bursts.append((burst["addr"], burst["len"] + 1))
            self.unanswered += 1
            self.most = max(self.most, self.unanswered)
        beat = self.data.take(ctx)
        if beat is not None:
            self.beats.append(beat)
            self.at.append(self.clock)
        while self.announced and len(self.beats) > self.announced[0]["len"]:
            burst = self.announced.popleft()
            for number in range(burst["len"] + 1):
                beat = self.beats.popleft()
                assert beat["last"] == (number == burst["len"]), "last on the wrong beat"
                self.write(burst["addr"] + 8 * number, beat["data"], beat["strb"])
            self.answers.append(
                (self.clock + 1 + self.latency, burst["id"], self.fault(burst["addr"]))
            )
        self.clock += 1

    def write(self, address, word, strobe):
        if strobe:
            self.words[address] = overwritten(self.words.get(address, 0), word, strobe)


def overwritten(old, word, strobe):
    """Return what becomes of a word when those bytes of another are written that count."""
    mask = sum(0xFF << 8 * byte for byte in range(8) if strobe >> byte & 1)
    return old & ~mask | word & mask


def port_of(unit, prefix="m_axi"):
    """Return a function from a name without its prefix to that signal of the unit's port."""
    return lambda name: getattr(unit, f"{prefix}_{name}")


def check_burst(burst):
    """Assert what AXI and our buses ask of every burst."""
    assert burst["burst"] == 1
    assert burst["size"] == 3
    assert burst["len"] < 16
    assert burst["addr"] % 8 == 0
    assert burst["addr"] >> 12 == (burst["addr"] + 8 * burst["len"]) >> 12, "crosses 4 KiB"


def run(unit, agents, until, *, limit=20000):
    """Clock the unit and its agents until ``until()`` holds; return the clocks it took."""
    took = 0

    async def bench(ctx):
        nonlocal took
        while not until():
            assert took < limit, "it hangs"
            await clock_once(ctx, agents)
            took += 1

    simulate(unit, bench)
    return took


def run_reset(unit, before, clocks, after, until, *, limit=20000):
    """Clock ``clocks`` times, reset unit and agents, then clock with the others until ``until``."""
    wrapped = ResetInserter(reset := Signal())(unit)

    async def bench(ctx):
        for _ in range(clocks):
            await clock_once(ctx, before)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        for _ in range(limit):
            if until():
                return
            await clock_once(ctx, after)
        raise AssertionError("it hangs")

    simulate(wrapped, bench)


async def clock_once(ctx, agents):
    for agent in agents:
        agent.drive(ctx)
    for agent in agents:
        agent.observe(ctx)
    await ctx.tick()


def simulate(unit, bench):
    simulator = Simulator(unit)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(bench)
    simulator.run()
