"""What a Verilated bus says of designs that break AXI's rules, and how it uses a window."""

from collections.abc import Iterator

import numpy as np
import pytest

from engram.errors import DeviceFault, DeviceTimeout
from sim.verilated.bus import Channel, VerilatedBus
from tests.sim.designs import MISSING, library_of
from tests.sim.small_window import REFUSED, WORDS, SmallWindow
from tests.sim.wrong_manager import MISTAKES, WrongManager

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(scope="module")
def wrong() -> Iterator[VerilatedBus]:
    bus = VerilatedBus(library_of(WrongManager))
    yield bus
    bus.close()


@pytest.fixture
def window() -> Iterator[VerilatedBus]:
    bus = VerilatedBus(library_of(SmallWindow))
    yield bus
    bus.close()


def provoke(bus: VerilatedBus, number: int) -> None:
    bus.read(4 * number)
    bus.settle(100)


@pytest.mark.parametrize(("number", "text"), list(enumerate(MISTAKES.values(), 1)))
def test_a_broken_rule_is_a_fault_that_names_it(wrong, number, text) -> None:
    wrong.reset()
    wrong.stall(0.5, Channel.AR, Channel.W, seed=3)
    wrong.settle(100)
    assert wrong.violations == []
    with pytest.raises(DeviceFault, match="broke AXI's rules"):
        provoke(wrong, number)
    assert any(line.endswith(text) for line in wrong.violations), wrong.violations
    assert len(wrong.violations) <= 20


@pytest.mark.parametrize("burst", [1, 5, 16, 256])
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_a_window_gives_back_what_was_written(window, burst, stall) -> None:
    window.stall(stall, seed=burst)
    chance = np.random.default_rng(burst)
    model = np.zeros(8 * WORDS, np.uint8)
    for delays in ((0, 0), (30, 0), (0, 30)):
        first, words = chance.integers(0, 300), chance.integers(1, 400)  # over a border of 4 KiB
        data = chance.integers(0, 1 << 63, words).astype(np.uint64)
        strobes = chance.integers(0, 256, words).astype(np.uint8)
        window.window_write(
            8 * first, data, strobes, burst=burst, identity=5,
            address_delay=delays[0], data_delay=delays[1],
        )  # fmt: skip
        lanes = np.unpackbits(strobes, bitorder="little") != 0
        model[8 * first : 8 * (first + words)][lanes] = data.view(np.uint8)[lanes]
        found = window.window_read(0, REFUSED // 8, burst=burst, identity=9)
        assert (found.view(np.uint8) == model[:REFUSED]).all()


def test_a_window_is_read_at_one_word_a_clock(window) -> None:
    before = window.cycles
    window.window_read(0, 512)
    assert 512 <= window.cycles - before < 512 + 8


def test_a_delay_is_as_long_as_asked(window) -> None:
    took = []
    for delays in ((0, 0), (50, 0), (0, 50), (50, 50)):
        before = window.cycles
        window.window_write(
            0, np.ones(4, np.uint64), address_delay=delays[0], data_delay=delays[1]
        )
        took.append(window.cycles - before)
    assert took[1] == took[3] == took[0] + 50
    assert took[0] + 49 <= took[2] <= took[0] + 50  # the address goes while the data wait


def test_a_refused_word_of_a_window_is_a_fault(window) -> None:
    with pytest.raises(DeviceFault, match=r"reading the window at 0x1800 was refused \(SLVERR\)"):
        window.window_read(REFUSED - 16, 8)
    with pytest.raises(DeviceFault, match=r"writing the window at 0x1800 was refused \(SLVERR\)"):
        window.window_write(REFUSED - 16, np.ones(8, np.uint64), burst=2)
    assert window.window_read(REFUSED - 16, 2).tolist() == [1, 1]


def test_an_access_outside_of_the_window_is_refused(window) -> None:
    one = np.ones(1, np.uint64)
    for call in (
        lambda: window.window_read(4, 1),
        lambda: window.window_read(-8, 1),
        lambda: window.window_read(8 * WORDS, 1),
        lambda: window.window_read(0, 0),
        lambda: window.window_read(0, 1, burst=257),
        lambda: window.window_read(0, 1, identity=16),
        lambda: window.window_write(0, one, np.ones(2, np.uint8)),
    ):
        with pytest.raises(ValueError, match="must be"):
            call()


def test_a_window_that_hangs_times_out_until_reset(window) -> None:
    window.patience = 1 - 64  # one clock; 64 more are granted for each word
    with pytest.raises(DeviceTimeout, match="reading the window was not answered"):
        window.window_read(0, 1)
    window.patience = 1000
    with pytest.raises(DeviceTimeout):
        window.window_read(0, 1)
    window.reset()
    assert window.window_read(0, 1).tolist() == [0]
