"""Read and write transactions of LMDB, and what its errors mean."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb

from engram.errors import StoreCorrupt, StoreFull
from engram.store.integrity import META, STATE_KEY
from engram.store.state import State

if TYPE_CHECKING:
    from lmdb import _Database  # the stubs' name of what open_db returns

__all__ = ["FULL", "View", "Write", "error_number", "translated"]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def error_number(error: lmdb.Error) -> int:
    """Return the errno of an LMDB error, EIO for those that have none."""
    # LMDB's own errors are negative; py-lmdb before 2 has no code at all.
    return max(getattr(error, "code", 0), 0) or errno.EIO


def translated(error: lmdb.Error, path: Path) -> Exception:
    """Return the error of ours that an LMDB error means."""
    code = error_number(error)
    full = isinstance(error, lmdb.MapFullError | lmdb.TxnFullError | lmdb.DiskError)
    if full or code in FULL:
        return StoreFull(f"{path}: no room for this write; what was stored is intact ({error})")
    if isinstance(error, lmdb.CorruptedError | lmdb.PageNotFoundError | lmdb.InvalidError):
        return StoreCorrupt(f"{path}: {error}")
    return OSError(code, f"LMDB failed: {error}", str(path))


class View:
    """A read transaction: one unchanging snapshot, until released."""

    def __init__(
        self,
        transaction: lmdb.Transaction[bytes],
        trees: dict[bytes, _Database],
        leave: Callable[[], None],
    ) -> None:
        self._transaction = transaction
        self._trees = trees
        self._leave: Callable[[], None] | None = leave

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
        return self._leave is not None

    def release(self) -> None:
        """Give the snapshot up; a second time does nothing."""
        leave, self._leave = self._leave, None
        if leave is not None:
            self._transaction.abort()
            leave()

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
        self.size = 0  # bytes put so far

    def put(self, key: bytes, value: bytes, tree: bytes, *, append: bool = False) -> None:
        """Keep a value; `append` when the key is behind all others."""
        self.size += len(value)
        self._transaction.put(key, value, append=append, db=self._trees[tree])

    def clear(self, tree: bytes) -> None:
        """Remove everything a tree holds."""
        self._transaction.drop(self._trees[tree], delete=False)
