"""What the driver itself takes of a call: ``.venv-lava/bin/python -m benchmarks.board_driver``.

Run by the interpreter of a board's image (Python 3.10, NumPy 1.26, pynq), with
``PYTHONPATH=.:host``.
Its results are part of `benchmarks.board_model`.
"""

import asyncio
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from engram.arch.commands import COMPLETION_BYTES, DESCRIPTOR_BYTES, Completion, Fault
from engram.arch.elements import ELEMENTS
from engram.arch.laws import LAWS
from engram.arch.regs import REGISTERS
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from sim.golden.bus import GoldenBuffer, GoldenBus

__all__ = [
    "CALLS",
    "DriverCall",
    "access_seconds",
    "driver_calls",
    "loop_seconds",
    "store_seconds",
    "sync_seconds",
]

ROUNDS = 100
FEW, MANY = 1000, 1 << 16
IMAGE = (70, 80)  # of the published loop
CALLS = (
    "read a word",
    "write a word",
    f"gather {FEW:,} words",
    f"read {MANY:,} words",
    f"write {MANY:,} words",
)


@dataclass(frozen=True)
class DriverCall:
    """What one call takes of the host, without what the bus does: seconds are the least of many.

    least_seconds : of Python and NumPy on this machine, one call after the other
    most_seconds : the same with other work between calls, which takes the caches for itself
    accesses : to registers
    syncs : flushes and invalidations
    synced_bytes : of those together
    """

    call: str
    words: int
    least_seconds: float
    most_seconds: float
    accesses: int
    syncs: int
    synced_bytes: int


class TimedBuffer(GoldenBuffer):
    """A buffer that counts what it is asked to flush and invalidate, and how long that took."""

    def flush(self, start: int = 0, size: int | None = None) -> None:
        self._note(super().flush, start, size)

    def invalidate(self, start: int = 0, size: int | None = None) -> None:
        self._note(super().invalidate, start, size)

    def _note(self, work: Callable[..., None], start: int, size: int | None) -> None:
        bus = self._bus
        assert isinstance(bus, TimedBus)
        began = time.perf_counter()
        work(start, size)
        bus.syncs += 1
        bus.synced_bytes += len(self._memory) - start if size is None else size
        bus.inside += time.perf_counter() - began


class TimedBus(GoldenBus):
    """A bus whose jobs are done when the doorbell returns, and that times itself.

    inside : seconds spent in it
    hollow : jobs of one command are called complete, and nothing is done
    """

    polls = 1
    inside = 0.0
    hollow = False
    syncs = synced_bytes = 0

    def read(self, offset: int) -> int:
        began = time.perf_counter()
        value = super().read(offset)
        self.inside += time.perf_counter() - began
        return value

    def write(self, offset: int, value: int) -> None:
        began = time.perf_counter()
        if self.hollow and offset == REGISTERS["RING_TAIL"].offset:
            self._complete(value)
        else:
            super().write(offset, value)
        self.inside += time.perf_counter() - began

    def counts(self) -> tuple[int, int, int]:
        """Return accesses, syncs, and bytes of those, so far."""
        return self.reads + self.writes, self.syncs, self.synced_bytes

    def _complete(self, tag: int) -> None:
        """Leave the completion of a job's only command."""
        register = self.accelerator.read
        place = (tag - 1) % (1 << register(REGISTERS["RING_LOG2"].offset))
        ring, records = (
            register(REGISTERS.values[name][0].offset) - self.accelerator.dram.base
            for name in ("RING_BASE", "COMPLETION_BASE")
        )
        opcode = int(self.dram[ring + place * DESCRIPTOR_BYTES])
        record = Completion(Fault.OK, opcode, tag, 0, 0, 0).pack()
        start = records + place * COMPLETION_BYTES
        self.dram[start : start + COMPLETION_BYTES] = np.frombuffer(record, np.uint8)

    def allocate(self, size: int, align: int = 4096) -> TimedBuffer:
        buffer = super().allocate(size, align)
        return TimedBuffer(self, buffer.address, size)


def driver_calls(rounds: int = ROUNDS) -> list[DriverCall]:
    """Return what calls of the driver take, each done once before it is counted."""
    bus = TimedBus(dram_bytes=1 << 24)
    accelerator = Accelerator(bus, frames=256)
    space = FpgaSpace(LAWS[1], 1, accelerator=accelerator)
    spread = np.arange(FEW, dtype=np.uint64) * np.uint64(1 << 20)
    words = np.arange(MANY, dtype=np.uint64)
    out = np.empty(MANY, np.uint64)
    element = ELEMENTS["uint64"]
    generated = 1 << 40
    works: tuple[tuple[int, Callable[[], object]], ...] = (
        (1, lambda: space.read_word(generated)),
        (1, lambda: space.write_word(0, 7)),
        (FEW, lambda: space.read_words(spread, space.law)),
        (MANY, lambda: space.read_range(generated, MANY, space.law, element, out)),
        (MANY, lambda: space.write_range(0, words)),
    )
    calls = []
    for name, (count, work) in zip(CALLS, works, strict=True):
        bus.hollow = False
        work()
        seconds = []
        for bus.hollow in (True, False):
            taken = []
            for _ in range(rounds):
                bus.inside = 0.0
                began = time.perf_counter()
                work()
                taken.append(time.perf_counter() - began - bus.inside)
            seconds.append(min(taken))
        before = bus.counts()
        work()
        counts = (end - start for start, end in zip(before, bus.counts(), strict=True))
        calls.append(DriverCall(name, count, min(seconds), max(seconds), *counts))
    space.close()
    accelerator.close()
    return calls


def store_seconds(rounds: int = ROUNDS) -> float:
    """Return how long one store of the published loop over an image takes here.

    It is a loop over two indices with one ``MMIO.write`` in it. Memory takes the registers'
    place: of some 30 us that an access takes on a board, the bus is well below one.
    """
    from pynq import MMIO

    rows, columns = IMAGE

    class Memory:
        def has_capability(self, name: str) -> bool:
            return name == "MEMORY_MAPPED"

        def mmap(self, base: int, length: int) -> Any:
            return np.zeros(length // 4, np.uint32)

    mmio = MMIO(0x4000_0000, 4 * rows * columns, device=Memory())
    image = np.arange(rows * columns, dtype=np.int64).reshape(rows, columns)
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        address = 0
        for i in range(rows):
            for j in range(columns):
                mmio.write(address, int(image[i][j]))
                address += 4
        taken.append(time.perf_counter() - began)
    return min(taken) / image.size


def access_seconds(rounds: int = ROUNDS) -> float:
    """Return how long the driver's bus takes here for one access to a register, in memory."""
    from engram.fpga.pynq_bus import PynqBus

    words = np.zeros(1 << 14, np.uint32)
    ip = SimpleNamespace(
        title="memory", device=None, mmio=SimpleNamespace(array=words), interrupt_path=None
    )
    bus: Any = PynqBus(ip)
    offset = REGISTERS["IRQ_STATUS"].offset
    return _least(rounds, lambda: bus.write(offset, 3))


def sync_seconds(rounds: int = ROUNDS) -> float:
    """Return how long the driver's buffer takes here until XRT is asked to flush it."""
    from engram.fpga.pynq_buffer import PynqBuffer
    from sim.board.buffers import BufferObject

    array = np.zeros(1 << 13, np.uint8)
    whole = SimpleNamespace(
        device=None, device_address=0, virtual_address=0, offset=0, coherent=False,
        bo=BufferObject(0, len(array), lambda way, address, offset, size: None),
        view=lambda kind: array,
    )  # fmt: skip
    buffer = PynqBuffer(whole, 0, len(array))
    return _least(rounds, lambda: buffer.flush(64, 32))


def _least(rounds: int, work: Callable[[], object], times: int = 100) -> float:
    """Return the least seconds of a call, of ``rounds`` times so many."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            work()
        taken.append(time.perf_counter() - began)
    return min(taken) / times


def loop_seconds(rounds: int = ROUNDS) -> float:
    """Return how long asyncio takes here to wake a caller up for a file that became readable.

    That is how pynq waits for an interrupt, but for the file, and for its accesses to the
    interrupt controller.
    """
    loop = asyncio.new_event_loop()
    reader, writer = os.pipe()
    taken = []
    try:
        for _ in range(rounds):
            event = asyncio.Event()
            loop.add_reader(reader, event.set)
            began = time.perf_counter()
            os.write(writer, b"!")
            loop.run_until_complete(asyncio.wait_for(event.wait(), 10))
            os.read(reader, 1)
            taken.append(time.perf_counter() - began)
    finally:
        loop.close()
        os.close(reader)
        os.close(writer)
    return min(taken)


def main() -> None:
    """Print all of it as JSON."""
    import pynq

    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pynq": pynq.__version__,
        "load": os.getloadavg()[0],
        "store_seconds": store_seconds(),
        "access_seconds": access_seconds(),
        "sync_seconds": sync_seconds(),
        "loop_seconds": loop_seconds(),
        "calls": [asdict(call) for call in driver_calls()],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
