"""The ledger: every change of a memory passes here, in one order, on its way to disk or not."""

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engram.backend import SpaceBackend
from engram.errors import ReadOnly, StoreFull
from engram.replaying import JOINED_WORDS, apply_record, joined
from engram.store.records import (
    Associate,
    Describe,
    EraseRange,
    EraseWords,
    Record,
    WriteRange,
    WriteWords,
)
from engram.store.store import Store

__all__ = ["Facet", "Ledger"]

logger = logging.getLogger(__name__)

Words = NDArray[np.uint64]

# Changes that wait for a flush take 16 bytes a word of RAM; at 64 MB they are flushed unasked.
_WAITING_WORDS = 1 << 22
# The log is rewritten once it holds this many words more than twice those still written.
_SLACK_WORDS = 1 << 22


class Facet(Protocol):
    """What a ledger asks of what is kept beside the spaces when it rewrites the log."""

    @property
    def held_words(self) -> int:
        """About how many words of log all it holds now would take."""
        ...

    def snapshot(self) -> Generator[Record, None, None]:
        """Yield all it holds now."""
        ...


class Ledger:
    """Applies changes to backends one at a time, and hands them to the store if there is one.

    ``at_return``: a change is durable before it is visible and before the call returns. Otherwise
    it is visible at once and durable after the next ``flush``.
    """

    def __init__(
        self, store: Store | None = None, *, at_return: bool = False, read_only: bool = False
    ) -> None:
        self._store = store
        self._at_return = at_return and store is not None
        self._read_only = read_only
        self._lock = threading.Lock()  # taken inside the store's own when that applies changes
        self._flushing = threading.Lock()
        self._admitting = threading.Lock()
        self._compacting = threading.Lock()
        self._compact_from = 0  # words of log; later than due after a compaction found no room
        self._waiting: list[Record] = []
        self._waiting_words = 0
        # Single words written one by one, gathered into one record when anything else comes.
        self._single_space = 0
        self._single_addresses: list[int] = []
        self._single_values: list[int] = []
        self.backends: dict[int, SpaceBackend] = {}
        self.facets: list[Facet] = []  # in this order they are in a log that is written anew

    def write_word(self, space: int, address: int, value: int) -> None:
        """Write one word of a space without a quota."""
        if self._at_return or self._read_only:
            one, word = np.array([address], np.uint64), np.array([value], np.uint64)
            self.write_words(space, one, word, None)
            return
        if self._store is None:
            with self._lock:
                self.backends[space].write_word(address, value)
            return
        with self._lock:
            self.backends[space].write_word(address, value)
            if space != self._single_space:
                self._gather_singles()
                self._single_space = space
            self._single_addresses.append(address)
            self._single_values.append(value)
            waiting = self._waiting_words + len(self._single_addresses)
        if waiting > _WAITING_WORDS:
            self.flush()

    def write_words(
        self,
        space: int,
        addresses: Words,
        values: Words,
        admit: Callable[[Words], None] | None,
    ) -> None:
        """Write words at addresses; ``admit`` may refuse them."""
        backend = self.backends[space]
        self._change(
            lambda: WriteWords(space, addresses.copy(), values.copy()),
            lambda: backend.write_words(addresses, values),
            len(addresses),
            None if admit is None else lambda: admit(addresses),
        )

    def write_range(
        self,
        space: int,
        address: int,
        values: Words,
        admit: Callable[[int, int], None] | None,
    ) -> None:
        """Write consecutive words; ``admit`` may refuse them."""
        backend = self.backends[space]
        self._change(
            lambda: WriteRange(space, address, values.copy()),
            lambda: backend.write_range(address, values),
            len(values),
            None if admit is None else lambda: admit(address, len(values)),
        )

    def erase_words(self, space: int, addresses: Words) -> int:
        """Erase words; return how many were written."""
        backend = self.backends[space]
        return self._change(
            lambda: EraseWords(space, addresses.copy()),
            lambda: backend.erase_words(addresses),
            len(addresses),
        )

    def erase_range(self, space: int, address: int, count: int) -> int:
        """Erase a range; return how many words were written."""
        backend = self.backends[space]
        return self._change(
            lambda: EraseRange(space, address, count),
            lambda: backend.erase_range(address, count),
            1,
        )

    def change(self, records: list[Record], apply: Callable[[], None]) -> None:
        """Make one change of a facet, which is all of these records or none, side by side.

        The facet makes one change at a time; ``apply`` must not call the ledger. A log that is
        rewritten just then may have the change twice: taking it in again must change nothing.
        """
        self.check_writable()
        if self._at_return:
            assert self._store is not None
            self._store.commit(records, apply)
            self._compact_if_due()
            return
        # Applied first: a snapshot that misses what waits already would lose it.
        apply()
        if self._store is None:
            return
        with self._lock:
            self._gather_singles()
            self._waiting += records
            self._waiting_words += sum(
                len(record.words) for record in records if isinstance(record, Associate | Describe)
            )
        if self._waiting_words > _WAITING_WORDS:
            self.flush()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keep the backends as they are for a moment; the caller must not call the ledger."""
        with self._lock:
            yield

    @property
    def durable(self) -> bool:
        """Whether there is a store that keeps changes."""
        return self._store is not None

    def check_writable(self) -> None:
        """Raise ReadOnly if the memory was opened for reading."""
        if self._read_only:
            raise ReadOnly("the memory was opened for reading only")

    def flush(self) -> None:
        """Return when every change made before the call is durable.

        Raises:
            StoreFull: the disk or the size limit is exhausted; the changes are kept for the next
                flush.
        """
        if self._store is None or self._read_only:
            return
        with self._flushing:
            with self._lock:
                self._gather_singles()
                records, self._waiting = self._waiting, []
                words, self._waiting_words = self._waiting_words, 0
            if not records:
                return
            try:
                self._store.commit(records)
            except BaseException:
                with self._lock:
                    self._gather_singles()
                    self._waiting = records + self._waiting
                    self._waiting_words += words
                raise
        self._compact_if_due()

    def compact(self) -> None:
        """Rewrite the log as what is written now."""
        self.check_writable()
        if self._store is not None:
            logger.info("compacting %d words of log", self._store.log_words)
            # Closed at once: a traceback that somebody keeps would keep the snapshot's lock too.
            with closing(self._snapshot()) as snapshot:
                self._store.compact(snapshot)

    def replay(
        self, records: Iterable[Record], backends: Mapping[int, SpaceBackend] | None = None
    ) -> tuple[list[Associate], list[Describe]]:
        """Apply what a store holds, to these backends or to those in use.

        What concerns the associations and the tensors is returned, each in order.
        """
        changes: list[Associate] = []
        pieces: list[Describe] = []
        targets = self.backends if backends is None else backends
        seen = 0
        with self._lock:
            for record in joined(records):
                if isinstance(record, Associate):
                    changes.append(record)
                    continue
                if isinstance(record, Describe):
                    pieces.append(record)
                    continue
                backend = targets[record.space]
                apply_record(backend, record)
                if isinstance(record, WriteWords) and not seen:
                    seen = len(record.addresses)
                    if self._store is not None and seen >= JOINED_WORDS:
                        # The rest of a long log is likely to hold as many new words as its start.
                        fresh = backend.written_words / seen
                        backend.reserve(int(fresh * max(0, self._store.log_words - seen)))
        return changes, pieces

    @property
    def held_words(self) -> int:
        """How many words of log all that is written now would take."""
        words = sum(backend.written_words for backend in list(self.backends.values()))
        return words + sum(facet.held_words for facet in self.facets)

    def _change(
        self,
        record: Callable[[], Record],
        apply: Callable[[], int | None],
        words: int,
        admit: Callable[[], None] | None = None,
    ) -> int:
        """Make one change, durable now or later; return what the backend says of it."""
        self.check_writable()
        if self._at_return:
            if admit is None:
                changed = self._commit(record, apply)
            else:
                # What others have asked to write but is not applied yet must count.
                with self._admitting:
                    admit()
                    changed = self._commit(record, apply)
            self._compact_if_due()
            return changed
        with self._lock:
            if admit is not None:
                admit()
            result = apply()
            if self._store is not None:
                self._gather_singles()
                self._waiting.append(record())
                self._waiting_words += words
        if self._waiting_words > _WAITING_WORDS:
            self.flush()
        return result or 0

    def _commit(self, record: Callable[[], Record], apply: Callable[[], int | None]) -> int:
        assert self._store is not None
        results: list[int | None] = []

        def applied() -> None:
            with self._lock:
                results.append(apply())

        self._store.commit([record()], applied)
        return results[0] or 0

    def _compact_if_due(self) -> None:
        """Rewrite the log if most of it was overwritten; the change that led here is durable."""
        assert self._store is not None
        due = max(2 * self.held_words + _SLACK_WORDS, self._compact_from)
        if self._store.log_words <= due or not self._compacting.acquire(blocking=False):
            return
        try:
            self.compact()
        except StoreFull as error:
            self._compact_from = self._store.log_words + _SLACK_WORDS
            logger.warning("the log could not be compacted: %s", error)
        finally:
            self._compacting.release()

    def _gather_singles(self) -> None:
        if self._single_addresses:
            addresses = np.array(self._single_addresses, np.uint64)
            values = np.array(self._single_values, np.uint64)
            self._waiting.append(WriteWords(self._single_space, addresses, values))
            self._waiting_words += len(addresses)
            self._single_addresses, self._single_values = [], []

    def _snapshot(self) -> Generator[Record, None, None]:
        """Yield all that is written; runs while the store keeps commits out."""
        with self._lock:
            for space, backend in list(self.backends.items()):
                for where, values in backend.written():
                    if isinstance(where, int):
                        yield WriteRange(space, where, values)
                    else:
                        yield WriteWords(space, where, values)
            for facet in self.facets:
                with closing(facet.snapshot()) as records:
                    yield from records
