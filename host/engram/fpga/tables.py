"""Page tables of spaces in the device's memory: made empty, copied into larger ones, given back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engram.arch.page_table import (
    BUCKET_BYTES,
    BUCKET_SLOTS,
    BUCKET_WORDS,
    CONTINUES,
    HASH_SHIFTS,
    LAST_SLOT,
    MAX_BUCKETS_LOG2,
    MAX_PROBES,
    PAGE_NUMBER_BITS,
    VALID,
)
from engram.errors import QuotaExceeded
from engram.fpga.bus import Buffer

__all__ = ["Table", "Tables"]

_SMALLEST_LOG2 = 4
_PAGE_MASK = np.uint64((1 << PAGE_NUMBER_BITS) - 1)

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Table:
    """Where a page table lies."""

    address: int
    buckets_log2: int

    @property
    def nbytes(self) -> int:
        """How many bytes it takes."""
        return BUCKET_BYTES << self.buckets_log2

    @property
    def comfortable_pages(self) -> int:
        """How many pages it may have before walks grow longer: half of its slots."""
        return BUCKET_SLOTS << self.buckets_log2 >> 1


class Tables:
    """Hands out tables from one buffer; halves of free pieces are joined again (a buddy system).

    Both sides write here, the device whenever it frames a page. So the host takes in what there
    is before it writes, and only while the device is idle: then it does no harm that a bus may
    flush more than it is asked for.
    """

    def __init__(self, buffer: Buffer, size: int) -> None:
        largest = (size // BUCKET_BYTES).bit_length() - 1
        if not _SMALLEST_LOG2 <= largest <= MAX_BUCKETS_LOG2 or size & (size - 1):
            raise ValueError(f"size must be a power of two and hold a table, not {size!r}")
        self._buffer = buffer
        self._free: dict[int, set[int]] = {
            log2: set() for log2 in range(_SMALLEST_LOG2, largest + 1)
        }
        self._free[largest].add(0)

    def make(self, buckets_log2: int = _SMALLEST_LOG2) -> Table:
        """Return an empty table; raise QuotaExceeded if there is no room."""
        table = self._take(buckets_log2)
        self._write(table, np.zeros((1 << buckets_log2, BUCKET_WORDS), np.uint64))
        return table

    def enlarge(self, table: Table, pages: int = 0) -> Table:
        """Return a larger table with what is in this one, fit for so many pages; free this one.

        Raises QuotaExceeded if there is no room; then this one stays.
        """
        log2 = table.buckets_log2 + 1
        while BUCKET_SLOTS << log2 >> 1 < pages:
            log2 += 1
        old = self._read(table)
        taken = old[:, :BUCKET_SLOTS] >= np.uint64(VALID)
        keys = old[:, :BUCKET_SLOTS][taken] & _PAGE_MASK
        frames = old[:, BUCKET_SLOTS:][taken]
        while True:
            larger = self._take(log2)
            content = _placed(keys, frames, log2)
            if content is not None:
                break
            self.free(larger)  # pages may be chosen so that they fit no better
            log2 += 1
        self._write(larger, content)
        self.free(table)
        return larger

    def free(self, table: Table) -> None:
        """Take a table back."""
        offset, log2 = table.address - self._buffer.address, table.buckets_log2
        while True:
            buddy = offset ^ BUCKET_BYTES << log2
            if log2 + 1 not in self._free or buddy not in self._free[log2]:
                break
            self._free[log2].remove(buddy)
            offset &= buddy
            log2 += 1
        self._free[log2].add(offset)

    def _take(self, buckets_log2: int) -> Table:
        log2 = next((n for n in self._free if n >= buckets_log2 and self._free[n]), None)
        if log2 is None:
            raise QuotaExceeded(
                f"the device has no room for a page table of {BUCKET_BYTES << buckets_log2} bytes"
            )
        offset = min(self._free[log2])
        self._free[log2].remove(offset)
        while log2 > buckets_log2:
            log2 -= 1
            self._free[log2].add(offset + (BUCKET_BYTES << log2))
        return Table(self._buffer.address + offset, buckets_log2)

    def _read(self, table: Table) -> Words:
        start = table.address - self._buffer.address
        self._buffer.invalidate(start, table.nbytes)
        content = self._buffer.array[start : start + table.nbytes].view("<u8")
        return content.reshape(-1, BUCKET_WORDS).copy()

    def _write(self, table: Table, content: Words) -> None:
        start = table.address - self._buffer.address
        self._buffer.invalidate(start, table.nbytes)
        self._buffer.array[start : start + table.nbytes].view("<u8")[:] = content.reshape(-1)
        self._buffer.flush(start, table.nbytes)


def _placed(pages: Words, frames: Words, buckets_log2: int) -> Words | None:
    """Return the buckets of a new table with these pages; None if a chain would be too long."""
    buckets = 1 << buckets_log2
    content = np.zeros((buckets, BUCKET_WORDS), np.uint64)
    mixed = np.zeros_like(pages)
    for shift in HASH_SHIFTS:
        mixed ^= pages >> np.uint64(shift)
    homes = (mixed & np.uint64(buckets - 1)).astype(np.intp)
    order = np.argsort(homes, kind="stable")
    homes, pages, frames = homes[order], pages[order], frames[order]
    slots = np.arange(len(homes)) - np.searchsorted(homes, homes)
    fits = slots < BUCKET_SLOTS
    keys = pages | np.uint64(VALID)
    content[homes[fits], slots[fits]] = keys[fits]
    content[homes[fits], BUCKET_SLOTS + slots[fits]] = frames[fits]
    filled = np.bincount(homes[fits], minlength=buckets)
    for i in np.flatnonzero(~fits).tolist():
        bucket = int(homes[i])
        for _ in range(MAX_PROBES - 1):
            content[bucket, LAST_SLOT] |= np.uint64(CONTINUES)
            bucket = (bucket + 1) % buckets
            if filled[bucket] < BUCKET_SLOTS:
                break
        else:
            return None
        content[bucket, filled[bucket]] = keys[i]
        content[bucket, BUCKET_SLOTS + filled[bucket]] = frames[i]
        filled[bucket] += 1
    return content
