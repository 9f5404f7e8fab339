"""Memory that a simulated board's processor shares with its core, through a cache of its own."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pynq.buffer import PynqBuffer

from sim.verilated.bus import VerilatedBus

__all__ = ["Buffers", "SimulatedBuffer"]

_PAGE_BYTES = 4096
_RUBBISH = 0xCD  # what a cache may hold of memory that was never invalidated
# A larger buffer is not filled: a pool of frames is memory that the host never looks at.
_MOST_FILLED = 1 << 24


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

    whole : flushing or invalidating a part does all of a buffer, as PYNQ does from 3.1 on
    """

    def __init__(self, bus: VerilatedBus, *, whole: bool) -> None:
        self.whole = whole
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
        buffer = SimulatedBuffer(
            shape, kind, buffer=memory, device=device, bo=address, device_address=address
        )
        buffer.give_back = lambda: self._give(address)
        return buffer

    def flush(self, address: int, offset: int, size: int) -> None:
        """Have memory hold what the host sees of a buffer's part."""
        copy = self._copies.get(address)
        if copy is not None:
            start, end = self._part(copy, offset, size)
            self._memory(address, len(copy))[start:end] = copy[start:end]

    def invalidate(self, address: int, offset: int, size: int) -> None:
        """Have the host see what memory holds of a buffer's part."""
        copy = self._copies.get(address)
        if copy is not None:
            start, end = self._part(copy, offset, size)
            copy[start:end] = self._memory(address, len(copy))[start:end]

    def _part(self, copy: NDArray[np.uint8], offset: int, size: int) -> tuple[int, int]:
        return (0, len(copy)) if self.whole else (offset, offset + size)

    def _memory(self, address: int, size: int) -> NDArray[np.uint8]:
        start = address - self._bus.base
        return self._bus.dram[start : start + size]

    def _give(self, address: int) -> None:
        self._copies.pop(address, None)
        self._bus.allocator.give(address)
