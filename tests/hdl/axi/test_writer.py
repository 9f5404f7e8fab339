"""BurstWriter: every word to its place, every request reported once, whatever the memory does."""

import gc
from random import Random

import pytest

from hdl.axi.writer import BurstWriter
from tests.hdl.axi.bus import Sink, Source, WriteMemory, overwritten, run, run_reset

ADDRESS_WIDTH = 40
REPORT = ("index", "response")


def request(address, beats):
    return address | beats << ADDRESS_WIDTH


class Bench:
    """A writer between its ends."""

    def __init__(
        self, unit, requests, seed=1, *, pause=0.0, source=0.0, sink=0.0, strobes=(0xFF,), **memory
    ):
        random = Random(seed)
        self.memory = WriteMemory(unit, random, pause, **memory)
        self.requests = Source(unit.i, random, source)
        self.words = Source(unit.words, random, source)
        self.reports = Sink(unit.reports, REPORT, random, sink)
        self.agents = [self.requests, self.words, self.memory, self.reports]
        self.expected = {}
        self.count = len(requests)
        for address, beats in requests:
            self.requests.words.append(request(address, beats))
            for number in range(beats):
                word = random.getrandbits(64)
                strobe = random.choice(strobes)
                self.words.words.append(word | strobe << 64)
                if strobe:
                    place = (address + 8 * number) % (1 << ADDRESS_WIDTH)
                    old = self.expected.get(place, 0)
                    self.expected[place] = overwritten(old, word, strobe)

    def ended(self):
        return len(self.reports.words) == self.count


def write(requests, *, outstanding=4, burst_beats=16, **settings):
    unit = BurstWriter(
        address_width=ADDRESS_WIDTH, outstanding=outstanding, burst_beats=burst_beats
    )
    bench = Bench(unit, requests, **settings)
    bench.clocks = run(unit, bench.agents, bench.ended)
    assert bench.memory.words == bench.expected
    assert not bench.words.words
    return bench


def random_requests(random, count):
    requests = []
    for _ in range(count):
        page = random.randrange(1 << 28) << 12
        address = page + 8 * random.choice([0, 1, 496, 505, 511, random.randrange(512)])
        requests.append((address, random.choice([0, 1, 2, 15, 16, 17, 33, random.randrange(80)])))
    return requests


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("outstanding", "burst_beats"), [(1, 2), (2, 16), (4, 16), (8, 4)])
def test_every_word_goes_to_its_place_and_every_request_is_reported(
    seed, outstanding, burst_beats
) -> None:
    random = Random(seed)
    bench = write(
        random_requests(random, 25),
        seed=seed,
        pause=0.4,
        source=0.3,
        sink=0.5,
        latency=random.randrange(12),
        outstanding=outstanding,
        burst_beats=burst_beats,
    )
    assert bench.reports.words == [{"index": n, "response": 0} for n in range(25)]
    assert bench.memory.most <= outstanding
    assert max(beats for _, beats in bench.memory.bursts) <= burst_beats


def test_bytes_that_do_not_count_are_not_written() -> None:
    requests = [(0x1000, 20), (0x1010, 30), (0x1008, 5)]
    bench = write(requests, strobes=(0xFF, 0x0F, 0x81, 0), pause=0.2, source=0.2)
    assert len(bench.memory.at) == 55
    assert 0 < len(bench.expected) < 32


def test_a_request_is_reported_after_all_its_responses() -> None:
    bench = write([(0x1000, 40)], latency=30)
    # The last response comes 30 clocks after the clock that follows the last word.
    assert bench.reports.at == [bench.memory.at[-1] + 1 + 30 + 1]


def test_errors_are_reported_with_their_request_and_stop_nothing() -> None:
    fault = {0x1000: 2, 0x1080: 3, 0x5000: 3}
    requests = [(0x1000, 40), (0x2000, 5), (0x5000, 1), (0x6000, 0), (0x7000, 2)]
    bench = write(requests, fault=lambda address: fault.get(address, 0), pause=0.2)
    assert [report["response"] for report in bench.reports.words] == [2, 0, 3, 0, 0]
    assert [report["index"] for report in bench.reports.words] == [0, 1, 2, 3, 4]


def test_all_errors_never_hang_it() -> None:
    requests = random_requests(Random(9), 20)
    bench = write(requests, fault=lambda address: 3, pause=0.3, source=0.2, sink=0.3)
    verdicts = [report["response"] for report in bench.reports.words]
    assert verdicts == [3 if beats else 0 for _, beats in requests]


@pytest.mark.parametrize("latency", [0, 20, 40])
def test_a_word_a_clock_into_an_ideal_memory(latency) -> None:
    bench = write([(0x1000 * n + 8, 505) for n in range(3)], latency=latency)
    at = bench.memory.at
    assert len(at) / (at[-1] - at[0] + 1) >= 0.95


def test_a_burst_is_announced_two_clocks_after_its_last_word() -> None:
    bench = write([(0, 4)])
    # 0: request and first word taken, 3: last word, 5: burst begins.
    assert bench.memory.at == [5, 6, 7, 8]


def test_nothing_is_announced_before_its_words_are_inside() -> None:
    unit = BurstWriter(address_width=ADDRESS_WIDTH)
    bench = Bench(unit, [(0, 16)])
    kept = bench.words.words.pop()
    run(unit, bench.agents, lambda: bench.memory.clock == 60)
    assert bench.words.sent == 15
    assert not bench.memory.bursts
    assert not bench.memory.at
    assert kept % (1 << 64) in bench.expected.values()


def test_a_held_up_consumer_of_reports_holds_up_no_response() -> None:
    unit = BurstWriter(address_width=ADDRESS_WIDTH, outstanding=2)
    bench = Bench(unit, [(0x1000 * n, 1) for n in range(6)], sink=1.0)
    run(unit, bench.agents, lambda: bench.memory.clock == 200)
    assert len(bench.memory.bursts) == 2
    assert bench.memory.unanswered == 0


@pytest.mark.parametrize("clock", [3, 7, 25, 41])
def test_after_a_reset_in_mid_burst_it_writes_as_if_new(clock) -> None:
    unit = BurstWriter(address_width=ADDRESS_WIDTH)
    before = Bench(unit, [(0x7008, 60)], clock, pause=0.2, source=0.1)
    after = Bench(unit, [(0x3010, 30)], clock, pause=0.2)
    run_reset(unit, before.agents, clock, after.agents, after.ended)
    assert after.memory.words == after.expected
    assert after.reports.words == [{"index": 0, "response": 0}]


@pytest.mark.filterwarnings("ignore:.*created but never used")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"outstanding": 0}, "outstanding must be a power of two, not 0"),
        ({"burst_beats": 3}, "burst_beats must be 2, 4, 8 or 16, not 3"),
        ({"index_width": 0}, "index_width must be at least 1, not 0"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        BurstWriter(**settings)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
