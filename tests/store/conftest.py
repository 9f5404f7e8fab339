"""What the store's tests share: records, and stores to put them in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from engram.store import EraseRange, EraseWords, Identity, Record, Store, WriteRange, WriteWords


@pytest.fixture
def identity() -> Identity:
    return Identity(seed=7, law=1)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "memory"


@pytest.fixture
def create(place: Path, identity: Identity) -> Iterable[Callable[..., Store]]:
    """Open the store at `place` for writing; the test's end closes what it left open."""
    stores: list[Store] = []

    def make(**options: int) -> Store:
        stores.append(Store.open(place, identity=identity, **options))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def word() -> Callable[[int], Record]:
    """Make a record of one word, told apart by its number."""

    def make(number: int, space: int = 0) -> Record:
        return WriteWords(space, np.array([number], np.uint64), np.array([number * 3], np.uint64))

    return make


@pytest.fixture
def mixed() -> list[Record]:
    """One record of each kind, and one that is too large for the journal."""
    some = np.arange(5, dtype=np.uint64)
    return [
        WriteWords(0, some, some + np.uint64(1)),
        WriteRange(3, (1 << 64) - 5, some),
        EraseWords(1, some),
        EraseRange(2, 0, 1 << 64),
        WriteRange(0, 1000, np.arange(20_000, dtype=np.uint64)),
        EraseRange((1 << 32) - 1, (1 << 64) - 1, 1),
    ]
