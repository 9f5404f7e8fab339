"""Checks of commands: faults that end them, what a job costs, and that nothing is left behind."""

import logging
import statistics
from dataclasses import replace

import numpy as np

from engram.arch.commands import Command, Fault, Opcode
from engram.arch.pages import SPACE_WORDS
from engram.errors import EngramError
from engram.fpga.accelerator import Accelerator
from engram.fpga.selftest.findings import (
    SEED,
    NotChecked,
    expect,
    expect_words,
    run_of,
    space_of,
    tenant_of,
)
from engram.numpy_laws import generate

__all__ = ["MOST_ACCESSES", "Left", "check_accesses", "check_faults"]

logger = logging.getLogger(__name__)

MOST_ACCESSES = 3  # of registers, that a job may cost

_WORDS = 5
_ROUNDS = 9
_UNKNOWN_OPCODE = 0xEE
_UNKNOWN_FLAG = 0x80


def check_faults(accelerator: Accelerator) -> str:
    """A command that cannot be must end in its fault, and the next one be carried out."""
    staging = accelerator.staging
    good = Command(Opcode.READ, address=1000, count=_WORDS, buffer=staging.outbound)
    gather = Command(Opcode.GATHER, count=_WORDS, buffer=staging.outbound, indices=staging.inbound)
    built = {law.number for law in accelerator.laws}
    no_law = next(number for number in range(1, 256) if number not in built)
    bad = [
        (replace(good, opcode=_UNKNOWN_OPCODE), Fault.BAD_COMMAND),
        (replace(good, flags=_UNKNOWN_FLAG), Fault.BAD_COMMAND),
        (replace(good, indices=8), Fault.BAD_COMMAND),
        (replace(good, law=no_law), Fault.UNSUPPORTED_LAW),
        (replace(good, count=0), Fault.BAD_RANGE),
        (replace(good, address=SPACE_WORDS - 1), Fault.BAD_RANGE),
        (replace(good, buffer=staging.outbound + 4), Fault.BAD_RANGE),
        (replace(good, buffer=staging.limit), Fault.OUT_OF_POOL),
        (replace(good, buffer=staging.limit - 8), Fault.OUT_OF_POOL),
        (replace(gather, indices=staging.limit), Fault.OUT_OF_POOL),
        (replace(gather, buffer=staging.inbound - 8), Fault.OUT_OF_POOL),
        (Command(Opcode.UNMAP, address=1 << 40), Fault.NO_REGION),
    ]
    with tenant_of(accelerator) as tenant:
        for i, (command, fault) in enumerate(bad):
            # Other words each time, so that those of the time before do not pass for them.
            follower = replace(good, address=good.address * (i + 2))
            expected = generate(tenant.law, SEED, run_of(follower.address, _WORDS))
            with accelerator.session():
                first, second = accelerator.run(tenant, [command, follower])
                found = staging.take(_WORDS).copy()
            expect(
                first.fault is fault and first.done == 0,
                f"{command} ended in {first.fault.name}, {first.done} done, not {fault.name}",
            )
            expect(
                second.fault is Fault.OK, f"after {fault.name} a READ ended in {second.fault.name}"
            )
            expect_words(found, expected, f"the words after {fault.name}")
        with accelerator.session():
            status = accelerator.registers.fields("STATUS")
    expect(not status["HALTED"], "the ring halted")
    names = dict.fromkeys(fault.name for _, fault in bad)
    return f"{len(bad)} bad commands ended in {', '.join(names)}; each was followed by good words"


def check_accesses(accelerator: Accelerator) -> str:
    """A job must cost three accesses to registers at most, whatever it does."""
    bus = accelerator.bus
    if not (hasattr(bus, "reads") and hasattr(bus, "writes")):
        raise NotChecked(f"the bus of {bus.name} does not count its accesses")
    few = np.array([3, 1 << 40, 77], np.uint64)
    with space_of(accelerator) as space:
        space.write_words(few + np.uint64(1), few)  # so that their pages have frames
        taken: dict[str, list[int]] = {}
        for _ in range(_ROUNDS):
            for name, job in (
                ("a read", lambda: space.read_word(5)),
                ("a gather", lambda: space.read_words(few, space.law)),
                ("a write", lambda: space.write_range(600, few)),
                ("a scatter", lambda: space.write_words(few, few)),
                ("an erasure", lambda: space.erase_words(few)),
            ):
                before = bus.reads + bus.writes
                job()
                taken.setdefault(name, []).append(bus.reads + bus.writes - before)
    # Not the most: an interrupt that comes late may cost a job a look at STATUS.
    counts = {name: int(statistics.median(costs)) for name, costs in taken.items()}
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    expect(
        max(counts.values()) <= MOST_ACCESSES,
        f"a job may cost {MOST_ACCESSES} accesses to registers at most: {told}",
    )
    return f"to registers: {told}"


class Left:
    """What an accelerator has to give, noted now, and compared by calling this later."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        try:
            self._before = self._now()
        except EngramError as error:
            self._before = {}
            logger.info("%s could not be noted as it is found: %s", accelerator.name, error)

    def __call__(self) -> str:
        """Return what is as it was; raise CheckFailed for what is not."""
        if not self._before:
            raise NotChecked("the device did not tell beforehand how it was")
        now = self._now()
        for name, value in self._before.items():
            expect(now[name] == value, f"{name}: {value:,} before, {now[name]:,} now")
        return ", ".join(f"{value:,} {name}" for name, value in now.items()) + ", as before"

    def _now(self) -> dict[str, int]:
        accelerator = self._accelerator
        with accelerator.session():
            found = {"frames free": accelerator.frames_free}
            if not accelerator.window_writable:  # else others may have had pages framed meanwhile
                found["in use"] = accelerator.registers.read("FRAMES_USED")
            found["enabled"] = accelerator.registers.fields("CONTROL")["ENABLE"]
            return found
