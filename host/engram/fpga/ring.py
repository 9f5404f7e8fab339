"""The command ring: batches of descriptors behind one doorbell, and their completions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    MAX_RING_LOG2,
    Command,
    Completion,
    Fault,
    Flag,
    Opcode,
)
from engram.arch.regs import IDENTITY
from engram.errors import DeviceFault, DeviceTimeout
from engram.fpga.bus import Buffer, Bus
from engram.fpga.registers import Registers

__all__ = ["Ring"]

_MASK32 = (1 << 32) - 1

# How long a command may take at worst. A word that is gathered costs a walk of eight buckets and
# its own access: some 500 clocks of a slow memory, 5 us at 100 MHz; a page that is written takes
# as long as 64 of them and more. Ten times that is still no hang.
_SECONDS_A_JOB = 1.0
_SECONDS_A_WORD = 50e-6
# How long one wait may be, after which the driver looks for itself.
_SLICE = 0.1
# What a wake-up that had nothing to tell takes off the time that is left.
_SPURIOUS = 1e-3


class Ring:
    """Has batches of commands carried out, one batch at a time.

    A batch costs two accesses to registers: the doorbell, and clearing the interrupt. The
    interrupt is a hint: a batch is over when the completion of its last command is in memory,
    where a bus may have the ring look for a while before anybody sleeps. Only a wake-up without
    a completion costs more: it clears the interrupt, or looks at STATUS if that was done before.

    After a timeout or a halt nobody knows what the device still does to memory, so the ring
    refuses all that comes later.
    """

    def __init__(self, bus: Bus, registers: Registers, log2: int) -> None:
        if not 1 <= log2 <= MAX_RING_LOG2:
            raise ValueError(f"log2 must be in 1..{MAX_RING_LOG2}, not {log2!r}")
        self.length = 1 << log2
        self.lost = ""  # why nothing can be done any more
        self._log2 = log2
        self._bus = bus
        self._registers = registers
        self._tail = 0  # descriptors given so far: the tag of the last
        self._unfinished: Sequence[Command] = ()
        self._rung = True  # the doorbell, for all of them
        self._descriptors: Buffer = bus.allocate(self.length * DESCRIPTOR_BYTES)
        try:
            self._completions: Buffer = bus.allocate(self.length * COMPLETION_BYTES)
        except BaseException:
            self._descriptors.free()
            raise

    def program(self) -> None:
        """Tell the device where the ring is; it must not be enabled yet."""
        self._completions.array[:] = 0
        self._completions.flush()
        self._tail = 0
        registers = self._registers
        registers.write("RING_TAIL", 0)
        registers.write("RING_LOG2", self._log2)
        registers.write("RING_BASE", self._descriptors.address)
        registers.write("COMPLETION_BASE", self._completions.address)
        # WINDOW is left to whoever uses it.
        registers.put("IRQ_STATUS", DONE=1, FAULT=1, HALT=1)
        registers.put("IRQ_ENABLE", DONE=1, FAULT=1, HALT=1)

    def run(self, commands: Sequence[Command]) -> list[Completion]:
        """Have commands carried out in order; return what became of each.

        Raises:
            DeviceTimeout: they took longer than they ever should.
            DeviceFault: the ring halted, or did before.
        """
        self._check_lost()
        completions = []
        for start in range(0, len(commands), self.length):
            completions += self._run_batch(commands[start : start + self.length])
        return completions

    def begin(self, commands: Sequence[Command]) -> None:
        """Ring the doorbell for one batch and return: whoever comes next waits for it first.

        Nobody learns what became of these. Raises ValueError for more than the ring holds, and
        what ``run`` does.
        """
        if not 1 <= len(commands) <= self.length:
            raise ValueError(f"commands must be 1..{self.length}, not {len(commands)!r}")
        self._check_lost()
        self._give(commands)

    def free(self) -> None:
        """Give the memory back."""
        self._descriptors.free()
        self._completions.free()

    def settle(self) -> None:
        """Wait for a batch that was begun only, or whose caller pressed Ctrl-C.

        The device reads and writes what that caller staged, so nothing else may be staged before.
        Raises what ``run`` does.
        """
        if self._unfinished and not self.lost:
            if not self._rung:
                self._ring()
            self._finish(self._bus.polls + 1)  # for its interrupt may have been cleared

    def _check_lost(self) -> None:
        if self.lost:
            raise DeviceFault(f"{self._bus.name} is not used any more: {self.lost}")

    def _run_batch(self, commands: Sequence[Command]) -> list[Completion]:
        first = self._give(commands)
        self._finish(self._bus.polls)
        # Read only now: of a record that is looked at while it is written a part may be old.
        return self._collect(first, len(commands))

    def _give(self, commands: Sequence[Command]) -> int:
        """Put a batch into the ring and ring the doorbell; return how many came before it."""
        self.settle()
        count = len(commands)
        first = self._tail
        packed = b"".join(
            replace(
                command,
                tag=(first + i + 1) & _MASK32,
                flags=command.flags | (Flag.INTERRUPT if i == count - 1 else 0),
            ).pack()
            for i, command in enumerate(commands)
        )
        descriptors = np.frombuffer(packed, np.uint8)
        done = 0
        for start, size in self._spans(first, count, DESCRIPTOR_BYTES):
            self._descriptors.array[start : start + size] = descriptors[done : done + size]
            self._descriptors.flush(start, size)
            done += size
        self._unfinished = commands
        self._rung = False
        self._tail = (first + count) & _MASK32
        self._ring()
        return first

    def _ring(self) -> None:
        """Ring the doorbell; twice for a batch does no harm."""
        try:
            self._registers.write("RING_TAIL", self._tail)
            self._rung = True
        except (DeviceFault, DeviceTimeout) as error:
            self.lost = str(error)
            raise

    def _finish(self, polls: int) -> None:
        """Wait for the batch that was given last, and be done with its interrupt."""
        words = sum(c.count for c in self._unfinished if c.opcode != Opcode.SELECT)
        try:
            self._wait(_SECONDS_A_JOB + words * _SECONDS_A_WORD, polls)
            # Cleared before the next doorbell, so that what comes then is about that.
            self._registers.put("IRQ_STATUS", DONE=1, FAULT=1)
        except (DeviceFault, DeviceTimeout) as error:
            self.lost = str(error)
            raise
        self._unfinished = ()

    def _wait(self, seconds: float, polls: int) -> None:
        """Return when the last command is complete, which is looked at so often at first."""
        for _ in range(polls):
            if self._is_complete():
                return
        allowed = seconds
        cleared = False
        while True:
            high = self._bus.wait_irq(min(_SLICE, seconds))
            if self._is_complete():
                return
            if high and not cleared:
                # Mostly it was about an earlier batch. What completes between the look and this is
                # found by the next look; what stays high is about something else.
                self._registers.put("IRQ_STATUS", DONE=1, FAULT=1)
                cleared = True
                if self._is_complete():
                    return
            else:
                self._check_halted()
                cleared = False
            seconds -= _SPURIOUS if high else min(_SLICE, seconds)
            if seconds <= 0:
                raise DeviceTimeout(
                    f"{self._bus.name}: {len(self._unfinished)} commands from "
                    f"{_name_of(self._unfinished[0])} on were not completed in {allowed:.3g} s"
                    f"{self._whose()}"
                )

    def _check_halted(self) -> None:
        status = self._registers.fields("STATUS")
        if status["HALTED"]:
            reason = _name(status["HALT_FAULT"])
            raise DeviceFault(f"{self._bus.name}: the ring halted with {reason}{self._whose()}")

    def _whose(self) -> str:
        """Return what else is to be told of a device that is not as it was left."""
        try:
            identity = self._registers.read("ID")
            ring = self._registers.read("RING_BASE")
        except (DeviceFault, DeviceTimeout):
            return ""
        if identity != IDENTITY:
            return f"; its ID reads {identity:#x}: it lost its power, or its bitstream"
        if ring != self._descriptors.address:
            return "; another driver has taken it: let only one process use it"
        return ""

    def _is_complete(self) -> bool:
        """Look whether the record of the last command is there."""
        place = (self._tail - 1) % self.length * COMPLETION_BYTES
        self._completions.invalidate(place, COMPLETION_BYTES)
        tag = self._completions.array[place + 4 : place + 8].tobytes()
        return int.from_bytes(tag, "little") == self._tail

    def _collect(self, first: int, count: int) -> list[Completion]:
        records = b""
        for start, size in self._spans(first, count, COMPLETION_BYTES):
            self._completions.invalidate(start, size)
            records += self._completions.array[start : start + size].tobytes()
        completions = []
        for i in range(count):
            record = records[i * COMPLETION_BYTES : (i + 1) * COMPLETION_BYTES]
            tag = (first + i + 1) & _MASK32
            try:
                completion = Completion.unpack(record)
            except ValueError:
                completion = None
            if completion is None or completion.tag != tag:
                self.lost = f"the completion of command {tag} reads {record.hex()}"
                raise DeviceFault(f"{self._bus.name}: {self.lost}")
            completions.append(completion)
        return completions

    def _spans(self, first: int, count: int, size: int) -> Iterator[tuple[int, int]]:
        """Yield where a batch lies in a buffer of the ring: one run of bytes, or two."""
        place = first % self.length
        before_end = min(count, self.length - place)
        yield place * size, before_end * size
        if count > before_end:
            yield 0, (count - before_end) * size


def _name(fault: int) -> str:
    return Fault(fault).name if fault in set(Fault) else f"fault {fault}"


def _name_of(command: Command) -> str:
    return f"{Opcode(command.opcode).name} at {command.address:#x}"
