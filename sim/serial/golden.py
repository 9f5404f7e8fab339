"""The bridge of a serial line in plain Python: what it answers to any bytes."""

import struct
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engram.arch.uart import (
    CHECK,
    GAP_BITS,
    MAX_PAYLOAD,
    REQUEST,
    REQUEST_MARK,
    REQUEST_WRITES,
    WAIT_CLOCKS,
    WORD,
    Identity,
    Opcode,
    Status,
    answer,
    check_of,
)
from engram.errors import DeviceFault
from sim.golden.accelerator import GoldenAccelerator
from sim.golden.bus import GoldenBus

__all__ = ["Board", "GoldenBoard", "GoldenBridge", "GoldenLine"]

_REGISTER_BYTES = 4
_BURST_BYTES = 128  # at a time of what moves to or from memory, and up to a multiple of it


class Board(Protocol):
    """What is behind a bridge. Registers raise DeviceFault where there is none."""

    @property
    def base(self) -> int:
        """First byte of the memory."""
        ...

    @property
    def memory(self) -> NDArray[np.uint8]:
        """All of it."""
        ...

    @property
    def irq(self) -> bool:
        """Whether the interrupt is high."""
        ...

    def read(self, offset: int) -> int:
        """Return a register."""
        ...

    def write(self, offset: int, value: int) -> None:
        """Set a register."""
        ...

    def reset(self) -> None:
        """Forget all but what is in memory."""
        ...


class GoldenBoard:
    """The golden accelerator, and its memory, as what is behind a bridge."""

    def __init__(self, bus: GoldenBus) -> None:
        self.bus = bus
        self.base = bus.accelerator.dram.base
        self.memory = bus.dram
        self.read = bus.read
        self.write = bus.write

    @property
    def irq(self) -> bool:
        """Whether the interrupt is high."""
        return self.bus.accelerator.irq

    def reset(self) -> None:
        """Forget all but what is in memory."""
        self.bus.accelerator = GoldenAccelerator(
            self.bus.accelerator.config, self.bus.dram, self.base
        )


class GoldenBridge:
    """Answers requests about a board.

    registers : bytes that the port of registers has addresses for

    Attributes
    ----------
    identity : what it says of itself
    stalled, hung : ports, "registers" or "memory", that will hang at the next access, and that do
    resets, waited : how often it was reset, and clocks that it waited for an interrupt in vain
    """

    def __init__(self, board: Board, *, patience: int = 1 << 16, registers: int = 512) -> None:
        self.board = board
        self.registers = registers
        self.stalled: set[str] = set()
        self.hung: set[str] = set()
        self.resets = 0
        self.waited = 0
        self.identity = Identity(
            memory_base=board.base,
            memory_bytes=len(board.memory),
            clock_hz=25_000_000,
            patience=patience,
        )
        self._heard = b""

    def hear(self, content: bytes, *, pause: bool = False) -> bytes:
        """Return what it answers to bytes, and then maybe to a pause.

        Of a line that is only right when it waits for answers: what comes behind a request of the
        same call is lost.
        """
        self._heard += content
        found = self._request()
        if found is None and pause and self._heard:
            found = answer(0, self._verdict())
        if found is None:
            return b""
        self._heard = b""
        return found

    def _verdict(self) -> Status:
        """Return what is wrong with what was heard."""
        heard = self._heard
        if heard[0] != REQUEST_MARK:
            return Status.DAMAGED
        if len(heard) < REQUEST.size:
            return Status.TRUNCATED
        size = self._size()
        if size > MAX_PAYLOAD:
            return Status.TOO_LONG
        return Status.TRUNCATED if len(heard) < REQUEST.size + size + CHECK.size else Status.DAMAGED

    def _size(self) -> int:
        """Return how long a payload the header announces."""
        _, _, opcode, _, length = REQUEST.unpack(self._heard[: REQUEST.size])
        return length if opcode in REQUEST_WRITES else 0

    def _request(self) -> bytes | None:
        """Return the answer to what was heard if that is a whole request, and a correct one."""
        heard = self._heard
        if len(heard) < REQUEST.size or heard[0] != REQUEST_MARK:
            return None
        size = self._size()
        end = REQUEST.size + size
        if size > MAX_PAYLOAD or len(heard) < end + CHECK.size:
            return None
        if check_of(heard[1:end]) != heard[end : end + CHECK.size]:
            return None
        _, sequence, opcode, address, length = REQUEST.unpack(heard[: REQUEST.size])
        status, payload = self._carry_out(opcode, address, length, heard[REQUEST.size : end])
        return answer(sequence, status, payload)

    def _carry_out(
        self, opcode: int, address: int, length: int, payload: bytes
    ) -> tuple[Status, bytes]:
        match opcode:
            case Opcode.IDENTIFY:
                return Status.OK, self.identity.pack()
            case Opcode.RESET:
                self.hung.clear()
                self.resets += 1
                self.board.reset()
                return Status.OK, b""
            case Opcode.READ_REGISTER | Opcode.WRITE_REGISTER:
                return self._register(address, length, payload)
            case Opcode.READ_MEMORY | Opcode.WRITE_MEMORY:
                return self._memory(address, length, payload)
            case Opcode.WAIT_IRQ:
                high = self.board.irq
                if not high:
                    self.waited += length * WAIT_CLOCKS
                return Status.OK, struct.pack("<I", high)
        return Status.BAD_OPCODE, b""

    def _register(self, address: int, length: int, payload: bytes) -> tuple[Status, bytes]:
        if length != _REGISTER_BYTES or address % _REGISTER_BYTES:
            return Status.BAD_RANGE, b""
        if address >= self.registers:
            return Status.DECERR, b""
        if self._hangs("registers"):
            return Status.HUNG, b""
        try:
            if payload:
                self.board.write(address, int.from_bytes(payload, "little"))
                return Status.OK, b""
            return Status.OK, struct.pack("<I", self.board.read(address))
        except DeviceFault:
            return Status.SLVERR, b""

    def _memory(self, address: int, length: int, payload: bytes) -> tuple[Status, bytes]:
        if not 0 < length <= MAX_PAYLOAD or length % WORD or address % WORD:
            return Status.BAD_RANGE, b""
        if self._hangs("memory"):
            return Status.HUNG, b""
        memory, end, writes = self.board.memory, address + length, bool(payload)
        found = b""
        while address < end:
            place = address - self.board.base
            size = min(_BURST_BYTES - address % _BURST_BYTES, end - address)
            if not 0 <= place < len(memory):
                return Status.DECERR, b""
            if writes:
                memory[place : place + size] = bytearray(payload[:size])
                payload = payload[size:]
            else:
                found += memory[place : place + size].tobytes()
            address += size
        return Status.OK, found

    def _hangs(self, name: str) -> bool:
        if name in self.stalled:
            self.stalled.remove(name)
            self.hung.add(name)
        return name in self.hung


class GoldenLine:
    """A Line to a golden bridge. Time passes only while the host waits for what does not come."""

    baud = 1_000_000

    def __init__(self, bridge: GoldenBridge) -> None:
        self.bridge = bridge
        self.seconds = 0.0  # that the host waited in vain
        self.closed = False
        self._come = b""

    def read(self, count: int, seconds: float) -> bytes:
        """Return bytes that the bridge answered."""
        if len(self._come) < count and seconds >= GAP_BITS / self.baud:
            self._come += self.bridge.hear(b"", pause=True)
        found, self._come = self._come[:count], self._come[count:]
        if len(found) < count:
            self.seconds += seconds
        return found

    def write(self, content: bytes) -> None:
        """Let the bridge hear bytes."""
        self._come += self.bridge.hear(content)

    def close(self) -> None:
        """Note it."""
        self.closed = True
