"""Durability: what is on disk, its integrity and its versions."""

from engram.store.records import (
    Associate,
    Describe,
    EraseRange,
    EraseWords,
    Record,
    WriteRange,
    WriteWords,
)
from engram.store.state import Identity, SpaceEntry
from engram.store.store import Store
from engram.store.verification import VerifyReport, verify

__all__ = [
    "Associate",
    "Describe",
    "EraseRange",
    "EraseWords",
    "Identity",
    "Record",
    "SpaceEntry",
    "Store",
    "VerifyReport",
    "WriteRange",
    "WriteWords",
    "verify",
]
