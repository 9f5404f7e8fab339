"""The accelerator on a board of the open flow as a device, at the serial port ENGRAM_UART names."""

import importlib.util
import os
from typing import Any, ClassVar

from engram.arch.commands import DESCRIPTOR_BYTES
from engram.arch.pages import PAGE_BYTES
from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable
from engram.fpga.accelerator import Accelerator
from engram.fpga.sharing import SharedSpace
from engram.fpga.uart_bus import UartBus
from engram.fpga.uart_line import Line

__all__ = ["BAUD", "PORT", "SPEED", "FpgaUartSpace", "SerialLine", "accelerator_on"]

PORT = "ENGRAM_UART"
SPEED = "ENGRAM_UART_BAUD"
BAUD = 1_000_000  # of the ULX3S, unless ENGRAM_UART_BAUD says otherwise

_RING_LOG2 = 4
_RING_BYTES = 2 * PAGE_BYTES  # descriptors and completions, at a page each
_STAGING_BYTES = 2 * PAGE_BYTES
# A table for each of 16 spaces that are open at a time, or fewer with more pages.
_TABLE_BYTES = 16 << 10


class SerialLine:
    """A Line at a serial port of this machine; pyserial is imported here and nowhere else.

    Raises DeviceUnavailable if pyserial or the port cannot be had.
    """

    def __init__(self, port: str, baud: int) -> None:
        try:
            import serial
        except ImportError as error:
            raise DeviceUnavailable(_no_pyserial()) from error
        self._errors: tuple[type[Exception], ...] = (serial.SerialException, OSError)
        self._name = port
        try:
            # `exclusive`: two programs on one line would hear each other's answers.
            self._port: Any = serial.Serial(port, baud, timeout=0, exclusive=True)
        except (*self._errors, ValueError) as error:
            raise DeviceUnavailable(
                f"the serial port {port} cannot be opened at {baud} baud ({error}); name another "
                f"with {PORT}, or join the group that may use it (often dialout)"
            ) from error
        try:
            # A USB adapter else holds back what came for 16 ms, each answer.
            self._port.set_low_latency_mode(True)
        except (*self._errors, AttributeError, NotImplementedError, ValueError):
            pass  # only some ports of Linux know it

    def read(self, count: int, seconds: float) -> bytes:
        """Return the next ``count`` bytes, or what came of them within so many seconds."""
        try:
            self._port.timeout = seconds
            content: bytes = self._port.read(count)
        except self._errors as error:
            raise DeviceTimeout(f"the serial port {self._name} is gone: {error}") from error
        return content

    def write(self, content: bytes) -> None:
        """Send bytes."""
        try:
            self._port.write(content)
        except self._errors as error:
            raise DeviceTimeout(f"the serial port {self._name} is gone: {error}") from error

    def close(self) -> None:
        """Let go of the port; twice does nothing."""
        self._port.close()


class FpgaUartSpace(SharedSpace):
    """A space on the accelerator behind the serial port that ENGRAM_UART names."""

    _line: ClassVar[Line | None] = None

    @classmethod
    def missing(cls) -> str:
        """Return what is missing here to make one, and the fix; empty if nothing is."""
        if importlib.util.find_spec("serial") is None:
            return _no_pyserial()
        if not os.environ.get(PORT):
            return _no_port()
        return ""

    @classmethod
    def _bring_up(cls) -> Accelerator:
        baud = _baud()
        if cls._line is not None:  # of an accelerator that was lost: a port is opened once
            cls._line.close()
        cls._line = line = open_line()
        try:
            return accelerator_on(UartBus(line, name="fpga-uart", baud=baud))
        except BaseException:
            line.close()
            raise


def open_line() -> Line:
    """Return the line at the port that ENGRAM_UART names."""
    port = os.environ.get(PORT)
    if not port:
        raise DeviceUnavailable(_no_port())
    return SerialLine(port, _baud())


def accelerator_on(bus: UartBus) -> Accelerator:
    """Bring up the accelerator behind a bridge: all of its memory that is left becomes frames.

    Raises DeviceUnavailable if there is too little memory, or it does not answer at all.
    """
    free = bus.allocator.free_bytes
    frames = (free - _RING_BYTES - 2 * _STAGING_BYTES - _TABLE_BYTES) // PAGE_BYTES
    if frames < 1:
        raise DeviceUnavailable(
            f"{bus.name} has {free} bytes of memory, which leaves none for pages: build it with "
            "more memory_bytes"
        )
    try:
        return Accelerator(
            bus,
            frames=frames,
            staging_bytes=_STAGING_BYTES,
            ring_log2=_RING_LOG2,
            table_bytes=_TABLE_BYTES,
        )
    except (DeviceFault, DeviceTimeout) as error:
        raise DeviceUnavailable(f"{bus.name} cannot be brought up: {error}") from error


def _baud() -> int:
    text = os.environ.get(SPEED)
    if text is None:
        return BAUD
    if not text.isascii() or not text.isdigit() or not int(text):
        raise DeviceUnavailable(f"{SPEED} must be bits a second, not {text!r}")
    return int(text)


def _no_pyserial() -> str:
    return "the package pyserial is not installed; pip install 'engram[uart]'"


def _no_port() -> str:
    return (
        f"{PORT} names no serial port; set it to the board's, like /dev/ttyUSB0 or "
        "/dev/serial/by-id/..."
    )


assert DESCRIPTOR_BYTES << _RING_LOG2 <= PAGE_BYTES
