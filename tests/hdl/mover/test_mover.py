"""Mover: every word from its source to its sink, every end told, whatever stalls or fails."""

from random import Random

import pytest

from engram.arch.commands import Fault
from hdl.mover.moves import Sink, Source
from hdl.synth.generator import law_pipeline
from tests.hdl.axi import bus
from tests.hdl.mover.bench import (
    KINDS,
    Bench,
    carry_out,
    move,
    mover,
    random_move,
    synthesised,
)


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize(
    ("pause", "window", "latency"), [(0.0, 0.0, 0), (0.3, 0.1, 7), (0.1, 0.7, 20), (0.6, 0.0, 2)]
)
def test_random_moves_do_what_they_should(lanes, pause, window, latency) -> None:
    random = Random(f"{lanes} {pause} {window}")
    carry_out(
        mover(lanes, (1, 2)),
        [random_move(random, 70) for _ in range(60)],
        seed=latency,
        pause=pause,
        window=window,
        latency=latency,
        strobes=(0xFF, 0xFF, 0x0F, 0xA5, 0),
    )


@pytest.mark.parametrize("seed", range(3))
def test_errors_of_the_bus_end_in_reports_of_their_moves(seed) -> None:
    random = Random(seed)
    reads = {each: random.choice([0] * 30 + [1, 2, 3]) for each in range(256)}
    writes = {each: random.choice([0, 0, 0, 1, 2, 3]) for each in range(80)}
    bench = carry_out(
        mover(1, (1, 2)),
        [random_move(random, 40) for _ in range(80)],
        seed=seed,
        pause=0.2,
        window=0.2,
        latency=5,
        read_fault=lambda address: reads[address >> 3 & 255],
        write_fault=lambda address: writes[address >> 7],
    )
    faults = {fault for _, fault in bench.reports.words}
    assert {Fault.READ_ERROR, Fault.WRITE_ERROR, Fault.UNSUPPORTED_LAW, Fault.OK} <= faults
    assert Fault.READ_ERROR in {word["fault"] for word in bench.shown.words}


def test_a_bus_that_only_fails_never_hangs_it() -> None:
    random = Random(5)
    moves = [random_move(random, 50) for _ in range(50)]
    bench = carry_out(
        mover(), moves, read_fault=lambda address: 3, write_fault=lambda address: 2, pause=0.2
    )
    reported = [each["sink"] for each in moves if each["sink"] != Sink.WINDOW]
    for sink, (_, fault) in zip(reported, bench.reports.words, strict=True):
        assert sink == Sink.NOWHERE or fault != Fault.OK


def test_words_behind_a_failed_read_fail_too_but_not_those_of_the_next_move() -> None:
    moves = [
        move(Source.FETCH, Sink.WINDOW, 4, address=0x1000),
        move(Source.FETCH, Sink.MEMORY, 4, address=0x1000, target=0x40),
        move(Source.FETCH, Sink.WINDOW, 2, address=0x2000),
    ]
    bench = carry_out(mover(), moves, read_fault=lambda address: 2 * (address == 0x1010))
    error = Fault.READ_ERROR
    assert [word["fault"] for word in bench.shown.words] == [0, 0, error, error, 0, 0]
    assert bench.write.words.keys() == {0x40, 0x48}
    assert bench.write.bursts == [(0x40, 4)]
    assert bench.reports.words == [(0, error)]


def test_a_fault_of_a_move_goes_before_what_befalls_its_words() -> None:
    fault = Fault.REFUSED
    moves = [
        move(Source.FETCH, Sink.NOWHERE, 3, fault=fault, client=2),
        move(Source.GENERATE, Sink.NOWHERE, 3, law=9, fault=fault, client=1),
        move(Source.NOTHING, Sink.MEMORY, 3, fault=fault),
        move(Source.WINDOW, Sink.MEMORY, 3, fault=fault, target=0x100),
    ]
    bench = carry_out(mover(), moves, read_fault=lambda address: 2, write_fault=lambda address: 3)
    assert bench.reports.words == [(2, fault), (1, fault), (0, fault), (0, fault)]
    assert bench.write.words == {0: 0, 8: 0, 16: 0}


def test_a_report_of_nowhere_waits_for_the_writes_before_it() -> None:
    moves = [move(Source.NOTHING, Sink.MEMORY, 1), move(Source.NOTHING, Sink.NOWHERE, 1, client=1)]
    bench = carry_out(mover(), moves, latency=40)
    assert bench.reports.at[1] == bench.reports.at[0] + 1 > 40


@pytest.mark.parametrize("lanes", [1, 4])
def test_the_real_law_has_the_stated_latency_and_pace(lanes) -> None:
    unit = mover(lanes, make=law_pipeline)
    moves = [
        move(Source.GENERATE, Sink.WINDOW, 60, address=(1 << 64) - 10),
        move(Source.GENERATE, Sink.WINDOW, 7, address=1 << 40),
    ]
    bench = carry_out(unit, moves, word=synthesised)
    assert bench.shown.at == [unit.latencies[1] + clock for clock in range(67)]
    assert unit.latencies[1] == unit.generator.latencies[1] + 2 == 48
    # The oldest order is in place two clocks after its move was taken.
    assert bench.watch.events["stall_generate"] == unit.latencies[1] - 1 - 2


def test_short_moves_of_the_real_law_go_one_a_clock() -> None:
    unit = mover(make=law_pipeline)
    random = Random(3)
    moves = [
        move(Source.GENERATE, Sink.WINDOW, 1, address=random.getrandbits(64)) for _ in range(120)
    ]
    bench = carry_out(unit, moves, word=synthesised)
    assert bench.shown.at == [unit.latencies[1] + clock for clock in range(120)]


def test_first_words_come_after_the_stated_clocks() -> None:
    for first, clock in (
        (move(Source.NOTHING, Sink.WINDOW, 5), 3),
        (move(Source.GENERATE, Sink.WINDOW, 5, law=9), 5),
        (move(Source.WINDOW, Sink.WINDOW, 5), 3),
        # The address goes out 4 clocks after the move, and its word comes in the next.
        (move(Source.FETCH, Sink.WINDOW, 5), 4 + 1 + 3),
    ):
        bench = carry_out(mover(), [first])
        assert bench.shown.at == [clock + number for number in range(5)], first


def test_reports_come_after_the_stated_clocks() -> None:
    bench = carry_out(mover(), [move(Source.NOTHING, Sink.NOWHERE, 4)])
    # Its words are taken in the clocks 2 to 5.
    assert bench.reports.at == [5 + 3]
    bench = carry_out(mover(), [move(Source.NOTHING, Sink.MEMORY, 4)], latency=9)
    response = bench.write.at[-1] + 1 + 9
    assert bench.reports.at == [response + 2]


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize(("source", "sink"), KINDS)
def test_full_moves_go_a_word_a_clock(source, sink, lanes) -> None:
    moves = [move(source, sink, 512, address=each << 12, target=each << 12) for each in range(2)]
    bench = carry_out(mover(lanes), moves)
    if sink == Sink.NOWHERE:
        assert bench.reports.at[1] - bench.reports.at[0] == 512
    else:
        at = bench.shown.at if sink == Sink.WINDOW else bench.write.at
        # Only while the first address is under way, or the first burst is filled, is there less.
        assert at[-1] - at[0] == 1023
    waits = {"stall_generate", "stall_fetch"} & {
        name for name, count in bench.watch.events.items() if count > 8
    }
    assert not waits


def test_moves_of_several_kinds_follow_each_other_without_a_gap() -> None:
    moves = [
        move(source, Sink.WINDOW, 64, address=each << 12)
        for each in range(3)
        for source in (Source.NOTHING, Source.FETCH, Source.WINDOW, Source.GENERATE)
    ]
    bench = carry_out(mover(4, (1, 2)), moves, latency=10)
    assert bench.shown.at == list(range(3, 3 + 64 * 12))


@pytest.mark.parametrize("writes", [4, 8])
def test_short_moves_keep_all_allowed_writes_under_way(writes) -> None:
    moves = [move(Source.GENERATE, Sink.MEMORY, 1, target=64 * each) for each in range(60)]
    bench = carry_out(mover(writes=writes), moves, latency=40)
    assert bench.write.most == writes
    # So many in the time in which one is written and reported.
    apart = (bench.reports.at[-1] - bench.reports.at[writes]) / (59 - writes)
    assert apart <= (40 + 8) / writes
    assert bench.watch.events["stall_write"] > 100


@pytest.mark.parametrize("outstanding", [2, 4])
def test_short_fetches_keep_all_allowed_reads_under_way(outstanding) -> None:
    moves = [move(Source.FETCH, Sink.WINDOW, 1, address=64 * each) for each in range(60)]
    bench = carry_out(mover(outstanding=outstanding), moves, latency=40)
    assert bench.read.most == outstanding
    apart = (bench.shown.at[-1] - bench.shown.at[outstanding]) / (59 - outstanding)
    assert apart <= (40 + 4) / outstanding
    assert bench.watch.events["stall_fetch"] > 500


def test_words_and_moves_from_the_window_hold_up_no_answer_of_the_bus() -> None:
    moves = [move(Source.FETCH, Sink.WINDOW, 500), move(Source.WINDOW, Sink.MEMORY, 9)]
    unit = mover()
    bench = Bench(unit, moves, window=1.0)
    bus.run(unit, bench.agents, lambda: bench.read.clock == 300)
    # What was asked for came, though nobody takes it.
    assert sum(beats for _, beats in bench.read.bursts) >= 64
    assert not bench.read.queue
    assert not bench.shown.words


class Probe:
    """Asks in every clock whether readies hang on what they must not."""

    def __init__(self, unit):
        self.unit = unit
        self.inputs = [unit.i.valid, unit.window_in.valid, unit.window_out.ready, unit.r_rvalid]

    def drive(self, ctx):
        pass

    def observe(self, ctx):
        readies = (self.unit.i.ready, self.unit.window_in.ready)
        before = [ctx.get(ready) for ready in readies]
        for each in self.inputs:
            value = ctx.get(each)
            ctx.set(each, 1 - value)
            assert [ctx.get(ready) for ready in readies] == before
            ctx.set(each, value)


def test_readies_depend_on_registers_alone() -> None:
    random = Random(8)
    unit = mover(4, (1, 2))
    bench = Bench(unit, [random_move(random, 30) for _ in range(30)], pause=0.2, window=0.5)
    bus.run(unit, [*bench.agents, Probe(unit)], bench.ended)
    bench.check()


@pytest.mark.parametrize("clock", [9, 60, 143])
def test_after_a_reset_it_works_as_if_new(clock) -> None:
    random = Random(clock)
    unit = mover(4, (1, 2))
    before = Bench(unit, [random_move(random, 30) for _ in range(40)], clock, pause=0.1)
    after = Bench(unit, [random_move(random, 30) for _ in range(20)], clock, pause=0.1)
    bus.run_reset(unit, before.agents, clock, after.agents, after.ended)
    after.check()
