"""The ring: few register accesses, any order of hint and completion, and an end to every wait."""

import pytest

from engram.arch.commands import COMPLETION_BYTES, Command, Fault, Opcode
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault, DeviceTimeout
from engram.fpga.registers import Registers
from engram.fpga.ring import Ring
from sim.golden.bus import GoldenBus
from tests.fpga.buses import COHERENCE, TAIL, LateBus, golden_bus

FENCE = Command(Opcode.FENCE)
NO_SPACE = Command(Opcode.ERASE, 0, 1)


def ring_of(bus: GoldenBus, log2: int = 2) -> Ring:
    registers = Registers(bus)
    ring = Ring(bus, registers, log2)
    ring.program()
    registers.put("CONTROL", ENABLE=1)
    bus.reads = bus.writes = 0
    return ring


@pytest.mark.parametrize("kind", COHERENCE)
def test_batches_wrap_around_the_ring_with_two_accesses_each(kind) -> None:
    bus = golden_bus(kind)
    ring = ring_of(bus)
    for count in (1, 3, 4, 2, 3, 1, 4, 4):
        bus.reads = bus.writes = 0
        completions = ring.run([FENCE] * (count - 1) + [NO_SPACE])
        assert [c.fault for c in completions] == [Fault.OK] * (count - 1) + [Fault.NO_SPACE]
        assert (bus.reads, bus.writes) == (0, 2)
        assert not bus.accelerator.irq
    assert Registers(bus).read("RING_HEAD") == 22
    assert ring.run([]) == []


def test_more_commands_than_the_ring_is_long_take_more_doorbells() -> None:
    bus = golden_bus()
    ring = ring_of(bus)
    completions = ring.run([FENCE] * 11)
    assert [completion.tag for completion in completions] == list(range(1, 12))
    assert bus.writes == 6
    assert bus.reads == 0


def test_a_command_that_fails_does_not_end_its_batch() -> None:
    bus = golden_bus()
    completions = ring_of(bus).run([NO_SPACE, FENCE, NO_SPACE, FENCE])
    assert [bool(completion.fault) for completion in completions] == [True, False, True, False]


@pytest.mark.parametrize("hint", [False, True])
def test_an_interrupt_is_only_a_hint(hint) -> None:
    bus = LateBus(patience=5, hint=hint)
    ring = ring_of(bus)
    for _ in range(6):
        (completion,) = ring.run([FENCE])
        assert completion.opcode == Opcode.FENCE
    assert len(bus.waits) == 6 * 6
    # STATUS, only when a wait brought nothing; of two that woke up for nothing the first clears.
    assert bus.reads == 6 * (2 if hint else 5)


def test_an_interrupt_that_is_missed_costs_a_wait() -> None:
    bus = LateBus()
    bus.deaf = True
    ring = ring_of(bus)
    ring.run([FENCE])
    assert len(bus.waits) == 1
    assert bus.reads + bus.writes <= 3


def test_a_bus_that_polls_needs_no_interrupt(monkeypatch) -> None:
    bus = LateBus(patience=None)
    bus.polls = 8
    ring = ring_of(bus)
    look = ring._completions.invalidate
    looks = []

    def look_late(start: int, size: int) -> None:
        looks.append(start)
        if bus._doorbells and len(looks) % 5 == 0:  # it takes a while, and nobody waits
            bus.accelerator.write(TAIL, bus._doorbells.pop(0))
        look(start, size)

    monkeypatch.setattr(ring._completions, "invalidate", look_late)
    for count in (1, 3, 2):
        bus.reads = bus.writes = 0
        assert len(ring.run([FENCE] * count)) == count
        assert (bus.reads, bus.writes) == (0, 2)
    assert bus.waits == []
    assert len(looks) > 3 * 3


def test_a_bus_that_polled_in_vain_waits_for_the_interrupt() -> None:
    bus = LateBus(patience=3)
    bus.polls = 4
    ring = ring_of(bus)
    ring.run([FENCE])
    assert len(bus.waits) == 4


@pytest.mark.parametrize("hint", [False, True])
def test_a_dead_device_times_out_and_is_not_used_again(hint) -> None:
    bus = LateBus(None, hint=hint)
    ring = ring_of(bus)
    with pytest.raises(DeviceTimeout, match=r"2 commands from ERASE at 0x5 on were not completed"):
        ring.run([Command(Opcode.ERASE, 5, 1), FENCE])
    assert 1 < len(bus.waits) < 2000
    accesses = bus.reads + bus.writes
    with pytest.raises(DeviceFault, match=r"fpga-golden is not used any more: .*not completed"):
        ring.run([FENCE])
    assert bus.reads + bus.writes == accesses


def test_a_large_job_may_take_longer() -> None:
    waits = []
    for count in (1, 10**6):
        bus = LateBus(None)
        with pytest.raises(DeviceTimeout):
            ring_of(bus).run([Command(Opcode.ERASE, 0, count)])
        waits.append(sum(bus.waits))
    assert waits[0] < 5 < 20 < waits[1] < 200


def test_a_halt_is_told_at_once() -> None:
    bus = golden_bus()
    ring = ring_of(bus)
    bus.accelerator.dram.failing_reads = {Registers(bus).read("RING_BASE")}
    with pytest.raises(DeviceFault, match="the ring halted with READ_ERROR"):
        ring.run([FENCE])
    with pytest.raises(DeviceFault, match=r"not used any more: .* READ_ERROR"):
        ring.run([FENCE])


def test_a_completion_of_something_else_is_a_fault(monkeypatch) -> None:
    bus = LateBus()
    ring = ring_of(bus)
    records = Registers(bus).read("COMPLETION_BASE") - bus.accelerator.dram.base

    def overwrite() -> None:
        tag = bus.dram[records + COMPLETION_BYTES + 4 :][:4].view("<u4")
        if tag[0] == 2:
            bus.dram[records + 4] = 9

    heard = bus.wait_irq

    def wait(seconds: float) -> bool:
        high = heard(seconds)
        overwrite()
        return high

    monkeypatch.setattr(bus, "wait_irq", wait)
    with pytest.raises(DeviceFault, match="the completion of command 1 reads "):
        ring.run([FENCE, FENCE])


def test_what_an_impatient_user_left_is_finished_first() -> None:
    bus = LateBus(patience=3)
    ring = ring_of(bus)

    def interrupt() -> None:
        bus.before = None
        raise KeyboardInterrupt

    bus.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        ring.run([NO_SPACE])
    (completion,) = ring.run([FENCE])
    assert (completion.opcode, completion.tag) == (Opcode.FENCE, 2)
    assert bus.heads == [0, 1]


def test_tags_and_doorbells_go_past_2_to_the_32() -> None:
    bus = golden_bus()
    ring = ring_of(bus)
    start = 2**32 - 3
    bus.accelerator._registers["RING_HEAD"] = start
    bus.accelerator._registers["RING_TAIL"] = start
    ring._tail = start
    tags = [completion.tag for _ in range(2) for completion in ring.run([FENCE] * 3)]
    assert tags == [2**32 - 2, 2**32 - 1, 0, 1, 2, 3]


@pytest.mark.parametrize("log2", [0, 13])
def test_a_ring_has_a_length_that_the_device_takes(log2) -> None:
    bus = golden_bus()
    with pytest.raises(ValueError, match=f"log2 must be in 1..12, not {log2}"):
        Ring(bus, Registers(bus), log2)


def test_registers_are_written_by_name_in_halves() -> None:
    bus = golden_bus()
    registers = Registers(bus)
    registers.write("BUFFER_LIMIT", 0x1234_5678_9ABC_DEF0)
    assert registers.read("BUFFER_LIMIT") == 0x1234_5678_9ABC_DEF0
    assert bus.read(REGISTERS["BUFFER_LIMIT_HI"].offset) == 0x1234_5678
    assert registers.fields("SHAPE")["ADDRESS_BITS"] == 40
    assert registers.counters()["commands"] == 0
