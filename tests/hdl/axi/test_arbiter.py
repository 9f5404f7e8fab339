"""Arbiter: several readers and writers on one port, each as if it were alone."""

import gc
from random import Random

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from hdl.axi.arbiter import Arbiter
from hdl.axi.reader import BurstReader
from hdl.axi.signatures import port
from hdl.axi.writer import BurstWriter
from tests.hdl.axi.bus import ReadMemory, Sink, Source, WriteMemory, run

ADDRESS_WIDTH = 40
BEAT = ("data", "response", "last", "index")
REPORT = ("index", "response")


class Shared(Elaboratable):
    """Readers and writers behind an arbiter."""

    def __init__(self, readers, writers, outstanding=8):
        self.arbiter = Arbiter(readers=readers, writers=writers, outstanding=outstanding)
        self.readers = [BurstReader() for _ in range(readers)]
        self.writers = [BurstWriter() for _ in range(writers)]

    def elaborate(self, platform):
        m = Module()
        m.submodules.arbiter = self.arbiter
        for letter, units in (("r", self.readers), ("w", self.writers)):
            for number, unit in enumerate(units):
                m.submodules[f"{letter}{number}"] = unit
                outside = port(self.arbiter, f"{letter}{number}", unit.signature_axi.flip())
                wiring.connect(m, port(unit, "m_axi", unit.signature_axi), outside)
        return m


def request(address, beats):
    return address | beats << ADDRESS_WIDTH


def word_at(address):
    return address ^ 0x5A5A_0000_0000_A5A5


@pytest.mark.parametrize(("readers", "writers"), [(1, 1), (3, 2), (2, 0), (0, 3)])
@pytest.mark.parametrize("pause", [0.0, 0.4])
def test_each_manager_sees_a_memory_of_its_own(readers, writers, pause) -> None:
    random = Random(readers * 7 + writers)
    unit = Shared(readers, writers)
    agents, done, expected, written, sinks = [], [], [], {}, []
    memory = None
    if readers:
        agents.append(
            ReadMemory(unit.arbiter, random, pause, 7, lambda address: 2 * (address >> 12 & 1))
        )
    if writers:
        memory = WriteMemory(
            unit.arbiter, random, pause, 7, lambda address: 3 * (address >> 12 & 1)
        )
        agents.append(memory)
    for number, reader in enumerate(unit.readers):
        source = Source(reader.i, random, pause)
        sink = Sink(reader.o, BEAT, random, pause)
        beats = []
        for index in range(12):
            address = (number << 32) + 8 * random.randrange(4096)
            count = random.randrange(1, 50)
            source.words.append(request(address, count))
            verdict = 0
            for offset in range(count):
                here = address + 8 * offset
                verdict = verdict or 2 * (here >> 12 & 1)
                last = int(offset == count - 1)
                beats.append(dict(zip(BEAT, (word_at(here), verdict, last, index), strict=True)))
        expected.append(beats)
        sinks.append(sink)
        agents += [source, sink]
        done.append(lambda sink=sink, beats=beats: len(sink.words) >= len(beats))
    reports = []
    for number, writer in enumerate(unit.writers):
        source = Source(writer.i, random, pause)
        words = Source(writer.words, random, pause)
        sink = Sink(writer.reports, REPORT, random, pause)
        for index in range(12):
            address = (number << 32) + (index << 16) + 8 * random.randrange(512)
            count = random.randrange(1, 50)
            source.words.append(request(address, count))
            for offset in range(count):
                word = random.getrandbits(64)
                words.words.append(word | 0xFF << 64)
                written[address + 8 * offset] = word
            reports.append(
                (sink, index, 3 * int(any((address + 8 * k) >> 12 & 1 for k in range(count))))
            )
        agents += [source, words, sink]
        done.append(lambda sink=sink: len(sink.words) >= 12)
    run(unit, agents, lambda: all(ended() for ended in done))
    assert [sink.words for sink in sinks] == expected
    if memory is not None:
        assert memory.words == written
    for sink, index, response in reports:
        assert sink.words[index] == {"index": index, "response": response}


def test_everybody_gets_a_turn() -> None:
    random = Random(1)
    unit = Shared(3, 0)
    memory = ReadMemory(unit.arbiter, random)
    agents = [memory]
    for number, reader in enumerate(unit.readers):
        source = Source(reader.i, random)
        source.words.append(request(number << 32, 512))
        agents += [source, Sink(reader.o, BEAT, random)]
    run(unit, agents, lambda: len(memory.bursts) == 60)
    # Each has room for four bursts at first; then all wait, and are served in turn.
    owners = [address >> 32 for address, _ in memory.bursts]
    assert all(set(owners[at : at + 3]) == {0, 1, 2} for at in range(15, 57, 3))


@pytest.mark.parametrize("outstanding", [1, 4])
def test_bursts_under_way_are_bounded(outstanding) -> None:
    random = Random(1)
    unit = Shared(2, 1, outstanding)
    reads = ReadMemory(unit.arbiter, random, 0, 40)
    writes = WriteMemory(unit.arbiter, random, 0, 40)
    agents = [reads, writes]
    sinks = []
    for reader in unit.readers:
        source = Source(reader.i, random)
        source.words.append(request(0, 100))
        sinks.append(Sink(reader.o, BEAT, random))
        agents += [source, sinks[-1]]
    source, words = Source(unit.writers[0].i, random), Source(unit.writers[0].words, random)
    source.words.append(request(0, 100))
    words.words.extend(word | 0xFF << 64 for word in range(100))
    reports = Sink(unit.writers[0].reports, REPORT, random)
    agents += [source, words, reports]
    run(unit, agents, lambda: reports.words and all(len(sink.words) == 100 for sink in sinks))
    assert reads.most <= outstanding
    assert writes.most <= outstanding


def test_two_readers_share_a_word_a_clock() -> None:
    random = Random(1)
    unit = Shared(2, 0)
    agents, sinks = [ReadMemory(unit.arbiter, random, 0, 10)], []
    for number, reader in enumerate(unit.readers):
        source = Source(reader.i, random)
        source.words.append(request(number << 32, 512))
        sinks.append(Sink(reader.o, BEAT, random))
        agents += [source, sinks[-1]]
    run(unit, agents, lambda: all(len(sink.words) == 512 for sink in sinks))
    at = sorted(sinks[0].at + sinks[1].at)
    assert 1024 / (at[-1] - at[0] + 1) >= 0.95


@pytest.mark.filterwarnings("ignore:.*created but never used")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"readers": 0, "writers": 0}, r"must be at least one in all, not \(0, 0\)"),
        ({"readers": 1, "writers": 1, "outstanding": 6}, "must be a power of two, not 6"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        Arbiter(**settings)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
