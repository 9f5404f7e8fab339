"""Writing a store: journal first, LMDB when that is full, and the moves between the two."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from engram.errors import StoreCorrupt, StoreFull
from engram.store.batches import seal_batch, sequence_key
from engram.store.environment import Environment
from engram.store.integrity import BATCHES, META, SPACES, STATE_KEY
from engram.store.journal import Journal
from engram.store.lock import locked_briefly
from engram.store.records import Record, Run, encode, join, pack
from engram.store.state import SpaceEntry, State, pack_space
from engram.store.transactions import FULL, Write

__all__ = ["Writer"]

_log = logging.getLogger(__name__)

# From here on one LMDB transaction costs less than writing the bytes twice.
JOURNALED_BYTES = 64 << 10


class Writer:
    """The one writer of a directory; its caller lets only one thread in at a time.

    `state` is what LMDB holds, `pending` what only the journal holds so far, in order.
    """

    def __init__(self, environment: Environment, journal: Journal, state: State) -> None:
        self.environment = environment
        self._journal = journal
        self.state = state
        self.pending: list[Run] = []
        self._pending_words = 0
        self._sealed = False  # no more journal records in this epoch
        self._unsure = False  # a transaction broke off, and LMDB's state was not read since
        self._recover()

    @property
    def log_words(self) -> int:
        """Words in LMDB and in the journal."""
        return self.state.words + self._pending_words

    @property
    def journal_used(self) -> int:
        """Bytes of the journal in use."""
        return self._journal.used

    def write(self, runs: list[Run]) -> None:
        """Make the runs durable, as one."""
        size = sum(len(run.data) for run in runs)
        if not size:
            return
        self._settle()
        if size > JOURNALED_BYTES or self._sealed or not self._journal.fits(size):
            self.checkpoint(runs)
            return
        run = join(runs)
        try:
            self._journal.append(run)
        except OSError as error:
            # What the file now holds at its end is unknown; a new epoch leaves it behind.
            self._sealed = True
            if error.errno in FULL:
                raise StoreFull(f"{self._journal.path}: {error.strerror}") from error
            raise
        except BaseException:
            self._sealed = True
            raise
        self.pending.append(run)
        self._pending_words += run.words

    def checkpoint(self, runs: Iterable[Run] = ()) -> None:
        """Move the journal's records, and these behind them, to LMDB in one transaction."""

        def change(write: Write) -> State:
            return self._put(write, self.state, chain(self.pending, runs))

        self._transact(change, moved=True)

    def shrink(self) -> None:
        """Exchange LMDB's file for a copy without free pages."""
        fresh = self.environment.rewrite()
        with locked_briefly(self._journal.path, exclusive=True):
            self.environment = self.environment.exchange(fresh)

    def close(self) -> None:
        """Move the journal to LMDB if there is room for it, and release the environment."""
        try:
            if self.pending:
                self.checkpoint()
        except (StoreFull, OSError) as error:
            _log.warning("%s: closed with records in the journal: %s", self._journal.path, error)
        finally:
            self.environment.release()

    def compact(self, records: Iterable[Record]) -> None:
        """Replace everything, journal included, by these records in one transaction.

        The old batches stay until it is complete, so both need room.
        """

        def change(write: Write) -> State:
            write.clear(BATCHES)
            generation = self.state.generation + 1
            fresh = replace(
                self.state, generation=generation, batches=0, records=0, words=0, size=0
            )
            return self._put(write, fresh, encode(records))

        self._transact(change, moved=True)
        # LMDB uses a transaction's freed pages from the second one after it: with a transaction
        # between, a store that was full has room again for the very next commit.
        with suppress(StoreFull):
            self._transact(lambda _: self.state, moved=False)

    def put_space(self, entry: SpaceEntry) -> None:
        """Record a space that the caller knows to be new."""

        def change(write: Write) -> State:
            write.put(*pack_space(entry, self.state.token), SPACES)
            return replace(self.state, spaces=self.state.spaces + 1)

        self._transact(change, moved=False)

    def _put(self, write: Write, state: State, runs: Iterable[Run]) -> State:
        batches, records, words, size = state.batches, state.records, state.words, state.size
        for run in pack(runs):
            value = seal_batch(run, state.generation, batches, records, state.token)
            write.put(sequence_key(batches), value, BATCHES, append=True)
            batches += 1
            records += run.records
            words += run.words
            size += len(value)
        return replace(
            state,
            epoch=self.state.epoch + 1,
            batches=batches,
            records=records,
            words=words,
            size=size,
        )

    def _transact(self, change: Callable[[Write], State], *, moved: bool) -> None:
        self._settle()
        self._unsure = True
        try:
            with self.environment.write() as write:
                state = replace(change(write), commits=self.state.commits + 1)
                write.put(STATE_KEY, state.pack(), META)
        except BaseException:
            try:
                self._adopt()
            except Exception:
                _log.exception("%s: state unknown after a failed write", self.environment.path)
            raise
        self.state = state
        if moved:
            self._start_over()
        self._unsure = False

    def _settle(self) -> None:
        if self._unsure:
            self._adopt()

    def _adopt(self) -> None:
        # A failed commit may or may not have reached the disk: believe the file. LMDB refuses
        # everything after a failed write of its meta page, until it is opened anew.
        try:
            with self.environment.view() as view:
                state = view.state()
        except (OSError, StoreCorrupt):
            self.environment.recover()
            with self.environment.view() as view:
                state = view.state()
        moved = state.epoch != self._journal.epoch
        self.state = state
        if moved:
            self._start_over()
        self._unsure = False

    def _start_over(self) -> None:
        self.pending.clear()
        self._pending_words = 0
        self._sealed = False
        self._journal.begin(self.state.epoch)

    def _recover(self) -> None:
        # Always into a new epoch, so that no record is ever written over a torn one's remains.
        runs, end = self._journal.scan(self.state.epoch)
        self._journal.adopt(self.state.epoch, end)
        if end.torn_bytes:
            _log.warning(
                "%s: dropped %d bytes of a commit that was never acknowledged",
                self._journal.path,
                end.torn_bytes,
            )
        self.pending = runs
        self._pending_words = sum(run.words for run in runs)
        if runs or end.torn_bytes:
            self._sealed = True
            try:
                self.checkpoint()
            except StoreFull as error:
                _log.warning("%s: journal kept as it is: %s", self.environment.path, error)
