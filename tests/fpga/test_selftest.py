"""The self-test of an accelerator: a sound one passes, and each thing that is wrong is found."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engram.arch.commands import Fault
from engram.arch.laws import LAWS
from engram.arch.registers import Access
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from engram.fpga.selftest import words
from engram.fpga.selftest.runner import SelfTest, self_test
from engram.fpga.uart import accelerator_on
from engram.fpga.uart_bus import UartBus
from engram.numpy_laws import generate
from sim.golden.bus import GoldenBuffer, GoldenBus
from sim.serial.golden import GoldenBoard, GoldenBridge, GoldenLine
from tests.fpga.buses import RAM_BYTES, LateBus, accelerator, golden_bus

NAMES = [
    "identity", "registers", *(f"law {law.number} ({law.name})" for law in LAWS.values()),
    "overlay", "faults", "interrupt", "counters", "accesses a job", "left as found",
]  # fmt: skip


class WrongBus(GoldenBus):
    """A sound bus until somebody puts something wrong over ``reading``, ``writing`` or ``irq``."""

    refusals_are_errors = True

    def __init__(self) -> None:
        super().__init__(golden_bus().accelerator.config, dram_bytes=RAM_BYTES, coherent=False)
        self.reading: Callable[[str, int], int] = lambda name, value: value
        self.writing: Callable[[str, int], int] = lambda name, value: value
        self.irq: Callable[[bool, float], bool] = lambda high, seconds: high

    def read(self, offset: int) -> int:
        value = super().read(offset)
        return self.reading(REGISTERS.at(offset).name, value)

    def write(self, offset: int, value: int) -> None:
        register = REGISTERS.at(offset)
        super().write(offset, value if register is None else self.writing(register.name, value))

    def wait_irq(self, seconds: float) -> bool:
        return self.irq(super().wait_irq(seconds), seconds)


def tried(bus: GoldenBus, **settings: int) -> tuple[Accelerator, SelfTest]:
    device = accelerator(bus, **settings)
    return device, self_test(device, quick=True)


def settings(device: Accelerator) -> dict[str, int]:
    """Return what software said to registers, but for the doorbell."""
    return {
        register.name: device.bus.read(register.offset)
        for register in REGISTERS
        if register.access is Access.RW and register.name != "RING_TAIL"
    }


def only_failure(found: SelfTest, name: str) -> str:
    assert [outcome.name for outcome in found.outcomes] == NAMES
    assert [outcome.name for outcome in found.failed] == [name]
    assert not found.passed
    return found.failed[0].detail


@pytest.mark.parametrize("kind", ["coherent", "incoherent", "whole"])
def test_a_sound_accelerator_passes_every_check(kind) -> None:
    _, found = tried(golden_bus(kind))
    assert [outcome.name for outcome in found.outcomes] == NAMES
    assert all(outcome.passed is True for outcome in found.outcomes)
    assert found.passed
    assert all(outcome.seconds > 0 for outcome in found.outcomes)


def test_everything_is_measured_and_is_plain_json() -> None:
    _, found = tried(golden_bus())
    told = json.loads(json.dumps(found.to_dict()))
    assert told["passed"] is True
    assert [check["name"] for check in told["checks"]] == NAMES
    assert [pace["name"] for pace in told["paces"]] == [
        "an access to a register", "a call that reads 1 word", "a call that gathers 16 words",
        "generated", "written again", "read back", "a call that writes 1 word",
    ]  # fmt: skip
    assert all(pace["value"] > 0 for pace in told["paces"])
    assert re.fullmatch(r"[\d,.e+]+ words/s, [\d,]+ at a time", found.paces[3].text)


def test_only_the_laws_that_are_built_are_checked() -> None:
    _, found = tried(golden_bus(laws=(3,)))
    assert found.passed
    assert [o.name for o in found.outcomes if o.name.startswith("law")] == ["law 3 (splitmix)"]
    assert "laws 3;" in found.outcomes[0].detail


def test_other_spaces_keep_their_words_and_nothing_is_left() -> None:
    device = accelerator(golden_bus())
    space = FpgaSpace(LAWS[1], 5, accelerator=device)
    values = np.arange(600, dtype=np.uint64)
    space.write_range(100, values)
    before = settings(device)
    free, tables = device.frames_free, device.tables.make().address
    for _ in range(3):
        assert self_test(device, quick=True).passed
    assert device.frames_free == free
    assert device.tables.make().address == tables + 2048  # the next place after those
    assert (space.read_words(np.arange(100, 700, dtype=np.uint64), LAWS[1]) == values).all()
    assert settings(device) == before


def test_an_identity_that_changes_is_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    asked: list[int] = []

    def flaky(name: str, value: int) -> int:
        if name == "ID":
            asked.append(value)
        return value ^ (name == "ID" and len(asked) == 9)

    bus.reading = flaky
    detail = only_failure(self_test(device, quick=True), "identity")
    assert detail == "ID reads 0x454e4753, not 0x454e4752"


def test_a_shape_that_cannot_be_is_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    bus.reading = lambda name, value: value & ~0x1F if name == "SHAPE" else value
    assert "SHAPE reads" in only_failure(self_test(device, quick=True), "identity")


@pytest.mark.parametrize(
    ("name", "bit"), [("BUFFER_BASE_LO", 0), ("IRQ_ENABLE", 3), ("WINDOW_BASE_HI", 31)]
)
def test_a_bit_that_a_register_drops_is_found_and_its_value_is_put_back(name, bit) -> None:
    bus = WrongBus()
    device = accelerator(bus)
    before = bus.read(REGISTERS[name].offset)
    bus.writing = lambda written, value: value & ~(1 << bit) if written == name else value
    found = self_test(device, quick=True)
    assert name in next(o.detail for o in found.outcomes if o.name == "registers")
    assert found.outcomes[1].passed is False
    assert bus.read(REGISTERS[name].offset) == before


def test_two_registers_that_are_one_are_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    one, other = REGISTERS["TABLE_BASE_HI"].offset, REGISTERS["TABLE_LIMIT_HI"].offset
    write = bus.write
    bus.write = lambda offset, value: [  # type: ignore[method-assign]
        write(same, value) for same in ((one, other) if offset in (one, other) else (offset,))
    ]
    assert "TABLE_BASE_HI reads" in only_failure(self_test(device, quick=True), "registers")


def test_registers_that_lose_their_values_are_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    writes: list[int] = []

    def sticks(name: str, value: int) -> int:
        writes.append(value)
        return value if name != "WINDOW_BASE_LO" or len(writes) <= 19 * 12 else 0x77

    bus.writing = sticks
    assert "WINDOW_BASE_LO reads 0x77, and was 0x0 before" in only_failure(
        self_test(device, quick=True), "registers"
    )


def test_what_must_be_refused_is_tried_only_where_that_is_no_danger() -> None:
    _, found = tried(WrongBus())
    assert found.outcomes[1].detail.endswith(
        "a misaligned offset, an unused one and a write to ID are refused"
    )
    bus = golden_bus()
    bus.refusals_are_errors = False
    refused = []
    write = bus.accelerator.write

    def watched(offset: int, value: int) -> None:
        try:
            write(offset, value)
        except DeviceFault:
            refused.append(offset)
            raise

    bus.accelerator.write = watched  # type: ignore[method-assign]
    _, found = tried(bus)
    assert found.passed
    assert refused == []
    assert "others are not tried" in found.outcomes[1].detail


def test_a_write_to_what_is_read_only_must_be_refused() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    write = bus.accelerator.write
    bus.accelerator.write = lambda offset, value: (  # type: ignore[method-assign]
        write(offset, value) if offset else None
    )
    detail = only_failure(self_test(device, quick=True), "registers")
    assert detail == "a write at offset 0x0 was not refused"


def test_registers_of_an_open_window_are_left_alone() -> None:
    device = accelerator(golden_bus())
    device.bus.refusals_are_errors = False  # so that any write to a wrong place would show
    device.open_window(1 << 40)
    written = []
    write = device.bus.write

    def watched(offset: int, value: int) -> None:
        written.append(REGISTERS.at(offset).name)
        write(offset, value)

    device.bus.write = watched  # type: ignore[method-assign]
    found = self_test(device, quick=True)
    assert found.passed
    assert "not those of the window" in found.outcomes[1].detail
    assert not {name for name in written if name.startswith(("TABLE", "FRAME", "WINDOW"))}
    assert device.registers.fields("CONTROL")["WINDOW_READ"] == 1


@pytest.mark.parametrize("number", list(LAWS))
def test_a_wrong_word_is_laid_to_its_law(number, monkeypatch) -> None:
    def wrong(law, seed, addresses):
        made = generate(law, seed, addresses)
        if law.number == number and addresses[-1] == np.uint64(2**64 - 1):
            made[-1] ^= np.uint64(1)
        return made

    monkeypatch.setattr(words, "generate", wrong)
    _, found = tried(golden_bus())
    names = {f"law {number} ({LAWS[number].name})"} | ({"overlay"} if number == 1 else set())
    assert {outcome.name for outcome in found.failed} == names
    assert "1 of " in found.failed[0].detail


def _wrong_words(name, sound, where):
    """Return a method whose words are wrong where the arguments say so."""

    def method(self, *arguments):
        found = sound(self, *arguments)
        if where(self, *arguments):
            found[0] ^= np.uint64(1)
        return found

    return method


@pytest.mark.parametrize(
    ("name", "where", "reason"),
    [
        ("generate_words", lambda self, addresses, law: law.number == 3, "generated afresh"),
        ("read_words", lambda self, addresses, law: law.number == 3 and law is not self.law,
         "words by number, in a space of law 1"),
        ("read_words", lambda self, addresses, law: law is self.law and law.number == 3,
         "gathered words"),
    ],
)  # fmt: skip
def test_each_way_to_ask_for_words_is_checked(monkeypatch, name, where, reason) -> None:
    monkeypatch.setattr(FpgaSpace, name, _wrong_words(name, getattr(FpgaSpace, name), where))
    _, found = tried(golden_bus())
    assert reason in only_failure(found, "law 3 (splitmix)")


def _second_word_wrong(self, address, values):
    values = values.copy()
    values[1:2] ^= np.uint64(1)
    WRITE_RANGE(self, address, values)


WRITE_RANGE = FpgaSpace.write_range


@pytest.mark.parametrize(
    ("name", "wrong", "reason"),
    [
        ("write_range", _second_word_wrong, "after a run was written"),
        ("write_words", lambda self, addresses, values: None, "after words were scattered"),
        ("erase_words", lambda self, addresses: len(addresses), "run after everything was erased"),
        ("written_words", property(lambda self: 3), "3 words count as written after everything"),
    ],
)
def test_each_step_of_the_overlay_is_checked(monkeypatch, name, wrong, reason) -> None:
    monkeypatch.setattr(FpgaSpace, name, wrong)
    _, found = tried(golden_bus())
    failed = {outcome.name: outcome.detail for outcome in found.failed}
    assert reason in failed["overlay"]
    assert set(failed) <= {"overlay"}


def test_words_that_are_not_erased_are_found(monkeypatch) -> None:
    erase = FpgaSpace.erase_range
    monkeypatch.setattr(
        FpgaSpace, "erase_range", lambda self, address, count: erase(self, address, count - 1) + 1
    )
    _, found = tried(golden_bus())
    assert "after a run was erased" in only_failure(found, "overlay")


@pytest.mark.parametrize("step", ["flush", "invalidate"])
def test_memory_that_is_not_exchanged_is_found(step, monkeypatch) -> None:
    device = accelerator(golden_bus())
    staging = device.staging._buffer
    sound = getattr(GoldenBuffer, step)
    monkeypatch.setattr(
        GoldenBuffer, step,
        lambda self, *piece: None if self is staging else sound(self, *piece),
    )  # fmt: skip
    failed = {outcome.name for outcome in self_test(device, quick=True).failed}
    assert {"law 1 (feistel6)", "overlay"} <= failed
    assert not failed & {"identity", "registers", "interrupt", "counters", "accesses a job"}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda c: replace(c, fault=Fault.BAD_RANGE) if c.fault is Fault.OUT_OF_POOL else c,
         "ended in BAD_RANGE, 0 done, not OUT_OF_POOL"),
        (lambda c: replace(c, done=3) if c.fault is Fault.NO_REGION else c,
         "ended in NO_REGION, 3 done, not NO_REGION"),
    ],
)  # fmt: skip
def test_a_fault_that_is_another_is_found(monkeypatch, wrong, reason) -> None:
    device = accelerator(golden_bus())
    run = device.run
    monkeypatch.setattr(
        device, "run", lambda tenant, commands: [wrong(c) for c in run(tenant, commands)]
    )
    assert reason in only_failure(self_test(device, quick=True), "faults")


@pytest.mark.parametrize("fault", [Fault.OK, Fault.BAD_COMMAND])
def test_a_command_that_is_lost_behind_a_fault_is_found(monkeypatch, fault) -> None:
    device = accelerator(golden_bus())
    run = device.run

    def careless(tenant, commands):
        if len(commands) == 2 and commands[0].law:
            (first,) = run(tenant, commands[:1])
            return [first, replace(first, fault=fault)]
        return run(tenant, commands)

    monkeypatch.setattr(device, "run", careless)
    detail = only_failure(self_test(device, quick=True), "faults")
    if fault is Fault.OK:
        assert detail.startswith("the words after UNSUPPORTED_LAW: 5 of 5 words are wrong")
    else:
        assert detail == "after UNSUPPORTED_LAW a READ ended in BAD_COMMAND"


def test_an_interrupt_that_never_comes_is_found() -> None:
    bus = LateBus(0)
    device = accelerator(bus)
    bus.deaf = True
    detail = only_failure(_of_one_law(self_test(device, quick=True)), "interrupt")
    assert detail == "no interrupt within 1 s of a job that is done: is irq wired?"


def _of_one_law(found: SelfTest) -> SelfTest:
    """Pretend that all laws were built where only one is."""
    missing = [o for o in found.outcomes if o.name == "law 1 (feistel6)"] * 3
    names = NAMES[3:6]
    filled = [
        type(o)(name, o.passed, o.detail, o.seconds) for o, name in zip(missing, names, strict=True)
    ]
    return SelfTest(found.device, found.outcomes[:3] + filled + found.outcomes[3:], found.paces)


def test_an_interrupt_that_stays_is_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    bus.irq = lambda high, seconds: True
    detail = only_failure(self_test(device, quick=True), "interrupt")
    assert "stays high before any job" in detail


def test_an_interrupt_that_stays_once_it_came_is_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    asked: list[float] = []

    def sticks(high: bool, seconds: float) -> bool:
        if seconds == 0:
            asked.append(seconds)
            return len(asked) > 1
        return high

    bus.irq = sticks
    detail = only_failure(self_test(device, quick=True), "interrupt")
    assert "stays high after it was cleared" in detail


def test_events_that_cannot_be_cleared_are_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    bus.reading = lambda name, value: value | 1 if name == "IRQ_STATUS" else value
    assert "is not cleared by ones" in only_failure(self_test(device, quick=True), "interrupt")


def test_a_hint_that_is_left_over_does_no_harm() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    hints = [True] * 3
    bus.irq = lambda high, seconds: high or bool(hints and hints.pop())
    assert self_test(device, quick=True).passed


def test_counters_that_stand_still_are_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)
    bus.reading = lambda name, value: 7 if name == "WORDS_GENERATED_LO" else value
    detail = only_failure(self_test(device, quick=True), "counters")
    assert detail == "words_generated went on by 0 for 600 words, not 600 or more"


def test_jobs_that_cost_too_many_accesses_are_found() -> None:
    bus = WrongBus()
    device = accelerator(bus)

    def talkative(name: str, value: int) -> int:
        bus.reads += 2 * (name == "RING_TAIL")
        return value

    bus.writing = talkative
    detail = only_failure(self_test(device, quick=True), "accesses a job")
    assert "3 accesses to registers at most: a read 4, a gather 4," in detail


def test_a_bus_that_does_not_count_is_not_held_to_it() -> None:
    bus = golden_bus()
    device = accelerator(bus)

    class Uncounted:
        name, polls, refusals_are_errors = bus.name, 0, False
        read, write, wait_irq = bus.read, bus.write, bus.wait_irq

    device.bus = Uncounted()
    found = self_test(device, quick=True)
    assert found.passed
    (outcome,) = [o for o in found.outcomes if o.passed is None]
    assert outcome.name == "accesses a job"
    assert outcome.detail == "the bus of fpga-golden does not count its accesses"


def test_frames_that_are_not_given_back_are_found(monkeypatch) -> None:
    device = accelerator(golden_bus())
    leave = device.leave

    def leak(tenant) -> None:
        leave(tenant)
        device.frames_free -= 1

    monkeypatch.setattr(device, "leave", leak)
    detail = only_failure(self_test(device, quick=True), "left as found")
    assert re.fullmatch(r"frames free: 64 before, \d+ now", detail)


def test_a_device_that_stops_answering_leaves_the_rest_unrun() -> None:
    bus = LateBus(0)
    device = accelerator(bus)
    bus.patience = None
    found = self_test(device, quick=True)
    states = {outcome.name: outcome.passed for outcome in found.outcomes}
    assert states["identity"] is True
    assert states["registers"] is True
    assert states["law 1 (feistel6)"] is False
    assert states["overlay"] is states["interrupt"] is states["left as found"] is None
    assert found.outcomes[-1].detail == "not run: the device was lost in 'law 1 (feistel6)'"
    assert "were not completed in" in found.failed[0].detail
    assert found.paces == []


def test_full_frames_are_no_failure() -> None:
    device = accelerator(golden_bus())
    space = FpgaSpace(LAWS[1], 5, accelerator=device)
    space.write_range(0, np.zeros((device.frames - 2) * 512, np.uint64))
    found = self_test(device, quick=True)
    left_out = {
        outcome.name: outcome.detail for outcome in found.outcomes if outcome.passed is None
    }
    assert list(left_out) == ["overlay", "accesses a job"]
    assert left_out["overlay"] == "other spaces hold all frames but a few"
    assert "of its 64 frames of 4096 bytes free" in left_out["accesses a job"]
    assert found.passed
    assert [pace.name for pace in found.paces][-1] == "a call that writes 1 word"


def test_it_runs_over_a_serial_line_too() -> None:
    bus = GoldenBus(golden_bus().accelerator.config, dram_bytes=1 << 18)
    device = accelerator_on(UartBus(GoldenLine(GoldenBridge(GoldenBoard(bus)))))
    found = self_test(device, quick=True)
    assert found.passed
    assert [o.name for o in found.outcomes if o.passed is None] == ["accesses a job"]
