"""BurstReader: every word once and in order, whatever the memory does."""

import gc
from random import Random

import pytest

from hdl.axi.reader import BurstReader
from tests.hdl.axi.bus import ReadMemory, Sink, Source, run, run_reset

ADDRESS_WIDTH = 40
BEAT = ("data", "response", "last", "index")


def request(address, beats):
    return address | beats << ADDRESS_WIDTH


def word_at(address):
    return address ^ 0x5A5A_0000_0000_A5A5


def read(requests, *, seed=1, pause=0.0, source=0.0, sink=0.0, latency=0, fault=None, **settings):
    random = Random(seed)
    unit = BurstReader(address_width=ADDRESS_WIDTH, **settings)
    memory = ReadMemory(unit, random, pause, latency, fault or (lambda address: 0))
    source = Source(unit.i, random, source)
    sink = Sink(unit.o, BEAT, random, sink)
    source.words.extend(request(*entry) for entry in requests)
    total = sum(beats for _, beats in requests)
    agents = [source, memory, sink]
    clocks = run(unit, agents, lambda: len(sink.words) >= total and not source.words)
    assert len(sink.words) == total
    return memory, sink, clocks


def expected(requests, fault=lambda address: 0):
    beats = []
    for index, (address, count) in enumerate(requests):
        verdict = 0
        for number in range(count):
            here = (address + 8 * number) % (1 << ADDRESS_WIDTH)
            verdict = verdict or fault(here)
            beats.append(
                {
                    "data": word_at(here),
                    "response": verdict,
                    "last": int(number == count - 1),
                    "index": index % 256,
                }
            )
    return beats


def random_requests(random, count):
    requests = []
    for _ in range(count):
        page = random.randrange(1 << 28) << 12
        address = page + 8 * random.choice([0, 1, 496, 505, 511, random.randrange(512)])
        requests.append((address, random.choice([0, 1, 2, 15, 16, 17, 33, random.randrange(80)])))
    return requests


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("outstanding", "burst_beats"), [(1, 2), (2, 16), (4, 16), (8, 4)])
def test_every_word_comes_once_and_in_order(seed, outstanding, burst_beats) -> None:
    random = Random(seed)
    requests = random_requests(random, 25)
    memory, sink, _ = read(
        requests,
        seed=seed,
        pause=0.4,
        source=0.3,
        sink=0.3,
        latency=random.randrange(12),
        outstanding=outstanding,
        burst_beats=burst_beats,
    )
    assert sink.words == expected(requests)
    assert memory.most <= outstanding
    assert max(beats for _, beats in memory.bursts) <= burst_beats


def test_bursts_end_at_multiples_of_a_full_one() -> None:
    memory, _, _ = read([(0xFF0, 20), (0x2008, 3), (0x2078, 1), (0x2000, 16)])
    assert memory.bursts == [
        (0xFF0, 2), (0x1000, 16), (0x1080, 2), (0x2008, 3), (0x2078, 1), (0x2000, 16),
    ]


def test_low_address_bits_are_ignored_and_addresses_count_on_from_zero() -> None:
    top = (1 << ADDRESS_WIDTH) - 16
    memory, sink, _ = read([(top + 5, 4)])
    assert memory.bursts == [(top, 2), (0, 2)]
    assert sink.words == expected([(top, 4)])


def test_errors_are_reported_with_their_request_and_stop_nothing() -> None:
    fault = {0x1010: 2, 0x1080: 3, 0x5000: 3}

    def respond(address):
        return fault.get(address, 0)

    requests = [(0x1000, 40), (0x2000, 5), (0x5000, 1), (0x6000, 2)]
    _, sink, _ = read(requests, fault=respond, pause=0.2, sink=0.2)
    assert sink.words == expected(requests, respond)
    verdicts = {beat["index"]: beat["response"] for beat in sink.words if beat["last"]}
    assert verdicts == {0: 2, 1: 0, 2: 3, 3: 0}


def test_all_errors_never_hang_it() -> None:
    requests = random_requests(Random(9), 20)

    def respond(address):
        return 2 + (address >> 3 & 1)

    _, sink, _ = read(requests, fault=respond, pause=0.3, sink=0.3)
    assert sink.words == expected(requests, respond)


def test_first_word_comes_after_the_stated_clocks() -> None:
    _, sink, _ = read([(0, 1)], latency=0)
    # 0: request taken, 3: address, 4: memory's earliest beat, 5: word.
    assert sink.at == [5]


@pytest.mark.parametrize("latency", [0, 20, 40])
def test_a_word_a_clock_from_an_ideal_memory(latency) -> None:
    _, sink, _ = read([(0x1000 * n + 8, 505) for n in range(3)], latency=latency)
    steady = sink.at[-1] - sink.at[0] + 1
    assert len(sink.words) / steady >= 0.95
    assert sink.at[0] == 5 + latency


def test_short_requests_keep_the_pace_too() -> None:
    _, sink, _ = read([(64 * n, 1) for n in range(200)], outstanding=8)
    assert 200 / (sink.at[-1] - sink.at[0] + 1) >= 0.95


def test_no_more_is_asked_for_than_has_room() -> None:
    random = Random(3)
    unit = BurstReader(address_width=ADDRESS_WIDTH, outstanding=2)
    memory = ReadMemory(unit, random)
    source = Source(unit.i, random)
    sink = Sink(unit.o, BEAT, random, pause=1.0)
    source.words.append(request(0, 100))
    run(unit, [source, memory, sink], lambda: memory.clock > 200)
    assert sum(beats for _, beats in memory.bursts) == 32
    assert not sink.words


@pytest.mark.parametrize("clock", [3, 7, 20, 41])
def test_after_a_reset_in_mid_burst_it_reads_as_if_new(clock) -> None:
    random = Random(clock)
    unit = BurstReader(address_width=ADDRESS_WIDTH)
    before = Source(unit.i, random)
    before.words.append(request(0x7008, 60))
    after = Source(unit.i, random)
    after.words.append(request(0x3010, 30))
    first = [before, ReadMemory(unit, random, 0.2), Sink(unit.o, BEAT, random, 0.2)]
    sink = Sink(unit.o, BEAT, random, 0.2)
    second = [after, ReadMemory(unit, random, 0.2), sink]
    run_reset(unit, first, clock, second, lambda: len(sink.words) == 30)
    assert sink.words == expected([(0x3010, 30)])


@pytest.mark.filterwarnings("ignore:.*created but never used")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"outstanding": 3}, "outstanding must be a power of two, not 3"),
        ({"burst_beats": 32}, "burst_beats must be 2, 4, 8 or 16, not 32"),
        ({"beats_width": 0}, "beats_width must be at least 1, not 0"),
        ({"address_width": 70}, r"address_width must be in 12\.\.64, not 70"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        BurstReader(**settings)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
