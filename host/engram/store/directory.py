"""The files of a memory directory: telling what a path holds, and creating a store atomically."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from engram.errors import ReadOnly, StoreCorrupt, StoreFull
from engram.store.environment import DATA, FRESH, LOCK, create_file, sync_directory
from engram.store.journal import Journal
from engram.store.lock import WriterLock
from engram.store.state import TOKEN_BYTES, Identity, State
from engram.store.transactions import FULL

__all__ = ["JOURNAL", "clear_remains", "create_store", "holds_store", "lock_for_writing"]

JOURNAL, WRITER_LOCK, CREATING = "journal", "writer.lock", "creating"

_OURS = frozenset({DATA, FRESH, LOCK, JOURNAL, WRITER_LOCK, CREATING})


def holds_store(path: Path) -> bool:
    """Whether there is a store, or nothing yet; any other thing at that path is an error."""
    if path.is_dir():
        names = set(os.listdir(path))
        if DATA in names:
            return True
        if not names <= _OURS:
            other = min(names - _OURS)
            raise ValueError(f"path must be a memory directory, not {path} which holds {other!r}")
        # While a store is being created, its data file stays in a directory of its own.
        if JOURNAL in names and CREATING not in names:
            raise StoreCorrupt(f"{path / DATA} is missing")
        return False
    for place in (path, *path.parents):
        if os.path.lexists(place):
            if not place.is_dir():
                raise ValueError(f"path must be a memory directory, not the file {place}")
            break
    return False


def lock_for_writing(path: Path) -> WriterLock:
    """Make the directory if it is absent, and become its one writer."""
    try:
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            sync_directory(path.parent)
        return WriterLock(path / WRITER_LOCK)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ReadOnly(f"{path} cannot be written: {error.strerror}") from None
        if error.errno in FULL:
            raise StoreFull(f"{path}: {error.strerror}") from None
        raise


def create_store(path: Path, identity: Identity, *, map_bytes: int, journal_bytes: int) -> None:
    """Create the files; the store exists from the moment its data file gets its name."""
    # Not a law's randomness: no word depends on the token. It keys the digests, so that bytes of
    # another store, or records that a user wrote as words, never pass for records of this one.
    state = State(identity, os.urandom(TOKEN_BYTES), journal_bytes)
    workplace = path / CREATING
    try:
        shutil.rmtree(workplace, ignore_errors=True)
        workplace.mkdir()
        Journal.create(path / JOURNAL, journal_bytes)
        create_file(workplace, state, map_bytes)
        (path / LOCK).unlink(missing_ok=True)
        os.replace(workplace / DATA, path / DATA)
        sync_directory(path)
    except OSError as error:
        if error.errno in FULL:
            raise StoreFull(f"{path}: {error.strerror}") from error
        raise
    shutil.rmtree(workplace)
    sync_directory(path)


def clear_remains(path: Path) -> None:
    """Remove what an interrupted creation or shrink left beside a complete store."""
    shutil.rmtree(path / CREATING, ignore_errors=True)
    (path / FRESH).unlink(missing_ok=True)
