"""An LMDB file read without LMDB: its two meta pages and the snapshots they stand for.

LMDB trusts its file: a cut file ends in SIGBUS, a flipped offset in SIGSEGV or in other data. So
this reads it first, with plain reads, whatever the bytes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engram.errors import StoreCorrupt
from engram.store.pages import BIG, NO_PAGE, PAGE, SUBTREE, TREE, Node, Tree, Walk

__all__ = ["Contents", "DataFile", "Snapshot"]

_META_AT = 16
_META = struct.Struct("<IIQQ")  # magic, version, fixed address, map size
_META_TAIL = struct.Struct("<QQ")  # last page, transaction
_META_END = _META_AT + _META.size + 2 * TREE.size + _META_TAIL.size

_MAGIC = 0xBEEFC0DE
_VERSION = 1
_META_PAGE = 8
_INTEGER_KEY = 8
_PAGE_SIZES = frozenset(1 << bits for bits in range(9, 17))


@dataclass(frozen=True, slots=True)
class _Meta:
    index: int
    free: Tree
    main: Tree
    map_bytes: int
    last_page: int
    transaction: int


@dataclass(slots=True)
class Contents:
    """What a walk found in one tree: how many entries, the outer keys, and small values."""

    entries: int = 0
    first: bytes = b""
    last: bytes = b""
    values: dict[bytes, bytes] = field(default_factory=dict)


class DataFile:
    """The raw file, its two meta pages checked against each other.

    `newest` is the snapshot LMDB will choose, `previous` the one before it, or None when the file
    has seen only one transaction.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.length = os.fstat(self._file).st_size
            self.page_bytes = self._page_size()
            self.metas_seen = self.metas()
            self._choose()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> DataFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def damage(self, what: str) -> StoreCorrupt:
        """Make the error for something that cannot be."""
        return StoreCorrupt(f"{self.path}: {what}")

    def read(self, offset: int, size: int) -> bytes:
        """Read exactly so many bytes."""
        data = os.pread(self._file, size, offset)
        if len(data) != size:
            raise self.damage(f"cut off at byte {offset + len(data)}")
        return data

    def page(self, number: int) -> bytes:
        """Read one page."""
        return self.read(number * self.page_bytes, self.page_bytes)

    def metas(self) -> bytes:
        """Read both meta pages as they are now."""
        return self.read(0, _META_END) + self.read(self.page_bytes, _META_END)

    def _page_size(self) -> int:
        head = self.read(0, _META_END)
        size: int = TREE.unpack_from(head, _META_AT + _META.size)[0]
        if size not in _PAGE_SIZES:
            raise self.damage(f"page size {size} is impossible")
        return size

    def _choose(self) -> None:
        both = [
            self._meta(index, self.metas_seen[index * _META_END : (index + 1) * _META_END])
            for index in (0, 1)
        ]
        old, new = sorted(both, key=lambda meta: meta.transaction)
        if new.transaction - old.transaction != 1:
            raise self.damage(
                f"transactions {old.transaction} and {new.transaction} do not follow each other"
            )
        if old.transaction == 0 and (old.last_page != 1 or old.main.root != NO_PAGE):
            raise self.damage("transaction 0 is not empty")
        self.newest = Snapshot(self, new)
        self.previous = Snapshot(self, old) if old.transaction else None

    def _meta(self, index: int, data: bytes) -> _Meta:
        number, _, flags, _, _ = PAGE.unpack_from(data)
        magic, version, address, map_bytes = _META.unpack_from(data, _META_AT)
        at = _META_AT + _META.size
        free = Tree(*TREE.unpack_from(data, at))
        main = Tree(*TREE.unpack_from(data, at + TREE.size))
        last_page, transaction = _META_TAIL.unpack_from(data, at + 2 * TREE.size)
        if (number, flags) != (index, _META_PAGE):
            raise self.damage(f"page {index} is not a meta page")
        if (magic, version) != (_MAGIC, _VERSION):
            raise self.damage(f"page {index} is not of LMDB 0.9")
        if address or free.flags != _INTEGER_KEY or main.flags or main.pad:
            raise self.damage(f"page {index} has unknown flags")
        if free.pad != self.page_bytes:
            raise self.damage("the meta pages disagree on the page size")
        if transaction & 1 != index:
            raise self.damage(f"transaction {transaction} is in the wrong meta page")
        if not 1 <= last_page < 1 << 48:
            raise self.damage(f"last page {last_page} is impossible")
        if map_bytes % self.page_bytes or map_bytes < (last_page + 1) * self.page_bytes:
            raise self.damage(f"map size {map_bytes} is impossible")
        return _Meta(index, free, main, map_bytes, last_page, transaction)


class Snapshot:
    """One transaction's trees; every page that a walk touches is checked, and touched once."""

    def __init__(self, file: DataFile, meta: _Meta) -> None:
        self._file = file
        self._meta = meta
        self._page_bytes = file.page_bytes
        self.transaction = meta.transaction
        # The file may end before the last page: what a transaction took at the end and gave back
        # is only listed as free.
        self._pages = min(meta.last_page + 1, file.length // file.page_bytes)
        self._taken: NDArray[np.bool_] = np.zeros(self._pages, np.bool_)
        self._taken[:2] = True

    def trees(self) -> dict[bytes, Tree]:
        """Walk the main tree and return the named trees it holds."""
        found: dict[bytes, Tree] = {}

        def keep(node: Node) -> None:
            if node.flags != SUBTREE or node.size != TREE.size:
                raise self._file.damage(f"{node.key!r} is not a named tree")
            tree = Tree(*TREE.unpack(node.data))
            # No tree of a store has duplicates or integer keys.
            if tree.flags or tree.pad:
                raise self._file.damage(f"tree {node.key!r} has unknown flags")
            found[node.key] = tree

        self._walk("the main tree", self._meta.main, keep)
        return found

    def contents(self, name: bytes, tree: Tree, *, values: bool) -> Contents:
        """Walk a named tree; `values` keeps the values that lie inside its leaves."""
        found = Contents()

        def keep(node: Node) -> None:
            if node.flags & SUBTREE:
                raise self._file.damage(f"tree {name!r} holds a tree")
            found.first = found.first if found.entries else node.key
            found.last = node.key
            found.entries += 1
            if values:
                if node.flags & BIG:
                    raise self._file.damage(f"tree {name!r} holds a value of {node.size} bytes")
                found.values[node.key] = node.data

        self._walk(f"tree {name!r}", tree, keep)
        return found

    def check_free_pages(self) -> None:
        """Walk the free list: each page at most once, and none that a tree walked so far uses."""
        free: NDArray[np.bool_] = np.zeros(self._pages, np.bool_)
        behind: set[int] = set()

        def keep(node: Node) -> None:
            freed_by = int.from_bytes(node.key, "little")
            data = node.data
            if node.flags & BIG:
                run = int.from_bytes(node.data, "little")
                data = self._file.read(run * self._page_bytes + PAGE.size, node.size)
            numbers = np.frombuffer(data[: len(data) & ~7], np.uint64)
            count = int(numbers[0]) if len(numbers) else len(numbers)
            pages = numbers[1 : 1 + count]
            if (
                node.flags & SUBTREE
                or len(data) % 8
                or count != len(pages)
                or not 0 < freed_by <= self.transaction
            ):
                raise self._file.damage(f"the free pages of transaction {freed_by} are damaged")
            if not count:
                return
            inside = pages[pages < self._pages]
            outside = set(pages[: len(pages) - len(inside)].tolist())
            if (
                (pages[1:] >= pages[:-1]).any()
                or int(pages[0]) > self._meta.last_page
                or free[inside].any()
                or behind & outside
            ):
                raise self._file.damage(f"the free pages of transaction {freed_by} are no list")
            free[inside] = True
            behind.update(outside)

        self._walk("the free list", self._meta.free, keep)
        if len(behind) != self._meta.last_page + 1 - self._pages:
            raise self._file.damage(
                f"cut off: {self._pages} pages are there, and of the {self._meta.last_page + 1} "
                f"that should be, only {len(behind)} are free behind the end"
            )
        if (free & self._taken).any():
            page = int(np.flatnonzero(free & self._taken)[0])
            raise self._file.damage(f"page {page} is both free and in use")

    def _walk(self, name: str, tree: Tree, keep: Callable[[Node], None]) -> None:
        Walk(self._file, self._taken, name, tree, self._meta.free is tree, keep).run()
