"""Both ends of the window in Python: a manager with bursts of all kinds, and a pager behind."""

from collections import deque
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace

from amaranth.hdl import Cat

from hdl.mover.moves import Client
from tests.hdl.axi.bus import Channel, Sink, Source

__all__ = ["Beat", "Burst", "Manager", "Pager", "generated", "random_burst"]

FIXED, INCR, WRAP, RESERVED = range(4)
MASK64 = (1 << 64) - 1


def generated(address):
    """Return what stands at a word address that nobody has written."""
    return (address * 0x9E3779B97F4A7C15 ^ address >> 29) & MASK64


@dataclass(frozen=True)
class Burst:
    """What a manager puts on an address channel."""

    address: int
    beats: int = 1
    size: int = 3
    kind: int = INCR
    id: int = 0
    lock: int = 0

    @property
    def refused(self):
        return (
            self.size > 3
            or self.kind == RESERVED
            or (self.kind == WRAP and self.beats not in (2, 4, 8, 16))
        )

    def addresses(self, window_bits):
        """Return the byte address of each beat, by the formulas of the AXI specification."""
        number_bytes = 1 << self.size
        aligned = self.address // number_bytes * number_bytes
        found = []
        for beat in range(self.beats):
            address = self.address if beat == 0 else aligned + beat * number_bytes
            if self.kind == FIXED:
                address = self.address
            if self.kind == WRAP:
                container = number_bytes * self.beats
                boundary = self.address // container * container
                address = boundary + (address - boundary) % container
            found.append(address % (1 << window_bits))
        return found

    def word(self):
        """Return the fields as they stand in a Cat of the channel's signals, id first."""
        return self.id, self.address, self.beats - 1, self.size, self.kind, self.lock


@dataclass(frozen=True)
class Beat:
    """A word to be written."""

    data: int
    strobe: int
    last: int


def random_burst(random: Random, window_bits, *, first=0, past=None, longest=40):
    """Return a burst of any kind whose first byte lies in first..past-1."""
    past = 1 << window_bits if past is None else past
    kind = random.choice([INCR, INCR, INCR, FIXED, WRAP, WRAP, RESERVED])
    size = random.choice([3, 3, 3, 3, 2, 1, 0, random.randrange(8)])
    beats = random.choice([1, 2, 3, 8, 16, 17, random.randint(1, longest)])
    if kind == FIXED:
        beats = min(beats, 16)
    if kind == WRAP and random.random() < 0.8:
        beats = random.choice([2, 4, 8, 16])
    address = random.choice([first, past - 8, random.randrange(first, past)])
    if kind == WRAP:
        address = address >> size << size
    if kind == INCR and size == 3 and random.random() < 0.1:
        beats = 256
    return Burst(address, beats, size, kind, random.randrange(8), random.randrange(2))


class Manager:
    """Sends bursts and beats in the order in which they were given, and gathers the answers."""

    def __init__(self, unit, random: Random, *, offer=0.0, take=0.0):
        def get(name):
            return getattr(unit, f"s_axi_{name}")

        def address(channel):
            fields = [get(f"{channel}{n}") for n in ("id", "addr", "len", "size", "burst", "lock")]
            return self._source(get, channel, fields, random, offer)

        self.ar, self._ar_fields = address("ar")
        self.aw, self._aw_fields = address("aw")
        self.w, self._w_fields = self._source(
            get, "w", [get("wdata"), get("wstrb"), get("wlast")], random, offer
        )
        self.r = self._sink(get, "r", ("id", "data", "resp", "last"), random, take)
        self.b = self._sink(get, "b", ("id", "resp"), random, take)
        self.agents = [self.ar, self.aw, self.w, self.r, self.b]

    @staticmethod
    def _source(get, channel, fields, random, pause):
        ends = SimpleNamespace(
            payload=Cat(*fields), valid=get(f"{channel}valid"), ready=get(f"{channel}ready")
        )
        return Source(ends, random, pause), fields

    @staticmethod
    def _sink(get, channel, names, random, pause):
        ends = SimpleNamespace(
            payload={name: get(channel + name) for name in names},
            valid=get(f"{channel}valid"),
            ready=get(f"{channel}ready"),
        )
        return Sink(ends, names, random, pause)

    @staticmethod
    def _packed(fields, values):
        word = 0
        for field, value in zip(reversed(fields), reversed(values), strict=True):
            word = word << len(field) | value
        return word

    def read(self, burst: Burst):
        self.ar.words.append(self._packed(self._ar_fields, burst.word()))

    def write(self, burst: Burst, beats: list[Beat]):
        assert len(beats) == burst.beats
        self.aw.words.append(self._packed(self._aw_fields, burst.word()))
        for beat in beats:
            self.w.words.append(self._packed(self._w_fields, (beat.data, beat.strobe, beat.last)))

    def drive(self, ctx):
        for agent in self.agents:
            agent.drive(ctx)

    def observe(self, ctx):
        for agent in self.agents:
            agent.observe(ctx)


class Pager:
    """Answers the window's requests out of a space, in order, each direction at its own pace.

    ``fault(address)`` of a word makes its read fail; of a piece's first word, its write.
    ``every`` clocks one request is taken at most. While ``deaf`` none is.
    """

    def __init__(self, unit, random: Random, *, pause=0.0, delay=0, every=1, fault=None, noise=0.0):
        self.unit, self.random = unit, random
        self.pause, self.delay, self.every, self.noise = pause, delay, every, noise
        self.fault = fault or (lambda address: 0)
        self.deaf = False
        self.space = {}
        self.reads = self._requests(unit.reads)
        self.writes = self._requests(unit.writes)
        self.words = self._channel(unit.window_in, ("data", "strobe"))
        out = unit.window_out
        self.out = Cat(out.payload.data, out.payload.fault, out.payload.last, out.valid)
        self.report = unit.report.as_value()
        self.due = deque()  # (clock, word, fault, last)
        self.given = None
        self.open = deque()  # write requests whose words are still to come: [address, left, first]
        self.reports = deque()  # (clock, fault)
        self.asked_reads = []
        self.asked_writes = []
        self.faults = []  # in the order in which the window was told
        self.next_read = 0
        self.next_write = 0
        self.clock = 0

    @staticmethod
    def _channel(stream, names):
        return Channel(stream.valid, stream.ready, **{n: stream.payload[n] for n in names})

    def _requests(self, stream):
        return self._channel(stream, ("address", "count"))

    def read_word(self, address):
        return self.space.get(address, generated(address))

    def willing(self):
        return self.random.random() >= self.pause

    def drive(self, ctx):
        listens = not self.deaf
        ctx.set(self.reads.ready, listens and self.clock >= self.next_read and self.willing())
        ctx.set(self.writes.ready, listens and self.clock >= self.next_write and self.willing())
        ctx.set(self.words.ready, bool(self.open) and self.willing())
        word = 0
        self.given = None
        if self.due and self.due[0][0] <= self.clock and self.willing():
            _, data, fault, last = self.given = self.due.popleft()
            word = data | fault << 64 | last << 68 | 1 << 69
            if fault:
                self.faults.append(("read", fault))
        ctx.set(self.out, word)
        report = 0
        if self.reports and self.reports[0][0] <= self.clock and self.willing():
            _, fault = self.reports.popleft()
            report = 1 | Client.WINDOW << 1 | fault << 3
            if fault:
                self.faults.append(("write", fault))
        elif self.random.random() < self.noise:
            client = self.random.choice([Client.RING, Client.PAGER])
            report = 1 | client << 1 | self.random.randrange(16) << 3
        ctx.set(self.report, report)

    def observe(self, ctx):
        assert ctx.get(self.unit.window_out.ready), "a word that was asked for has no room"
        # Words of a request are there at once and without a gap, and no others.
        assert ctx.get(self.words.valid) == bool(self.open)
        beat = self.words.take(ctx)
        if beat is not None:
            self._write(beat)
        request = self.reads.take(ctx)
        if request is not None:
            self._check(request)
            self.asked_reads.append((request["address"], request["count"]))
            self.next_read = self.clock + self.every
            soonest = self.clock + 1 + self.random.randint(0, self.delay)
            for number in range(request["count"]):
                address = request["address"] + number
                fault = self.fault(address)
                data = 0xBAD if fault else self.read_word(address)
                self.due.append((soonest, data, fault, number == request["count"] - 1))
        request = self.writes.take(ctx)
        if request is not None:
            self._check(request)
            self.asked_writes.append((request["address"], request["count"]))
            self.next_write = self.clock + self.every
            self.open.append([request["address"], request["count"], request["address"]])
        self.clock += 1

    @staticmethod
    def _check(request):
        assert 1 <= request["count"] <= 16
        first = request["address"]
        assert first >> 4 == first + request["count"] - 1 >> 4, "crosses a multiple of 16"

    def _write(self, beat):
        request = self.open[0]
        address, left, first = request
        if not self.fault(first):
            mask = sum(0xFF << 8 * lane for lane in range(8) if beat["strobe"] >> lane & 1)
            word = self.read_word(address)
            self.space[address] = word & ~mask | beat["data"] & mask
        request[0] += 1
        request[1] -= 1
        if left == 1:
            self.open.popleft()
            soonest = self.clock + 1 + self.random.randint(0, self.delay)
            self.reports.append((soonest, self.fault(first)))
