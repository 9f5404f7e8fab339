"""The page table of a space in DRAM, bucket by bucket, word by word."""

from dataclasses import dataclass

from engram.arch.commands import Fault
from engram.arch.page_table import (
    BUCKET_BYTES,
    BUCKET_SLOTS,
    CONTINUES,
    LAST_SLOT,
    MAX_PROBES,
    PAGE_NUMBER_BITS,
    VALID,
    bucket_of,
    frame_of,
    frame_word,
    key_word,
)
from sim.golden.dram import Dram, ReadError, WriteError

__all__ = ["PageTable", "Walk"]

_PAGE_MASK = (1 << PAGE_NUMBER_BITS) - 1


@dataclass(frozen=True)
class Walk:
    """What a walk came to; ``probes`` buckets were read."""

    found: bool = False
    frame: int = 0
    fault: Fault = Fault.OK
    probes: int = 0


@dataclass(frozen=True)
class _Slot:
    bucket: int
    slot: int
    key: int  # as it was read


class PageTable:
    """Pages and their frames in the ``2**buckets_log2`` buckets from the byte address ``table`` on.

    An error of the bus counts where the walk needs the word: the keys of every bucket it reads,
    and the frame word of the page. Of two slots with one page the first counts.
    """

    def __init__(self, dram: Dram, table: int, buckets_log2: int, frame_count: int) -> None:
        self.table = table
        self.buckets_log2 = buckets_log2
        self.frame_count = frame_count
        self._dram = dram
        self._claimed: tuple[int, _Slot] | None = None

    def find(self, page: int) -> Walk:
        """Return whether a page is there, and its frame."""
        return self._walk(page, claim=False)[0]

    def claim(self, page: int) -> Walk:
        """Find a page, or else see to it that there is a slot for it.

        Nothing but CONTINUES bits changes; TABLE_FULL if none of the MAX_PROBES buckets has room.
        """
        walk, _, free = self._walk(page, claim=True)
        self._claimed = None
        if walk.found or walk.fault:
            return walk
        if free is None:
            return Walk(fault=Fault.TABLE_FULL, probes=walk.probes)
        self._claimed = page, free
        return walk

    def insert(self, page: int, frame: int) -> Walk:
        """Enter the page that was claimed last: its frame, then its key.

        ``found`` says that the key was sent: with WRITE_ERROR the page may be there or not.
        """
        if self._claimed is None or self._claimed[0] != page:
            raise ValueError(f"page must be the one claimed last, not {page!r}")
        slot = self._claimed[1]
        self._claimed = None
        try:
            self._dram.store(self._frame_address(slot.bucket, slot.slot), frame_word(frame))
        except WriteError:
            return Walk(frame=frame, fault=Fault.WRITE_ERROR)
        try:
            self._write_key(slot, key_word(page))
        except WriteError:
            return Walk(found=True, frame=frame, fault=Fault.WRITE_ERROR)
        return Walk(found=True, frame=frame)

    def remove(self, page: int) -> Walk:
        """Take a page out; ``found`` with its frame if it was there."""
        walk, slot, _ = self._walk(page, claim=False)
        if slot is None or walk.fault:
            return walk
        try:
            self._write_key(slot, 0)
        except WriteError:
            return Walk(True, walk.frame, Fault.WRITE_ERROR, walk.probes)
        return walk

    def pages(self) -> dict[int, int]:
        """Return the frames of all pages in the table, wherever they lie."""
        found: dict[int, int] = {}
        for bucket in range(1 << self.buckets_log2):
            for slot in range(BUCKET_SLOTS):
                key = self._dram.load(self._key_address(bucket, slot))
                if key & VALID:
                    word = self._dram.load(self._frame_address(bucket, slot))
                    found[key & _PAGE_MASK] = frame_of(word)
        return found

    def _walk(self, page: int, *, claim: bool) -> tuple[Walk, _Slot | None, _Slot | None]:
        """Follow the chain of a page; return also its slot, and the first free one on the way."""
        free: _Slot | None = None
        bucket = bucket_of(page, self.buckets_log2)
        probes = 0
        try:
            while True:
                words, failed = self._dram.read(self._key_address(bucket, 0), BUCKET_SLOTS)
                probes += 1
                if failed.any():
                    return Walk(fault=Fault.READ_ERROR, probes=probes), None, None
                keys = words.tolist()
                for slot, key in enumerate(keys):
                    if key & VALID and key & _PAGE_MASK == page:
                        frame = frame_of(self._dram.load(self._frame_address(bucket, slot)))
                        fault = Fault.OK if frame < self.frame_count else Fault.BAD_FRAME
                        return Walk(not fault, frame, fault, probes), _Slot(bucket, slot, key), free
                    if not key & VALID and free is None:
                        free = _Slot(bucket, slot, key)
                if probes == MAX_PROBES:
                    break
                if not keys[LAST_SLOT] & CONTINUES:
                    if free is not None or not claim:
                        break
                    last = self._key_address(bucket, LAST_SLOT)
                    self._dram.store(last, keys[LAST_SLOT] | CONTINUES)
                bucket = (bucket + 1) % (1 << self.buckets_log2)
        except ReadError:
            return Walk(fault=Fault.READ_ERROR, probes=probes), None, None
        except WriteError:
            return Walk(fault=Fault.WRITE_ERROR, probes=probes), None, None
        return Walk(probes=probes), None, free

    def _write_key(self, slot: _Slot, key: int) -> None:
        if slot.slot == LAST_SLOT:
            key |= slot.key & CONTINUES
        self._dram.store(self._key_address(slot.bucket, slot.slot), key)

    def _key_address(self, bucket: int, slot: int) -> int:
        return self.table + bucket * BUCKET_BYTES + 8 * slot

    def _frame_address(self, bucket: int, slot: int) -> int:
        return self._key_address(bucket, BUCKET_SLOTS + slot)
