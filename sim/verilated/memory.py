"""What a Verilated bus calls its memory by: buffers, directions, channels and errors."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engram.fpga.allocator import Allocator
from engram.fpga.bus import end_of_piece

__all__ = ["Channel", "Direction", "Response", "VerilatedBuffer"]


class Direction(IntEnum):
    """Of an access to memory."""

    READS = 0
    WRITES = 1


class Channel(IntEnum):
    """What can be made to pause: memory's channels, and the managers of the other two ports."""

    AR = 0
    R = 1
    AW = 2
    W = 3
    B = 4
    REGISTERS = 5
    WINDOW = 6


class Response(IntEnum):
    """An error that memory or the design answers with."""

    SLVERR = 2
    DECERR = 3


class VerilatedBuffer:
    """A Buffer of the very bytes that the design reads and writes: nothing needs flushing."""

    def __init__(self, allocator: Allocator, address: int, array: NDArray[np.uint8]) -> None:
        self._allocator = allocator
        self._address = address
        self._array = array
        self._held = True

    @property
    def address(self) -> int:
        """First byte, as the design addresses it."""
        return self._address

    @property
    def array(self) -> NDArray[np.uint8]:
        """The bytes themselves."""
        return self._array

    def flush(self, start: int = 0, size: int | None = None) -> None:
        """Check the range; the bytes are shared."""
        end_of_piece(len(self._array), start, size)

    def invalidate(self, start: int = 0, size: int | None = None) -> None:
        """Check the range; the bytes are shared."""
        end_of_piece(len(self._array), start, size)

    def free(self) -> None:
        """Give the bytes back; a second time does nothing."""
        if self._held:
            self._held = False
            self._allocator.give(self._address)
