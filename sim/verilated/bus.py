"""The bus to a Verilated accelerator: every clock of it passes inside these calls."""

import ctypes
import operator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engram.errors import DeviceFault, DeviceTimeout
from engram.fpga.allocator import Allocator
from sim.verilated.memory import Channel, Direction, Response, VerilatedBuffer
from sim.verilated.model import RESPONSE_SHIFT, TIMEOUT, VIOLATION, Model

__all__ = ["Channel", "Direction", "Response", "VerilatedBus"]

_SLICE = 1 << 20  # clocks between two looks at Python's signals
_REGISTER_BITS = 32
_WORD_BYTES = 8


class VerilatedBus:
    """A Bus to the design in a library that ``sim.verilated.library.build`` returned.

    dram_bytes : of memory, from ``base`` on; the machine provides what is touched of them
    clock_hz : how many clocks a simulated second has, for ``wait_irq``
    patience : clocks after which an access that was not answered raises DeviceTimeout; the port
        then stays blocked, as in hardware, until ``reset``

    Time stands still between calls: an access to a register takes some clocks, ``settle`` and
    ``wait_irq`` take as many as they say. Every call that lets clocks pass raises DeviceFault
    once the design has broken a rule of AXI at any of its ports; ``violations`` has the text.

    Attributes
    ----------
    reads, writes : accesses to registers so far
    allocator : of the memory
    dram : all of the memory, as bytes
    """

    polls = 0  # time stands still between calls
    refusals_are_errors = True

    def __init__(
        self,
        library: Path,
        *,
        name: str = "fpga-sim",
        dram_bytes: int = 1 << 30,
        base: int = 0x1000_0000,
        clock_hz: float = 100e6,
        patience: int = 100_000,
    ) -> None:
        if dram_bytes < 4096 or dram_bytes % 4096:
            raise ValueError(f"dram_bytes must be a multiple of 4096, not {dram_bytes!r}")
        if base < 0 or base % 4096:
            raise ValueError(f"base must be a multiple of 4096, not {base!r}")
        self.name = name
        self.base = base
        self.clock_hz = clock_hz
        self.patience = patience
        self.reads = 0
        self.writes = 0
        self.dram = np.zeros(dram_bytes, np.uint8)
        self.allocator = Allocator(base, dram_bytes)
        self._model = Model(library)
        self._register_limit = 1 << min(self._model.width(b"s_axil_araddr"), 32)
        self._offsets = range(0, self._register_limit, _REGISTER_BITS // 8)
        self._read = self._model.read
        self._window_bits: int = self._model.width(b"s_axi_araddr")
        self._window_ids = 1 << self._model.width(b"s_axi_arid")
        self._device: int | None = self._model.new(self.dram.ctypes.data, dram_bytes, base)

    def read(self, offset: int) -> int:
        """Return the 32-bit register at byte ``offset``."""
        if offset not in self._offsets or self._device is None:
            self._check_offset(offset)
        self.reads += 1
        result: int = self._read(self._device, offset, self.patience)
        if result >> RESPONSE_SHIFT:
            self._refuse(result, f"reading register 0x{offset:x}")
        return result

    def write(self, offset: int, value: int) -> None:
        """Set the 32-bit register at byte ``offset``."""
        self._check_offset(offset)
        if not 0 <= value < 1 << _REGISTER_BITS:
            raise ValueError(f"value must be in 0..2**32-1, not {value!r}")
        self.writes += 1
        result: int = self._model.write(self._device, offset, value, self.patience)
        if result >> RESPONSE_SHIFT:
            self._refuse(result, f"writing register 0x{offset:x}")

    def allocate(self, size: int, align: int = 4096) -> VerilatedBuffer:
        """Return ``size`` bytes of the memory at a multiple of ``align``."""
        self._open()
        size = operator.index(size)
        address = self.allocator.take(size, align)
        if address is None:
            raise DeviceFault(
                f"{self.name} has no room for {size} bytes at a multiple of {align}: "
                f"{self.allocator.free_bytes} of {len(self.dram)} bytes are free"
            )
        start = address - self.base
        return VerilatedBuffer(self.allocator, address, self.dram[start : start + size])

    def wait_irq(self, seconds: float) -> bool:
        """Return whether the interrupt rose within so many simulated seconds."""
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, not {seconds!r}")
        return self._run(round(seconds * self.clock_hz), until_irq=True)

    def settle(self, clocks: int) -> bool:
        """Let so many clocks pass; return whether the interrupt is high then."""
        if clocks < 0:
            raise ValueError(f"clocks must not be negative, not {clocks!r}")
        return self._run(clocks, until_irq=False)

    def reset(self, clocks: int = 4) -> None:
        """Reset the design and the other ends of its ports; memory keeps its bytes."""
        if clocks < 1:
            raise ValueError(f"clocks must be at least 1, not {clocks!r}")
        self._open()
        self._model.reset(self._device, clocks)

    def close(self) -> None:
        """Delete the design; twice does nothing."""
        if self._device is not None:
            self._model.delete(self._device)
            self._device = None

    def window_read(
        self, address: int, words: int, *, burst: int = 256, identity: int = 0
    ) -> NDArray[np.uint64]:
        """Return words through the window, read in bursts of up to ``burst`` beats.

        Bursts are given as fast as the design takes them, all with one ID.
        Raises DeviceFault if any word was answered with an error.
        """
        self._check_window(address, words, burst, identity)
        found = np.empty(words, np.uint64)
        failed = ctypes.c_uint64()
        result = self._model.window_read(
            self._device, address, words, burst, identity, found.ctypes.data,
            ctypes.byref(failed), self.patience + 64 * words,
        )  # fmt: skip
        self._check_answer(result, failed.value, "reading")
        return found

    def window_write(
        self,
        address: int,
        words: NDArray[np.uint64],
        strobes: NDArray[np.uint8] | None = None,
        *,
        burst: int = 256,
        identity: int = 0,
        address_delay: int = 0,
        data_delay: int = 0,
    ) -> None:
        """Write words through the window; of each, the bytes that its strobe has bits for.

        The two delays are clocks before the first address and the first datum are offered.
        Raises DeviceFault if any burst was answered with an error.
        """
        self._check_window(address, len(words), burst, identity)
        data = np.ascontiguousarray(words, np.uint64)
        lanes = np.full(len(data), 0xFF, np.uint8) if strobes is None else strobes
        lanes = np.ascontiguousarray(lanes, np.uint8)
        if len(lanes) != len(data):
            raise ValueError(f"strobes must be {len(data)}, one a word, not {len(lanes)!r}")
        failed = ctypes.c_uint64()
        result = self._model.window_write(
            self._device, address, len(data), burst, identity, data.ctypes.data,
            lanes.ctypes.data, address_delay, data_delay, ctypes.byref(failed),
            self.patience + address_delay + data_delay + 64 * len(data),
        )  # fmt: skip
        self._check_answer(result, failed.value, "writing")

    def latency(self, *, reads: int = 0, writes: int = 0) -> None:
        """Set the clocks from an address to its first word, and from a burst's end to its answer.

        0: in the next clock. With one slow and the other fast, an order of reads and writes that
        AXI does not promise comes out wrong.
        """
        self._open()
        self._model.latency(self._device, reads, writes)

    def stall(self, probability: float, *channels: Channel, seed: int | None = None) -> None:
        """Set how likely a channel (none named: each of them) pauses in a clock."""
        if not 0 <= probability < 1:
            raise ValueError(f"probability must be in 0 <= p < 1, not {probability!r}")
        self._open()
        if seed is not None:
            self._model.seed(self._device, 2 * seed + 1 & (1 << 64) - 1)  # never 0
        for channel in channels or Channel:
            self._model.stall(self._device, channel, int(probability * 65536))

    def fail(
        self, direction: Direction, first: int, limit: int, response: Response = Response.SLVERR
    ) -> None:
        """Answer accesses to any byte from ``first`` to below ``limit`` with an error."""
        self._open()
        self._model.fail(self._device, direction, first, limit, response)

    def fail_beat(
        self, direction: Direction, number: int, response: Response = Response.SLVERR
    ) -> None:
        """Answer one beat with an error: number 0 is the next one."""
        self._open()
        self._model.fail_beat(self._device, direction, number, response)

    def heal(self) -> None:
        """End all errors that ``fail`` and ``fail_beat`` asked for."""
        self._open()
        self._model.heal(self._device)

    def beats(self, direction: Direction) -> int:
        """Beats that memory has read or written since the design was made."""
        self._open()
        return int(self._model.beats(self._device, direction))

    @property
    def cycles(self) -> int:
        """Clocks since the design was made."""
        self._open()
        return int(self._model.cycles(self._device))

    @property
    def strays(self) -> int:
        """Beats that the design asked of addresses outside of the memory."""
        self._open()
        return int(self._model.strays(self._device))

    @property
    def violations(self) -> list[str]:
        """The rules of AXI that the design broke since its reset: at most the first 20."""
        self._open()
        text: bytes = self._model.violation_text(self._device)
        return text.decode().splitlines()

    def trace(self, path: Path | None) -> None:
        """Write a VCD from here on, 10 units a clock; None ends it. Needs ``build(trace=True)``."""
        self._open()
        if not self._model.trace(self._device, None if path is None else bytes(path)):
            raise ValueError("the library must be built with trace=True, and path be writable")

    def write_coverage(self, path: Path) -> None:
        """Write what was exercised so far. Needs ``build(coverage=True)``."""
        self._open()
        if not self._model.coverage(self._device, bytes(path)):
            raise ValueError("the library must be built with coverage=True")

    def _open(self) -> None:
        if self._device is None:
            raise ValueError(f"{self.name} must not be closed")

    def _run(self, clocks: int, *, until_irq: bool) -> bool:
        self._open()
        high = False
        while True:
            now = min(clocks, _SLICE)
            high = bool(self._model.run(self._device, now, until_irq))
            clocks -= now
            if clocks == 0 or (high and until_irq):
                break
        self._check_violations()
        return high

    def _check_offset(self, offset: int) -> None:
        if offset < 0 or offset % 4:
            raise ValueError(f"offset must be a multiple of 4, not {offset!r}")
        self._open()
        if offset >= self._register_limit:
            raise DeviceFault(f"{self.name}: no register port decodes offset 0x{offset:x} (DECERR)")

    def _refuse(self, result: int, action: str) -> None:
        if result & VIOLATION:
            self._check_violations()
        if result & TIMEOUT:
            raise DeviceTimeout(
                f"{self.name}: {action} was not answered for {self.patience} clocks"
            )
        response = result >> RESPONSE_SHIFT & 3
        if response >= Response.SLVERR:
            raise DeviceFault(f"{self.name}: {action} was refused ({Response(response).name})")

    def _check_window(self, address: int, words: int, burst: int, identity: int) -> None:
        self._open()
        if self._window_bits == 0:
            raise ValueError("the design must have a window")
        if address < 0 or address % _WORD_BYTES:
            raise ValueError(f"address must be a multiple of 8, not {address!r}")
        if words < 1 or address + _WORD_BYTES * words > 1 << self._window_bits:
            raise ValueError(f"words must be in the window, not {words!r} at 0x{address:x}")
        if not 1 <= burst <= 256:
            raise ValueError(f"burst must be in 1..256, not {burst!r}")
        if not 0 <= identity < self._window_ids:
            raise ValueError(f"identity must be in 0..{self._window_ids - 1}, not {identity!r}")

    def _check_answer(self, result: int, failed: int, action: str) -> None:
        self._check_violations()
        if result & TIMEOUT:
            raise DeviceTimeout(f"{self.name}: {action} the window was not answered")
        if result >= Response.SLVERR:
            raise DeviceFault(
                f"{self.name}: {action} the window at 0x{failed:x} was refused "
                f"({Response(result).name})"
            )

    def _check_violations(self) -> None:
        if self._model.violations(self._device):
            raise DeviceFault("\n".join([f"{self.name} broke AXI's rules:", *self.violations]))
