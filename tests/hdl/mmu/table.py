"""The page table in plain integers, over the words of a DRAM."""

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
from hdl.mmu.walker import WalkIntent

__all__ = ["Table", "key_address"]


def key_address(table, bucket, slot):
    """Return where a slot's key lies; its frame lies BUCKET_SLOTS words behind."""
    return table + bucket * BUCKET_BYTES + 8 * slot


class Table:
    """Answers and changes ``dram`` as the walker has to; ``probes`` counts buckets read."""

    def __init__(
        self, dram, table, buckets_log2, frame_count,
        read_error=lambda address: False, write_error=lambda address: False,
    ):  # fmt: skip
        self.dram = dram
        self.table = table
        self.buckets_log2 = buckets_log2
        self.frame_count = frame_count
        self.read_error = read_error
        self.write_error = write_error
        self.probes = 0
        self.claimed = None

    def answer(self, intent, page, frame=0):
        """Return (found, frame if found, fault)."""
        try:
            if intent == WalkIntent.INSERT:
                return self._insert(page, frame)
            place = self._walk(page, intent == WalkIntent.CLAIM)
        except OSError as error:
            return (0, None, error.args[0])
        if place is None:
            return (0, None, Fault.OK)
        frame = frame_of(self.dram[place + 8 * BUCKET_SLOTS])
        if intent == WalkIntent.REMOVE:
            try:
                last = (place - self.table) // 8 % (2 * BUCKET_SLOTS) == LAST_SLOT
                self._write(place, self.dram[place] & CONTINUES if last else 0)
            except OSError as error:
                return (1, frame, error.args[0])
        return (1, frame, Fault.OK)

    def _walk(self, page, claims):
        """Return where the page's key is, or None; then ``claimed`` is where it may be put."""
        self.claimed = None
        first = bucket_of(page, self.buckets_log2)
        for probe in range(MAX_PROBES):
            bucket = (first + probe) % (1 << self.buckets_log2)
            self.probes += 1
            places = [key_address(self.table, bucket, slot) for slot in range(BUCKET_SLOTS)]
            if any(self.read_error(place) for place in places):
                raise OSError(Fault.READ_ERROR)
            for place in places:
                key = self.dram[place]
                if key & VALID and key % (1 << PAGE_NUMBER_BITS) == page:
                    self._check_frame(place + 8 * BUCKET_SLOTS)
                    return place
            free = [place for place in places if not self.dram[place] & VALID]
            if free and self.claimed is None:
                self.claimed = free[0]
            last = self.dram[places[LAST_SLOT]]
            if last & CONTINUES:
                continue
            if not claims or self.claimed is not None:
                return None
            if probe < MAX_PROBES - 1:
                self._write(places[LAST_SLOT], last | CONTINUES)
        if claims and self.claimed is None:
            raise OSError(Fault.TABLE_FULL)
        return None

    def _check_frame(self, place):
        if self.read_error(place):
            raise OSError(Fault.READ_ERROR)
        if frame_of(self.dram[place]) >= self.frame_count:
            raise OSError(Fault.BAD_FRAME)

    def _insert(self, page, frame):
        place = self.claimed
        last = (place - self.table) // 8 % (2 * BUCKET_SLOTS) == LAST_SLOT
        keep = self.dram[place] & CONTINUES if last else 0
        self._write(place + 8 * BUCKET_SLOTS, frame_word(frame))
        try:
            self._write(place, key_word(page) | keep)
        except OSError as error:
            return (1, frame, error.args[0])
        return (1, frame, Fault.OK)

    def _write(self, place, word):
        # The bus of the bench writes even where it answers with an error.
        self.dram[place] = word
        if self.write_error(place):
            raise OSError(Fault.WRITE_ERROR)
