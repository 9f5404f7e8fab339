"""A golden accelerator with a ring, pools and a page table, and what tests say to it."""

from dataclasses import replace

import numpy as np

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    Command,
    Completion,
    Fault,
    Opcode,
)
from engram.arch.regs import REGISTERS
from engram.arch.seeds import feistel_keys
from sim.golden.accelerator import GoldenAccelerator
from sim.golden.page_table import PageTable

__all__ = ["BASE", "BUFFER", "COMPLETIONS", "FRAMES", "INDICES", "RING", "SEED", "TABLE", "Bench"]

BASE = 0x4_0000_0000  # beyond 32 bits
RING = BASE
COMPLETIONS = BASE + 0x1000
TABLE = BASE + 0x2000
TABLE_LIMIT = BASE + 0x4000
BUFFER = BASE + 0x8000
INDICES = BASE + 0x1_0000
BUFFER_LIMIT = BASE + 0x1_8000
FRAMES = BASE + 0x2_0000
SIZE = 0x6_0000
SEED = 0x1337


class Bench:
    """Commands go in one by one unless a test builds a ring of its own."""

    def __init__(
        self,
        config: AcceleratorConfig | None = None,
        *,
        frames: int = 16,
        ring_log2: int = 2,
        buckets_log2: int = 1,
    ) -> None:
        self.memory = np.zeros(SIZE, np.uint8)
        config = config or AcceleratorConfig(laws=(1, 2, 3), regions=2)
        self.dut = GoldenAccelerator(config, self.memory, BASE)
        self.words = self.memory.view("<u8")
        self.tail = 0
        self.length = 1 << ring_log2
        self.buckets_log2 = buckets_log2
        self.frames = frames
        for name, value in {
            "RING_LOG2": ring_log2,
            "RING_BASE": RING,
            "COMPLETION_BASE": COMPLETIONS,
            "BUFFER_BASE": BUFFER,
            "BUFFER_LIMIT": BUFFER_LIMIT,
            "TABLE_BASE": TABLE,
            "TABLE_LIMIT": TABLE_LIMIT,
            "FRAME_BASE": FRAMES,
            "FRAME_COUNT": frames,
            "IRQ_ENABLE": 0b0111,
        }.items():
            self.write(name, value)
        self.write("CONTROL", 1)

    def read(self, name: str) -> int:
        return sum(
            self.dut.read(half.offset) << 32 * i for i, half in enumerate(REGISTERS.values[name])
        )

    def write(self, name: str, value: int) -> None:
        for i, half in enumerate(REGISTERS.values[name]):
            self.dut.write(half.offset, value >> 32 * i & 0xFFFF_FFFF)

    def field(self, name: str, field: str) -> int:
        return REGISTERS[name].field(field).get(self.read(name))

    def at(self, address: int, count: int) -> np.ndarray:
        """Return words of DRAM, to be read or set."""
        first = (address - BASE) // 8
        return self.words[first : first + count]

    def place(self, command: Command | bytes) -> None:
        """Put a descriptor where the next one is looked for."""
        packed = command if isinstance(command, bytes) else command.pack()
        start = RING - BASE + self.tail % self.length * DESCRIPTOR_BYTES
        self.memory[start : start + DESCRIPTOR_BYTES] = np.frombuffer(packed, np.uint8)
        self.tail += 1

    def completion(self, number: int) -> Completion:
        start = COMPLETIONS - BASE + number % self.length * COMPLETION_BYTES
        return Completion.unpack(self.memory[start : start + COMPLETION_BYTES].tobytes())

    def do(self, opcode: int, *, fault: Fault | None = Fault.OK, **fields: int) -> Completion:
        """Have one command carried out; it must come to ``fault``."""
        return self.run(Command(opcode, **fields), fault=fault)

    def run(self, command: Command, *, fault: Fault | None = Fault.OK) -> Completion:
        self.place(replace(command, tag=0xABC0_0000 + self.tail))
        self.write("RING_TAIL", self.tail)
        assert self.read("RING_HEAD") == self.tail
        completion = self.completion(self.tail - 1)
        assert completion.tag == 0xABC0_0000 + self.tail - 1
        assert completion.opcode == command.opcode
        assert fault is None or completion.fault == fault
        return completion

    def select(self, *, law: int = 1, seed: int = SEED, fault: Fault = Fault.OK) -> None:
        self.run(
            Command.select(
                law=law,
                seed=seed,
                keys=feistel_keys(seed),
                table=TABLE,
                buckets_log2=self.buckets_log2,
            ),
            fault=fault,
        )

    def put(self, address: int, values: list[int], fault: Fault = Fault.OK) -> Completion:
        """WRITE words."""
        self.at(BUFFER, len(values))[:] = values
        return self.do(
            Opcode.WRITE, address=address, count=len(values), buffer=BUFFER, fault=fault
        )

    def get(
        self, address: int, count: int, *, law: int = 0, opcode: int = Opcode.READ
    ) -> list[int]:
        """READ words."""
        self.at(BUFFER, count)[:] = 0xCD
        self.do(opcode, address=address, count=count, buffer=BUFFER, law=law)
        return self.at(BUFFER, count).tolist()

    @property
    def table(self) -> PageTable:
        return PageTable(self.dut.dram, TABLE, self.buckets_log2, self.frames)
