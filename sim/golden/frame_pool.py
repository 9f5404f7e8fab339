"""The pool of frames: those never used in order, those given back in a list through DRAM."""

from engram.arch.accelerator import FRAME_BITS
from engram.arch.commands import Fault
from engram.arch.page_table import NO_FRAME, frame_of
from engram.arch.pages import PAGE_BYTES
from sim.golden.dram import Dram, ReadError, WriteError

__all__ = ["FramePool"]


class FramePool:
    """``count`` frames from the byte address ``base`` on; ``used`` of them hold a page.

    Frames that are free again form a list: word 0 of each is the number of the next.
    """

    def __init__(self, dram: Dram, base: int = 0, count: int = 0) -> None:
        self.base = base
        self.count = count
        self._dram = dram
        self.clear()

    def clear(self) -> None:
        """Have all frames free and none ever used."""
        self.used = 0
        self._fresh = 0
        self._head = NO_FRAME
        self._kept: int | None = None

    def address(self, frame: int) -> int:
        """Return the byte address of a frame."""
        return self.base + frame * PAGE_BYTES

    def take(self) -> tuple[int, Fault]:
        """Return a frame: the kept one, the list's first, or one never used."""
        if self._kept is not None:
            frame, self._kept = self._kept, None
        elif self._head != NO_FRAME:
            frame = self._head
            try:
                link = frame_of(self._dram.load(self.address(frame)))
            except ReadError:
                return 0, Fault.READ_ERROR
            if link != NO_FRAME and link >= self.count:
                # Somebody wrote into a free frame. The list is lost, the rest of the pool is not.
                self._head = NO_FRAME
                return 0, Fault.BAD_FRAME
            self._head = link
        elif self._fresh < self.count:
            frame = self._fresh
            self._fresh += 1
        else:
            return 0, Fault.NO_FRAME
        self._count(1)
        return frame, Fault.OK

    def give(self, frame: int) -> Fault:
        """Take a frame back; with WRITE_ERROR it is lost until ``clear``."""
        self._count(-1)
        try:
            self._dram.store(self.address(frame), self._head)
        except WriteError:
            return Fault.WRITE_ERROR
        self._head = frame
        return Fault.OK

    def keep(self, frame: int) -> None:
        """Take back a frame that was never published: the next ``take`` returns it."""
        assert self._kept is None
        self._count(-1)
        self._kept = frame

    def _count(self, change: int) -> None:
        # A table that names a frame which was never taken makes the count wrap, as it does there.
        self.used = (self.used + change) % (1 << FRAME_BITS)
