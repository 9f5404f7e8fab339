"""The write-ahead journal: small commits made durable by one sync of preallocated space."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from engram.errors import StoreCorrupt
from engram.store.records import Run

__all__ = ["Journal", "JournalEnd"]

# magic, format, unused, epoch, sequence within the epoch, payload bytes, records, words, unused
_HEADER = struct.Struct("<4sHHQQIIQ8x")
_MAGIC = b"EgJo"
_FORMAT = 1
_DIGEST_BYTES = 16
_ALIGNMENT = 64
assert _HEADER.size + _DIGEST_BYTES == _ALIGNMENT

_SLOT = np.dtype(
    [("magic", "S4"), ("skip", "V4"), ("epoch", "<u8"), ("sequence", "<u8"), ("rest", "V40")]
)


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


@dataclass(frozen=True, slots=True)
class JournalEnd:
    """Where the valid records of an epoch end, and what lies right behind them."""

    offset: int = 0
    sequence: int = 0
    torn_bytes: int = 0


class Journal:
    """A file of fixed size, zero-written before first use, that holds one epoch's commits.

    A record counts if its digest, keyed with the store's token, holds, its epoch is the store's and
    its sequence is the next one from the start of the file. Whoever moves the records elsewhere
    raises the epoch in the same transaction, which makes all of them stale at once; space is
    only ever written again in a new epoch, so a torn tail is never mistaken for a record.
    """

    def __init__(self, path: Path, size: int, token: bytes, *, writable: bool) -> None:
        self._token = token
        self.size = size
        try:
            self._file = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
        except FileNotFoundError:
            raise StoreCorrupt(f"{path} is missing") from None
        length = os.fstat(self._file).st_size
        if length != size:
            os.close(self._file)
            raise StoreCorrupt(f"{path} has {length} bytes instead of {size}")
        self.path = path
        self.epoch = 0
        self._end = JournalEnd()

    @staticmethod
    def create(path: Path, size: int) -> None:
        """Write the file full of zeros, so that later syncs have no block to allocate."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            zeros = bytes(min(size, 1 << 20))
            written = 0
            while written < size:
                written += os.pwrite(file, zeros[: size - written], written)
            os.fsync(file)
        finally:
            os.close(file)

    @property
    def used(self) -> int:
        """Bytes taken by records of the current epoch."""
        return self._end.offset

    def fileno(self) -> int:
        """Return the file descriptor, for locks."""
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def begin(self, epoch: int) -> None:
        """Start over from the beginning of the file; the caller has made `epoch` durable."""
        self.epoch = epoch
        self._end = JournalEnd()

    def fits(self, payload: int) -> bool:
        """Whether a payload of so many bytes still has room."""
        return self._end.offset + _ALIGNMENT + _padded(payload) <= self.size

    def append(self, run: Run) -> None:
        """Write one record and sync it; after an OSError the epoch takes no further records."""
        end = self._end
        header = _HEADER.pack(
            _MAGIC, _FORMAT, 0, self.epoch, end.sequence, len(run.data), run.records, run.words
        )
        digest = self._digest(header, run.data)
        pieces = (header, digest, run.data)
        try:
            written = os.pwritev(self._file, pieces, end.offset)
            if written != _ALIGNMENT + len(run.data):
                raise OSError(f"{self.path}: only {written} bytes of a record were written")
            os.fdatasync(self._file)
        except OSError:
            self._withdraw(end.offset)
            raise
        size = _ALIGNMENT + _padded(len(run.data))
        self._end = JournalEnd(end.offset + size, end.sequence + 1)

    def _withdraw(self, offset: int) -> None:
        # The record was refused to its caller, so it should not come back at the next open.
        # Should this fail too, the outcome stays unknown, as the error already says.
        try:
            os.pwrite(self._file, bytes(_ALIGNMENT), offset)
            os.fdatasync(self._file)
        except OSError:
            pass

    def scan(self, epoch: int) -> tuple[list[Run], JournalEnd]:
        """Return all records of `epoch`; StoreCorrupt if one in the middle is damaged."""
        data = self._read(0, self.size)
        runs: list[Run] = []
        end = JournalEnd()
        while run := self._record(data, end.offset, epoch, end.sequence):
            runs.append(run)
            end = JournalEnd(end.offset + _ALIGNMENT + _padded(len(run.data)), end.sequence + 1)
        torn = 0
        for offset, sequence in self._claims(data, end.offset, epoch):
            if offset == end.offset:
                length = _HEADER.unpack_from(data, offset)[5]
                torn = min(_ALIGNMENT + _padded(length), self.size - offset)
            elif sequence > end.sequence and self._record(data, offset, epoch, sequence):
                raise StoreCorrupt(
                    f"{self.path}: record {end.sequence} at byte {end.offset} is damaged, "
                    f"and record {sequence} at byte {offset} lies behind it"
                )
        return runs, JournalEnd(end.offset, end.sequence, torn)

    def scan_from(self, epoch: int, end: JournalEnd) -> tuple[list[Run], JournalEnd]:
        """Return the records behind an earlier end; damage and a torn tail both just end them."""
        runs: list[Run] = []
        while end.offset + _ALIGNMENT <= self.size:
            head = self._read(end.offset, _ALIGNMENT)
            magic, _, _, its_epoch, sequence, length, _, _ = _HEADER.unpack_from(head)
            if (magic, its_epoch, sequence) != (_MAGIC, epoch, end.sequence):
                break
            if length > self.size - end.offset - _ALIGNMENT:
                break
            data = head + self._read(end.offset + _ALIGNMENT, length)
            run = self._record(data, 0, epoch, sequence)
            if run is None:
                break
            runs.append(run)
            end = JournalEnd(end.offset + _ALIGNMENT + _padded(length), end.sequence + 1)
        return runs, end

    def adopt(self, epoch: int, end: JournalEnd) -> None:
        """Count an earlier process's records as used; appending needs a new epoch first."""
        self.epoch = epoch
        self._end = end

    def _digest(self, header: bytes, payload: bytes | memoryview) -> bytes:
        digest = blake2b(header, digest_size=_DIGEST_BYTES, key=self._token, person=b"journal")
        digest.update(payload)
        return digest.digest()

    def _read(self, offset: int, size: int) -> bytes:
        pieces = []
        while size:
            piece = os.pread(self._file, size, offset)
            if not piece:
                raise StoreCorrupt(f"{self.path} was cut off at byte {offset}")
            pieces.append(piece)
            offset += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _record(self, data: bytes, offset: int, epoch: int, sequence: int) -> Run | None:
        if len(data) - offset < _ALIGNMENT:
            return None
        magic, version, _, its_epoch, its_sequence, length, records, words = _HEADER.unpack_from(
            data, offset
        )
        if (magic, version, its_epoch, its_sequence) != (_MAGIC, _FORMAT, epoch, sequence):
            return None
        start = offset + _ALIGNMENT
        if length > len(data) - start:
            return None
        payload = memoryview(data)[start : start + length]
        header = data[offset : offset + _HEADER.size]
        if self._digest(header, payload) != data[offset + _HEADER.size : start]:
            return None
        return Run(payload, records, words)

    def _claims(self, data: bytes, start: int, epoch: int) -> Iterator[tuple[int, int]]:
        # Where a header of this epoch seems to stand at or behind `start`; 64 Ki slots at most
        # per default journal, hence NumPy.
        count = (len(data) - start) // _ALIGNMENT
        slots = np.frombuffer(data, _SLOT, count, start)
        for slot in np.flatnonzero((slots["magic"] == _MAGIC) & (slots["epoch"] == epoch)):
            yield start + int(slot) * _ALIGNMENT, int(slots["sequence"][slot])
