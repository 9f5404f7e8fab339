"""The LMDB environment of a directory, opened once per process and shared by all its stores."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import lmdb

from engram.errors import StoreBusy, StoreCorrupt, StoreFull
from engram.store.integrity import BATCHES, META, SPACES, STATE_KEY, check_file
from engram.store.state import State

if TYPE_CHECKING:
    from lmdb import _Database  # the stubs' name of what open_db returns

__all__ = ["Environment", "View", "Write"]

DATA, LOCK, FRESH = "data.mdb", "lock.mdb", "data.mdb.new"

_MAX_TREES = 16  # room for later features' sub-databases
_MAX_READERS = 510
_PATIENCE_SECONDS = 10.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def translated(error: lmdb.Error, path: Path) -> Exception:
    """Return the error of ours that an LMDB error means."""
    code = getattr(error, "code", 0)
    if isinstance(error, lmdb.MapFullError | lmdb.TxnFullError) or code in _FULL:
        return StoreFull(f"{path}: no room for this write; what was stored is intact ({error})")
    if isinstance(error, lmdb.CorruptedError | lmdb.PageNotFoundError | lmdb.InvalidError):
        return StoreCorrupt(f"{path}: {error}")
    return OSError(code or errno.EIO, f"LMDB failed: {error}", str(path))


class View:
    """A read transaction: one unchanging snapshot, until released."""

    def __init__(self, environment: Environment, transaction: lmdb.Transaction[bytes]) -> None:
        self._environment: Environment | None = environment
        self._transaction = transaction
        self._trees = environment.trees

    def get(self, key: bytes, tree: bytes) -> bytes:
        """Return a value that the store's own counts say is there."""
        value = self._transaction.get(key, db=self._trees[tree])
        if value is None:
            raise StoreCorrupt(f"{key!r} is missing among the {tree.decode()}")
        return value

    def items(self, tree: bytes) -> list[tuple[bytes, bytes]]:
        """Return all of a small tree."""
        with self._transaction.cursor(db=self._trees[tree]) as cursor:
            return list(cursor)

    def state(self) -> State:
        """Return the state as of this snapshot."""
        return State.unpack(self.get(STATE_KEY, META))

    @property
    def held(self) -> bool:
        """Whether the snapshot is still there."""
        return self._environment is not None

    def release(self) -> None:
        """Give the snapshot up; a second time does nothing."""
        environment, self._environment = self._environment, None
        if environment is not None:
            self._transaction.abort()
            environment.leave()

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


class Write:
    """The one write transaction: puts that all become durable together, or none."""

    def __init__(self, transaction: lmdb.Transaction[bytes], trees: dict[bytes, _Database]) -> None:
        self._transaction = transaction
        self._trees = trees

    def put(self, key: bytes, value: bytes, tree: bytes, *, append: bool = False) -> None:
        """Keep a value; `append` when the key is behind all others."""
        self._transaction.put(key, value, append=append, db=self._trees[tree])

    def clear(self, tree: bytes) -> None:
        """Remove everything a tree holds."""
        self._transaction.drop(self._trees[tree], delete=False)


class Environment:
    """One open LMDB environment; LMDB forbids a second one on the same file in a process.

    `acquire` and `release` count its users. Views and writes may be taken from any thread; to
    open the file anew (after it was replaced, or to gain write access) all of them must end first.
    """

    _registry: ClassVar[dict[tuple[int, int, int], Environment]] = {}
    _registry_lock: ClassVar = threading.Lock()

    def __init__(self, path: Path, *, writable: bool, map_bytes: int) -> None:
        self.path = path
        self.writable = writable
        self.map_bytes = map_bytes
        self._users = 0
        # Reentrant: a forgotten view may be collected while this thread is inside the gate.
        self._gate = threading.Condition(threading.RLock())
        self._active = 0
        self._process = os.getpid()
        self._open()

    @classmethod
    def acquire(cls, path: Path, *, writable: bool, map_bytes: int) -> Environment:
        """Return the directory's environment, opened, checked and writable if so wanted."""
        status = os.stat(path)
        # A forked child must not touch its parent's environment: the process is part of the key.
        key = (status.st_dev, status.st_ino, os.getpid())
        with cls._registry_lock:
            environment = cls._registry.get(key)
            if environment is None:
                environment = cls(path, writable=writable, map_bytes=map_bytes)
                cls._registry[key] = environment
            elif writable and (not environment.writable or environment.map_bytes != map_bytes):
                environment.renew(writable=True, map_bytes=map_bytes)
            elif environment.replaced():
                environment.renew()
            environment._users += 1
            environment._key = key
            return environment

    _key: tuple[int, int, int]

    def release(self) -> None:
        """Count one user less; the last one closes."""
        with self._registry_lock:
            self._users -= 1
            if self._users == 0:
                self._registry.pop(self._key, None)
                with self._exclusively():
                    self._close()

    @property
    def trees(self) -> dict[bytes, _Database]:
        """The handles of the named trees."""
        return self._trees

    def view(self) -> View:
        """Take a snapshot."""
        self._enter()
        try:
            return View(self, self._lmdb.begin())
        except lmdb.MapResizedError:
            # Another process made the file larger than this one's map.
            self.leave()
            self.renew(map_bytes=2 * max(self.map_bytes, os.stat(self.path / DATA).st_size))
            return self.view()
        except lmdb.Error as error:
            self.leave()
            raise translated(error, self.path) from error
        except BaseException:
            self.leave()
            raise

    @contextmanager
    def write(self) -> Iterator[Write]:
        """Run one synchronous write transaction; an exception leaves everything as it was."""
        self._enter()
        try:
            self._lmdb.reader_check()  # killed readers would keep old pages from being used again
            transaction = self._lmdb.begin(write=True)
            try:
                yield Write(transaction, self._trees)
                transaction.commit()
            except BaseException:
                transaction.abort()
                raise
        except lmdb.Error as error:
            raise translated(error, self.path) from error
        finally:
            self.leave()

    def leave(self) -> None:
        """Count one view or write less."""
        with self._gate:
            self._active -= 1
            self._gate.notify_all()

    def replaced(self) -> bool:
        """Whether the file of that name is no longer the one that is open."""
        try:
            status = os.stat(self.path / DATA)
        except FileNotFoundError:
            raise StoreCorrupt(f"{self.path / DATA} is missing") from None
        return (status.st_dev, status.st_ino) != self._file

    def renew(self, *, writable: bool | None = None, map_bytes: int | None = None) -> None:
        """Open the file anew once no view is left; StoreBusy if one stays."""
        with self._exclusively():
            self._close()
            self.writable = self.writable if writable is None else writable
            self.map_bytes = map_bytes or self.map_bytes
            self._open()

    def rewrite(self) -> Path:
        """Write a copy without free pages beside the file, synced and checked."""
        fresh = self.path / FRESH
        self._enter()
        try:
            file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                self._lmdb.copyfd(file, compact=True)
                os.fsync(file)
            finally:
                os.close(file)
            check_file(fresh)
        except BaseException as error:
            fresh.unlink(missing_ok=True)
            if isinstance(error, lmdb.Error):
                raise translated(error, self.path) from error
            raise
        finally:
            self.leave()
        return fresh

    def exchange(self, fresh: Path) -> None:
        """Put the copy in the file's place; the caller keeps other processes from opening."""
        with self._exclusively():
            self._close()
            try:
                # Transaction numbers start again in the copy, and the lock file remembers them:
                # the two go together. Processes that still have both old files keep reading them.
                (self.path / LOCK).unlink(missing_ok=True)
                os.replace(fresh, self.path / DATA)
                sync_directory(self.path)
            finally:
                self._open()

    def _enter(self) -> None:
        with self._gate:
            if self._process != os.getpid():
                raise RuntimeError("a store must be opened again in a forked process")
            self._active += 1

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with self._gate:
            while self._active:
                if not self._gate.wait(deadline - time.monotonic()) and self._active:
                    raise StoreBusy(f"{self.path}: a replay of this process has not ended")
            yield

    def _open(self) -> None:
        data = self.path / DATA
        check_file(data)
        status = os.stat(data)
        self._file = (status.st_dev, status.st_ino)
        try:
            try:
                self._lmdb = self._environment(lock=True)
            except lmdb.Error as error:
                # Where the lock file cannot be written there is no writer to be locked out either,
                # unless it runs as another user; digests tell if pages change under us.
                if self.writable or getattr(error, "code", 0) not in (errno.EACCES, errno.EROFS):
                    raise
                self._lmdb = self._environment(lock=False)
            self._trees = {
                name: self._lmdb.open_db(name, create=False) for name in (META, BATCHES, SPACES)
            }
        except lmdb.Error as error:
            raise translated(error, data) from error

    def _environment(self, *, lock: bool) -> lmdb.Environment:
        return lmdb.Environment(
            str(self.path),
            map_size=self.map_bytes,
            readonly=not self.writable,
            create=False,
            max_dbs=_MAX_TREES,
            max_readers=_MAX_READERS,
            lock=lock,
        )

    def _close(self) -> None:
        self._lmdb.close()


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network file systems have no such sync, nor need of it
            os.fsync(file)
    finally:
        os.close(file)


def create_file(path: Path, state: State, map_bytes: int) -> None:
    """Write a new LMDB file into an existing, empty directory of its own."""
    try:
        environment = lmdb.Environment(
            str(path), map_size=map_bytes, max_dbs=_MAX_TREES, max_readers=_MAX_READERS
        )
        try:
            with environment.begin(write=True) as transaction:
                for name in (META, BATCHES, SPACES):
                    environment.open_db(name, txn=transaction)
                meta = environment.open_db(META, txn=transaction)
                transaction.put(STATE_KEY, state.pack(), db=meta)
        finally:
            environment.close()
    except lmdb.Error as error:
        raise translated(error, path) from error
