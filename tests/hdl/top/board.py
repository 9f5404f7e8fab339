"""The board around the accelerator: register manager, window manager, DRAM, clock and reset."""

import itertools
import logging
import random

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiMaster

from engram.arch.commands import Completion
from engram.arch.regs import COUNTERS, REGISTERS
from tests.hdl.top.manager import WindowManager
from tests.hdl.top.memory import DRAM_BYTES, FailingRam

__all__ = [
    "BUFFERS", "BUFFER_END", "COMPLETIONS", "FRAMES", "RING", "TABLES", "TABLE_END", "Board",
]

# Where everything lies in DRAM.
RING = 0x1000
COMPLETIONS = 0x2000
TABLES = 0x4000
TABLE_END = 0x8000
BUFFERS = 0x10000
BUFFER_END = 0x60000
FRAMES = 0x80000

WRITE_CHANNELS = ("aw", "w", "b")
PATIENCE = 20_000  # clocks


class Board:
    """The accelerator with all that it needs to run; ``published`` puts AxiMaster at the window."""

    def __init__(self, dut, *, seed: int = 1, published: bool = False) -> None:
        self.dut = dut
        self.random = random.Random(seed)
        ends = (dut.aclk, dut.aresetn)
        self.array = np.zeros(DRAM_BYTES, np.uint8)
        self.registers = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axil"), *ends, reset_active_level=False
        )
        self.memory = FailingRam(AxiBus.from_prefix(dut, "m_axi"), *ends, self.array)
        bus = AxiBus.from_prefix(dut, "s_axi")
        self.published = None
        self.window = None
        if published:
            self.published = AxiMaster(bus, *ends, reset_active_level=False)
        else:
            self.window = WindowManager(bus, *ends)
        for model in (self.registers, self.memory, self.published):
            if model is not None:
                for part in (model.write_if, model.read_if):
                    part.log.setLevel(logging.WARNING)  # else it prints every byte that moves
        logging.getLogger(f"cocotb.{dut._name}.s_axi").setLevel(logging.WARNING)
        self._settle_inputs()

    async def start(self) -> "Board":
        """Start the clock and come out of reset."""
        Clock(self.dut.aclk, 10, unit="ns").start()
        await self.reset()
        return self

    async def reset(self) -> None:
        """Reset everything on the board but what DRAM holds."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        if self.window is not None:
            self.window.forget()
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    def _settle_inputs(self) -> None:
        """Have the models begin with bits where they begin with X, which no wire on a chip has.

        Comparisons by carry chain make X of X even where a condition beside them is 0.
        """
        for name in self._inputs:
            signal = getattr(self.dut, name)
            signal.value = self.random.getrandbits(len(signal))

    @property
    def _inputs(self) -> list[str]:
        """Names of the payloads that the bench drives."""
        given = {"s_axil": ("aw", "w", "ar"), "s_axi": ("aw", "w", "ar"), "m_axi": ("b", "r")}
        return [
            handle._name
            for handle in self.dut
            for bus, channels in given.items()
            for channel in channels
            if handle._name.startswith(f"{bus}_{channel}")
            and not handle._name.endswith(("valid", "ready"))
        ]

    @property
    def channels(self) -> dict:
        """The bench's ends of all 15 channels, by the name of bus and channel."""
        found = {}
        for bus, model in (
            ("s_axil", self.registers), ("s_axi", self.window), ("m_axi", self.memory)
        ):
            for name in ("aw", "w", "b", "ar", "r"):
                part = model
                if bus != "s_axi":
                    part = model.write_if if name in WRITE_CHANNELS else model.read_if
                found[f"{bus}.{name}"] = getattr(part, f"{name}_channel")
        return found

    def stall(self, chance: float, *names: str) -> None:
        """Pause these channels at random, all if none is named; 0 ends it."""
        for name, channel in self.channels.items():
            if names and name not in names:
                continue
            if chance == 0:
                channel.clear_pause_generator()
                channel.pause = False
            else:
                channel.set_pause_generator(
                    self.random.random() < chance for _ in itertools.count()
                )

    async def read(self, name: str) -> int:
        """Return a register, both halves if there are two."""
        value = 0
        for place, half in enumerate(REGISTERS.values[name]):
            value |= await self.registers.read_dword(half.offset) << 32 * place
        return value

    async def write(self, name: str, value: int) -> None:
        """Write a register, both halves if there are two."""
        for place, half in enumerate(REGISTERS.values[name]):
            await self.registers.write_dword(half.offset, value >> 32 * place & 0xFFFF_FFFF)

    async def counters(self) -> dict[str, int]:
        """Capture all counters and return them."""
        await self.write("COMMAND", 1)
        return {name: await self.read(name) for name in COUNTERS}

    async def wait_head(self, tail: int, patience: int = PATIENCE) -> bool:
        """Wait until the ring has completed ``tail`` commands or halts; return whether it did."""
        gap = 16
        waited = 0
        while waited < patience:
            if await self.read("RING_HEAD") == tail:
                return True
            if await self.read("STATUS") & 2:
                return False
            await ClockCycles(self.dut.aclk, gap)
            waited += gap
            gap = min(2 * gap, 128)
        raise AssertionError(f"the ring did not come to {tail} within {patience} clocks")

    async def wait_idle(self, patience: int = PATIENCE) -> None:
        """Wait until nothing is under way."""
        for _ in range(patience // 32):
            if await self.read("STATUS") & 1:
                return
            await ClockCycles(self.dut.aclk, 32)
        raise AssertionError(f"STATUS.IDLE did not rise within {patience} clocks")

    async def wait_irq(self, patience: int = PATIENCE) -> None:
        """Wait for the interrupt line to be high."""
        for _ in range(patience // 8):
            if int(self.dut.irq.value):
                return
            await ClockCycles(self.dut.aclk, 8)
        raise AssertionError(f"irq did not rise within {patience} clocks")

    async def clock(self) -> None:
        """Wait for the next rising edge."""
        await RisingEdge(self.dut.aclk)

    def completion(self, place: int) -> Completion:
        """Return what the accelerator wrote for a place of the ring."""
        start = COMPLETIONS + 32 * place
        return Completion.unpack(self.array[start : start + 32].tobytes())
