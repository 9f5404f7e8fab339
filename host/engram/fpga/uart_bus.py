"""The bus to an accelerator behind a serial line: registers and memory go by in frames."""

import logging
import operator
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engram.arch.registers import REGISTER_BITS, REGISTER_BYTES
from engram.arch.uart import (
    MAX_PAYLOAD,
    WAIT_CLOCKS,
    WIRE_MAGIC,
    WIRE_VERSION,
    WORD,
    Identity,
    Opcode,
    Status,
    request,
)
from engram.errors import DeviceFault, DeviceTimeout, DeviceUnavailable, VersionMismatch
from engram.fpga.allocator import Allocator
from engram.fpga.bus import end_of_piece
from engram.fpga.uart_line import UNHEARD, Answers, Line, Unanswered

__all__ = ["UartBuffer", "UartBus"]

logger = logging.getLogger(__name__)

_ATTEMPTS = 2
_MOST_WAIT = (1 << 16) - 1  # of WAIT_CLOCKS, what fits into a length
_REFUSED = {
    Status.BAD_OPCODE: "the bridge knows no such request",
    Status.BAD_RANGE: "the bridge has no such range",
    Status.SLVERR: "refused (SLVERR)",
    Status.DECERR: "nothing is there (DECERR)",
}


class UartBuffer:
    """A Buffer whose copy the host has; only ``flush`` and ``invalidate`` move bytes.

    They move whole words, so up to seven bytes more than they are asked for at either end.
    """

    def __init__(self, bus: "UartBus", address: int, size: int) -> None:
        self._bus = bus
        self._address = address
        self._words = np.zeros(-(-size // WORD) * WORD, np.uint8)
        self._array = self._words[:size]
        self._held = True

    @property
    def address(self) -> int:
        """First byte, as the device addresses it."""
        return self._address

    @property
    def array(self) -> NDArray[np.uint8]:
        """The host's copy."""
        return self._array

    def flush(self, start: int = 0, size: int | None = None) -> None:
        """Send bytes of the copy to the device's memory."""
        for place, count in self._pieces(start, size):
            content = self._words[place : place + count].tobytes()
            self._bus.put(self._address + place, content)

    def invalidate(self, start: int = 0, size: int | None = None) -> None:
        """Fetch bytes of the device's memory into the copy."""
        for place, count in self._pieces(start, size):
            content = self._bus.get(self._address + place, count)
            self._words[place : place + count] = np.frombuffer(content, np.uint8)

    def free(self) -> None:
        """Give the memory back; a second time does nothing."""
        if self._held:
            self._held = False
            self._bus.allocator.give(self._address)

    def _pieces(self, start: int, size: int | None) -> Iterator[tuple[int, int]]:
        """Yield where the whole words lie that a frame each can move."""
        end = end_of_piece(len(self._array), start, size)
        if start == end:
            return
        place = start // WORD * WORD
        end = -(-end // WORD) * WORD
        while place < end:
            count = min(MAX_PAYLOAD, end - place)
            yield place, count
            place += count


class UartBus:
    """A Bus through a bridge at the other end of a serial line.

    line : closed by ``close``
    baud : bits a second of the line, to know how long frames take
    timeout : seconds that an answer may be late, beyond what the line and the bridge need

    When it is made, the accelerator and its memory port are reset. A request whose answer is
    damaged, late or missing, or which the bridge did not understand, is given once more; each of
    them may be. Then ``read``, ``write`` and the buffers raise DeviceTimeout if nothing came, and
    DeviceFault if something did.

    Attributes
    ----------
    identity : what the bridge says of itself
    allocator : of its memory
    frames, repeats : requests so far, and how many of them were a second attempt

    Raises:
        DeviceUnavailable: there is no bridge at the other end.
        VersionMismatch: it speaks another version.
    """

    refusals_are_errors = True
    polls = 1  # a look is a round trip, about as long as asking for the interrupt takes

    def __init__(
        self, line: Line, *, name: str = "fpga-uart", baud: int = 1_000_000, timeout: float = 1.0
    ) -> None:
        if baud < 1:
            raise ValueError(f"baud must be at least 1, not {baud!r}")
        if not timeout > 0:
            raise ValueError(f"timeout must be above 0, not {timeout!r}")
        self.name = name
        self.frames = 0
        self.repeats = 0
        self._line = line
        self._answers = Answers(line, baud, timeout)
        self._baud = baud
        self._timeout = timeout
        self._sequence = 0
        self._patience = 0.0
        self._closed = False
        self.identity = self._meet()
        self._patience = self.identity.patience / self.identity.clock_hz
        self.allocator = Allocator(self.identity.memory_base, self.identity.memory_bytes)
        self._do("resetting it", Opcode.RESET)

    def read(self, offset: int) -> int:
        """Return the 32-bit register at byte ``offset``."""
        self._check_offset(offset)
        action = f"reading register {offset:#x}"
        size = REGISTER_BYTES
        content = self._do(action, Opcode.READ_REGISTER, offset, size, size=size)
        return int.from_bytes(content, "little")

    def write(self, offset: int, value: int) -> None:
        """Set the 32-bit register at byte ``offset``."""
        self._check_offset(offset)
        if not 0 <= value < 1 << REGISTER_BITS:
            raise ValueError(f"value must be in 0..2**32-1, not {value!r}")
        payload = operator.index(value).to_bytes(REGISTER_BYTES, "little")
        self._do(f"writing register {offset:#x}", Opcode.WRITE_REGISTER, offset, payload=payload)

    def allocate(self, size: int, align: int = 4096) -> UartBuffer:
        """Return ``size`` bytes of the board's memory at a multiple of ``align``."""
        self._open()
        size = operator.index(size)
        if align < 1 or align & (align - 1):
            raise ValueError(f"align must be a power of two, not {align!r}")
        address = self.allocator.take(size, max(align, WORD))
        if address is None:
            raise DeviceFault(
                f"{self.name} has no room for {size} bytes at a multiple of {align}: "
                f"{self.allocator.free_bytes} of {self.identity.memory_bytes} bytes are free"
            )
        return UartBuffer(self, address, size)

    def wait_irq(self, seconds: float) -> bool:
        """Return whether the interrupt rose within so many seconds of the board's clock."""
        if not seconds >= 0:
            raise ValueError(f"seconds must not be negative, not {seconds!r}")
        left = round(seconds * self.identity.clock_hz / WAIT_CLOCKS)
        while True:
            now = min(left, _MOST_WAIT)
            longer = now * WAIT_CLOCKS / self.identity.clock_hz
            content = self._do(
                "waiting for the interrupt", Opcode.WAIT_IRQ, 0, now, size=REGISTER_BYTES,
                seconds=longer,
            )  # fmt: skip
            left -= now
            if any(content) or not left:
                return any(content)

    def close(self) -> None:
        """Let go of the line; twice does nothing."""
        if not self._closed:
            self._closed = True
            self._line.close()

    def put(self, address: int, content: bytes) -> None:
        """Write whole words, up to MAX_PAYLOAD bytes, to the memory."""
        action = f"writing {len(content)} bytes at {address:#x}"
        self._do(action, Opcode.WRITE_MEMORY, address, payload=content)

    def get(self, address: int, count: int) -> bytes:
        """Return whole words of the memory, up to MAX_PAYLOAD bytes."""
        action = f"reading {count} bytes at {address:#x}"
        return self._do(action, Opcode.READ_MEMORY, address, count, size=count)

    def _meet(self) -> Identity:
        """Find the bridge, whatever it was told last, and hear what it is."""
        self._answers.quieten()
        try:
            content = self._do("asking who it is", Opcode.IDENTIFY, size=None)
        except (DeviceFault, DeviceTimeout) as error:
            raise DeviceUnavailable(
                f"{self.name}: no bridge answers ({error}); load the bitstream, and check the port "
                f"and its speed of {self._baud} baud"
            ) from error
        try:
            found = Identity.unpack(content)
        except ValueError:
            found = None
        if found is None or found.magic != WIRE_MAGIC:
            raise DeviceUnavailable(
                f"{self.name} must identify itself as a bridge, not as {content.hex()}: load the "
                "bitstream"
            )
        if found.version != WIRE_VERSION:
            raise VersionMismatch(
                f"{self.name} speaks version {found.version} of the line's frames, and this driver "
                f"{WIRE_VERSION}: use a bitstream and a driver of one release"
            )
        return found

    def _do(
        self,
        action: str,
        opcode: Opcode,
        address: int = 0,
        length: int = 0,
        *,
        payload: bytes = b"",
        size: int | None = 0,
        seconds: float = 0.0,
    ) -> bytes:
        """Return the answer's payload, of ``size`` bytes if that is known, or raise."""
        self._open()
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.repeats += 1
                logger.info("%s: %s is tried again: %s", self.name, action, reason)
                self._answers.quieten()
            self._sequence = (self._sequence + 1) % 256
            self.frames += 1
            frame = request(self._sequence, opcode, address, length, payload)
            self._line.write(frame)
            try:
                patience = seconds + self._patience + self._answers.flight(len(frame))
                status, content = self._answers.next(self._sequence, patience)
            except Unanswered as error:
                reason = str(error)
                continue
            if status in UNHEARD:
                reason = f"the bridge heard it {Status(status).name}"
                continue
            return self._judge(action, status, content, size)
        if reason:
            raise DeviceFault(f"{self.name}: {action} failed {_ATTEMPTS} times; {reason}")
        raise DeviceTimeout(
            f"{self.name}: {action} was not answered, {_ATTEMPTS} times for {self._timeout:g} s"
        )

    def _judge(self, action: str, status: int, content: bytes, size: int | None) -> bytes:
        """Return the payload of a request that was done; raise what else became of it."""
        if status == Status.HUNG:
            raise DeviceTimeout(
                f"{self.name}: {action} was not answered by the accelerator for "
                f"{self.identity.patience} clocks; reset it"
            )
        if status != Status.OK:
            known = status in set(Status)
            said = _REFUSED[Status(status)] if known else f"status {status} of the bridge"
            raise DeviceFault(f"{self.name}: {action}: {said}")
        if size is not None and len(content) != size:
            raise DeviceFault(
                f"{self.name}: {action} must be answered by {size} bytes, not {len(content)}"
            )
        return content

    def _check_offset(self, offset: int) -> None:
        if not 0 <= offset < 1 << 32 or offset % REGISTER_BYTES:
            raise ValueError(f"offset must be a multiple of 4 below 2**32, not {offset!r}")

    def _open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.name} must not be closed")
