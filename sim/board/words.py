"""What stands for a mapped piece of /dev/mem: an array whose every access is the board's."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sim.board.memory_map import WORD_BYTES

__all__ = ["Words"]


class Words:
    """As much of a numpy array as PYNQ asks of ``mmap``, one access for each word of 32 bits.

    An index gives a number, a slice another view, ``view`` words of another width; what is
    wider than 32 bits is two accesses, the low half first, as a 32-bit port has it.
    """

    def __init__(
        self,
        read: Callable[[int], int],
        write: Callable[[int, int], None],
        base: int,
        count: int,
        dtype: DTypeLike = np.uint32,
    ) -> None:
        self.dtype = np.dtype(dtype)
        if self.dtype.kind != "u" or self.dtype.itemsize % WORD_BYTES:
            raise ValueError(f"dtype must be unsigned and of whole words, not {dtype!r}")
        self._read = read
        self._write = write
        self._base = base
        self._count = count

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int]:
        """As of an array of one dimension."""
        return (self._count,)

    @property
    def nbytes(self) -> int:
        """How many bytes are mapped."""
        return self._count * self.dtype.itemsize

    def view(self, dtype: DTypeLike) -> "Words":
        """Return the same bytes as words of another type."""
        count = self.nbytes // np.dtype(dtype).itemsize
        return Words(self._read, self._write, self._base, count, dtype)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._count)
            if step != 1:
                raise IndexError("the step of a slice must be 1")
            return self._part(start, max(0, stop - start))
        address = self._address(index)
        words = range(0, self.dtype.itemsize, WORD_BYTES)
        value = sum(self._read(address + place) << 8 * place for place in words)
        return self.dtype.type(value)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            part = self[index]
            for place, one in enumerate(np.broadcast_to(value, part.shape)):
                part[place] = one
            return
        address = self._address(index)
        whole = int(value)
        if not 0 <= whole < 1 << 8 * self.dtype.itemsize:
            raise OverflowError(f"value must fit {self.dtype}, not {value!r}")
        for place in range(0, self.dtype.itemsize, WORD_BYTES):
            self._write(address + place, whole >> 8 * place & 0xFFFF_FFFF)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array([self[place] for place in range(self._count)], dtype or self.dtype)

    def _part(self, start: int, count: int) -> "Words":
        base = self._base + start * self.dtype.itemsize
        return Words(self._read, self._write, base, count, self.dtype)

    def _address(self, index: Any) -> int:
        place = index.__index__()
        if place < 0:
            place += self._count
        if not 0 <= place < self._count:
            raise IndexError(f"index {index} is out of bounds for {self._count} words")
        return self._base + int(place) * self.dtype.itemsize
