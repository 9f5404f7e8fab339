"""The bus to a Verilated design, tried on the copier: an accelerator of registers and bursts."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engram.errors import DeviceFault, DeviceTimeout
from engram.fpga.bus import Bus
from sim.verilated.bus import Channel, Direction, Response, VerilatedBus
from tests.hdl.axi.copier import COPIER, Copier
from tests.sim.designs import MISSING, library_of

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

BASE = 0xA_0000_0000  # beyond 32 bits: an address that loses its upper half goes astray
RAM_BYTES = 1 << 20
DONE = COPIER["EVENTS"].offset


@pytest.fixture(scope="module")
def library() -> Path:
    return library_of(Copier)


@pytest.fixture
def bus(library) -> Iterator[VerilatedBus]:
    bus = VerilatedBus(library, dram_bytes=RAM_BYTES, base=BASE)
    yield bus
    bus.close()


def start(bus: Bus, source: int, target: int, words: int) -> None:
    for name, address in (("SOURCE", source), ("TARGET", target)):
        bus.write(COPIER[f"{name}_LO"].offset, address & 0xFFFF_FFFF)
        bus.write(COPIER[f"{name}_HI"].offset, address >> 32)
    bus.write(COPIER["WORDS"].offset, words)
    bus.write(COPIER["COMMAND"].offset, 2)


def copy_and_check(bus: VerilatedBus, words: int, seed: int, target_offset: int = 0) -> int:
    """Copy random words between new buffers; return the clocks that it took."""
    source = bus.allocate(8 * words)
    target = bus.allocate(8 * words + target_offset)
    source.array[:] = np.random.default_rng(seed).integers(0, 256, 8 * words, np.uint8)
    target.array[:] = 0xCD
    source.flush()
    start(bus, source.address, target.address + target_offset, words)
    before = bus.cycles
    assert bus.wait_irq(1e-3)
    took = bus.cycles - before
    assert bus.read(COPIER["STATUS"].offset) == 0
    bus.write(DONE, 1)
    assert not bus.wait_irq(0)
    target.invalidate()
    assert (target.array[target_offset:] == source.array).all()
    assert (target.array[:target_offset] == 0xCD).all()
    source.free()
    target.free()
    return took


def test_words_are_copied_at_one_a_clock(bus) -> None:
    took = copy_and_check(bus, 4000, 1)
    assert 4000 <= took < 4100
    assert bus.beats(Direction.READS) == bus.beats(Direction.WRITES) == 4000


@pytest.mark.parametrize("latency", [0, 7, 60])
@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
def test_words_arrive_under_pauses_and_latency(bus, latency, stall) -> None:
    bus.latency(reads=latency, writes=60 - latency)
    bus.stall(stall, seed=latency)
    for words, offset in ((1, 8), (700, 24)):
        copy_and_check(bus, words, words, offset)
    assert bus.violations == []


@pytest.mark.parametrize(
    ("slow", "fast"), [({"reads": 200}, {"reads": 0}), ({"writes": 200}, {"writes": 0})]
)
def test_latency_is_what_was_asked(bus, slow, fast) -> None:
    bus.latency(**fast)
    first = copy_and_check(bus, 1, 1)
    bus.latency(**slow)
    assert copy_and_check(bus, 1, 1) == first + 200


def test_memory_promises_no_more_order_than_axi(bus) -> None:
    source, target = bus.allocate(128), bus.allocate(128)
    bus.latency(reads=100, writes=500)
    source.array[:] = 1
    start(bus, source.address, target.address, 16)
    bus.settle(50)
    source.array[:] = 2  # a read under way may see what is written behind it
    bus.settle(450)
    assert not target.array.any()  # a write may be seen as late as it is answered
    assert bus.wait_irq(1e-5)
    assert (target.array == 2).all()


def test_the_same_seed_gives_the_same_pauses(bus) -> None:
    took = []
    for seed in (5, 5, 6):
        bus.reset()
        bus.stall(0.5, seed=seed)
        took.append(copy_and_check(bus, 500, 1))
    assert took[0] == took[1] != took[2]


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("response", Response)
def test_an_error_of_memory_is_reported(bus, direction, response) -> None:
    source = bus.allocate(800)
    target = bus.allocate(800)
    source.array[:] = 1
    bad = (source, target)[direction].address + 8 * 40
    bus.fail(direction, bad, bad + 1, response)
    start(bus, source.address, target.address, 100)
    assert bus.wait_irq(1e-3)
    status = bus.read(COPIER["STATUS"].offset)
    assert status == response << (8 if direction == Direction.WRITES else 4)
    written = target.array.view(np.uint64) != 0
    if direction == Direction.WRITES:
        assert np.flatnonzero(~written).tolist() == [40]
    bus.write(DONE, 1)
    bus.heal()
    bus.reset()
    copy_and_check(bus, 100, 2)


@pytest.mark.parametrize("direction", Direction)
def test_one_beat_fails(bus, direction) -> None:
    copy_and_check(bus, 10, 1)
    bus.fail_beat(direction, 5)
    buffer = bus.allocate(160)
    for expected in (Response.SLVERR, 0):
        buffer.array[:80] = 1
        buffer.array[80:] = 0
        bus.reset()
        start(bus, buffer.address, buffer.address + 80, 10)
        assert bus.wait_irq(1e-3)
        status = bus.read(COPIER["STATUS"].offset)
        assert status == expected << (8 if direction == Direction.WRITES else 4)
    assert (buffer.array == 1).all()


def test_what_lies_outside_of_memory_is_counted_and_refused(bus) -> None:
    start(bus, BASE + RAM_BYTES - 16, BASE - 8, 4)
    assert bus.wait_irq(1e-3)
    assert bus.read(COPIER["STATUS"].offset) == Response.DECERR << 4 | Response.DECERR << 8
    assert bus.strays == 3
    assert bus.violations == []


def test_a_reset_in_the_middle_of_bursts_is_survived(bus) -> None:
    bus.latency(reads=20, writes=20)
    buffer = bus.allocate(16000)
    for clocks in range(1, 200, 13):
        start(bus, buffer.address, buffer.address + 8000, 1000)
        assert not bus.settle(clocks)
        bus.reset()
        assert bus.read(COPIER["STATUS"].offset) == 0
    copy_and_check(bus, 100, 3)


def test_waiting_for_the_interrupt_ends(bus) -> None:
    before = bus.cycles
    assert not bus.wait_irq(1e-5)
    assert bus.cycles - before == 1000
    assert not bus.wait_irq(0)
    assert bus.cycles - before == 1000


def test_registers_keep_values_and_accesses_are_counted(bus) -> None:
    offset = COPIER["SOURCE_LO"].offset
    bus.stall(0.7, Channel.REGISTERS, seed=1)
    for value in (0, 0xFFFF_FFFF, 0x1234_5678):
        bus.write(offset, value)
        assert bus.read(offset) == value
    assert bus.read(COPIER["ID"].offset) == 0x434F5059
    assert (bus.reads, bus.writes) == (4, 3)


def test_a_refused_access_is_a_fault(bus) -> None:
    with pytest.raises(DeviceFault, match=r"reading register 0x38 was refused \(SLVERR\)"):
        bus.read(0x38)
    with pytest.raises(DeviceFault, match=r"writing register 0x0 was refused \(SLVERR\)"):
        bus.write(COPIER["ID"].offset, 1)
    with pytest.raises(DeviceFault, match="no register port decodes offset 0x10000"):
        bus.read(0x1_0000)
    assert bus.read(COPIER["ID"].offset) == 0x434F5059


def test_wrong_arguments_are_refused(bus) -> None:
    for call in (
        lambda: bus.read(2),
        lambda: bus.read(-4),
        lambda: bus.write(0x14, 1 << 32),
        lambda: bus.write(0x14, -1),
        lambda: bus.wait_irq(-1),
        lambda: bus.stall(1.0),
        lambda: bus.allocate(0),
        lambda: bus.allocate(8, 3),
        lambda: bus.window_read(0, 1),
        lambda: bus.trace(Path("trace.vcd")),
        lambda: bus.allocate(8).flush(4, 5),
        lambda: bus.allocate(8).invalidate(9),
    ):
        with pytest.raises(ValueError, match="must"):
            call()


def test_an_access_that_is_never_answered_times_out(library) -> None:
    bus = VerilatedBus(library, dram_bytes=4096, patience=0)
    with pytest.raises(DeviceTimeout, match="reading register 0x0 was not answered for 0 clocks"):
        bus.read(0)
    bus.reset()
    with pytest.raises(DeviceTimeout, match="writing register 0x14 was not answered"):
        bus.write(COPIER["WORDS"].offset, 77)
    bus.patience = 1000
    with pytest.raises(DeviceTimeout):
        bus.read(0)
    bus.reset()
    bus.settle(10)
    assert bus.read(COPIER["WORDS"].offset) == 0  # the write is forgotten
    bus.close()


def test_memory_is_shared_and_returns_when_freed(bus) -> None:
    first = bus.allocate(RAM_BYTES // 2)
    second = bus.allocate(RAM_BYTES // 2, align=64)
    assert sorted([first.address, second.address]) == [BASE, BASE + RAM_BYTES // 2]
    assert first.array is first.array
    with pytest.raises(DeviceFault, match="no room for 1 bytes at a multiple of 4096: 0 of"):
        bus.allocate(1)
    first.free()
    first.free()
    assert bus.allocate(4096).address == BASE


def test_a_closed_bus_says_so(bus) -> None:
    bus.close()
    bus.close()
    for call in (lambda: bus.read(0), lambda: bus.settle(1), lambda: bus.cycles, bus.reset):
        with pytest.raises(ValueError, match="fpga-sim must not be closed"):
            call()
