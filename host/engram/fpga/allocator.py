"""Which bytes of a device's memory are taken: first fit over a list of free pieces."""

from bisect import bisect_left

__all__ = ["Allocator"]


class Allocator:
    """Hands out pieces of ``size`` bytes from ``base`` that never overlap.

    The lowest place that fits is taken; neighbouring free pieces become one again.
    """

    def __init__(self, base: int, size: int) -> None:
        self._free = [(base, size)]  # by address, never two that touch
        self._taken: dict[int, int] = {}

    @property
    def free_bytes(self) -> int:
        """All that is free, in however many pieces."""
        return sum(size for _, size in self._free)

    def take(self, size: int, align: int) -> int | None:
        """Return the address of ``size`` bytes at a multiple of ``align``; None: no room."""
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size!r}")
        if align < 1 or align & (align - 1):
            raise ValueError(f"align must be a power of two, not {align!r}")
        for index, (start, room) in enumerate(self._free):
            address = (start + align - 1) & -align
            end = address + size
            if end <= start + room:
                left = [(start, address - start), (end, start + room - end)]
                self._free[index : index + 1] = [piece for piece in left if piece[1]]
                self._taken[address] = size
                return address
        return None

    def give(self, address: int) -> None:
        """Give back what was taken at ``address``; KeyError if nothing was."""
        size = self._taken.pop(address)
        index = bisect_left(self._free, (address, 0))
        self._free.insert(index, (address, size))
        for left in (index, index - 1):
            if 0 <= left < len(self._free) - 1:
                (start, room), (after, more) = self._free[left : left + 2]
                if start + room == after:
                    self._free[left : left + 2] = [(start, room + more)]
