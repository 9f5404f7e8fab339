"""Reading a store in order: a consistent snapshot of batches and journal, once or step by step."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from engram.errors import StoreBusy, StoreCorrupt
from engram.store.batches import open_batch, sequence_key
from engram.store.environment import Environment
from engram.store.integrity import BATCHES
from engram.store.journal import Journal, JournalEnd
from engram.store.lock import locked_briefly
from engram.store.records import Record, Run, decode
from engram.store.state import State
from engram.store.transactions import View

__all__ = ["Position", "Reader", "Replay"]

# A writer that checkpoints meanwhile makes a reader start over; an append may be seen half done.
_ATTEMPTS = 1000
_DAMAGED_READS = 4
_PAUSE_SECONDS = 0.005


@dataclass(slots=True)
class Position:
    """How far a reader has come; every number counts from the start of the generation."""

    generation: int = -1
    batch: int = 0
    batch_record: int = 0
    record: int = 0
    epoch: int = -1
    journal: JournalEnd = field(default_factory=JournalEnd)
    journal_record: int = 0
    journal_words: int = 0


class Replay(Iterator[Record]):
    """The records of one snapshot behind a position, which moves along; `close` gives up early."""

    def __init__(
        self, view: View, state: State, runs: list[Run], end: JournalEnd, position: Position
    ) -> None:
        self._view = view
        self._records = self._walk(view, state, runs, end, position)
        self._closed = False

    @property
    def open(self) -> bool:
        """Whether the snapshot is still held."""
        return self._view.held

    def __next__(self) -> Record:
        if self._closed:
            raise ValueError("the replay was closed before its end")
        return next(self._records)

    def close(self) -> None:
        """Release the snapshot; a replay that is not at its end cannot go on."""
        self._closed = True
        self._records.close()
        self._view.release()

    def _walk(
        self, view: View, state: State, runs: list[Run], end: JournalEnd, position: Position
    ) -> Generator[Record, None, None]:
        while position.batch < state.batches:
            sequence, first = position.batch, position.batch_record
            value = view.get(sequence_key(sequence), BATCHES)
            run, _ = open_batch(value, state.generation, sequence, first, state.token)
            yield from _behind(run, first, position, f"batch {sequence}")
            position.batch, position.batch_record = sequence + 1, first + run.records
        view.release()
        if position.batch_record != state.records:
            raise StoreCorrupt(f"{position.batch_record} records are there, not {state.records}")
        if position.epoch != state.epoch:
            position.epoch = state.epoch
            position.journal = JournalEnd()
            position.journal_record, position.journal_words = state.records, 0
        first, words = position.journal_record, position.journal_words
        for run in runs:
            yield from _behind(run, first, position, "a journal record")
            first += run.records
            words += run.words
        position.journal, position.journal_record, position.journal_words = end, first, words


def _behind(run: Run, first: int, position: Position, name: str) -> Iterator[Record]:
    index = first
    for record in decode(run.data):
        index += 1
        if index > position.record:
            position.record = index
            yield record
    if index != first + run.records:
        raise StoreCorrupt(f"{name} holds {index - first} records, not {run.records}")


class Reader:
    """Follows a store that another Store or process may be writing at the same time.

    It takes the environment over, and exchanges it when the file is replaced: `close` releases it.
    """

    def __init__(self, environment: Environment, journal: Journal, map_bytes: int) -> None:
        self.environment = environment
        self._journal = journal
        self._map_bytes = map_bytes
        self._position = Position()
        self._replay: Replay | None = None
        self.log_words = 0
        self.journal_used = 0
        self.torn_bytes = 0

    def replay(self) -> Replay:
        """Return everything durable, from the start."""
        self._position = Position()
        return self.refresh()[1]

    def refresh(self) -> tuple[bool, Replay]:
        """Return what is new, or True and everything if earlier records no longer hold."""
        if self._replay is not None:
            self._replay.close()
        view, state, runs, end = self.take()
        anew = state.generation != self._position.generation
        if anew:
            self._position = Position(generation=state.generation)
        self._replay = Replay(view, state, runs, end, self._position)
        return anew, self._replay

    def close(self) -> None:
        """Give up a replay that is still going on, and the environment."""
        if self._replay is not None:
            self._replay.close()
        self.environment.release()

    @property
    def state(self) -> State:
        """Return the newest state."""
        self.follow()
        with self.environment.view() as view:
            return view.state()

    def follow(self) -> None:
        """Turn to the new file if the writer has shrunk the store."""
        if self.environment.replaced():
            with locked_briefly(self._journal.path, exclusive=False):
                newer = Environment.acquire(
                    self.environment.path, writable=False, map_bytes=self._map_bytes
                )
            self.environment.release()
            self.environment = newer

    def take(self) -> tuple[View, State, list[Run], JournalEnd]:
        """Return a snapshot, and what the journal held at the same moment behind the position."""
        damaged_reads = 0
        for _ in range(_ATTEMPTS):
            self.follow()
            view = self.environment.view()
            try:
                state = view.state()
                damage: StoreCorrupt | None = None
                try:
                    runs, end, words = self._scan(state)
                except StoreCorrupt as error:
                    damage = error
                # Only if nothing was moved to LMDB while the journal was read do the two match.
                with self.environment.view() as now:
                    steady = now.state().epoch == state.epoch and not self.environment.replaced()
            except BaseException:
                view.release()
                raise
            if steady and damage is None:
                self.log_words = state.words + words
                self.journal_used = end.offset
                self.torn_bytes = end.torn_bytes
                return view, state, runs, end
            view.release()
            if steady and damage is not None:
                # A read beside a write may show the later of two records first, but not for long.
                damaged_reads += 1
                if damaged_reads == _DAMAGED_READS:
                    raise damage
                time.sleep(_PAUSE_SECONDS)
        raise StoreBusy(f"{self.environment.path} is being written too fast to be read")

    def _scan(self, state: State) -> tuple[list[Run], JournalEnd, int]:
        position = self._position
        if (position.generation, position.epoch) == (state.generation, state.epoch):
            runs, end = self._journal.scan_from(state.epoch, position.journal)
            words = position.journal_words
        else:
            runs, end = self._journal.scan(state.epoch)
            words = 0
        return runs, end, words + sum(run.words for run in runs)
