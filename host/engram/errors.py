"""What can go wrong while a memory runs; wrong input raises TypeError or ValueError instead."""

__all__ = [
    "CannotMeet",
    "DeviceFault",
    "DeviceTimeout",
    "DeviceUnavailable",
    "EngramError",
    "IntegrityError",
    "LockedOut",
    "NotFound",
    "QuotaExceeded",
    "ReadOnly",
    "StoreBusy",
    "StoreCorrupt",
    "StoreFull",
    "VersionMismatch",
]


class EngramError(Exception):
    """Root of every error that Engram raises at run time."""


class DeviceUnavailable(EngramError):
    """The named device cannot be had here; the message gives the reason and the fix."""


class DeviceFault(EngramError):
    """The device reported a fault code."""


class DeviceTimeout(EngramError):
    """The device did not answer within its bound."""


class IntegrityError(EngramError):
    """A signature or digest does not match its data."""


class LockedOut(EngramError):
    """Too many verifications failed in a row: none is tried for a while."""


class QuotaExceeded(EngramError):
    """A write would take a space over its quota; nothing of it was written."""


class CannotMeet(EngramError):
    """No codec meets the stated bound; the message says what could be met."""


class NotFound(EngramError):
    """No space, tensor or pattern has this name."""


class ReadOnly(EngramError):
    """The memory, or the view, was opened for reading only."""


class VersionMismatch(EngramError):
    """The directory was written with another format, seed, law, preset or width than stated."""


class StoreBusy(EngramError):
    """Another process or Memory holds the directory for writing."""


class StoreCorrupt(EngramError):
    """What is on disk does not verify."""


class StoreFull(EngramError):
    """The disk or the store's size limit is exhausted; what was stored before is intact."""
