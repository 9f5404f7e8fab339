"""A small host that drives the traced accelerator, and keeps a trace of what it is asked to."""

import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
from amaranth.hdl import Fragment
from amaranth.lib import wiring

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import COMPLETION_BYTES, DESCRIPTOR_BYTES, Command, Flag
from engram.arch.page_table import BUCKET_BYTES
from engram.arch.pages import PAGE_BYTES, WORD_BYTES
from engram.arch.regs import REGISTERS
from engram.arch.seeds import feistel_keys
from hdl.generate import unit_verilog
from hdl.mmu.pager import Pager
from hdl.ring.sequencer import Sequencer
from sim.verilated.bus import VerilatedBus
from sim.verilated.library import build
from sim.waves.trace import Trace

__all__ = ["BUCKETS_LOG2", "LAW", "LATENCY", "SEED", "Host", "library", "states"]

BUCKETS_LOG2 = 4
LAW = 1
SEED = 0x5EED
LATENCY = 20  # of memory: clocks from an address to its first word, from a burst to its answer
_CLOCK = "TOP.aclk"

_UNIT = "engram"
_FRAMES = 64
_RING_LOG2 = 4
_PATIENCE = 1e-3  # simulated seconds
_UNITS: dict[str, Callable[[AcceleratorConfig], wiring.Component]] = {
    "pager": Pager,
    "sequencer": Sequencer,
}


def library() -> Path:
    """Return the library of the accelerator whose every signal can be traced."""
    return build(unit_verilog(_UNIT, "xc7"), _UNIT, trace=True)


@cache
def states(unit: str) -> Mapping[int, str]:
    """Return the names of the states of a unit's machine, which Verilog does not keep."""
    made = Fragment.get(_UNITS[unit](AcceleratorConfig()), None)
    names: dict[int, str] = made.generated["fsm"].decoding
    return names


class Host:
    """The accelerator with a space selected, in a memory that is LATENCY clocks away.

    Attributes
    ----------
    bus : VerilatedBus
    buffer, ring, completions, table, frames : int, byte addresses in the memory
    given : int, commands so far
    """

    def __init__(self, made: Path) -> None:
        self.bus = bus = VerilatedBus(made, dram_bytes=1 << 20)
        bus.reset()
        bus.latency(reads=LATENCY - 1, writes=LATENCY - 1)
        sizes = {
            "ring": DESCRIPTOR_BYTES << _RING_LOG2,
            "completions": COMPLETION_BYTES << _RING_LOG2,
            "buffer": PAGE_BYTES,
            "table": BUCKET_BYTES << BUCKETS_LOG2,
            "frames": PAGE_BYTES * _FRAMES,
        }
        held = {name: bus.allocate(size) for name, size in sizes.items()}
        self._ring = held["ring"].array.reshape(-1, DESCRIPTOR_BYTES)
        self.given = 0
        self.ring, self.completions, self.buffer, self.table, self.frames = (
            part.address for part in held.values()
        )
        for name, value in (
            ("RING_BASE", self.ring),
            ("COMPLETION_BASE", self.completions),
            ("RING_LOG2", _RING_LOG2),
            ("BUFFER_BASE", self.buffer),
            ("BUFFER_LIMIT", self.buffer + sizes["buffer"]),
            ("TABLE_BASE", self.table),
            ("TABLE_LIMIT", self.table + sizes["table"]),
            ("FRAME_BASE", self.frames),
            ("FRAME_COUNT", _FRAMES),
            ("IRQ_ENABLE", 0xF),
            ("CONTROL", 0b111),
        ):
            for place, register in enumerate(REGISTERS.values[name]):
                bus.write(register.offset, value >> 32 * place & 0xFFFF_FFFF)
        self.do(
            Command.select(
                law=LAW, seed=SEED, keys=feistel_keys(SEED), table=self.table,
                buckets_log2=BUCKETS_LOG2,
            )
        )  # fmt: skip

    def put(self, command: Command) -> int:
        """Lay a command into the ring; return what the doorbell is to be set to."""
        text = Command(**{**vars(command), "flags": command.flags | Flag.INTERRUPT}).pack()
        self._ring[self.given % len(self._ring)] = np.frombuffer(text, np.uint8)
        self.given += 1
        return self.given

    def do(self, command: Command) -> None:
        """Have a command carried out, and clear its interrupt."""
        self.bus.write(REGISTERS["RING_TAIL"].offset, self.put(command))
        if not self.bus.wait_irq(_PATIENCE):
            raise RuntimeError(f"the accelerator must complete {command!r}")
        self.bus.write(REGISTERS["IRQ_STATUS"].offset, 0xF)

    def load(self, address: int, words: int) -> list[int]:
        """Return what lies in the memory."""
        start = address - self.bus.base
        found: list[int] = self.bus.dram[start : start + WORD_BYTES * words].view("<u8").tolist()
        return found

    def window(self, address: int) -> int:
        """Read the word of an address through the window."""
        return int(self.bus.window_read(WORD_BYTES * address, 1)[0])

    def record(self, work: Callable[[], object], *, around: int = 2) -> Trace:
        """Return the trace of some work, and of some clocks before and after it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.vcd"
            self.bus.trace(path)
            try:
                self.bus.settle(around)
                work()
                self.bus.settle(around)
            finally:
                self.bus.trace(None)
            return Trace(path.read_text(), _CLOCK)
