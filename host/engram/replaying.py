"""Replaying a log: records joined to few, and applied to the backends they concern."""

from collections.abc import Iterable, Iterator

import numpy as np

from engram.backend import SpaceBackend
from engram.store.records import EraseRange, EraseWords, Record, WriteRange, WriteWords

__all__ = ["JOINED_WORDS", "apply_record", "joined"]

JOINED_WORDS = 1 << 22  # as many, and at most one record more


def joined(records: Iterable[Record]) -> Iterator[Record]:
    """Join writes that follow one another: a table grows once for many words, not for few."""
    together: list[WriteWords] = []
    words = 0
    for record in records:
        joins = isinstance(record, WriteWords) and (
            words < JOINED_WORDS and together and record.space == together[0].space
        )
        if together and not joins:
            yield _join(together)
            together, words = [], 0
        if isinstance(record, WriteWords):
            together.append(record)
            words += len(record.addresses)
        else:
            yield record
    if together:
        yield _join(together)


def _join(records: list[WriteWords]) -> WriteWords:
    if len(records) == 1:
        return records[0]
    return WriteWords(
        records[0].space,
        np.concatenate([record.addresses for record in records]),
        np.concatenate([record.values for record in records]),
    )


def apply_record(
    backend: SpaceBackend, record: WriteWords | WriteRange | EraseWords | EraseRange
) -> None:
    """Make the change that a record tells of."""
    if isinstance(record, WriteWords):
        backend.write_words(record.addresses, record.values)
    elif isinstance(record, WriteRange):
        backend.write_range(record.base, record.values)
    elif isinstance(record, EraseWords):
        backend.erase_words(record.addresses)
    else:
        backend.erase_range(record.start, record.count)
