"""Everything that can be checked of a store's LMDB file before LMDB maps it."""

from __future__ import annotations

import time
from pathlib import Path

from engram.errors import NotFound, StoreBusy, StoreCorrupt
from engram.store.batches import sequence_key
from engram.store.datafile import DataFile, Snapshot
from engram.store.state import State

__all__ = ["BATCHES", "META", "SPACES", "STATE_KEY", "check_file"]

META, BATCHES, SPACES = b"meta", b"batches", b"spaces"
STATE_KEY = b"state"

# A writer may replace pages under a reader's check: it is repeated while transactions go on.
_ATTEMPTS = 200
_PAUSE_SECONDS = 0.005


def check_file(path: Path) -> State:
    """Return the state of a sound file; raise StoreCorrupt if LMDB had better not see it."""
    for _ in range(_ATTEMPTS):
        before = _metas(path)
        try:
            return _check(path)
        except StoreCorrupt:
            if _metas(path) == before:
                raise
        time.sleep(_PAUSE_SECONDS)
    raise StoreBusy(f"{path} is being written too fast to be checked; open it again")


def _metas(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1 << 17)  # both meta pages at any page size
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist") from None


def _check(path: Path) -> State:
    with DataFile(path) as file:
        state = _check_newest(file)
        if file.previous is None:
            return state
        # A flipped transaction number would make LMDB go back silently; only a number of our own,
        # inside both snapshots, tells which is newer.
        previous = _read_state(file, file.previous)
        if previous.commits + 1 != state.commits:
            raise file.damage(
                f"commit {state.commits} follows commit {previous.commits}: the meta pages are "
                "exchanged or of different stores"
            )
        return state


def _read_state(file: DataFile, snapshot: Snapshot) -> State:
    trees = snapshot.trees()
    if META not in trees:
        raise file.damage("the tree 'meta' is missing")
    values = snapshot.contents(META, trees[META], values=True).values
    if STATE_KEY not in values:
        raise file.damage("the state record is missing")
    return State.unpack(values[STATE_KEY])


def _check_newest(file: DataFile) -> State:
    snapshot = file.newest
    trees = snapshot.trees()
    missing = [name.decode() for name in (META, BATCHES, SPACES) if name not in trees]
    if missing:
        raise file.damage(f"trees are missing: {', '.join(missing)}")
    found = {
        name: snapshot.contents(name, tree, values=name == META) for name, tree in trees.items()
    }
    snapshot.check_free_pages()
    if STATE_KEY not in found[META].values:
        raise file.damage("the state record is missing")
    state = State.unpack(found[META].values[STATE_KEY])
    batches = found[BATCHES]
    if (batches.entries, found[SPACES].entries) != (state.batches, state.spaces):
        raise file.damage(
            f"{batches.entries} batches and {found[SPACES].entries} spaces are there, "
            f"not {state.batches} and {state.spaces}"
        )
    outer = (b"", b"")
    if state.batches:
        outer = (sequence_key(0), sequence_key(state.batches - 1))
    # Keys rise strictly, so with the right ends and the right number none is missing.
    if (batches.first, batches.last) != outer:
        raise file.damage(f"the batches do not run from {outer[0].hex()} to {outer[1].hex()}")
    return state
