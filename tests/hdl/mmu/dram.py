"""A unit of the MMU with its `WordAccess`, and a DRAM in Python behind that."""

from random import Random

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from hdl.axi.access import WordAccess
from tests.hdl.axi.bus import ReadMemory, Sink, Source, WriteMemory, clock_once, simulate

__all__ = ["Bench"]

ADDRESS_WIDTH = 40


class Joined(Elaboratable):
    """The unit and its access, connected."""

    def __init__(self, unit):
        self.unit = unit
        self.access = WordAccess(address_width=ADDRESS_WIDTH)

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = unit = self.unit
        m.submodules.access = access = self.access
        wiring.connect(m, unit.access_i, access.i)
        wiring.connect(m, unit.access_words, access.words)
        m.d.comb += [unit.access_beat.eq(access.beat), unit.access_done.eq(access.done)]
        return m


class Bench:
    """Asks a unit for one thing after the other; ``dram`` maps byte addresses to words.

    ``read_error`` and ``write_error`` tell of an address whether the bus answers with an error.
    """

    def __init__(
        self, unit, dram, *, seed=0, pause=0.0, source=0.0, sink=0.0, latency=0,
        read_error=lambda address: False, write_error=lambda address: False,
    ):  # fmt: skip
        random = Random(seed)
        self.unit = unit
        self.joined = joined = Joined(unit)
        self.read = ReadMemory(
            joined.access, random, pause, latency, lambda address: 2 * read_error(address)
        )
        self.write = WriteMemory(
            joined.access, random, pause, latency, lambda address: 3 * write_error(address)
        )
        self.dram = self.read.words = self.write.words = dict(dram)
        self.source = Source(unit.i, random, source)
        layout = unit.o.payload.shape()
        self.sink = Sink(unit.o, list(layout.members), random, sink)
        self.agents = [self.source, self.read, self.write, self.sink]

    def run(self, settings, requests, *, watch=(), limit=20000):
        """Return the answers to requests, which are dictionaries."""
        layout = self.unit.i.payload.shape()
        self.source.words.extend(layout.const(request).as_bits() for request in requests)

        async def bench(ctx):
            for name, value in settings.items():
                ctx.set(getattr(self.unit, name), value)
            await ctx.tick()
            clocks = 0
            while len(self.sink.words) < len(requests):
                assert clocks < limit, "it hangs"
                await clock_once(ctx, [*self.agents, *watch])
                clocks += 1
            # What is under way when the last answer comes.
            for _ in range(40):
                await clock_once(ctx, [*self.agents, *watch])

        simulate(self.joined, bench)
        assert len(self.sink.words) == len(requests)
        return self.sink.words
