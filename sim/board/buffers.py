"""Memory that a simulated board's processor shares with its core, through a cache of its own."""

import operator
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pynq.buffer import PynqBuffer

from sim.verilated.bus import VerilatedBus

__all__ = ["BufferObject", "Buffers", "SimulatedBuffer", "xclBOSyncDirection"]

_PAGE_BYTES = 4096
_RUBBISH = 0xCD  # what a cache may hold of memory that was never invalidated
# A larger buffer is not filled: a pool of frames is memory that the host never looks at.
_MOST_FILLED = 1 << 24


class xclBOSyncDirection(Enum):
    """The ways of a sync, as XRT's pyxrt names them."""

    XCL_BO_SYNC_BO_TO_DEVICE = "flush"
    XCL_BO_SYNC_BO_FROM_DEVICE = "invalidate"


class BufferObject:
    """What XRT's pyxrt gives PYNQ 3.1 for a buffer: it exchanges a part, or all.

    exchange : called with the way, the first byte, and how many
    """

    def __init__(
        self, address: int, nbytes: int, exchange: Callable[[str, int, int, int], None]
    ) -> None:
        self.address = address
        self._nbytes = nbytes
        self._exchange = exchange

    def sync(self, direction: xclBOSyncDirection, size: int | None = None, offset: int = 0) -> None:
        """Exchange so many bytes from an offset on; None: all."""
        size = self._nbytes if size is None else size
        if not 0 <= offset <= offset + size <= self._nbytes:
            raise RuntimeError("invalid offset and size when syncing a buffer")
        self._exchange(direction.value, self.address, offset, size)


class SimulatedBuffer(PynqBuffer):
    """A PynqBuffer whose memory goes back to its board, once."""

    give_back: Callable[[], None] | None = None  # of the buffer itself; its slices own nothing

    def freebuffer(self) -> None:
        """Free the memory; nothing happens a second time, or to a slice."""
        if self.give_back is not None:
            give_back, self.give_back = self.give_back, None
            give_back()


class Buffers:
    """Allocates in a bus's memory, by pages, and exchanges what the two sides see of it.

    A cached buffer is a copy of its own: what the host wrote is in memory once it was flushed,
    and what the device wrote is in the copy once that was invalidated. The other way round the
    copy, or the memory, is lost, as with a cache that holds every line.

    exchange : of the board, for the buffer objects of XRT that buffers have since PYNQ 3.1; with
        None they have their address, as in PYNQ 3.0
    """

    def __init__(
        self, bus: VerilatedBus, exchange: Callable[[str, int, int, int], None] | None
    ) -> None:
        self.exchange = exchange
        self._bus = bus
        self._copies: dict[int, NDArray[np.uint8]] = {}  # by address

    def allocate(self, device: Any, shape: Any, dtype: DTypeLike, cacheable: int) -> PynqBuffer:
        """Return a buffer; RuntimeError where there is no room."""
        kind = np.dtype(dtype)
        size = kind.itemsize * int(np.prod([operator.index(one) for one in np.atleast_1d(shape)]))
        room = size + -size % _PAGE_BYTES
        address = self._bus.allocator.take(room, _PAGE_BYTES)
        if address is None:
            raise RuntimeError(
                f"Allocate failed: {room} bytes, and {self._bus.allocator.free_bytes} are free"
            )
        memory = self._memory(address, size)
        if cacheable:
            filled = size <= _MOST_FILLED
            memory = np.full(size, _RUBBISH, np.uint8) if filled else np.zeros(size, np.uint8)
            self._copies[address] = memory
        bo = BufferObject(address, size, self.exchange) if self.exchange else address
        buffer = SimulatedBuffer(
            shape, kind, buffer=memory, device=device, bo=bo, device_address=address
        )
        buffer.give_back = lambda: self._give(address)
        return buffer

    def flush(self, address: int, offset: int, size: int) -> None:
        """Have memory hold what the host sees of a buffer's part."""
        copy = self._copies.get(address)
        if copy is not None:
            part = slice(offset, offset + size)
            self._memory(address, len(copy))[part] = copy[part]

    def invalidate(self, address: int, offset: int, size: int) -> None:
        """Have the host see what memory holds of a buffer's part."""
        copy = self._copies.get(address)
        if copy is not None:
            part = slice(offset, offset + size)
            copy[part] = self._memory(address, len(copy))[part]

    def _memory(self, address: int, size: int) -> NDArray[np.uint8]:
        start = address - self._bus.base
        return self._bus.dram[start : start + size]

    def _give(self, address: int) -> None:
        self._copies.pop(address, None)
        self._bus.allocator.give(address)
