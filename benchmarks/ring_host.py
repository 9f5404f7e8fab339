"""A small host on the Verilated accelerator that knows what each of its jobs cost in clocks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from amaranth.back import verilog
from numpy.typing import NDArray

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    Command,
    Completion,
    Fault,
    Flag,
    Opcode,
)
from engram.arch.page_table import BUCKET_BYTES, BUCKET_WORDS
from engram.arch.pages import PAGE_BYTES, PAGE_WORDS, WORD_BYTES
from engram.arch.regs import REGISTERS
from engram.arch.seeds import feistel_keys
from hdl.top import Engram
from sim.verilated.bus import Direction, VerilatedBus
from sim.verilated.library import build

__all__ = ["Job", "RingHost", "library"]

SEED = 0x5EED_0F_E46_4A4
RING_LOG2 = 7
FRAMES = 512
BUFFER_WORDS = 1 << 16
DRAM_BYTES = 1 << 24
PATIENCE = 0.1  # simulated seconds, ten million clocks


@dataclass(frozen=True)
class Job:
    """What a batch of commands behind one doorbell cost.

    completions : one a command; their clocks count from the descriptor's arrival on
    doorbell_clocks : from the write of RING_TAIL to the interrupt
    read_bytes, written_bytes : at the port to DRAM, with descriptors, tables and completions
    """

    completions: tuple[Completion, ...]
    doorbell_clocks: int
    read_bytes: int
    written_bytes: int


class RingHost:
    """The accelerator of a library with a space selected, in memory of one latency.

    latency : clocks from an address to its first word, and from a burst's end to its answer; 1 is
        the next clock
    law : number of the selected space's law
    buckets_log2 : logarithm of the buckets of its page table

    Attributes
    ----------
    bus : VerilatedBus
    buffer : int, byte address of the words
    words : the buffer's words, as the accelerator sees them
    table : the page table's words, a row for each bucket
    """

    def __init__(
        self, library: Path, *, latency: int = 20, law: int = 1, buckets_log2: int = 7
    ) -> None:
        if latency < 1:
            raise ValueError(f"latency must be at least 1, not {latency!r}")
        self.bus = bus = VerilatedBus(library, dram_bytes=DRAM_BYTES)
        bus.reset()
        bus.latency(reads=latency - 1, writes=latency - 1)
        self._ring = bus.allocate(DESCRIPTOR_BYTES << RING_LOG2)
        self._completions = bus.allocate(COMPLETION_BYTES << RING_LOG2)
        words = bus.allocate(BUFFER_WORDS * WORD_BYTES)
        table = bus.allocate(BUCKET_BYTES << buckets_log2)
        frames = bus.allocate(FRAMES * PAGE_BYTES)
        self.buffer = words.address
        self.words: NDArray[np.uint64] = words.array.view(np.uint64)
        self.table: NDArray[np.uint64] = table.array.view(np.uint64).reshape(-1, BUCKET_WORDS)
        self._tail = 0
        for name, value in (
            ("RING_BASE", self._ring.address),
            ("COMPLETION_BASE", self._completions.address),
            ("RING_LOG2", RING_LOG2),
            ("BUFFER_BASE", words.address),
            ("BUFFER_LIMIT", words.address + len(words.array)),
            ("TABLE_BASE", table.address),
            ("TABLE_LIMIT", table.address + len(table.array)),
            ("FRAME_BASE", frames.address),
            ("FRAME_COUNT", FRAMES),
            ("WINDOW_BASE", 0),
            ("IRQ_ENABLE", 0xF),
            ("CONTROL", 0b111),
        ):
            self.write(name, value)
        self.do(
            Command.select(
                law=law,
                seed=SEED,
                keys=feistel_keys(SEED),
                table=table.address,
                buckets_log2=buckets_log2,
            )
        )

    def write(self, name: str, value: int) -> None:
        """Set a value, of both halves where there are two."""
        for place, register in enumerate(REGISTERS.values[name]):
            self.bus.write(register.offset, value >> 32 * place & 0xFFFF_FFFF)

    def do(self, *commands: Command) -> Job:
        """Have commands carried out behind one doorbell; raise RuntimeError for any fault."""
        first = self._tail
        self._tail += len(commands)
        ring = self._ring.array.reshape(-1, DESCRIPTOR_BYTES)
        for number, command in enumerate(commands, first):
            flags = Flag.INTERRUPT if number == self._tail - 1 else 0
            packed = replace(command, flags=command.flags | flags).pack()
            ring[number % len(ring)] = np.frombuffer(packed, np.uint8)
        before = self._spent()
        self.write("RING_TAIL", self._tail)
        if not self.bus.wait_irq(PATIENCE):
            raise RuntimeError(f"{len(commands)} commands must end, not {commands[0]!r}")
        after = self._spent()
        self.write("IRQ_STATUS", 0xF)
        records = self._completions.array.reshape(-1, COMPLETION_BYTES)
        completions = tuple(
            Completion.unpack(records[number % len(records)].tobytes())
            for number in range(first, self._tail)
        )
        for completion in completions:
            if completion.fault != Fault.OK:
                raise RuntimeError(f"a command must end well, not {completion!r}")
        clocks, read, written = (now - then for now, then in zip(after, before, strict=True))
        return Job(
            completions,
            clocks,
            read * WORD_BYTES,
            written * WORD_BYTES,
        )

    def frame(self, pages: Iterable[int]) -> None:
        """Have pages framed, each by a write of all its words, and the TLB forget them."""
        commands = [
            Command(Opcode.WRITE, page * PAGE_WORDS, PAGE_WORDS, self.buffer) for page in pages
        ]
        self.do(*commands, Command(Opcode.INVALIDATE))

    def clocks_of(self, work: Callable[[], object]) -> int:
        """Return the clocks that passed while ``work`` used the bus."""
        before = self.bus.cycles
        work()
        return self.bus.cycles - before

    def _spent(self) -> tuple[int, int, int]:
        bus = self.bus
        return bus.cycles, bus.beats(Direction.READS), bus.beats(Direction.WRITES)


@cache
def library(config: AcceleratorConfig, *, fast: bool = False) -> Path:
    """Return the library of an accelerator, compiled if it is not in the user's cache.

    ``fast``: simplified by Yosys first, as the device fpga-sim has it.
    """
    text = verilog.convert(
        Engram(config), name="engram", strip_internal_attrs=True, emit_src=False
    )
    return build(text, "engram", fast=fast)
