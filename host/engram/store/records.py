"""The records a store keeps in order, and their little-endian bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engram.errors import StoreCorrupt

__all__ = [
    "Associate",
    "Describe",
    "EraseRange",
    "EraseWords",
    "Record",
    "Run",
    "WriteRange",
    "WriteWords",
    "decode",
    "encode",
    "pack",
]

Words = NDArray[np.uint64]

SPACE_LIMIT = 1 << 32
ADDRESS_LIMIT = 1 << 64

# A run becomes one LMDB value: with its batch header and the page header it stays within 1 MiB.
RUN_BYTES = (1 << 20) - 256

# kind, count >> 64 (only an erased range can hold 2**64 words), space, two numbers; 24 bytes, so
# that the words behind it stay 8-byte aligned and decode as views.
HEADER = struct.Struct("<HHIQQ")
WRITE_WORDS, WRITE_RANGE, ERASE_WORDS, ERASE_RANGE, ASSOCIATE, DESCRIBE = 1, 2, 3, 4, 5, 6

# The longest pieces that fit a run; longer records are split, which changes no meaning.
PAIRS_IN_RUN = (RUN_BYTES - HEADER.size) // 16
WORDS_IN_RUN = (RUN_BYTES - HEADER.size) // 8


def _check_space(space: object) -> None:
    if not isinstance(space, int) or isinstance(space, bool):
        raise TypeError(f"space must be an int, not {space!r}")
    if not 0 <= space < SPACE_LIMIT:
        raise ValueError(f"space must be in 0..2**32-1, not {space!r}")


def _check_words(name: str, words: object) -> None:
    if not isinstance(words, np.ndarray) or words.dtype != np.uint64 or words.ndim != 1:
        shape = f"{words.dtype}{words.shape}" if isinstance(words, np.ndarray) else words
        raise TypeError(f"{name} must be a one-dimensional uint64 array, not {shape!r}")


def _check_range(name: str, start: object, count: object) -> None:
    for label, number in ((name, start), ("count", count)):
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"{label} must be an int, not {number!r}")
    assert isinstance(start, int)
    assert isinstance(count, int)
    if not 0 <= start < ADDRESS_LIMIT:
        raise ValueError(f"{name} must be in 0..2**64-1, not {start!r}")
    if not 0 <= count <= ADDRESS_LIMIT - start:
        raise ValueError(f"count must stay within 2**64 - {name}, not {count!r}")


def _check_piece(words: Words) -> None:
    _check_words("words", words)
    if len(words) > WORDS_IN_RUN:
        raise ValueError(f"words must be {WORDS_IN_RUN} at most, not {len(words)!r}")


@dataclass(frozen=True, slots=True, eq=False)
class WriteWords:
    """Words written one by one: `values[i]` at `addresses[i]`, later entries winning."""

    space: int
    addresses: Words
    values: Words

    def __post_init__(self) -> None:
        _check_space(self.space)
        _check_words("addresses", self.addresses)
        _check_words("values", self.values)
        if len(self.addresses) != len(self.values):
            raise ValueError(
                f"values must be as many as addresses ({len(self.addresses)}), "
                f"not {len(self.values)!r}"
            )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, WriteWords)
            and self.space == other.space
            and np.array_equal(self.addresses, other.addresses)
            and np.array_equal(self.values, other.values)
        )


@dataclass(frozen=True, slots=True, eq=False)
class WriteRange:
    """Words written side by side from `base` upwards; the range never wraps past 2**64."""

    space: int
    base: int
    values: Words

    def __post_init__(self) -> None:
        _check_space(self.space)
        _check_words("values", self.values)
        _check_range("base", self.base, len(self.values))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, WriteRange)
            and self.space == other.space
            and self.base == other.base
            and np.array_equal(self.values, other.values)
        )


@dataclass(frozen=True, slots=True, eq=False)
class EraseWords:
    """Single words that are no longer overlaid."""

    space: int
    addresses: Words

    def __post_init__(self) -> None:
        _check_space(self.space)
        _check_words("addresses", self.addresses)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, EraseWords)
            and self.space == other.space
            and np.array_equal(self.addresses, other.addresses)
        )


@dataclass(frozen=True, slots=True)
class EraseRange:
    """`count` words from `start` upwards that are no longer overlaid; never wraps past 2**64."""

    space: int
    start: int
    count: int

    def __post_init__(self) -> None:
        _check_space(self.space)
        _check_range("start", self.start, self.count)


@dataclass(frozen=True, slots=True, eq=False)
class Associate:
    """A change of the associative memory, as `engram.store.patterns` encodes it; never split."""

    words: Words

    def __post_init__(self) -> None:
        _check_piece(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Associate) and np.array_equal(self.words, other.words)


@dataclass(frozen=True, slots=True, eq=False)
class Describe:
    """A piece of a change of the tensors, as `engram.store.tensors` encodes it; never split."""

    words: Words

    def __post_init__(self) -> None:
        _check_piece(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Describe) and np.array_equal(self.words, other.words)


Record = WriteWords | WriteRange | EraseWords | EraseRange | Associate | Describe


class Run(NamedTuple):
    """Consecutive records in their encoded form, small enough for one LMDB value."""

    data: bytes | memoryview
    records: int
    words: int


# What one encoded record is joined from, how many bytes that is, and the words it counts for.
_Piece = tuple[list[bytes | memoryview], int, int]


def _pieces(record: Record) -> Iterator[_Piece]:
    if isinstance(record, WriteWords):
        addresses = np.ascontiguousarray(record.addresses)
        values = np.ascontiguousarray(record.values)
        for at in range(0, len(values) or 1, PAIRS_IN_RUN):
            some, these = addresses[at : at + PAIRS_IN_RUN], values[at : at + PAIRS_IN_RUN]
            header = HEADER.pack(WRITE_WORDS, 0, record.space, len(some), 0)
            yield [header, some.data, these.data], HEADER.size + 16 * len(some), len(some)
    elif isinstance(record, WriteRange):
        values = np.ascontiguousarray(record.values)
        for at in range(0, len(values) or 1, WORDS_IN_RUN):
            these = values[at : at + WORDS_IN_RUN]
            header = HEADER.pack(WRITE_RANGE, 0, record.space, record.base + at, len(these))
            yield [header, these.data], HEADER.size + 8 * len(these), len(these)
    elif isinstance(record, EraseWords):
        addresses = np.ascontiguousarray(record.addresses)
        for at in range(0, len(addresses) or 1, WORDS_IN_RUN):
            some = addresses[at : at + WORDS_IN_RUN]
            header = HEADER.pack(ERASE_WORDS, 0, record.space, len(some), 0)
            yield [header, some.data], HEADER.size + 8 * len(some), len(some)
    elif isinstance(record, EraseRange):
        high, low = divmod(record.count, ADDRESS_LIMIT)
        yield [HEADER.pack(ERASE_RANGE, high, record.space, record.start, low)], HEADER.size, 1
    elif isinstance(record, Associate | Describe):
        words = np.ascontiguousarray(record.words)
        kind = ASSOCIATE if isinstance(record, Associate) else DESCRIBE
        header = HEADER.pack(kind, 0, 0, len(words), 0)
        yield [header, words.data], HEADER.size + 8 * len(words), len(words)
    else:
        raise TypeError(f"record must be a store record, not {record!r}")


def encode(records: Iterable[Record]) -> Iterator[Run]:
    """Encode records in order into runs of at most about 1 MiB."""
    parts: list[bytes | memoryview] = []
    size = count = words = 0
    for record in records:
        for piece, piece_size, piece_words in _pieces(record):
            if size + piece_size > RUN_BYTES and count:
                yield Run(b"".join(parts), count, words)
                parts, size, count, words = [], 0, 0, 0
            parts += piece
            size += piece_size
            count += 1
            words += piece_words
    if count:
        yield Run(b"".join(parts), count, words)


def pack(runs: Iterable[Run]) -> Iterator[Run]:
    """Join neighbouring small runs, order kept, as long as the result fits one LMDB value."""
    held: list[Run] = []
    size = 0
    for run in runs:
        if held and size + len(run.data) > RUN_BYTES:
            yield join(held)
            held, size = [], 0
        held.append(run)
        size += len(run.data)
    if held:
        yield join(held)


def join(runs: list[Run]) -> Run:
    """Make one run of several, however long it gets."""
    if len(runs) == 1:
        return runs[0]
    return Run(
        b"".join([run.data for run in runs]),
        sum(run.records for run in runs),
        sum(run.words for run in runs),
    )


def decode(data: bytes | memoryview) -> Iterator[Record]:
    """Yield the records of an encoded run as read-only views of it, or raise StoreCorrupt."""
    at, end = 0, len(data)
    while at < end:
        if end - at < HEADER.size:
            raise StoreCorrupt(f"a record is cut off after {end - at} bytes of its header")
        kind, high, space, first, second = HEADER.unpack_from(data, at)
        at += HEADER.size
        room = (end - at) // 8
        if kind == WRITE_WORDS and not high and not second and 2 * first <= room:
            addresses: Words = np.frombuffer(data, np.uint64, first, at)
            values: Words = np.frombuffer(data, np.uint64, first, at + 8 * first)
            at += 16 * first
            yield WriteWords(space, addresses, values)
        elif kind == WRITE_RANGE and not high and second <= min(room, ADDRESS_LIMIT - first):
            values = np.frombuffer(data, np.uint64, second, at)
            at += 8 * second
            yield WriteRange(space, first, values)
        elif kind == ERASE_WORDS and not high and not second and first <= room:
            addresses = np.frombuffer(data, np.uint64, first, at)
            at += 8 * first
            yield EraseWords(space, addresses)
        elif kind == ERASE_RANGE and (high << 64) + second <= ADDRESS_LIMIT - first:
            yield EraseRange(space, first, (high << 64) + second)
        elif kind in (ASSOCIATE, DESCRIBE) and not (high or space or second) and first <= room:
            words: Words = np.frombuffer(data, np.uint64, first, at)
            at += 8 * first
            yield Associate(words) if kind == ASSOCIATE else Describe(words)
        else:
            raise StoreCorrupt(f"a record of kind {kind} has impossible sizes or an unknown kind")
