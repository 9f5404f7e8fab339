"""What the driver asks of the way to an accelerator: registers, shared memory, an interrupt."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Buffer", "Bus", "end_of_piece"]


def end_of_piece(nbytes: int, start: int, size: int | None) -> int:
    """Return where a piece of a buffer ends; None as its size: where the buffer does.

    Raises ValueError for a piece that is not within its ``nbytes`` bytes.
    """
    end = nbytes if size is None else start + size
    if not 0 <= start <= end <= nbytes:
        raise ValueError(f"start and size must be within {nbytes} bytes, not {start!r}, {size!r}")
    return end


class Buffer(Protocol):
    """A piece of memory that host and device both reach, contiguous for the device.

    The host's view need not be what the device sees: what the host wrote is flushed before the
    device may read it, and what the device wrote is invalidated before the host reads it. Using
    a buffer after ``free`` is an error that need not be noticed.
    """

    @property
    def address(self) -> int:
        """First byte, as the device addresses it."""
        ...

    @property
    def array(self) -> NDArray[np.uint8]:
        """The host's view: as many bytes as were allocated, writable, always the same object."""
        ...

    def flush(self, start: int = 0, size: int | None = None) -> None:
        """Make ``size`` bytes from byte ``start`` (None: to the end) visible to the device.

        Raises ValueError for bytes outside the buffer. More may become visible than was asked.
        """
        ...

    def invalidate(self, start: int = 0, size: int | None = None) -> None:
        """Make what the device wrote there visible to the host; what was not flushed is lost.

        Raises ValueError for bytes outside the buffer. More may be lost than was asked: keep
        what the host writes and what the device writes in different buffers.
        """
        ...

    def free(self) -> None:
        """Give the memory back; a second time does nothing."""
        ...


class Bus(Protocol):
    """One accelerator: its registers, the memory it shares with the host, and its interrupt.

    One thread at a time; a lock is the driver's.
    """

    @property
    def name(self) -> str:
        """What messages call this device."""
        ...

    @property
    def polls(self) -> int:
        """How often to look at shared memory for what is awaited before asking for the interrupt.

        0 where time stands still between calls. A look costs the host a cache line or so, and an
        interrupt hundreds of microseconds on a board.
        """
        ...

    @property
    def refusals_are_errors(self) -> bool:
        """Whether an access that the device refuses comes back as DeviceFault.

        On a Zynq it may end the process, or the system: then nobody tries.
        """
        ...

    def read(self, offset: int) -> int:
        """Return the 32-bit register at byte ``offset``, a multiple of 4.

        Raises DeviceFault if the device refuses the access, DeviceTimeout if it never answers,
        ValueError for an offset that no register of 32 bits can have.
        """
        ...

    def write(self, offset: int, value: int) -> None:
        """Set the 32-bit register at byte ``offset``; all of the host's flushes come first.

        Raises what ``read`` does, and ValueError for a value outside 0..2**32-1.
        """
        ...

    def allocate(self, size: int, align: int = 4096) -> Buffer:
        """Return ``size`` bytes (at least 1) at a multiple of ``align``, a power of two.

        What is in them is not stated. Raises DeviceFault when the device's memory has no room
        left, and ValueError for a size or an alignment that cannot be.
        """
        ...

    def wait_irq(self, seconds: float) -> bool:
        """Return True once the interrupt is high, False when it was not for ``seconds``.

        Only a hint: the line may be high for what was seen long ago, and may have been missed;
        what happened is in the registers. 0 asks how it is now.
        """
        ...

    def close(self) -> None:
        """Let go of device and memory; buffers must not be used any more. Twice does nothing."""
        ...
