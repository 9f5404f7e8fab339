"""The audit log: one line for each thing done, each chained to the one before by its MAC."""

import fcntl
import hmac
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from engram.errors import IntegrityError

__all__ = ["AuditLog", "Head"]

_BEGINNING = b"engram audit 1"
_OWN = ("entry", "time", "action", "before", "mac")
_BLOCK = 4096


@dataclass(frozen=True)
class Head:
    """How long a log is, and the MAC of its last entry: kept elsewhere, it shows a lost end."""

    entries: int
    mac: str

    def __str__(self) -> str:
        return f"{self.entries}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Return the head that ``str`` wrote; raise ValueError if this is none."""
        count, colon, mac = text.partition(":")
        if not colon or not count.isdecimal() or len(mac) != 64:
            raise ValueError(f"head must be COUNT:MAC as `engram audit verify` tells, not {text!r}")
        return cls(int(count), mac)


class AuditLog:
    """A file that only grows: JSON, an entry a line, safe on disk when ``append`` returns.

    The MAC of an entry covers all of it and the MAC before: whoever has no key can neither change,
    add, remove nor move an entry unseen, except that the last ones can be cut off; against that
    keep a ``head`` elsewhere. Processes and threads may append to one file. An end that a crash
    cut off, which nobody was told to be written, is dropped at the next append, and that is logged.

    Args:
        path: the file; its directory exists.
        key: of the chain, such as ``Keys.auditing``.
    """

    def __init__(self, path: str | os.PathLike[str], key: bytes) -> None:
        self._path = Path(path)
        self._key = key
        self._lock = threading.Lock()

    def append(self, action: str, **details: Any) -> Head:
        """Write an entry and return the head with it.

        Args:
            action: what was done, such as ``store``.
            details: JSON, such as the tensor's name and version.

        Raises:
            TypeError, ValueError: this is no entry.
            IntegrityError: the last entry there is, is not one of this key's.
            OSError: it cannot be written; then it is not there.
        """
        if not isinstance(action, str) or not action:
            raise ValueError(f"action must be a name, not {action!r}")
        if taken := set(details) & set(_OWN):
            raise ValueError(f"details must have names of their own, not {sorted(taken)}")
        with self._lock, self._opened() as file:
            count, mac, lost = self._end(file)
            size = file.seek(-lost, os.SEEK_END)
            if lost:
                file.truncate(size)
                mac, line = self._entry(count, mac, "recover", {"lost_bytes": lost})
                count += 1
                _write(file, line)
            mac, line = self._entry(count, mac, action, details)
            try:
                _write(file, line)
            except OSError:
                file.truncate(size)
                raise
        return Head(count + 1, mac)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the entries, first to last, each once it is verified.

        Raises:
            IntegrityError: at the first entry that was changed, or that does not follow.
            OSError: the file cannot be read.
        """
        mac = _BEGINNING.hex()
        with self._path.open("rb") as file:
            for count, line in enumerate(file):
                entry = self._checked(line, count, mac)
                mac = entry["mac"]
                yield entry

    def verify(self, head: Head | None = None) -> Head:
        """Return the head of the log, every entry of which is as it was written.

        Args:
            head: one noted before: the log must hold it still.

        Raises:
            IntegrityError: an entry was changed, removed, moved or cut off; the message says which.
            OSError: the file cannot be read.
        """
        count, mac, known = 0, "", head is None or head.entries == 0
        for count, entry in enumerate(self.entries(), 1):
            mac = entry["mac"]
            if head is not None and count == head.entries:
                known = hmac.compare_digest(mac, head.mac)
                if not known:
                    break
        if not known:
            assert head is not None
            raise IntegrityError(
                f"{self._path} does not hold the {head.entries} entries noted: it has {count}"
                if count < head.entries
                else f"{self._path}: entry {head.entries} is not the one noted"
            )
        return Head(count, mac or "0" * 64)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        # Unbuffered: an entry is one write, which a full disk refuses here and not later.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _end(self, file: BinaryIO) -> tuple[int, str, int]:
        """Return how many entries there are, the last one's MAC, and bytes of a cut-off one."""
        size = file.seek(0, os.SEEK_END)
        data, at = b"", size
        # The last whole line ends with the last newline and begins after the one before.
        while at > 0 and data.count(b"\n") < 2:
            step = min(_BLOCK, at)
            at -= step
            file.seek(at)
            data = file.read(step) + data
        whole, newline, rest = data.rpartition(b"\n")
        if not newline:
            return 0, _BEGINNING.hex(), len(rest)
        last = whole.rpartition(b"\n")[2]
        entry = self._parsed(last, "the last entry")
        count, before = entry.get("entry"), entry.get("before")
        if not isinstance(count, int) or not isinstance(before, str):
            raise IntegrityError(f"{self._path}: the last entry is none")
        self._check_mac(entry, before, "the last entry")
        return count + 1, entry["mac"], len(rest)

    def _entry(
        self, count: int, before: str, action: str, details: Mapping[str, Any]
    ) -> tuple[str, bytes]:
        moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        entry = {
            "entry": count, "time": moment, "action": action, **details, "before": before,
        }  # fmt: skip
        mac = self._mac(entry)
        return mac, _line({**entry, "mac": mac})

    def _mac(self, entry: Mapping[str, Any]) -> str:
        plain = {name: value for name, value in entry.items() if name != "mac"}
        return hmac.digest(self._key, _line(plain), "sha256").hex()

    def _checked(self, line: bytes, count: int, before: str) -> dict[str, Any]:
        what = f"entry {count}"
        if not line.endswith(b"\n"):
            raise IntegrityError(f"{self._path}: {what} is cut off")
        entry = self._parsed(line[:-1], what)
        self._check_mac(entry, before, what)
        if entry.get("entry") != count or line != _line(entry):
            raise IntegrityError(f"{self._path}: {what} is not in its place or form")
        return entry

    def _parsed(self, line: bytes, what: str) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict) or not isinstance(entry.get("mac"), str):
            raise IntegrityError(f"{self._path}: {what} is none")
        return entry

    def _check_mac(self, entry: Mapping[str, Any], before: str, what: str) -> None:
        same = hmac.compare_digest(str(entry.get("before")).encode(), before.encode())
        if not hmac.compare_digest(self._mac(entry).encode(), entry["mac"].encode()):
            raise IntegrityError(f"{self._path}: {what} was changed, or written with another key")
        if not same:
            raise IntegrityError(f"{self._path}: {what} does not follow the one before it")


def _line(entry: Mapping[str, Any]) -> bytes:
    """Return an entry as it is written and signed: no spaces, ASCII, in the order of its making."""
    text = json.dumps(entry, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def _write(file: BinaryIO, line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[file.write(view) :]
    os.fsync(file.fileno())
