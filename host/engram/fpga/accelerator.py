"""The driver: an accelerator brought up over a bus, and shared by any number of spaces."""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from engram.arch.accelerator import FRAME_BITS
from engram.arch.commands import Command, Completion, Fault, Opcode
from engram.arch.laws import LAWS, Law
from engram.arch.pages import PAGE_BYTES, WORD_BYTES
from engram.arch.regs import ABI_MAJOR, ABI_MINOR, IDENTITY
from engram.errors import (
    DeviceFault,
    DeviceTimeout,
    DeviceUnavailable,
    EngramError,
    QuotaExceeded,
    VersionMismatch,
)
from engram.fpga.bus import Buffer, Bus
from engram.fpga.registers import Registers
from engram.fpga.ring import Ring
from engram.fpga.tables import Tables
from engram.fpga.tenants import Tenant, erasures

__all__ = ["Accelerator", "Staging", "check"]

logger = logging.getLogger(__name__)

Words = NDArray[np.uint64]

_RESET_LOOKS = 100
_LOOK_SECONDS = 1e-3
_BYTES_OF_TABLE_A_FRAME = 64  # four slots a page, so that a table and its successor fit


class Staging:
    """The memory through which words go to the device and come back: a half each way.

    One buffer, for the device allows commands one range of addresses. A bus may flush or
    invalidate all of it: what the other half then loses has been used up by then.
    """

    def __init__(self, buffer: Buffer, size: int) -> None:
        self.words = size // WORD_BYTES  # each way
        self.inbound = buffer.address
        self.outbound = buffer.address + size
        self.limit = buffer.address + 2 * size
        self._buffer = buffer
        self._size = size

    def put(self, words: Words, place: int = 0) -> int:
        """Have words lie before the device, from the inbound half's word ``place`` on.

        Returns where: a byte address of the device.
        """
        start = place * WORD_BYTES
        size = len(words) * WORD_BYTES
        self._buffer.array[start : start + size].view("<u8")[:] = words
        self._buffer.flush(start, size)
        return self.inbound + start

    def take(self, count: int, place: int = 0) -> Words:
        """Return words that the device left in the outbound half; good until the next job."""
        start = self._size + place * WORD_BYTES
        size = count * WORD_BYTES
        self._buffer.invalidate(start, size)
        return self._buffer.array[start : start + size].view("<u8")


class Accelerator:
    """One accelerator, reset and enabled; spaces live on it as tenants.

    bus : the way to it, closed by ``close``
    frames : pages that may be written at a time, in all spaces together
    staging_bytes : that one job may move, each way
    ring_log2 : logarithm of the commands that one doorbell may announce
    table_bytes : of all page tables together, a power of two; None for what all frames may need,
        and at least a mebibyte

    Everything that talks to the device does so inside ``session``, one thread at a time.

    Raises:
        DeviceUnavailable: there is no accelerator on the bus, or it does not wake up.
        VersionMismatch: it is made for another driver.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        frames: int = 1 << 14,
        staging_bytes: int = 1 << 20,
        ring_log2: int = 8,
        table_bytes: int | None = None,
    ) -> None:
        if not 1 <= frames < 1 << FRAME_BITS:
            raise ValueError(f"frames must be in 1..{(1 << FRAME_BITS) - 1}, not {frames!r}")
        if staging_bytes < 2 * PAGE_BYTES or staging_bytes % (2 * PAGE_BYTES):
            raise ValueError(
                f"staging_bytes must be a multiple of {2 * PAGE_BYTES}, not {staging_bytes!r}"
            )
        self.name = bus.name
        self.frames = frames
        self.frames_free = frames
        self.window_writable = False
        self.registers = Registers(bus)
        self.bus = bus
        self._lock = threading.Lock()
        self._selected: tuple[Tenant, int] | None = None
        self._abandoned: deque[Tenant] = deque()
        self._buffers: list[Buffer] = []
        self._identify()
        if table_bytes is None:
            table_bytes = 1 << max(20, (frames * _BYTES_OF_TABLE_A_FRAME - 1).bit_length())
        self._ring = Ring(bus, self.registers, ring_log2)
        try:
            self.staging = Staging(self._allocate(2 * staging_bytes), staging_bytes)
            tables = self._allocate(table_bytes)
            self.tables = Tables(tables, table_bytes)
            pool = self._allocate(frames * PAGE_BYTES)
            self._start(tables.address, tables.address + table_bytes, pool.address)
        except BaseException:
            self._free()
            raise

    def _allocate(self, size: int) -> Buffer:
        self._buffers.append(self.bus.allocate(size, PAGE_BYTES))
        return self._buffers[-1]

    def _identify(self) -> None:
        """Refuse what is not an accelerator that this driver knows."""
        registers = self.registers
        identity = registers.read("ID")
        if identity != IDENTITY:
            raise DeviceUnavailable(
                f"{self.name} must identify itself as {IDENTITY:#x}, not {identity:#x}: "
                "load the accelerator's bitstream"
            )
        abi = registers.fields("ABI")
        if abi["MAJOR"] != ABI_MAJOR or abi["MINOR"] < ABI_MINOR:
            raise VersionMismatch(
                f"{self.name} has ABI {abi['MAJOR']}.{abi['MINOR']}, and this driver needs "
                f"{ABI_MAJOR}.{ABI_MINOR} or a later {ABI_MAJOR}.x: use a bitstream and a driver "
                "of one release"
            )
        built = registers.read("LAWS")
        self.laws = tuple(law for number, law in LAWS.items() if built >> number & 1)
        self.shape = registers.fields("SHAPE")

    def _start(self, table_base: int, table_limit: int, frame_base: int) -> None:
        end = max(self.staging.limit, table_limit, frame_base + self.frames * PAGE_BYTES)
        if end > 1 << self.shape["ADDRESS_BITS"]:
            raise DeviceUnavailable(
                f"{self.name} reaches addresses of {self.shape['ADDRESS_BITS']} bits, and its "
                f"memory ends at {end:#x}: build it with more address_bits"
            )
        registers = self.registers
        registers.put("CONTROL", ENABLE=0)
        self._await_reset()
        registers.write("BUFFER_BASE", self.staging.inbound)
        registers.write("BUFFER_LIMIT", self.staging.limit)
        registers.write("TABLE_BASE", table_base)
        registers.write("TABLE_LIMIT", table_limit)
        registers.write("FRAME_BASE", frame_base)
        registers.write("FRAME_COUNT", self.frames)
        self._ring.program()
        registers.put("CONTROL", ENABLE=1)

    def _await_reset(self) -> None:
        for _ in range(_RESET_LOOKS):
            status = self.registers.fields("STATUS")
            if status["IDLE"] and not status["HALTED"] and not self.registers.read("RING_HEAD"):
                return
            self.bus.wait_irq(_LOOK_SECONDS)
        raise DeviceUnavailable(
            f"{self.name} did not come to rest after it was disabled: reset it, or load its "
            "bitstream again"
        )

    @property
    def is_lost(self) -> bool:
        """Whether it stopped answering, so that nothing can be done with it any more."""
        return bool(self._ring.lost)

    def check_law(self, law: Law) -> None:
        """Raise DeviceUnavailable if a law is not built."""
        if law not in self.laws:
            built = ", ".join(f"{known.number} ({known.name})" for known in self.laws)
            raise DeviceUnavailable(
                f"law {law.number} ({law.name}) cannot be had on {self.name}, which was built "
                f"with {built}: build it with that law, too"
            )

    @contextmanager
    def session(self) -> Iterator[None]:
        """Have the accelerator for oneself; first clear away what is left of lost spaces.

        And of a job whose caller pressed Ctrl-C: before it is over nothing may be staged.
        """
        with self._lock:
            try:
                self._ring.settle()
            except (DeviceFault, DeviceTimeout) as error:  # which ``run`` tells from now on
                logger.warning("%s: a job that was interrupted failed: %s", self.name, error)
            while self._abandoned:
                self._release(self._abandoned.popleft())
            yield

    def join(self, law: Law, seed: int) -> Tenant:
        """Return a new, empty space; raise DeviceUnavailable for a law that is not built."""
        self.check_law(law)
        with self.session():
            return Tenant(law, seed, self.tables.make())

    def abandon(self, tenant: Tenant) -> None:
        """Have a space that nobody holds released by the next session: safe from a finaliser."""
        self._abandoned.append(tenant)

    def leave(self, tenant: Tenant) -> None:
        """Give back what a space occupies; after a Ctrl-C the next session does."""
        self.abandon(tenant)
        with self.session():
            pass

    def reserve(self, frames: int) -> None:
        """Raise QuotaExceeded unless so many frames are free."""
        free = self.frames_free
        if self.window_writable:  # a manager may have had pages framed that the host knows not of
            free = min(free, self.frames - self.registers.read("FRAMES_USED"))
        if frames > free:
            raise QuotaExceeded(
                f"{self.name} has {free} of its {self.frames} frames of {PAGE_BYTES} bytes free, "
                f"and the write needs {frames}"
            )

    def run(self, tenant: Tenant, commands: Sequence[Command]) -> list[Completion]:
        """Have commands about a space carried out; return what became of each.

        Inside ``session`` only. Raises DeviceFault, DeviceTimeout if that could not be.
        """
        wanted = (tenant, tenant.table.address)
        if self._selected == wanted:
            return self._ring.run(commands)
        self._selected = None
        select = tenant.select()
        first, *rest = self._ring.run([select, *commands])
        check(self.name, select, first)
        self._selected = wanted
        return rest

    def begin(self, tenant: Tenant, *commands: Command) -> None:
        """Have commands begun and return at the doorbell: whoever comes next waits for them first.

        For whoever wants to see the interrupt. Inside ``session`` only.
        """
        self._selected = None
        self._ring.begin([tenant.select(), *commands])

    def do(self, tenant: Tenant, *commands: Command) -> None:
        """Have commands carried out; raise DeviceFault for the first that came to one."""
        for command, completion in zip(commands, self.run(tenant, commands), strict=True):
            check(self.name, command, completion)

    def enlarge(self, tenant: Tenant, pages: int = 0) -> None:
        """Give a space a larger page table; raise QuotaExceeded if there is no room for it.

        Nobody may frame a page meanwhile: writes through the window are refused for as long.
        """
        if self.window_writable:
            self._let_window(write=False)
            self.do(tenant, Command(Opcode.FENCE))
        try:
            tenant.table = self.tables.enlarge(tenant.table, pages)
        finally:
            if self.window_writable:
                self.do(tenant, Command(Opcode.FENCE))  # selects the larger one
                self._let_window(write=True)

    def open_window(self, base: int, *, writable: bool = False) -> None:
        """Show other managers the selected space around a word address, and maybe let them write.

        What they write is in the device alone: reads have it, and it does not count as written.
        """
        with self.session():
            self.registers.write("WINDOW_BASE", base)
            self._let_window(write=writable)
            self.window_writable = writable

    def _let_window(self, *, write: bool) -> None:
        self.registers.put("CONTROL", ENABLE=1, WINDOW_READ=1, WINDOW_WRITE=int(write))

    def close(self) -> None:
        """Disable the device and give its memory and the bus back; twice does nothing."""
        with self._lock:
            if not self._buffers:
                return
            try:
                self.registers.put("CONTROL", ENABLE=0)
                self._await_reset()
            except EngramError as error:
                logger.warning("%s was closed without coming to rest: %s", self.name, error)
            self._free()
            self._ring.lost = "it was closed"
            self.bus.close()

    def _free(self) -> None:
        for buffer in self._buffers:
            buffer.free()
        self._buffers = []
        self._ring.free()

    def _release(self, tenant: Tenant) -> None:
        """Give back frames and table; a device that is lost has none to give."""
        pages = tenant.marks.pages()
        try:
            if pages and not self.is_lost:
                self.do(tenant, *erasures(pages))
        except (DeviceFault, DeviceTimeout) as error:
            logger.warning("%s: frames of a space were lost: %s", self.name, error)
        except KeyboardInterrupt:
            self.abandon(tenant)
            raise
        else:
            self.frames_free += len(pages)
        tenant.marks.drop(pages)
        if self._selected is not None and self._selected[0] is tenant:
            self._selected = None
        self.tables.free(tenant.table)


def check(device: str, command: Command, completion: Completion) -> None:
    """Raise DeviceFault if a command came to a fault."""
    if completion.fault is Fault.OK:
        return
    name = Opcode(command.opcode).name
    raise DeviceFault(
        f"{device}: {name} of {command.count} words at {command.address:#x} ended in "
        f"{completion.fault.name} at {completion.address:#x}, {completion.done} done"
    )
