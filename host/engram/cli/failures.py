"""From an error to one line on stderr and an exit code that scripts can tell apart."""

import errno
import json
import sys
import traceback
from enum import IntEnum

from engram.errors import (
    EngramError,
    IntegrityError,
    LockedOut,
    QuotaExceeded,
    ReadOnly,
    StoreBusy,
    StoreCorrupt,
    StoreFull,
    VersionMismatch,
)

__all__ = ["ExitCode", "Failed", "exit_code", "one_line", "tell"]


class ExitCode(IntEnum):
    """What the exit code of every command means."""

    OK = 0
    UNEXPECTED = 1
    WRONG_USE = 2
    UNAVAILABLE = 3
    CORRUPT = 4
    REFUSED = 5
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
    PIPE_CLOSED = 141  # 128 + SIGPIPE


class Failed(Exception):
    """A command has found out what it was asked, and the answer is bad.

    ``told`` says that its JSON has been printed already, so that stdout stays one object.
    """

    def __init__(self, message: str, code: ExitCode, *, told: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.told = told


_CODES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], ExitCode], ...] = (
    ((StoreCorrupt, VersionMismatch, IntegrityError), ExitCode.CORRUPT),
    ((LockedOut, StoreBusy, StoreFull, QuotaExceeded, ReadOnly), ExitCode.REFUSED),
    ((EngramError, ImportError), ExitCode.UNAVAILABLE),
    (BrokenPipeError, ExitCode.PIPE_CLOSED),
    ((OSError, MemoryError), ExitCode.REFUSED),
    ((TypeError, ValueError), ExitCode.WRONG_USE),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
)


def exit_code(error: BaseException) -> ExitCode:
    """Return the exit code of an error."""
    if isinstance(error, Failed):
        return error.code
    for kinds, code in _CODES:
        if isinstance(error, kinds):
            return code
    return ExitCode.UNEXPECTED


def one_line(error: BaseException) -> str:
    """Return what is wrong, on one line."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        if error.errno == errno.ENOSPC:
            return f"{place}no space left on the device"
        return f"{place}{error.strerror}"
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return f"not enough memory{': ' if text else ''}{text}"
    if exit_code(error) is ExitCode.UNEXPECTED and not isinstance(error, Failed):
        return (
            f"unexpected {type(error).__name__}: {text} "
            "(a bug; --verbose shows where, and please report it)"
        )
    return text or type(error).__name__


def tell(error: BaseException, *, as_json: bool, verbose: bool) -> None:
    """Print the line to stderr, and the same as JSON to stdout where that was asked for."""
    if verbose:
        traceback.print_exception(error, file=sys.stderr)
    message = one_line(error)
    print(f"engram: {message}", file=sys.stderr)
    if as_json and not (isinstance(error, Failed) and error.told):
        print(json.dumps({"error": {"type": type(error).__name__, "message": message}}))
