"""The accelerator in plain integers: registers, ring and window; each doorbell done at once."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    DESCRIPTOR_WORDS,
    MAX_RING_LOG2,
    Completion,
    Fault,
    Flag,
)
from engram.arch.pages import MASK64
from engram.arch.regs import COUNTERS
from sim.golden.commands import Pools, carry_out, unpack
from sim.golden.dram import Dram
from sim.golden.frame_pool import FramePool
from sim.golden.pager import Pager, Stopped
from sim.golden.regions import RegionTable
from sim.golden.registers import RegisterFile

__all__ = ["GoldenAccelerator"]

_MASK32 = (1 << 32) - 1

Words = NDArray[np.uint64]


class GoldenAccelerator:
    """What an accelerator of this configuration does, over the bytes of ``dram`` from ``base`` on.

    It has no time: whatever a register write starts is done when ``write`` returns, ``clocks`` of
    a completion are 0, and of the counters only those of commands, frames and generated words
    count. ``dram.failing_reads`` and ``dram.failing_writes`` make accesses fail.
    """

    def __init__(self, config: AcceleratorConfig, dram: NDArray[np.uint8], base: int = 0) -> None:
        self.config = config
        self.dram = Dram(dram, base)
        self._registers = registers = RegisterFile()
        self._pool = FramePool(self.dram)
        self._regions = RegionTable(config.regions)
        self._pager = Pager(self.dram, self._pool, self._regions)
        self._commands = 0
        registers["LAWS"] = config.law_mask
        registers.put(
            "SHAPE",
            LANES=config.lanes,
            TLB_ENTRIES=config.tlb_entries,
            REGIONS=config.regions,
            ADDRESS_BITS=config.address_bits,
            WINDOW_BITS=config.window_bits,
        )
        registers.put("STATUS", IDLE=1)

    @property
    def irq(self) -> bool:
        """Whether the interrupt line is high."""
        return bool(self._registers["IRQ_STATUS"] & self._registers["IRQ_ENABLE"])

    def read(self, offset: int) -> int:
        """Return the register at a byte offset; raise DeviceFault if there is none."""
        return self._registers.read(offset)

    def write(self, offset: int, value: int) -> None:
        """Set the register at a byte offset; raise DeviceFault if there is none to be written."""
        register, pulses = self._registers.write(offset, value)
        if register.name == "COMMAND" and pulses:
            self._capture()
        if not self._registers.field("CONTROL", "ENABLE"):
            self._reset()
        else:
            self._run()
        self._registers["FRAMES_USED"] = self._pool.used

    def window_read(self, offset: int, count: int) -> list[tuple[int, Fault]]:
        """Return the words of the window from word ``offset`` on; 0 where there is a fault."""
        answers = []
        for i in range(count):
            word, fault = 0, self._refusal("WINDOW_READ")
            if not fault:
                try:
                    words, unread = self._pager.read(self._address(offset + i), 1)
                    word, fault = int(words[0]), Fault.READ_ERROR if unread[0] else Fault.OK
                except Stopped as stop:
                    fault = stop.fault
            self._note_window(fault)
            answers.append((word, fault))
        return answers

    def window_write(
        self, offset: int, words: Words, strobes: NDArray[np.uint8] | None = None
    ) -> Fault:
        """Write the bytes that ``strobes`` name (None: all); return the first fault."""
        first = Fault.OK
        for i in range(len(words)):
            fault = self._refusal("WINDOW_WRITE")
            if not fault:
                strobe = np.full(1, 0xFF, np.uint8) if strobes is None else strobes[i : i + 1]
                try:
                    address = self._address(offset + i)
                    fault = self._pager.write_strobed(address, words[i : i + 1], strobe)
                except Stopped as stop:
                    fault = stop.fault
            self._note_window(fault)
            first = first or fault
        self._registers["FRAMES_USED"] = self._pool.used
        return first

    def _refusal(self, permission: str) -> Fault:
        if self._pager.selection is None:
            return Fault.NO_SPACE
        if not self._registers.field("CONTROL", permission):
            return Fault.REFUSED
        return Fault.OK

    def _address(self, offset: int) -> int:
        words = self.config.window_words
        return self._registers["WINDOW_BASE"] // words * words + offset % words

    def _note_window(self, fault: Fault) -> None:
        if fault:
            self._registers.put("STATUS", WINDOW_FAULT=fault)
            self._registers.put("IRQ_STATUS", WINDOW=1)

    def _reset(self) -> None:
        """Forget all but registers."""
        registers = self._registers
        registers["RING_HEAD"] = 0
        registers.put("STATUS", HALTED=0, SELECTED=0, HALT_FAULT=0, WINDOW_FAULT=0)
        self._pool.base = registers["FRAME_BASE"]
        self._pool.count = registers["FRAME_COUNT"]
        self._pool.clear()
        self._pager.select(None)

    def _run(self) -> None:
        """Carry out what the doorbell announced, until that is all or the ring halts."""
        registers = self._registers
        length = 1 << registers["RING_LOG2"]
        while not registers.field("STATUS", "HALTED"):
            level = (registers["RING_TAIL"] - registers["RING_HEAD"]) & _MASK32
            if not level:
                return
            if level > length or registers["RING_LOG2"] > MAX_RING_LOG2:
                self._halt(Fault.BAD_RING)
                return
            self._step(registers["RING_HEAD"] % length)

    def _step(self, place: int) -> None:
        """Fetch a descriptor, carry it out, and write its completion."""
        registers = self._registers
        words, failed = self.dram.read(
            registers["RING_BASE"] + place * DESCRIPTOR_BYTES, DESCRIPTOR_WORDS
        )
        if failed.any():
            self._halt(Fault.READ_ERROR)
            return
        command, reserved_zero = unpack(words.tolist())
        pools = Pools(
            registers["BUFFER_BASE"],
            registers["BUFFER_LIMIT"],
            registers["TABLE_BASE"],
            registers["TABLE_LIMIT"],
        )
        outcome = carry_out(
            self.config, command, reserved_zero, pools, self.dram, self._pager, self._regions
        )
        record = Completion(
            outcome.fault, command.opcode, command.tag, outcome.done, outcome.address, clocks=0
        )
        at = registers["COMPLETION_BASE"] + place * COMPLETION_BYTES
        registers.put("STATUS", SELECTED=int(self._pager.selection is not None))
        if not self.dram.write(at, np.frombuffer(record.pack(), "<u8")):
            self._halt(Fault.WRITE_ERROR)
            return
        self._commands += 1
        registers["RING_HEAD"] = (registers["RING_HEAD"] + 1) & _MASK32
        if outcome.fault:
            registers.put("IRQ_STATUS", FAULT=1)
        if command.flags & Flag.INTERRUPT:
            registers.put("IRQ_STATUS", DONE=1)

    def _halt(self, fault: Fault) -> None:
        self._registers.put("STATUS", HALTED=1, HALT_FAULT=fault)
        self._registers.put("IRQ_STATUS", HALT=1)

    def _capture(self) -> None:
        """Have software read the counters as they are now."""
        counted = {
            "COMMANDS": self._commands,
            "WORDS_GENERATED": self._pager.words_generated,
            "FRAMES_TAKEN": self._pager.frames_taken,
        }
        for name in COUNTERS:
            self._registers[name] = counted.get(name, 0) & MASK64
