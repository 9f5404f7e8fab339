"""The lock that makes a process, and a Store in it, the only writer of a directory."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engram.errors import StoreBusy, StoreCorrupt

__all__ = ["WriterLock", "locked_briefly"]

_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.01


class WriterLock:
    """Held from construction to `release`; the file names the process that holds it."""

    def __init__(self, path: Path) -> None:
        # flock, not fcntl: it belongs to the open file, so it also excludes a second Store of the
        # same process, and it goes away with a killed process.
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            by = f"process {holder}" if holder else "another process"
            raise StoreBusy(f"{path.parent} is open for writing in {by}") from None
        except BaseException:
            os.close(self._file)
            raise
        os.ftruncate(self._file, 0)
        # A full disk must not keep a store from opening: the number is a courtesy.
        with suppress(OSError):
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next writer in; a second time does nothing."""
        if self._file >= 0:
            file, self._file = self._file, -1
            # Explicitly, because a forked child may have inherited the open file.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)


@contextmanager
def locked_briefly(path: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold a lock on an existing file; StoreBusy if others keep it for unreasonably long."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise StoreCorrupt(f"{path} is missing") from None
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    deadline = time.monotonic() + _PATIENCE_SECONDS
    try:
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreBusy(f"{path.parent} is being opened or shrunk elsewhere") from None
                time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(file)
