"""The LMDB environment of a directory, opened once per process and shared by all its stores."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import lmdb

from engram.errors import StoreBusy, StoreCorrupt, StoreFull
from engram.store.integrity import BATCHES, META, SPACES, STATE_KEY, check_file
from engram.store.state import State
from engram.store.transactions import FULL, View, Write, error_number, translated

__all__ = ["DATA", "FRESH", "LOCK", "Environment", "create_file", "sync_directory"]

DATA, LOCK, FRESH = "data.mdb", "lock.mdb", "data.mdb.new"

_MAX_TREES = 16  # room for later features' sub-databases
_MAX_READERS = 510
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_PATIENCE_SECONDS = 10.0
_ROOM_BYTES = 64 << 10  # what a transaction writes beside its values, at least


class Environment:
    """One open LMDB file of a directory; LMDB forbids opening it twice in a process.

    `acquire` and `release` count its users, views and writes count by themselves; whichever goes
    last closes it. A directory whose file was replaced has an environment for each file meanwhile.
    """

    _registry: ClassVar[dict[tuple[int, int, int], Environment]] = {}
    # One lock for all of them, as views leave whenever they are collected, in any thread;
    # reentrant, as that may happen while the same thread is inside.
    _gate: ClassVar = threading.Condition(threading.RLock())

    def __init__(
        self, path: Path, key: tuple[int, int, int], *, writable: bool, map_bytes: int
    ) -> None:
        self.path = path
        self._key = key
        self._writable = writable
        self._map_bytes = map_bytes
        self._users = 0
        self._active = 0
        self._open()

    @classmethod
    def acquire(cls, path: Path, *, writable: bool, map_bytes: int) -> Environment:
        """Return the directory's environment, opened, checked and writable if so wanted.

        The caller keeps other processes from replacing the file meanwhile.
        """
        with cls._gate:
            key = _file_key(path)
            environment = cls._registry.get(key)
            if environment is None:
                environment = cls(path, key, writable=writable, map_bytes=map_bytes)
                cls._registry[key] = environment
            environment._users += 1
            try:
                if writable and (environment._writable, environment._map_bytes) != (
                    True,
                    map_bytes,
                ):
                    environment._renew(writable=True, map_bytes=map_bytes)
            except BaseException:
                environment.release()
                raise
            return environment

    def release(self) -> None:
        """Count one user less."""
        with self._gate:
            self._users -= 1
            self._close_if_unused()

    def view(self) -> View:
        """Take a snapshot."""
        self._enter()
        try:
            return View(self._lmdb.begin(), self._trees, self.leave)
        except lmdb.MapResizedError:
            # Another process made the file larger than this one's map.
            self.leave()
            size = os.stat(self.path / DATA).st_size
            self._renew(writable=self._writable, map_bytes=2 * max(self._map_bytes, size))
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
            write = Write(transaction, self._trees)
            try:
                yield write
                transaction.commit()
            except lmdb.Error as error:
                transaction.abort()
                # LMDB calls a write that was cut short, as the last one on a disk is, EIO.
                if error_number(error) == errno.EIO and not self._has_room(write.size):
                    raise StoreFull(f"{self.path}: no room for {write.size} bytes") from error
                raise
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
            self._close_if_unused()

    def replaced(self) -> bool:
        """Whether the file of that name is no longer the one that is open."""
        return _file_key(self.path) != self._key

    def recover(self) -> None:
        """Open the file anew, after a failure that LMDB cannot go on from; waits for views."""
        self._renew(writable=self._writable, map_bytes=self._map_bytes)

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
            if isinstance(error, OSError) and error.errno in FULL:
                raise StoreFull(f"{self.path}: no room for a smaller copy") from error
            raise
        finally:
            self.leave()
        return fresh

    def exchange(self, fresh: Path) -> Environment:
        """Put the copy in the file's place and return its environment, in exchange for this one.

        The caller keeps other processes from opening meanwhile.
        """
        # Transaction numbers start again in the copy, and the lock file remembers them: the two go
        # together. Whoever still has both old files open reads on in them.
        (self.path / LOCK).unlink(missing_ok=True)
        os.replace(fresh, self.path / DATA)
        sync_directory(self.path)
        environment = self.acquire(self.path, writable=self._writable, map_bytes=self._map_bytes)
        self.release()
        return environment

    def _has_room(self, size: int) -> bool:
        probe = self.path / FRESH
        try:
            with open(probe, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, size + _ROOM_BYTES)
        except OSError as error:
            return error.errno not in FULL
        finally:
            probe.unlink(missing_ok=True)
        return True

    def _enter(self) -> None:
        with self._gate:
            if self._key[2] != os.getpid():
                raise RuntimeError("a store must be opened again in a forked process")
            self._active += 1

    def _renew(self, *, writable: bool, map_bytes: int) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with self._gate:
            while self._active:
                if not self._gate.wait(deadline - time.monotonic()) and self._active:
                    raise StoreBusy(f"{self.path}: a replay of this process has not ended")
            self._lmdb.close()
            self._writable = writable
            self._map_bytes = map_bytes
            self._open()

    def _close_if_unused(self) -> None:
        if not self._users and not self._active:
            self._registry.pop(self._key, None)
            self._lmdb.close()

    def _open(self) -> None:
        check_file(self.path / DATA)
        try:
            try:
                self._lmdb = self._environment(lock=True)
            except lmdb.Error as error:
                # Where the lock file cannot be written there is no writer to be locked out either,
                # unless it runs as another user; digests tell if pages change under us.
                denied = isinstance(error, lmdb.ReadonlyError) or error_number(error) in _DENIED
                if self._writable or not denied:
                    raise
                self._lmdb = self._environment(lock=False)
            self._trees = {
                name: self._lmdb.open_db(name, create=False) for name in (META, BATCHES, SPACES)
            }
        except lmdb.Error as error:
            raise translated(error, self.path / DATA) from error

    def _environment(self, *, lock: bool) -> lmdb.Environment:
        return lmdb.Environment(
            str(self.path),
            map_size=self._map_bytes,
            readonly=not self._writable,
            create=False,
            max_dbs=_MAX_TREES,
            max_readers=_MAX_READERS,
            lock=lock,
        )


def _unlock_in_child() -> None:
    # Another thread of the parent may have been inside at the moment of the fork.
    Environment._gate = threading.Condition(threading.RLock())


os.register_at_fork(after_in_child=_unlock_in_child)


def _file_key(path: Path) -> tuple[int, int, int]:
    try:
        status = os.stat(path / DATA)
    except FileNotFoundError:
        raise StoreCorrupt(f"{path / DATA} is missing") from None
    # A forked child must not touch its parent's environment: the process is part of the key.
    return status.st_dev, status.st_ino, os.getpid()


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
