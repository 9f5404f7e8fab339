"""The accelerator as PYNQ sees it: importing this has overlays bind its driver."""

import logging
import operator
import os
import time
import weakref
from typing import Any, ClassVar

import numpy as np
from pynq import MMIO, DefaultIP, Device, Interrupt, Overlay, allocate

from engram.arch.boards import VLNV, VLNVS
from engram.arch.registers import REGISTER_BITS, REGISTER_BYTES
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault, DeviceUnavailable
from engram.fpga.accelerator import Accelerator
from engram.fpga.board import installed, obstacle, unreachable
from engram.fpga.claim import claim
from engram.fpga.description import apertures, described_registers
from engram.fpga.interrupt import InterruptLine
from engram.fpga.pynq_buffer import PynqBuffer

__all__ = ["EngramIP", "PynqBus", "find_core", "open_overlay"]

logger = logging.getLogger(__name__)

_OVERLAY = "engram.bit"
_PAGE_BYTES = 4096  # what Linux hands out, wherever its own pages are no larger
# The core's ports, as its package names them, and Vivado or PYNQ in either case.
_REGISTER_PORT = "s_axil"
_WINDOW_PORT = "s_axi"
_PIN = "irq"

_STEP = 0.02  # seconds after which an interrupt that was not heard is looked for
_NAP = 0.0005  # between looks where there is none to hear

_OFFSETS = frozenset(register.offset for register in REGISTERS.registers)
_IRQ_STATUS = REGISTERS["IRQ_STATUS"].offset
_IRQ_ENABLE = REGISTERS["IRQ_ENABLE"].offset


class PynqBus:
    """A Bus to a core of an overlay that PYNQ loaded.

    polls : looks at memory before anybody sleeps; one costs a system call, some 10 us on a board
    patience : multiplies the time of each wait, where a board is slower than its clock says
    interrupt : wait for the core's interrupt. False leaves the interrupt controller to others,
        who would not hear theirs but while this waits; waits then look at the core instead

    Only registers that exist are touched: of others a processor may get an error that ends the
    process.

    Attributes
    ----------
    reads, writes : accesses to registers so far
    """

    refusals_are_errors = False

    def __init__(
        self, ip: "EngramIP", *, polls: int = 64, patience: float = 1.0, interrupt: bool = True
    ) -> None:
        if polls < 0:
            raise ValueError(f"polls must not be negative, not {polls!r}")
        if not patience > 0:
            raise ValueError(f"patience must be above 0, not {patience!r}")
        self.name = ip.title
        self.polls = polls
        self.patience = patience
        self.reads = 0
        self.writes = 0
        self._device = ip.device
        self._ip = ip
        # Indexed directly, as MMIO.read and MMIO.write take ten times as long on a board.
        self._words = ip.mmio.array
        self._buffers: weakref.WeakSet[PynqBuffer] = weakref.WeakSet()
        path = ip.interrupt_path if interrupt else None
        self._line = InterruptLine(lambda: Interrupt(path)) if path else None
        self._closed = False

    def read(self, offset: int) -> int:
        """Return the 32-bit register at byte ``offset``."""
        self._check(offset)
        self.reads += 1
        try:
            return int(self._words[offset // REGISTER_BYTES])
        except (RuntimeError, OSError) as error:
            raise DeviceFault(
                f"{self.name}: reading register 0x{offset:x} failed: {error}"
            ) from error

    def write(self, offset: int, value: int) -> None:
        """Set the 32-bit register at byte ``offset``."""
        self._check(offset)
        if not 0 <= value < 1 << REGISTER_BITS:
            raise ValueError(f"value must be in 0..2**32-1, not {value!r}")
        self.writes += 1
        try:
            self._words[offset // REGISTER_BYTES] = value
        except (RuntimeError, OSError) as error:
            raise DeviceFault(
                f"{self.name}: writing register 0x{offset:x} failed: {error}"
            ) from error

    def allocate(self, size: int, align: int = _PAGE_BYTES) -> PynqBuffer:
        """Return ``size`` bytes of the memory that Linux keeps for devices."""
        self._open()
        size = operator.index(size)
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size!r}")
        if align < 1 or align & (align - 1):
            raise ValueError(f"align must be a power of two, not {align!r}")
        room = size if align <= _PAGE_BYTES else size + align
        room += -room % _PAGE_BYTES  # no cache line is shared with another buffer
        try:
            whole = allocate(shape=(room,), dtype=np.uint8, target=self._device, cacheable=1)
        except (RuntimeError, OSError, MemoryError) as error:
            raise DeviceFault(
                f"{self.name} has no room for {size} bytes ({error}): close what holds memory, or "
                "give Linux more to keep for devices, as with cma=256M on its command line"
            ) from error
        address = int(whole.device_address)
        start = -address % align
        if start + size > room:
            whole.freebuffer()
            raise DeviceFault(f"{self.name} was given memory at {address:#x}, not at a page")
        buffer = PynqBuffer(whole, start, size)
        self._buffers.add(buffer)
        return buffer

    def wait_irq(self, seconds: float) -> bool:
        """Return whether the interrupt came within so many seconds, times ``patience``."""
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, not {seconds!r}")
        self._open()
        end = time.monotonic() + seconds * self.patience
        while (left := end - time.monotonic()) > 0:
            if self._line is None:
                time.sleep(min(left, _NAP))
            elif self._heard(self._line, min(left, _STEP * self.patience)):
                return True
            # It may have been missed: then the core says so, and nobody waits out the time.
            if self._is_high():
                return True
        return seconds == 0 and self._is_high()

    @property
    def window(self) -> Any:
        """The window's words of 32 bits, as `EngramIP.window` has them; None without one."""
        return self._ip.window

    def close(self) -> None:
        """Let go of the interrupt and of memory; twice does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._line is not None:
            self._line.close()
        for buffer in list(self._buffers):
            buffer.free()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def _heard(self, line: InterruptLine, seconds: float) -> bool:
        try:
            return line.wait(seconds)
        except (RuntimeError, ValueError, OSError) as error:
            raise DeviceFault(f"{self.name}: its interrupt cannot be awaited: {error}") from error

    def _is_high(self) -> bool:
        return bool(self.read(_IRQ_STATUS) & self.read(_IRQ_ENABLE))

    def _check(self, offset: int) -> None:
        if offset not in _OFFSETS:
            if offset < 0 or offset % REGISTER_BYTES:
                raise ValueError(f"offset must be a multiple of 4, not {offset!r}")
            raise DeviceFault(f"{self.name} has no register at offset 0x{offset:x}")
        self._open()

    def _open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.name} must not be closed")


class EngramIP(DefaultIP):
    """PYNQ's driver of the core: ``overlay.engram_0`` is one.

    ``register_map`` has the registers by name and field, ``mmio`` their words; ``accelerator``
    brings up the driver of all else, and `FpgaBoardSpace.use` has memories run on it.
    """

    bindto: ClassVar[list[str]] = list(VLNVS)

    def __init__(self, description: dict[str, Any]) -> None:
        ports = apertures(description)
        base, size = ports.get(
            _REGISTER_PORT, (description["phys_addr"], description["addr_range"])
        )
        # The interrupt is made later, in a loop that runs while somebody waits; and the registers
        # are those this driver knows, which a bare module in a block design does not state.
        super().__init__(
            {
                **description,
                "phys_addr": base,
                "addr_range": size,
                "interrupts": {},
                "registers": described_registers(),
            }
        )
        self.title = f"{getattr(self.device, 'name', self.device.tag)} {description['fullpath']}"
        pin = description.get("interrupts", {}).get(_PIN)
        self.interrupt_path: str | None = pin["fullpath"] if pin else None
        self._window_aperture = ports.get(_WINDOW_PORT)
        self._window: Any = None
        self._bus: PynqBus | None = None
        self._driver: weakref.ref[Accelerator] | None = None

    @property
    def bus(self) -> PynqBus:
        """The way to the core, made anew where the last was closed."""
        if self._bus is None or self._bus.is_closed:
            self._bus = PynqBus(self)
        return self._bus

    @property
    def window(self) -> Any:
        """The window's words of 32 bits, an array; None where the processor does not reach it.

        `Accelerator.open_window` says what it shows, and until then every access is an error,
        which may end the process.
        """
        if self._window is None and self._window_aperture is not None:
            base, size = self._window_aperture
            self._window = MMIO(base, size, device=self.device).array
        return self._window

    def accelerator(
        self,
        *,
        polls: int = 64,
        patience: float = 1.0,
        interrupt: bool = True,
        **settings: Any,
    ) -> Accelerator:
        """Return the core reset and enabled; settings are the bus's, and those of Accelerator.

        Raises DeviceUnavailable while another is in use, here or in another process, and what
        Accelerator does.
        """
        claim(self.title, self.device.tag)
        current = self._driver() if self._driver is not None else None
        if current is not None and not current.is_lost:
            raise DeviceUnavailable(
                f"{self.title} is in use already: share that accelerator, or close it first"
            )
        self._bus = PynqBus(self, polls=polls, patience=patience, interrupt=interrupt)
        try:
            accelerator = Accelerator(self._bus, **settings)
        except BaseException:
            self._bus.close()
            raise
        self._driver = weakref.ref(accelerator)
        return accelerator


def open_overlay(bitfile: str | None = None) -> EngramIP:
    """Load an overlay, and return the accelerator in it.

    bitfile : its path, or its name among installed overlays; by default what the variable
        ENGRAM_OVERLAY says, else ``engram.bit``

    Raises DeviceUnavailable, with the reason and the fix, where that cannot be.
    """
    name = bitfile or os.environ.get("ENGRAM_OVERLAY") or _OVERLAY
    try:
        device = Device.active_device
    except RuntimeError as error:
        reason = unreachable(manager=True, xrt=bool(os.environ.get("XILINX_XRT")), root=True)
        raise DeviceUnavailable(reason or f"PYNQ finds no device here: {error}") from error
    reason = obstacle(installed(), getattr(device, "arch", ""))
    if reason:
        raise DeviceUnavailable(reason)
    # Before it is loaded, which would take the core from whoever uses it.
    claim(getattr(device, "name", device.tag), device.tag)
    try:
        overlay = Overlay(name, device=device)
    except Exception as error:  # whatever PYNQ, XRT and parsers of files may raise
        if os.geteuid() and "oot permission" in str(error):
            reason = unreachable(manager=True, xrt=True, root=False)
            raise DeviceUnavailable(reason) from error
        raise DeviceUnavailable(
            f"the overlay {name} cannot be loaded ({type(error).__name__}: {error}): install the "
            "package engram-overlay with this board's bitstream, or name a .bit, with its .hwh "
            "beside it, by ENGRAM_OVERLAY"
        ) from error
    return find_core(overlay)


def find_core(overlay: Any) -> EngramIP:
    """Return the accelerator in an overlay; raise DeviceUnavailable if there is none to drive."""
    types = {path: str(entry.get("type")) for path, entry in overlay.ip_dict.items()}
    ours = [path for path, vlnv in types.items() if vlnv in VLNVS]
    if not ours:
        there = ", ".join(f"{path} ({vlnv})" for path, vlnv in types.items()) or "nothing"
        known = {vlnv.rpartition(":")[0] for vlnv in VLNVS}
        near = [path for path, vlnv in types.items() if vlnv.rpartition(":")[0] in known]
        if near:
            raise DeviceUnavailable(
                f"{overlay.bitfile_name} has {near[0]} of type {types[near[0]]}, and this driver "
                f"knows {', '.join(VLNVS)}: use a bitstream and a driver of one release"
            )
        raise DeviceUnavailable(
            f"{overlay.bitfile_name} has no core {VLNV}, but {there}: load the overlay of a build "
            "that has one"
        )
    if len(ours) > 1:
        logger.info("%s has %s: %s is taken", overlay.bitfile_name, ", ".join(ours), ours[0])
    ip = overlay
    for part in ours[0].split("/"):
        ip = getattr(ip, part)
    if not isinstance(ip, EngramIP):
        raise DeviceUnavailable(
            f"{ours[0]} of {overlay.bitfile_name} is bound to {type(ip).__module__}."
            f"{type(ip).__qualname__}: another package drives {types[ours[0]]}; uninstall that"
        )
    ip.overlay = overlay  # which PYNQ's drivers do not keep alive
    return ip
