"""A device of PYNQ's whose fabric is the Verilated accelerator."""

import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pynq
from numpy.typing import DTypeLike
from pynq import Device
from pynq.interrupt import _InterruptController
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynqmetadata.frontends import Metadata

from engram.arch.boards import BOARDS, CONFIG, INSTANCE, PORT_BYTES, Board
from sim.board.bitfile import write_bitfile
from sim.board.buffers import BufferObject, Buffers, xclBOSyncDirection
from sim.board.clocks import clock_registers
from sim.board.core import CoreRegisters, CoreWindow
from sim.board.interrupt_controller import InterruptController
from sim.board.memory_map import WORD_BYTES, MemoryMap
from sim.board.process_state import ProcessState
from sim.board.uio import SimulatedUio
from sim.board.words import Words
from sim.verilated.accelerator import accelerator_bus
from sim.verilated.bus import VerilatedBus

__all__ = ["PATIENCE", "SimulatedDevice", "simulated_board"]

# What a processor takes at least for an access to the fabric (25 MB/s, UG585 table 22-8), and for
# a call that cleans its cache (an assumption). So much time passes on the board with each, and no
# other but while somebody sleeps.
_SECONDS_AN_ACCESS = 160e-9
_SECONDS_A_SYNC = 1e-6
_SECONDS_ASLEEP = 100e-6  # simulated at a time
_CMA_BYTES = 1 << 27  # what the image of the PYNQ-Z2 keeps for devices

PATIENCE = 50.0  # how much longer than a board's a wait may take: some 50 clocks go by in 50 us


class SimulatedDevice(Device):
    """A board with one core: register port, window, interrupt controller, clocks and memory.

    What PYNQ does to it, it does as to the board: it maps memory, loads an overlay by its .hwh,
    binds drivers, sets clocks, allocates buffers and awaits interrupts. ``close`` makes the
    device that was active before active again.

    bus : to the core and the memory
    bitfile : of an overlay that is ready to be loaded

    Attributes
    ----------
    core, window, interrupts : the regions of the loaded overlay, with counts of accesses
    downloads : overlays loaded so far
    """

    def __init__(self, board: Board, bus: VerilatedBus, handoff: str | None = None) -> None:
        super().__init__(f"simulated-{board.key}-{os.getpid()}")
        self.board = board
        self.bus = bus
        self.arch = board.architecture
        self.name = board.names[0]
        self.capabilities = {"MEMORY_MAPPED": True}
        self.timestamp = ""
        self.bitfile_name = ""
        self.downloads = 0
        self.is_closed = False
        has_objects = not pynq.__version__.startswith("3.0")
        self.buffers = Buffers(bus, self._exchange if has_objects else None)
        self.core = CoreRegisters("core", board.registers, PORT_BYTES, bus, self._sample)
        self.window = CoreWindow("window", board.window, 1 << CONFIG.window_bits, bus)
        self.interrupts: InterruptController | None = None
        self._map = MemoryMap()
        for clocks in clock_registers(board.family):
            self._map.add(clocks)
        self._lock = threading.RLock()
        self._folder = TemporaryDirectory(prefix="engram-board-")
        self.bitfile = str(write_bitfile(Path(self._folder.name), board, handoff))
        self._state = ProcessState()
        self._state.clear(self)

    def close(self) -> None:
        """End the simulation, and have PYNQ as it was before; twice does nothing."""
        with self._lock:
            if not self.is_closed:
                self.is_closed = True
                self._state.restore()
                self._folder.cleanup()
                self.bus.close()

    def __enter__(self) -> "SimulatedDevice":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What PYNQ asks of a device that maps memory.

    def mmap(self, base_addr: int, length: int) -> Words:
        """Return the words at an address, mapped or not."""
        return Words(self._read, self._write, base_addr, length // WORD_BYTES)

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """Return what the .hwh beside a bitstream says."""
        path = Path(bitfile_name).with_suffix(".hwh")
        if not path.exists():
            raise RuntimeError(f"Unable to find metadata for bitstream: {path} does not exist")
        return RuntimeMetadataParser(Metadata(input=path))

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Reset the fabric and map what the overlay has in it."""
        with self._lock:
            bitstream.binfile_name = f"{Path(bitstream.bitfile_name).stem}.bin"
            self.bus.reset()
            self.downloads += 1
            self._configure(parser)
            self.post_download(bitstream, parser, self.name)

    def shutdown(self) -> None:
        """Do nothing: no part of the fabric is loaded by itself."""

    def gen_cache(self, bitstream: Any, parser: Any = None) -> None:
        """Do nothing: PYNQ would keep the .hwh beside its own files."""

    def allocate(self, shape: Any, dtype: DTypeLike, cacheable: int = 0, **_: Any) -> Any:
        """Return a buffer in the memory that is kept for devices."""
        with self._lock:
            return self.buffers.allocate(self, shape, dtype, cacheable)

    def flush(self, bo: int | BufferObject, offset: int, ptr: int, size: int) -> None:
        """Write a buffer's part back to memory; of a buffer object all, as PYNQ 3.1 does."""
        if isinstance(bo, BufferObject):
            bo.sync(xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE)
        else:
            self._exchange("flush", bo, offset, size)

    def invalidate(self, bo: int | BufferObject, offset: int, ptr: int, size: int) -> None:
        """Have the host see a buffer's part as memory has it; of a buffer object all."""
        if isinstance(bo, BufferObject):
            bo.sync(xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE)
        else:
            self._exchange("invalidate", bo, offset, size)

    def _exchange(self, way: str, address: int, offset: int, size: int) -> None:
        with self._lock:
            if way == "flush":
                self.buffers.flush(address, offset, size)
            self._pass(_SECONDS_A_SYNC)
            if way == "invalidate":
                self.buffers.invalidate(address, offset, size)

    def _configure(self, parser: Any) -> None:
        _InterruptController._controllers.clear()
        _InterruptController._uio_devices.clear()
        self._map.remove("core", "window", "interrupts")
        self.interrupts = None
        if INSTANCE in parser.ip_dict:
            self._map.add(self.core)
            self._map.add(self.window)
        for name, controller in parser.interrupt_controllers.items():
            entry = parser.ip_dict[name]
            self.interrupts = InterruptController(
                "interrupts", entry["phys_addr"], entry["addr_range"], [self._is_interrupting]
            )
            self._map.add(self.interrupts)
            # Where PYNQ looks before it looks for a file of Linux's.
            _InterruptController._uio_devices[controller["raw_irq"]] = SimulatedUio(
                self._is_waking, self._sleep, lambda: not self.is_closed
            )

    def _read(self, address: int) -> int:
        with self._lock:
            self._pass(_SECONDS_AN_ACCESS)
            return self._map.read(address)

    def _write(self, address: int, value: int) -> None:
        with self._lock:
            self._map.write(address, value)
            self._pass(_SECONDS_AN_ACCESS)

    def _pass(self, seconds: float) -> None:
        """Let time pass on the board; of a core that rests it is not simulated."""
        if self.is_closed:
            raise RuntimeError(f"{self.name} is closed")
        self.core.settle(round(seconds * self.bus.clock_hz))

    def _sleep(self) -> None:
        """Let time pass until the interrupt, or for a while."""
        with self._lock:
            if self._is_interrupting():  # but nobody listens
                self._pass(_SECONDS_AN_ACCESS)
            else:
                self.bus.wait_irq(_SECONDS_ASLEEP)

    def _is_interrupting(self) -> bool:
        return self.bus.settle(0)

    def _is_waking(self) -> bool:
        with self._lock:
            return self.interrupts is not None and self.interrupts.is_high

    def _sample(self) -> None:
        if self.interrupts is not None:
            self.interrupts.sample()


def simulated_board(
    key: str = "pynq-z2", *, memory_bytes: int = _CMA_BYTES, handoff: str | None = None
) -> SimulatedDevice:
    """Return a board, made the device that PYNQ uses; closing it puts back the former.

    key : of `engram.arch.boards.BOARDS`
    memory_bytes : that its Linux keeps for devices
    handoff : text of its overlay's .hwh; by default the one that is generated for it
    """
    if key not in BOARDS:
        raise ValueError(f"key must be one of {', '.join(BOARDS)}, not {key!r}")
    board = BOARDS[key]
    bus = accelerator_bus(CONFIG, dram_bytes=memory_bytes)
    bus.clock_hz = board.clock_mhz * 1e6
    return SimulatedDevice(board, bus, handoff)
