"""WordAccess: one burst a request, every word where it belongs, one end of each request."""

import gc
from dataclasses import replace
from random import Random

import pytest

from hdl.axi.access import WordAccess, access_request_layout
from hdl.formal.access import PROOFS
from hdl.formal.runner import run as prove
from tests.hdl.axi.bus import ReadMemory, Source, WriteMemory, run, run_reset
from tests.hdl.axi.test_proofs import broken

ADDRESS_WIDTH = 40
LAYOUT = access_request_layout(ADDRESS_WIDTH)


class Watch:
    """Notes with their clocks the requests that are taken, the beats, and the ends."""

    def __init__(self, unit):
        self.unit = unit
        self.taken = []
        self.beats = []
        self.ends = []
        self.clock = 0

    def drive(self, ctx):
        pass

    def observe(self, ctx):
        unit = self.unit
        if ctx.get(unit.i.valid & unit.i.ready):
            self.taken.append(self.clock)
        if ctx.get(unit.beat.valid):
            beat = unit.beat
            word = (ctx.get(beat.data), ctx.get(beat.response), ctx.get(beat.last))
            self.beats.append((self.clock, *word))
        if ctx.get(unit.done.valid):
            self.ends.append((self.clock, ctx.get(unit.done.response)))
        self.clock += 1


class Bench:
    """A unit, its memory, and requests (write, address, beats); words of writes are random."""

    def __init__(
        self, unit, requests, *, seed=1, pause=0.0, source=0.0, words=0.0, latency=0,
        fault=lambda address: 0,
    ):  # fmt: skip
        random = Random(seed)
        self.unit = unit
        self.requests = requests
        self.read = ReadMemory(unit, random, pause, latency, fault)
        self.write = WriteMemory(unit, random, pause, latency, fault)
        self.write.words = self.read.words  # one DRAM
        self.source = Source(unit.i, random, source)
        self.words = Source(unit.words, random, words)
        self.watch = Watch(unit)
        self.agents = [self.source, self.words, self.read, self.write, self.watch]
        self.dram = {}
        self.beats = []
        self.verdicts = []
        for write, address, beats in requests:
            payload = {"write": write, "address": address, "beats": beats}
            self.source.words.append(LAYOUT.const(payload).as_bits())
            addresses = [address + 8 * number for number in range(beats)]
            if write:
                self.verdicts.append(fault(address))
                for place in addresses:
                    self.dram[place] = random.getrandbits(64)
                    self.words.words.append(self.dram[place])
            else:
                faults = [fault(place) for place in addresses]
                self.verdicts.append(next((error for error in faults if error), 0))
                for place, error in zip(addresses, faults, strict=True):
                    word = self.dram.get(place, place ^ 0x5A5A_0000_0000_A5A5)
                    self.beats.append((word, error, int(place == addresses[-1])))

    def ended(self):
        return len(self.watch.ends) == len(self.requests)

    def check(self):
        assert [beat[1:] for beat in self.watch.beats] == self.beats
        assert [verdict for _, verdict in self.watch.ends] == self.verdicts
        assert self.read.words == self.dram
        bursts = [request[1:] for request in self.requests if not request[0]]
        assert self.read.bursts == bursts
        assert self.write.bursts == [request[1:] for request in self.requests if request[0]]


def access(requests, **settings):
    bench = Bench(WordAccess(address_width=ADDRESS_WIDTH), requests, **settings)
    run(bench.unit, bench.agents, bench.ended)
    bench.check()
    return bench


def random_requests(random, count):
    requests = []
    for _ in range(count):
        beats = random.choice([1, 1, 2, 8, 16, random.randrange(1, 17)])
        place = random.choice([0, 512 - beats, random.randrange(513 - beats)])
        page = random.choice([0, 1, (1 << 28) - 1])
        requests.append((random.randrange(2), page << 12 | place << 3, beats))
    return requests


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("pause", "latency"), [(0.0, 0), (0.4, 3), (0.0, 20)])
def test_every_request_is_one_burst_with_its_words_and_its_end(seed, pause, latency) -> None:
    requests = random_requests(Random(seed), 25)
    access(requests, seed=seed, pause=pause, latency=latency, source=0.3 * (seed % 2))


def test_words_that_come_late_are_written_all_the_same() -> None:
    requests = [(1, 0x1000 * n, 1 + n) for n in range(16)]
    access(requests, pause=0.3, words=0.6)


@pytest.mark.parametrize("latency", [0, 7, 20])
def test_a_read_comes_as_fast_as_the_bus_gives_it(latency) -> None:
    bench = access([(0, 0x40, 16), (0, 0x80, 1)], latency=latency)
    # 0: taken, 1: address, 2 + latency: memory's earliest word.
    assert [beat[0] for beat in bench.watch.beats[:16]] == list(range(2 + latency, 18 + latency))
    assert bench.watch.ends[0][0] == 17 + latency
    assert bench.watch.taken == [0, 18 + latency]


@pytest.mark.parametrize("latency", [0, 7, 20])
def test_words_are_written_from_the_clock_after_their_address_on(latency) -> None:
    bench = access([(1, 0x40, 16), (1, 0x80, 1)], latency=latency)
    assert bench.write.at[:16] == list(range(2, 18))
    assert bench.watch.ends[0][0] == 18 + latency
    assert bench.watch.taken == [0, 19 + latency]


def test_the_first_error_is_the_verdict_and_the_next_request_has_its_own() -> None:
    fault = {0x1010: 2, 0x1020: 3, 0x3000: 3, 0x4000: 2}
    requests = [(0, 0x1000, 8), (0, 0x2000, 2), (1, 0x3000, 4), (1, 0x5000, 4), (0, 0x4000, 1)]
    bench = access(requests, pause=0.2, fault=lambda address: fault.get(address, 0))
    assert bench.verdicts == [2, 0, 3, 0, 2]


@pytest.mark.parametrize("write", [0, 1])
@pytest.mark.parametrize("clock", [2, 6, 11])
def test_after_a_reset_in_mid_burst_it_works_as_if_new(write, clock) -> None:
    unit = WordAccess(address_width=ADDRESS_WIDTH)
    before = Bench(unit, [(write, 0x7000, 16)], fault=lambda address: 2)
    after = Bench(unit, [(0, 0x3008, 3), (1, 0x3008, 3), (0, 0x3008, 4)], pause=0.2)
    run_reset(unit, before.agents, clock, after.agents, after.ended)
    after.check()


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_the_proof_holds(proof, tmp_path) -> None:
    outcome = prove(proof, tmp_path)
    assert outcome.status == "PASS", outcome.log


BREAKS = [
    ("self.m_axi_wlast.eq(left == 1)", "self.m_axi_wlast.eq(left == 0)"),
    ("(left != 0) & (self.m_axi_wready | ~self.m_axi_wvalid)", "(left != 0)"),
    ("length.eq(request.beats - 1)", "length.eq(request.beats)"),
    ("reading.eq(0), writing.eq(0), failed.eq(0)", "reading.eq(0), writing.eq(0)"),
    ("left.eq(request.beats)", "left.eq(request.beats - 1)"),
]


@pytest.mark.parametrize(
    ("old", "new"), [BREAKS[0], *(pytest.param(*b, marks=pytest.mark.long) for b in BREAKS[1:])]
)
def test_the_proof_fails_of_a_broken_unit(old, new, tmp_path) -> None:
    make = broken("hdl.axi.access.WordAccess", old, new)
    harness = PROOFS[0].harness
    outcome = prove(replace(PROOFS[0], harness=lambda: harness(make)), tmp_path)
    assert outcome.status != "PASS"
    assert "failed assertion" in outcome.log, outcome.log


@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match=r"address_width must be in 12\.\.64, not 8"):
        WordAccess(address_width=8)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
