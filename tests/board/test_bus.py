"""The driver on a simulated board: right words, few accesses, however it waits."""

import asyncio
import logging
import threading
import time

import numpy as np
import pytest
from pynq.interrupt import _InterruptController

from engram.arch.laws import LAWS
from engram.arch.regs import IDENTITY, REGISTERS
from engram.errors import DeviceFault
from engram.fpga.backend import FpgaSpace
from engram.fpga.pynq_bus import PynqBus
from engram.numpy_laws import generate

logger = logging.getLogger(__name__)

LAW = LAWS[1]
SEED = 77
GATHERED = np.array([3, 2**63, 12345, 2**64 - 1, 4], np.uint64)
VALUES = np.arange(1, 6, dtype=np.uint64)


def generated(addresses: np.ndarray) -> np.ndarray:
    return generate(LAW, SEED, addresses)


def run_of(space: FpgaSpace, address: int, count: int) -> np.ndarray:
    return space.read_words(np.arange(address, address + count, dtype=np.uint64), LAW)


JOBS = {
    "one word": lambda space: space.read_word(5),
    "gather": lambda space: space.read_words(GATHERED, LAW),
    "generate": lambda space: space.generate_words(GATHERED, LAW),
    "write": lambda space: space.write_words(GATHERED, VALUES),
    "erase": lambda space: space.erase_words(GATHERED),
}


@pytest.mark.parametrize("way", ["polling", "interrupt"])
def test_a_job_costs_two_accesses(board, bring_up, way) -> None:
    accelerator = bring_up(polls=64 if way == "polling" else 0)
    space = FpgaSpace(LAW, SEED, accelerator=accelerator)
    space.write_words(GATHERED, VALUES)  # has the space selected, and all pages framed
    for name, job in JOBS.items():
        before, at_controller = board.core.accesses, board.interrupts.accesses
        job(space)
        cost, there = board.core.accesses - before, board.interrupts.accesses - at_controller
        logger.info("%s, %s: %d accesses, and %d at the controller", name, way, cost, there)
        assert cost == 2, name
        if way == "polling":
            assert there == 0
        else:
            # Its own acknowledgement; PYNQ's enable, twice, and what it does when it is woken.
            assert 0 < there <= 7, name
    assert accelerator.bus.reads + accelerator.bus.writes == board.core.accesses


@pytest.mark.parametrize("polls", [0, 64])
def test_words_are_those_of_the_law_and_written_ones_come_back(bring_up, polls) -> None:
    space = FpgaSpace(LAW, SEED, accelerator=bring_up(polls=polls))
    assert (space.read_words(GATHERED, LAW) == generated(GATHERED)).all()
    space.write_words(GATHERED, VALUES)
    assert (space.read_words(GATHERED, LAW) == VALUES).all()
    near = GATHERED[:3] + np.uint64(1)
    near[0] = 5
    assert (space.read_words(near, LAW) == generated(near)).all()
    assert space.erase_words(GATHERED) == 5
    assert (space.read_words(GATHERED, LAW) == generated(GATHERED)).all()


def test_a_long_job_is_polled_for_and_then_slept_through(board, bring_up) -> None:
    accelerator = bring_up(polls=4)
    space = FpgaSpace(LAW, SEED, accelerator=accelerator)
    space.read_word(0)
    before = board.core.accesses
    assert (run_of(space, 0, 4000) == generated(np.arange(4000, dtype=np.uint64))).all()
    assert board.interrupts.accesses > 0
    assert board.core.accesses - before == 2


def test_it_works_where_an_event_loop_runs(bring_up) -> None:
    async def cell() -> int:
        space = FpgaSpace(LAW, SEED, accelerator=bring_up(polls=0))
        return space.read_word(9)

    assert asyncio.run(cell()) == int(generated(np.array([9], np.uint64))[0])


def test_it_works_in_threads_that_have_no_event_loop(board, ip, bring_up) -> None:
    found: list[int] = []

    def work() -> None:
        found.append(FpgaSpace(LAW, SEED, accelerator=accelerator).read_word(9))

    def begin() -> None:
        nonlocal accelerator
        accelerator = bring_up(polls=0)
        work()

    accelerator = None
    for target in (begin, work, work):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join(60)
    work()
    assert found == [int(generated(np.array([9], np.uint64))[0])] * 4
    assert board.interrupts.accesses > 0


def test_without_an_interrupt_waits_look_at_the_core(board, bring_up) -> None:
    accelerator = bring_up(polls=0, interrupt=False)
    space = FpgaSpace(LAW, SEED, accelerator=accelerator)
    assert space.read_word(9) == generated(np.array([9], np.uint64))[0]
    assert board.interrupts.accesses == 0


def test_an_interrupt_that_nobody_hears_is_found_at_the_core(board, bring_up, monkeypatch) -> None:
    accelerator = bring_up(polls=0, patience=1.0)
    space = FpgaSpace(LAW, SEED, accelerator=accelerator)
    space.read_word(0)
    monkeypatch.setattr(type(board.interrupts), "is_high", False)
    before = board.core.accesses
    assert space.read_word(9) == generated(np.array([9], np.uint64))[0]
    assert board.core.accesses - before <= 4  # a look at two registers more


def test_an_interrupt_that_was_latched_long_ago_does_no_harm(board, bring_up, monkeypatch) -> None:
    monkeypatch.setattr("engram.fpga.interrupt.InterruptLine._forget", lambda self: None)
    space = FpgaSpace(LAW, SEED, accelerator=bring_up(polls=0))
    costs = []
    for first in range(0, 12_000, 4000):
        before = board.core.accesses
        expected = generated(np.arange(first, first + 4000, dtype=np.uint64))
        assert (run_of(space, first, 4000) == expected).all()
        costs.append(board.core.accesses - before)
    # From the second on it is heard in vain, and cleared once more.
    assert costs[1:] == [3, 3]


def test_the_next_driver_hears_the_interrupt_after_a_wait_that_nothing_ended(ip, bring_up) -> None:
    first = bring_up(polls=0)
    with first.session():
        assert not first.bus.wait_irq(0.03)
    first.close()
    (controller,) = _InterruptController._controllers
    assert controller.event_number == sum(map(len, controller.wait_handles)) == 0
    second = bring_up(polls=0)
    heard = []
    line = second.bus._line
    wait = line.wait
    line.wait = lambda seconds: heard.append(wait(seconds)) or heard[-1]
    assert FpgaSpace(LAW, SEED, accelerator=second).read_word(5) == generated(np.uint64([5]))[0]
    assert True in heard


@pytest.mark.parametrize("interrupt", [False, True])
def test_a_wait_ends_once_the_core_says_that_it_interrupts(board, ip, interrupt) -> None:
    for name in ("IRQ_STATUS", "IRQ_ENABLE"):
        board.core.forced[REGISTERS[name].offset] = 1  # and the line itself stays low
    bus = PynqBus(ip, interrupt=interrupt)
    start = time.monotonic()
    assert bus.wait_irq(60)
    assert time.monotonic() - start < 30
    board.core.forced[REGISTERS["IRQ_ENABLE"].offset] = 2
    assert not bus.wait_irq(0.05)
    bus.close()


def test_zero_seconds_ask_how_the_interrupt_is_now(ip) -> None:
    bus = PynqBus(ip)
    assert not bus.wait_irq(0)
    with pytest.raises(ValueError, match="seconds must not be negative, not -1"):
        bus.wait_irq(-1)


def test_registers_that_do_not_exist_are_not_touched(board, ip) -> None:
    bus = PynqBus(ip)
    assert bus.read(REGISTERS["ID"].offset) == IDENTITY
    assert type(bus.read(0)) is int
    before = board.core.accesses
    for offset in (0x74 + 0x10, 0x1FC, 0x1000, 0x10_0000):
        with pytest.raises(DeviceFault, match=f"no register at offset {offset:#x}"):
            bus.read(offset)
        with pytest.raises(DeviceFault, match=f"no register at offset {offset:#x}"):
            bus.write(offset, 0)
    for offset in (-4, 2):
        with pytest.raises(ValueError, match=f"offset must be a multiple of 4, not {offset}"):
            bus.read(offset)
    with pytest.raises(ValueError, match="value must be in"):
        bus.write(REGISTERS["CONTROL"].offset, 1 << 32)
    assert board.core.accesses == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"polls": -1}, "polls must not be negative"), ({"patience": 0}, "patience must be above 0")],
)
def test_a_bus_has_settings_that_make_sense(ip, settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        PynqBus(ip, **settings)


def test_a_closed_bus_says_so(ip) -> None:
    bus = PynqBus(ip)
    bus.close()
    bus.close()
    for act in (lambda: bus.read(0), lambda: bus.wait_irq(1), lambda: bus.allocate(1)):
        with pytest.raises(ValueError, match="must not be closed"):
            act()
