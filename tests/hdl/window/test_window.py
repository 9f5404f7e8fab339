"""The window: bytes are where AXI puts them, and answers come back in order."""

import pytest

from engram.arch.commands import Fault
from tests.hdl.axi.bus import run
from tests.hdl.window.bench import BITS, HALF, OKAY, SLVERR, Bench
from tests.hdl.window.ends import Beat, Burst, random_burst

FIXED, INCR, WRAP, RESERVED = range(4)

STALLS = [
    {},
    {"offer": 0.4, "take": 0.4, "pause": 0.4, "delay": 20},
    {"take": 0.7, "delay": 3},
    {"offer": 0.7, "pause": 0.2, "delay": 40},
    {"pause": 0.7, "every": 4},
]


@pytest.mark.parametrize("seed", range(len(STALLS)))
def test_reads_give_the_words_that_axi_names(seed) -> None:
    bench = Bench(seed, noise=0.2, **STALLS[seed])
    for _ in range(30):
        bench.read(random_burst(bench.random, BITS))
    bench.run()


@pytest.mark.parametrize("seed", range(len(STALLS)))
def test_writes_change_the_bytes_that_axi_names_and_no_others(seed) -> None:
    bench = Bench(seed, noise=0.2, **STALLS[seed])
    for _ in range(30):
        bench.write(random_burst(bench.random, BITS))
    bench.run()


@pytest.mark.parametrize("seed", range(len(STALLS)))
def test_both_directions_work_at_once(seed) -> None:
    bench = Bench(100 + seed, base=seed * 0x1234_5678_9ABC_DEF1, noise=0.2, **STALLS[seed])
    for _ in range(20):
        # What wraps at the window's top is written, never read.
        burst = random_burst(bench.random, BITS, past=HALF // 2)
        bench.read(burst)
        bench.write(random_burst(bench.random, BITS, first=HALF, past=2 * HALF - 2048))
    bench.run()


def test_what_was_written_is_read_back() -> None:
    bench = Bench(pause=0.2, delay=9)
    bench.write(Burst(0x1238, 20))
    bench.write(Burst(0x1241, 5, size=0), strobes=[1 << (1 + n) for n in range(5)])
    bench.run(0)
    # In one simulation, reads could overtake the writes: the space is carried over.
    again = Bench()
    again.pager.space = bench.pager.space
    again.model = bench.model
    again.read(Burst(0x1230, 24))
    again.run()


def test_pieces_end_at_multiples_of_sixteen_words() -> None:
    bench = Bench(base=0)
    bench.read(Burst(8 * 13, 40))
    bench.write(Burst(8 * 31 + 5, 18))
    bench.run()
    assert bench.pager.asked_reads == [(13, 3), (16, 16), (32, 16), (48, 5)]
    assert bench.pager.asked_writes == [(31, 1), (32, 16), (48, 1)]


@pytest.mark.parametrize(
    ("burst", "words"),
    [
        (Burst(0x48, 3, kind=FIXED), [9, 9, 9]),
        (Burst(0x46, 4, size=1), [8, 9, 9, 9]),
        (Burst(0x43, 4, size=2), [8, 8, 9, 9]),
        (Burst(0x58, 4, kind=WRAP), [11, 8, 9, 10]),
        (Burst(0x7C, 4, size=2, kind=WRAP), [15, 14, 14, 15]),
        (Burst(0x78, 16, kind=WRAP), [15, *range(15)]),
        (Burst((1 << BITS) - 8, 2, size=2), [HALF // 4 - 1] * 2),
        (Burst((1 << BITS) - 4, 2, size=2), [HALF // 4 - 1, 0]),
        (Burst(0x3F8, 2, size=2), [127, 127]),
        (Burst(0x3FC, 2, size=2), [127, 128]),
    ],
)
def test_other_bursts_go_beat_by_beat(burst, words) -> None:
    bench = Bench(base=0)
    bench.read(burst)
    bench.write(burst)
    # Of a space that changes meanwhile: the words are those asked for.
    run(bench.unit, bench.agents, bench.until(2))
    assert bench.pager.asked_reads == [(word, 1) for word in words]
    assert bench.pager.asked_writes == [(word, 1) for word in words]


REFUSED = [
    Burst(0x100, 4, size=4),
    Burst(0x100, 1, size=7),
    Burst(0x100, 17, kind=RESERVED),
    Burst(0x100, 3, kind=WRAP),
    Burst(0x100, 1, kind=WRAP),
    Burst(0x100, 32, kind=WRAP),
]


@pytest.mark.parametrize("burst", REFUSED)
def test_refused_bursts_end_in_errors_and_ask_for_nothing(burst) -> None:
    bench = Bench()
    bench.read(burst)
    bench.write(burst)
    bench.run()
    assert not bench.pager.asked_reads
    assert not bench.pager.asked_writes
    assert not bench.faults


def test_refused_bursts_keep_their_place_among_others() -> None:
    bench = Bench(7, pause=0.3, delay=12, take=0.2)
    for number, refused in enumerate(REFUSED):
        bench.read(Burst(0x800 + 72 * number, 9, id=1))
        bench.read(refused)
        bench.write(Burst(HALF + 0x800 + 72 * number, 9, id=1))
        bench.write(refused)
    bench.run()


def test_faults_become_errors_of_their_words_and_bursts() -> None:
    bad = {13: Fault.REFUSED, 40: Fault.READ_ERROR, 41: Fault.UNSUPPORTED_LAW}
    bad[HALF // 8 + 16] = Fault.NO_FRAME
    bench = Bench(3, base=0, pause=0.3, delay=5, fault=lambda address: bad.get(address, 0))
    bench.read(Burst(8 * 10, 5))
    bench.read(Burst(8 * 39, 4))
    bench.read(Burst(8 * 50, 2))
    for first, beats, verdict in ((0, 4, OKAY), (15, 50, SLVERR), (32, 3, OKAY), (16, 2, SLVERR)):
        # A piece fails as a whole: its words are not compared with the model.
        bench.manager.write(Burst(HALF + 8 * first, beats, id=5), [Beat(1, 0, 0)] * beats)
        bench.expected_b.append({"id": 5, "resp": verdict})
    bench.run()
    told = [fault for _, fault in bench.pager.faults]
    assert sorted(told) == sorted([*bad.values(), Fault.NO_FRAME])
    assert bench.faults == told
