"""The golden accelerator's window: what a manager on the chip sees, and what it may do."""

import numpy as np
import pytest

from engram.arch.commands import Fault
from engram.arch.laws import LAWS
from sim.golden.laws import generate
from tests.sim.golden_bench import FRAMES, SEED, Bench


def made(first: int, count: int) -> list[int]:
    return [generate(LAWS[1], SEED, first + i) for i in range(count)]


@pytest.fixture
def bench() -> Bench:
    """An accelerator whose space is selected."""
    bench = Bench()
    bench.select()
    return bench


def test_the_window_shows_the_space_and_takes_bytes(bench) -> None:
    assert bench.dut.window_read(0, 1) == [(0, Fault.REFUSED)]
    assert bench.field("STATUS", "WINDOW_FAULT") == Fault.REFUSED
    assert bench.read("IRQ_STATUS") & 8
    bench.write("CONTROL", 0b111)
    words = bench.dut.config.window_words
    bench.write("WINDOW_BASE", 3 * words + 12345)
    assert bench.dut.window_read(7, 2) == [(w, Fault.OK) for w in made(3 * words + 7, 2)]
    strobes = np.array([0xFF, 0x0F, 0], np.uint8)
    values = np.array([1, 0, 5], np.uint64)
    assert bench.dut.window_write(7, values, strobes) is Fault.OK
    expected = made(3 * words + 7, 3)
    expected[0] = 1
    expected[1] &= ~0xFFFF_FFFF
    assert bench.get(3 * words + 7, 3) == expected
    assert bench.read("FRAMES_USED") == 1


def test_the_window_needs_a_space_and_reports_what_fails() -> None:
    bench = Bench(frames=1)
    bench.write("CONTROL", 0b111)
    assert bench.dut.window_write(0, np.zeros(1, np.uint64)) is Fault.NO_SPACE
    bench.select()
    assert bench.dut.window_write(510, np.zeros(4, np.uint64)) is Fault.NO_FRAME
    assert bench.get(510, 4) == [0, 0, *made(512, 2)]
    bench.dut.dram.failing_reads = {FRAMES + 8 * 511}
    assert bench.dut.window_read(510, 2) == [(0, Fault.OK), (0, Fault.READ_ERROR)]
    assert bench.field("STATUS", "WINDOW_FAULT") == Fault.READ_ERROR
