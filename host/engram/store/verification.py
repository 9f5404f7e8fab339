"""Verifying a directory from end to end, for `engram verify`: a report instead of an error."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engram.errors import EngramError, NotFound, StoreBusy, StoreCorrupt, VersionMismatch
from engram.store.batches import open_batch, sequence_key
from engram.store.directory import JOURNAL, holds_store
from engram.store.environment import DATA, Environment
from engram.store.integrity import BATCHES, SPACES, check_file
from engram.store.journal import Journal, JournalEnd
from engram.store.lock import locked_briefly
from engram.store.patterns import decode_change
from engram.store.reader import Reader
from engram.store.records import Associate, Describe, Run, decode
from engram.store.state import Identity, SpaceEntry, State, unpack_space
from engram.store.tensors import check_piece
from engram.store.transactions import View

__all__ = ["VerifyReport", "verify"]

_MOST_PROBLEMS = 100
_MAP_BYTES = 1 << 40


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was found; `ok` means that every byte in use verified.

    `batches`, `records`, `words` and `journal_records` count what verified. A torn tail is no
    problem: it was never acknowledged. `identity` is None if the state could not be read.
    """

    path: Path
    problems: tuple[str, ...]
    identity: Identity | None = None
    generation: int = 0
    spaces: tuple[SpaceEntry, ...] = ()
    batches: int = 0
    records: int = 0
    words: int = 0
    journal_records: int = 0
    journal_words: int = 0
    disk_bytes: int = 0
    torn_bytes: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(path: str | os.PathLike[str]) -> VerifyReport:
    """Check structure, digests, counts and journal of a directory that need not be closed.

    Corruption is reported, never raised; NotFound or ValueError mean that there is no store, and
    StoreBusy that a writer left no moment to look.
    """
    place = Path(path).absolute()
    try:
        if not holds_store(place):
            raise NotFound(f"{place} holds no memory")
        size = sum(os.stat(place / name).st_blocks * 512 for name in (DATA, JOURNAL))
        return _Verification(place, size).run()
    except FileNotFoundError as error:
        return VerifyReport(place, (f"{error.filename} is missing",))
    except (NotFound, StoreBusy):
        raise
    except EngramError as error:
        return VerifyReport(place, (str(error),))


class _Verification:
    def __init__(self, path: Path, disk_bytes: int) -> None:
        self._path = path
        self._disk_bytes = disk_bytes
        self._problems: list[str] = []
        self._batches = self._records = self._words = 0
        self._journal_records = self._journal_words = 0

    def run(self) -> VerifyReport:
        check_file(self._path / DATA)  # opening would skip it if the process has the file open
        with locked_briefly(self._path / JOURNAL, exclusive=False):
            environment = Environment.acquire(self._path, writable=False, map_bytes=_MAP_BYTES)
        journal: Journal | None = None
        reader: Reader | None = None
        try:
            with environment.view() as view:
                state = view.state()
            try:
                path, size = self._path / JOURNAL, state.journal_bytes
                journal = Journal(path, size, state.token, writable=False)
                reader = Reader(environment, journal, _MAP_BYTES)
                view, state, runs, end = reader.take()
            except StoreCorrupt as error:
                self._problem(str(error))
                runs, end = [], JournalEnd()
                view = environment.view()
                state = view.state()
            return self._report(view, state, runs, end)
        finally:
            if reader is not None:
                reader.close()
            else:
                environment.release()
            if journal is not None:
                journal.close()

    def _report(self, view: View, state: State, runs: list[Run], end: JournalEnd) -> VerifyReport:
        with view:
            self._check_batches(view, state)
            spaces = self._check_spaces(view, state)
        for run in runs:
            if self._check_run("the journal", run):
                self._journal_records += run.records
                self._journal_words += run.words
        return VerifyReport(
            path=self._path,
            problems=tuple(self._problems),
            identity=state.identity,
            generation=state.generation,
            spaces=tuple(spaces),
            batches=self._batches,
            records=self._records,
            words=self._words,
            journal_records=self._journal_records,
            journal_words=self._journal_words,
            disk_bytes=self._disk_bytes,
            torn_bytes=end.torn_bytes,
        )

    def _problem(self, line: str) -> None:
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(line)

    def _check_batches(self, view: View, state: State) -> None:
        first: int | None = 0
        words = size = 0
        for sequence in range(state.batches):
            try:
                value = view.get(sequence_key(sequence), BATCHES)
                run, begin = open_batch(value, state.generation, sequence, first, state.token)
            except StoreCorrupt as error:
                self._problem(str(error))
                first = None  # where the next batch should begin is lost: its own word is taken
                continue
            if self._check_run(f"batch {sequence}", run):
                self._batches += 1
                self._records += run.records
                self._words += run.words
            first = begin + run.records
            words += run.words
            size += len(value)
        if self._problems:
            return
        stated = (state.records, state.words, state.size)
        if (first, words, size) != stated:
            self._problem(f"{(first, words, size)} records, words, bytes are there, not {stated}")

    def _check_run(self, name: str, run: Run) -> bool:
        count = 0
        try:
            for record in decode(run.data):
                count += 1
                if isinstance(record, Associate):
                    decode_change(record.words)
                elif isinstance(record, Describe):
                    check_piece(record.words)
        except (StoreCorrupt, VersionMismatch) as error:
            self._problem(f"{name}: {error}")
            return False
        if count != run.records:
            self._problem(f"{name} holds {count} records, not {run.records}")
            return False
        return True

    def _check_spaces(self, view: View, state: State) -> list[SpaceEntry]:
        spaces = []
        for name, value in view.items(SPACES):
            try:
                spaces.append(unpack_space(name, value, state.token))
            except StoreCorrupt as error:
                self._problem(str(error))
        return spaces
