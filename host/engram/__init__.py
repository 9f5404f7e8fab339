"""Engram: one memory API in which words are generated, overlaid or synthesised, on any device."""

import importlib
from typing import TYPE_CHECKING, Any

from engram.errors import (
    CannotMeet,
    DeviceFault,
    DeviceTimeout,
    DeviceUnavailable,
    EngramError,
    IntegrityError,
    NotFound,
    QuotaExceeded,
    ReadOnly,
    StoreBusy,
    StoreCorrupt,
    StoreFull,
    VersionMismatch,
)

if TYPE_CHECKING:
    from engram.arch.associations import Association
    from engram.associations.patterns import Completion, Consolidation, Pattern, Recall
    from engram.config import MemoryConfig
    from engram.memory import Memory, open
    from engram.tensors.descriptors import Descriptor

__all__ = [
    "Association",
    "CannotMeet",
    "Completion",
    "Consolidation",
    "Descriptor",
    "DeviceFault",
    "DeviceTimeout",
    "DeviceUnavailable",
    "EngramError",
    "IntegrityError",
    "Memory",
    "MemoryConfig",
    "NotFound",
    "Pattern",
    "QuotaExceeded",
    "ReadOnly",
    "Recall",
    "StoreBusy",
    "StoreCorrupt",
    "StoreFull",
    "VersionMismatch",
    "open",
]

__version__ = "0.1.0"

# Importing engram costs milliseconds: what needs NumPy is imported when it is first named.
_HOMES = {
    "Association": "engram.arch.associations",
    "Completion": "engram.associations.patterns",
    "Consolidation": "engram.associations.patterns",
    "Descriptor": "engram.tensors.descriptors",
    "Memory": "engram.memory",
    "MemoryConfig": "engram.config",
    "Pattern": "engram.associations.patterns",
    "Recall": "engram.associations.patterns",
    "open": "engram.memory",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engram' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
