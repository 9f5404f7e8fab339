"""The durable store of a memory: an ordered log of records in one directory."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

from engram.errors import NotFound, ReadOnly, VersionMismatch
from engram.store.commits import CommitQueue
from engram.store.directory import (
    JOURNAL,
    clear_remains,
    create_store,
    holds_store,
    lock_for_writing,
)
from engram.store.environment import DATA, Environment
from engram.store.integrity import SPACES
from engram.store.journal import Journal
from engram.store.lock import WriterLock, locked_briefly
from engram.store.reader import Position, Reader, Replay
from engram.store.records import Record, Run, encode
from engram.store.state import Identity, SpaceEntry, State, unpack_space
from engram.store.writer import Writer

__all__ = ["Store"]

_LEAST_MAP_BYTES = 64 << 10
_LEAST_JOURNAL_BYTES = 4 << 10


class Store:
    """What is committed here is durable when `commit` returns, in one order for all threads.

    One Store writes a directory at a time, any number read it, in this process and others. Every
    byte that `replay` and `refresh` return was verified; what does not verify raises StoreCorrupt.
    """

    def __init__(
        self,
        path: Path,
        side: Reader | Writer,
        journal: Journal,
        state: State,
        lock: WriterLock | None,
    ) -> None:
        self.path = path
        self.read_only = lock is None
        self.identity: Identity = state.identity
        self._token = state.token
        self._side = side
        self._journal = journal
        self._lock = lock
        self._process = os.getpid()
        self._closed = False
        self._closing = threading.Lock()
        self._queue = CommitQueue(self._write)
        self._replays: list[Replay] = []

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        identity: Identity | None = None,
        read_only: bool = False,
        map_bytes: int = 1 << 40,
        journal_bytes: int = 4 << 20,
    ) -> Store:
        """Open a directory, creating it for writing if `identity` is given and it is absent.

        `journal_bytes` is fixed at creation; `map_bytes` bounds the size of the LMDB file.
        """
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"path must be a path, not {path!r}")
        if identity is not None and not isinstance(identity, Identity):
            raise TypeError(f"identity must be an Identity, not {identity!r}")
        _check_bytes("map_bytes", map_bytes, _LEAST_MAP_BYTES, mmap.PAGESIZE)
        _check_bytes("journal_bytes", journal_bytes, _LEAST_JOURNAL_BYTES, 64)
        place = Path(path).absolute()
        if not holds_store(place) and (read_only or identity is None):
            raise NotFound(f"{place} holds no memory")
        if read_only:
            return cls._open(place, identity, map_bytes, None)
        lock = lock_for_writing(place)
        try:
            # Only now, under the lock, is it certain that nobody else creates the store.
            if not holds_store(place):
                if identity is None:
                    raise NotFound(f"{place} holds no memory")
                create_store(place, identity, map_bytes=map_bytes, journal_bytes=journal_bytes)
            clear_remains(place)
            return cls._open(place, identity, map_bytes, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open(
        cls, path: Path, identity: Identity | None, map_bytes: int, lock: WriterLock | None
    ) -> Store:
        with locked_briefly(path / JOURNAL, exclusive=False):
            environment = Environment.acquire(path, writable=lock is not None, map_bytes=map_bytes)
        journal = None
        try:
            with environment.view() as view:
                state = view.state()
            if identity is not None and identity != state.identity:
                raise VersionMismatch(
                    f"{path} was created with seed {state.identity.seed} and law "
                    f"{state.identity.law}, not with seed {identity.seed} and law {identity.law}"
                )
            journal = Journal(
                path / JOURNAL, state.journal_bytes, state.token, writable=lock is not None
            )
            side = (
                Reader(environment, journal, map_bytes)
                if lock is None
                else Writer(environment, journal, state)
            )
            return cls(path, side, journal, state, lock)
        except BaseException:
            if journal is not None:
                journal.close()
            environment.release()
            raise

    def replay(self) -> Iterator[Record]:
        """Yield every durable record in order; what is committed later is not among them."""
        self._check_open()
        side = self._side
        if isinstance(side, Reader):
            return side.replay()
        with self._queue.hold:
            state, runs = side.state, list(side.pending)
            view = side.environment.view()
        position = Position(generation=state.generation)
        replay = Replay(view, state, runs, position.journal, position)
        self._replays = [*(other for other in self._replays if other.open), replay]
        return replay

    def refresh(self) -> tuple[bool, Iterator[Record]]:
        """Yield what became durable since the last replay or refresh, for read-only stores.

        True means that the writer compacted: forget all records, these are everything. The
        iterator has to be exhausted, or what it did not yield comes again next time.
        """
        self._check_open()
        if not isinstance(self._side, Reader):
            raise ValueError("refresh must be called on a read-only store, not on the writer")
        return self._side.refresh()

    def commit(self, records: Iterable[Record], apply: Callable[[], object] | None = None) -> None:
        """Return when the records are durable and `apply` has run.

        `apply` functions of all threads run one at a time, in the order of the log, by whichever
        thread wrote it; they must not call the store. If the write fails nothing is applied and
        the error is raised: StoreFull if there is no room (all else stays intact and usable),
        OSError otherwise, in which case the records may still turn up at the next open.
        """
        self._check_writable()
        self._queue.commit(list(encode(records)), apply)

    def checkpoint(self) -> None:
        """Move what is in the journal to LMDB."""
        writer = self._check_writable()
        with self._queue.hold:
            self._check_open()
            if writer.pending:
                writer.checkpoint()

    def compact(self, records: Iterable[Record]) -> None:
        """Replace everything by these records, atomically.

        `records` is consumed while commits wait and everything committed has been applied, so a
        generator over the caller's overlay, applied to by `commit`, misses nothing. The old log
        stays until the new one is complete: StoreFull if there is no room for both.
        """
        writer = self._check_writable()
        with self._queue.hold:
            self._check_open()
            writer.compact(records)

    def shrink(self) -> None:
        """Give free file space back; readers and replays go on undisturbed."""
        writer = self._check_writable()
        with self._queue.hold:
            self._check_open()
            writer.shrink()

    def spaces(self) -> list[SpaceEntry]:
        """Return all spaces, by name."""
        self._check_open()
        if isinstance(self._side, Reader):
            self._side.follow()
        with self._side.environment.view() as view:
            return [unpack_space(*item, self._token) for item in view.items(SPACES)]

    def put_space(self, entry: SpaceEntry) -> None:
        """Record a space, durably; ValueError if its name, id or seed is taken."""
        writer = self._check_writable()
        if not isinstance(entry, SpaceEntry):
            raise TypeError(f"entry must be a SpaceEntry, not {entry!r}")
        with self._queue.hold:
            self._check_open()
            for other in self.spaces():
                for name in ("name", "id", "seed"):
                    if getattr(other, name) == getattr(entry, name):
                        raise ValueError(
                            f"{name} must be unlike that of every other space, "
                            f"not {getattr(entry, name)!r} as in space {other.name!r}"
                        )
            writer.put_space(entry)

    @property
    def log_words(self) -> int:
        """Words in the log, overwritten ones included; for a reader, as of its last refresh."""
        return self._side.log_words

    @property
    def batches(self) -> int:
        """Batches in LMDB."""
        return self._state().batches

    @property
    def generation(self) -> int:
        """How often the store was compacted."""
        return self._state().generation

    @property
    def journal_used(self) -> int:
        """Bytes of the journal in use; for a reader, as of its last refresh."""
        return self._side.journal_used

    @property
    def disk_bytes(self) -> int:
        """Bytes the directory takes on disk."""
        return sum(os.stat(self.path / name).st_blocks * 512 for name in (DATA, JOURNAL))

    def close(self) -> None:
        """Move the journal to LMDB and release everything; a second time does nothing."""
        with self._closing, self._queue.hold:
            if self._closed:
                return
            self._closed = True
            for replay in self._replays:
                replay.close()
            try:
                self._side.close()
            finally:
                self._journal.close()
                if self._lock is not None:
                    self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _state(self) -> State:
        self._check_open()
        return self._side.state

    def _write(self, runs: list[Run]) -> None:
        self._check_writable().write(runs)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"store must be open, not closed: {self.path}")
        if self._process != os.getpid():
            raise RuntimeError(f"{self.path} must be opened again in a forked process")

    def _check_writable(self) -> Writer:
        self._check_open()
        if not isinstance(self._side, Writer):
            raise ReadOnly(f"{self.path} was opened for reading only")
        return self._side


def _check_bytes(name: str, number: object, least: int, unit: int) -> None:
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name} must be an int, not {number!r}")
    if number < least or number % unit:
        raise ValueError(f"{name} must be a multiple of {unit} from {least}, not {number!r}")
