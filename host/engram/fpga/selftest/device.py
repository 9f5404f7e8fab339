"""Checks of the device itself: who it is, its registers, its interrupt and its counters."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from engram.arch.accelerator import LIMITS
from engram.arch.commands import Command, Opcode
from engram.arch.laws import LAWS
from engram.arch.pages import WORD_BYTES
from engram.arch.registers import REGISTER_BYTES, Access, Register
from engram.arch.regs import ABI_MAJOR, ABI_MINOR, IDENTITY, REGISTERS
from engram.errors import DeviceFault
from engram.fpga.accelerator import Accelerator, check
from engram.fpga.selftest.findings import CheckFailed, expect, tenant_of

__all__ = ["check_counters", "check_identity", "check_interrupt", "check_registers"]

_LOOKS = 16
_MASK32 = (1 << 32) - 1
# Written to all registers before any is read, so that two that are one are found, too.
_STEP = 0x9E37_79B9  # odd: every register gets a pattern of its own
_PATTERNS = (0, _MASK32, 0xAAAA_AAAA, 0x5555_5555, *(1 << bit for bit in range(0, 32, 5)))
# A bit here starts, stops or opens something.
_COMMANDING = ("CONTROL", "RING_TAIL")
# What the window uses while it is open.
_OF_WINDOW = ("TABLE_BASE", "TABLE_LIMIT", "FRAME_BASE", "FRAME_COUNT", "WINDOW_BASE")
_MISALIGNED = 2
_UNUSED = REGISTERS.registers[-1].offset + REGISTER_BYTES
_SECONDS = 1.0  # in which an interrupt must come
_COUNTED_WORDS = 600


def check_identity(accelerator: Accelerator) -> str:
    """It must say, each time it is asked, that it is an accelerator that this driver knows."""
    registers = accelerator.registers
    with accelerator.session():
        for _ in range(_LOOKS):
            identity = registers.read("ID")
            expect(identity == IDENTITY, f"ID reads {identity:#x}, not {IDENTITY:#x}")
            abi = registers.fields("ABI")
            expect(
                abi["MAJOR"] == ABI_MAJOR and abi["MINOR"] >= ABI_MINOR,
                f"ABI reads {abi['MAJOR']}.{abi['MINOR']}, not {ABI_MAJOR}.{ABI_MINOR}",
            )
            built = registers.read("LAWS")
            unknown = [n for n in range(32) if built >> n & 1 and n not in LAWS]
            expect(bool(built) and not unknown, f"LAWS reads {built:#x}, with laws {unknown}")
            shape = registers.fields("SHAPE")
            expect(shape == accelerator.shape, f"SHAPE reads {shape}, not {accelerator.shape}")
        control = registers.fields("CONTROL")
        status = registers.fields("STATUS")
    for field, value in shape.items():
        least, most = LIMITS[field.lower()]
        expect(least <= value <= most, f"SHAPE.{field} reads {value}, not {least}..{most}")
    expect(control["ENABLE"] == 1, "CONTROL.ENABLE reads 0: somebody else disabled it")
    expect(not status["HALTED"], f"the ring halted with fault {status['HALT_FAULT']}")
    laws = ", ".join(str(number) for number in LAWS if built >> number & 1)
    return (
        f"ABI {abi['MAJOR']}.{abi['MINOR']}, laws {laws}; {shape['LANES']} lane(s), "
        f"{shape['TLB_ENTRIES']} TLB entries, {shape['REGIONS']} regions, addresses of "
        f"{shape['ADDRESS_BITS']} bits, window of {shape['WINDOW_BITS']}"
    )


def check_registers(accelerator: Accelerator) -> str:
    """Registers must hold what is written to them, and refuse what they must."""
    bus = accelerator.bus
    with accelerator.session():
        control = accelerator.registers.fields("CONTROL")
        is_open = bool(control["WINDOW_READ"] or control["WINDOW_WRITE"])
        tried = [register for register in REGISTERS if _is_free(register, is_open=is_open)]
        with _kept(accelerator, tried):
            for number, pattern in enumerate((*_PATTERNS, None)):
                values = {
                    register: (_STEP * (i + 1) & _MASK32 if pattern is None else pattern)
                    & register.mask
                    for i, register in enumerate(tried)
                }
                for register, value in values.items():
                    bus.write(register.offset, value)
                for register, value in values.items():
                    found = bus.read(register.offset)
                    expect(
                        found == value,
                        f"{register.name} reads {found:#x} after {value:#x} (pattern {number})",
                    )
        refused = _refusals(accelerator)
    told = f"{len(tried)} registers hold {len(_PATTERNS) + 1} patterns, and have their values back"
    if is_open:
        told += "; not those of the window, which is open"
    return f"{told}; {refused}"


def _is_free(register: Register, *, is_open: bool) -> bool:
    """Whether a register may be written while nothing is under way."""
    name = register.name.removesuffix("_LO").removesuffix("_HI")
    return (
        register.access is Access.RW
        and name not in _COMMANDING
        and not (is_open and name in _OF_WINDOW)
    )


@contextmanager
def _kept(accelerator: Accelerator, registers: list[Register]) -> Iterator[None]:
    """Give registers their values back, whatever happens, and look whether they have them."""
    bus = accelerator.bus
    before = {register: bus.read(register.offset) for register in registers}
    try:
        yield
    finally:
        for register, value in before.items():
            bus.write(register.offset, value)
    for register, value in before.items():
        found = bus.read(register.offset)
        expect(found == value, f"{register.name} reads {found:#x}, and was {value:#x} before")


def _refusals(accelerator: Accelerator) -> str:
    """Try what must be refused; return what was."""
    bus = accelerator.bus
    try:
        bus.read(_MISALIGNED)
    except ValueError:
        pass
    else:
        raise CheckFailed(f"reading at offset {_MISALIGNED} was not refused")
    if not bus.refusals_are_errors:
        # On a board an answer with an error may end the process, or the whole board.
        return "a misaligned offset is refused (others are not tried on this bus)"
    before = bus.read(REGISTERS["ID"].offset)
    for action, offset in (("read", _UNUSED), ("write", _UNUSED), ("write", 0)):
        try:
            if action == "read":
                bus.read(offset)
            else:
                bus.write(offset, _MASK32)
        except DeviceFault:
            continue
        raise CheckFailed(f"a {action} at offset {offset:#x} was not refused")
    found = bus.read(REGISTERS["ID"].offset)
    expect(found == before, f"ID reads {found:#x} after it was written, and {before:#x} before")
    return "a misaligned offset, an unused one and a write to ID are refused"


def check_interrupt(accelerator: Accelerator) -> str:
    """A job must raise it in time, clearing must lower it, and an old one do no harm."""
    bus, registers = accelerator.bus, accelerator.registers
    with tenant_of(accelerator) as tenant, accelerator.session():
        _clear(accelerator)
        _await_low(accelerator, "before any job")
        started = time.perf_counter()
        accelerator.begin(tenant, Command(Opcode.FENCE))
        high = bus.wait_irq(_SECONDS)
        took = time.perf_counter() - started
        events = registers.fields("IRQ_STATUS")
        expect(bool(events["DONE"]), f"IRQ_STATUS has no DONE after a job: {events}")
        expect(high, f"no interrupt within {_SECONDS:g} s of a job that is done: is irq wired?")
        _clear(accelerator)
        _await_low(accelerator, "after it was cleared")
        # Once more, and nobody waits for it: what is left of it must not pass for the next job's.
        accelerator.begin(tenant, Command(Opcode.FENCE))
        for _ in range(_LOOKS):
            if registers.fields("IRQ_STATUS")["DONE"]:
                break
            bus.wait_irq(1e-3)
        buffer = accelerator.staging.outbound
        accelerator.do(tenant, Command(Opcode.READ, 9, _COUNTED_WORDS, buffer))
        accelerator.do(tenant, Command(Opcode.READ, 9, 1, buffer))
        _clear(accelerator)
    return f"raised {took * 1e6:,.0f} µs after the doorbell, lowered when cleared"


def _clear(accelerator: Accelerator) -> None:
    """Clear what the driver is told of, and look whether it is cleared."""
    registers = accelerator.registers
    registers.put("IRQ_STATUS", DONE=1, FAULT=1, HALT=1)
    events = registers.fields("IRQ_STATUS")
    expect(
        not (events["DONE"] or events["FAULT"] or events["HALT"]),
        f"IRQ_STATUS is not cleared by ones: {events}",
    )


def _await_low(accelerator: Accelerator, when: str) -> None:
    """Take what hints are left over: a controller may remember one, but not go on with it."""
    for _ in range(_LOOKS):
        if not accelerator.bus.wait_irq(0):
            return
    raise CheckFailed(f"the interrupt stays high {when}, and IRQ_STATUS has nothing to tell")


def check_counters(accelerator: Accelerator) -> str:
    """Clocks must pass, and commands and their words be counted."""
    registers = accelerator.registers
    with tenant_of(accelerator) as tenant, accelerator.session():
        fill = Command(Opcode.FILL, 12_345, _COUNTED_WORDS, accelerator.staging.outbound)
        accelerator.do(tenant, fill)  # which selects the space, too
        before = registers.counters()
        (completion,) = accelerator.run(tenant, [fill])
        after = registers.counters()
    check(accelerator.name, fill, completion)
    more = {name: value - before[name] for name, value in after.items()}
    least = {"commands": 1, "words_generated": _COUNTED_WORDS}
    if completion.clocks:  # else it is a model of what happens, not of when
        least |= {"cycles": completion.clocks, "bytes_written": _COUNTED_WORDS * WORD_BYTES}
    for name, value in least.items():  # more, if the window is in use
        expect(
            more[name] >= value,
            f"{name} went on by {more[name]:,} for {_COUNTED_WORDS} words, not {value:,} or more",
        )
    return f"{_COUNTED_WORDS} words took {completion.clocks:,} clocks of the device"
