"""Changes of an associative memory as the words that a log keeps: its law, patterns and ageing."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import LARGEST_PERMANENCE, LARGEST_WIDTH, Association
from engram.errors import StoreCorrupt, VersionMismatch

__all__ = ["Aged", "Change", "Founded", "Synapses", "Written", "decode_change", "encode_change"]

Words = NDArray[np.uint64]
Integers = NDArray[np.int64]
Synapses = tuple[NDArray[np.uint16], NDArray[np.uint8]]  # neurons, ascending, and permanences

# form, unused, three numbers; what follows is padded with zeros to whole words
_HEADER = struct.Struct("<IIQQQ")
_FOUNDED, _WRITTEN, _AGED = 1, 2, 3
_SLOT_LIMIT = 1 << 31
# Columns of a written pattern: slot, importance, strength, and the bytes or counts of what follows.
_ROW = np.dtype(
    [
        ("slot", "<u4"),
        ("importance", "<u2"),
        ("strength", "u1"),
        ("unused", "u1"),
        ("id", "<u4"),
        ("metadata", "<u4"),
        ("synapses", "<u4"),
    ]
)
_AGE = np.dtype([("slot", "<u4"), ("strength", "<u4")])
_PARAMETERS = tuple(parameter.name for parameter in fields(Association))
_FLAGS = ("signed", "rerank")


@dataclass(frozen=True)
class Founded:
    """The law and the width that all patterns from here on have."""

    association: Association
    width: int


@dataclass(frozen=True)
class Written:
    """Whole patterns, by slot, in place of what was there.

    ``vectors`` is int8 (n, width); ``importances`` are 0..256, ``strengths`` 0..255; ``metadata``
    is JSON, empty where there is none. ``synapses`` has those of the rows that gated writes moved:
    all others follow from the vector.
    """

    slots: Integers
    vectors: NDArray[np.int8]
    importances: Integers
    strengths: Integers
    ids: list[str]
    metadata: list[bytes]
    synapses: dict[int, Synapses] = field(default_factory=dict)

    def rows(self, chosen: Integers) -> Written:
        """Return some of the rows, by ascending number."""
        numbers = chosen.tolist()
        return Written(
            self.slots[chosen],
            self.vectors[chosen],
            self.importances[chosen],
            self.strengths[chosen],
            [self.ids[row] for row in numbers],
            [self.metadata[row] for row in numbers],
            {i: self.synapses[row] for i, row in enumerate(numbers) if row in self.synapses},
        )

    def with_strengths(self, strengths: Integers) -> Written:
        """Return the same with other strengths."""
        return replace(self, strengths=strengths)

    def pieces(self, size: int) -> Iterator[Written]:
        """Yield the rows in order, in parts of about this many bytes, one row at least."""
        sizes = [
            _ROW.itemsize
            + self.vectors.shape[1]
            + 4 * len(self.ids[row])
            + len(self.metadata[row])
            + (3 * len(self.synapses[row][0]) if row in self.synapses else 0)
            for row in range(len(self.slots))
        ]
        start, held = 0, 0
        for row, more in enumerate(sizes):
            if held and held + more > size:
                yield self.rows(np.arange(start, row))
                start, held = row, 0
            held += more
        if held:
            yield self.rows(np.arange(start, len(sizes)))


@dataclass(frozen=True)
class Aged:
    """The clock of replays, new strengths by slot, and the slots that were forgotten."""

    clock: int
    slots: Integers
    strengths: Integers
    forgotten: Integers


Change = Founded | Written | Aged


def encode_change(change: Change) -> Words:
    """Return a change as words."""
    if isinstance(change, Founded):
        numbers = [int(getattr(change.association, name)) for name in _PARAMETERS]
        parts = [
            _HEADER.pack(_FOUNDED, 0, change.width, len(numbers), 0),
            np.array(numbers, "<i8").tobytes(),
        ]
    elif isinstance(change, Written):
        parts = _encode_written(change)
    else:
        ages = np.zeros(len(change.slots), _AGE)
        ages["slot"], ages["strength"] = change.slots, change.strengths
        parts = [
            _HEADER.pack(_AGED, 0, change.clock, len(ages), len(change.forgotten)),
            ages.tobytes(),
            change.forgotten.astype("<u4").tobytes(),
        ]
    data = b"".join(parts)
    return np.frombuffer(data + bytes(-len(data) % 8), "<u8").astype(np.uint64, copy=False)


def _encode_written(change: Written) -> list[bytes]:
    ids = [name.encode() for name in change.ids]
    rows = np.zeros(len(ids), _ROW)
    rows["slot"] = change.slots
    rows["importance"] = change.importances
    rows["strength"] = change.strengths
    rows["id"] = [len(name) for name in ids]
    rows["metadata"] = [len(text) for text in change.metadata]
    for row, (neurons, _) in change.synapses.items():
        rows["synapses"][row] = len(neurons)
    moved = [change.synapses[row] for row in sorted(change.synapses)]
    return [
        _HEADER.pack(_WRITTEN, 0, change.vectors.shape[1], len(rows), 0),
        rows.tobytes(),
        np.ascontiguousarray(change.vectors).tobytes(),
        *(neurons.astype("<u2").tobytes() for neurons, _ in moved),
        *(permanences.tobytes() for _, permanences in moved),
        *ids,
        *change.metadata,
    ]


def decode_change(words: Words) -> Change:
    """Read a change back as views of these words, or raise StoreCorrupt.

    VersionMismatch if it founds a memory on a law that this version does not know.
    """
    reader = _Reader(words)
    form, unused, first, count, last = reader.header()
    if not unused and form == _FOUNDED and not last and count == len(_PARAMETERS):
        change: Change = _decode_founded(reader, first)
    elif not unused and form == _WRITTEN and not last and 0 < first <= LARGEST_WIDTH:
        change = _decode_written(reader, first, count)
    elif not unused and form == _AGED:
        ages = reader.array(_AGE, count)
        forgotten = reader.array("<u4", last).astype(np.int64)
        slots = ages["slot"].astype(np.int64)
        _check_slots(slots)
        _check_slots(forgotten)
        change = Aged(first, slots, ages["strength"].astype(np.int64), forgotten)
    else:
        raise StoreCorrupt(f"a change of form {form} is impossible")
    reader.end()
    return change


def _decode_founded(reader: _Reader, width: int) -> Founded:
    values: dict[str, Any] = dict(
        zip(_PARAMETERS, reader.array("<i8", len(_PARAMETERS)).tolist(), strict=True)
    )
    for name in _FLAGS:
        values[name] = bool(values[name])
    if values["number"] != 1:
        raise VersionMismatch(
            f"the patterns were written with law {values['number']} of associations, "
            "which this version lacks"
        )
    try:
        association = Association(**values)
    except ValueError as error:
        raise StoreCorrupt(f"the law of the patterns is impossible: {error}") from None
    if not 0 < width <= LARGEST_WIDTH:
        raise StoreCorrupt(f"patterns of width {width} are impossible")
    return Founded(association, width)


def _decode_written(reader: _Reader, width: int, count: int) -> Written:
    rows = reader.array(_ROW, count)
    vectors = reader.array("i1", count * width).reshape(count, width)
    sizes = rows["synapses"].astype(np.int64)
    moved = np.flatnonzero(sizes).tolist()
    # Copies, because views of odd bytes would be misaligned.
    neurons = [reader.array("<u2", size).astype(np.uint16) for size in sizes[moved].tolist()]
    permanences = [reader.array("u1", size) for size in sizes[moved].tolist()]
    for values in permanences:
        if not (values > 0).all() or not (values <= LARGEST_PERMANENCE).all():
            raise StoreCorrupt("a synapse has an impossible permanence")
    slots = rows["slot"].astype(np.int64)
    _check_slots(slots)
    try:
        ids = [name.decode() for name in reader.strings(rows["id"])]
    except UnicodeDecodeError:
        raise StoreCorrupt("the id of a pattern is not UTF-8") from None
    return Written(
        slots,
        vectors,
        rows["importance"].astype(np.int64),
        rows["strength"].astype(np.int64),
        ids,
        list(reader.strings(rows["metadata"])),
        dict(zip(moved, zip(neurons, permanences, strict=True), strict=True)),
    )


def _check_slots(slots: Integers) -> None:
    if len(slots) and (int(slots.max()) >= _SLOT_LIMIT or len(np.unique(slots)) != len(slots)):
        raise StoreCorrupt("a change names a slot twice, or one that is impossible")


class _Reader:
    """Takes one part after another off the front of a change's bytes."""

    def __init__(self, words: Words) -> None:
        self._data = words.view(np.uint8)
        self._at = 0

    def header(self) -> tuple[int, int, int, int, int]:
        form, unused, first, count, last = _HEADER.unpack(self._take(_HEADER.size).tobytes())
        return form, unused, first, count, last

    def array(self, dtype: Any, count: int) -> NDArray[Any]:
        return self._take(count * np.dtype(dtype).itemsize).view(dtype)

    def strings(self, sizes: Sequence[Any] | NDArray[Any]) -> Iterator[bytes]:
        ends = [0, *accumulate(int(size) for size in sizes)]
        data = self._take(ends[-1]).tobytes()
        return (data[start:end] for start, end in pairwise(ends))

    def end(self) -> None:
        rest = self._data[self._at :]
        if len(rest) >= 8 or rest.any():
            raise StoreCorrupt(f"a change has {len(rest)} bytes too many")

    def _take(self, size: int) -> NDArray[np.uint8]:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise StoreCorrupt(f"a change is cut off after {len(self._data)} bytes")
        self._at += size
        return part
