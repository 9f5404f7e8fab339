"""DRAM as the accelerator sees it: words at byte addresses, and accesses that fail on demand."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dram", "ReadError", "WriteError"]

Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]


class ReadError(Exception):
    """The bus answered a read with an error."""


class WriteError(Exception):
    """The bus answered a write with an error; the word is as it was."""


class Dram:
    """Bytes from the address ``base`` on, a multiple of 8; everywhere else accesses fail.

    So do those of a word that holds a byte whose address is in ``failing_reads`` or
    ``failing_writes``. What is read and written is ``array`` itself, never a copy.
    """

    def __init__(self, array: NDArray[np.uint8], base: int = 0) -> None:
        if base % 8:
            raise ValueError(f"base must be a multiple of 8, not {base!r}")
        if array.ndim != 1 or array.size % 8 or not array.flags.c_contiguous:
            raise ValueError(f"array must be a run of whole words, not of shape {array.shape!r}")
        self.base = base
        self.failing_reads: set[int] = set()
        self.failing_writes: set[int] = set()
        self._words = array.view("<u8")

    def read(self, address: int, count: int) -> tuple[Words, Flags]:
        """Return words, and which of them failed; those are 0.

        One that fails takes with it all behind it.
        """
        failed = np.logical_or.accumulate(self._failed(address, count, self.failing_reads))
        if not failed.any():
            first = (address - self.base) // 8
            return self._words[first : first + count].copy(), failed
        words = np.zeros(count, np.uint64)
        for i in np.flatnonzero(~failed).tolist():
            words[i] = self._words[(address - self.base) // 8 + i]
        return words, failed

    def write(self, address: int, words: Words, kept: Flags | None = None) -> bool:
        """Write words except those that are ``kept``; return whether all that were sent came in."""
        failed = self._failed(address, len(words), self.failing_writes)
        sent = np.ones(len(words), np.bool_) if kept is None else ~kept
        taken = np.flatnonzero(sent & ~failed)
        self._words[(address - self.base) // 8 + taken] = words[taken]
        # A word without strobes goes through the bus all the same.
        return not failed.any()

    def load(self, address: int) -> int:
        """Return one word; raise ReadError."""
        words, failed = self.read(address, 1)
        if failed[0]:
            raise ReadError(f"read of {address:#x}")
        return int(words[0])

    def store(self, address: int, word: int) -> None:
        """Write one word; raise WriteError."""
        if not self.write(address, np.array([word], np.uint64)):
            raise WriteError(f"write of {address:#x}")

    def _failed(self, address: int, count: int, failing: set[int]) -> Flags:
        if address % 8:
            raise ValueError(f"address must be a multiple of 8, not {address:#x}")
        first = (address - self.base) // 8
        failed = np.zeros(count, np.bool_)
        if first < 0:
            failed[: -first] = True
        if first + count > len(self._words):
            failed[max(0, len(self._words) - first) :] = True
        for at in failing:
            if 0 <= at - address < 8 * count:
                failed[(at - address) // 8] = True
        return failed
