"""A strict reader of LMDB 0.9 files that trusts no byte, for use before LMDB maps them.

LMDB itself trusts its file: a cut file ends in SIGBUS, a flipped offset in SIGSEGV or in other
data. Layouts follow mdb.c of LMDB 0.9.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engram.errors import StoreCorrupt

__all__ = ["PageFile", "Snapshot", "Tree"]

_META_AT = 16
_META = struct.Struct("<IIQQ")  # magic, version, fixed address, map size
_TREE = struct.Struct("<IHHQQQQQ")
_META_TAIL = struct.Struct("<QQ")  # last page, transaction
_META_END = _META_AT + _META.size + 2 * _TREE.size + _META_TAIL.size
_PAGE = struct.Struct("<QHHHH")
_NODE = struct.Struct("<HHHH")

_MAGIC = 0xBEEFC0DE
_VERSION = 1
_BRANCH, _LEAF, _OVERFLOW, _META_PAGE = 1, 2, 4, 8
_BIG, _SUBTREE = 1, 2
_INTEGER_KEY = 8
_NO_PAGE = (1 << 64) - 1
_PAGE_SIZES = frozenset(1 << bits for bits in range(9, 17))
_KEY_BYTES = 511
_DEEPEST = 32  # CURSOR_STACK


@dataclass(frozen=True, slots=True)
class Tree:
    """An MDB_db record: the root of one B+ tree and what it should hold."""

    pad: int
    flags: int
    depth: int
    branches: int
    leaves: int
    overflows: int
    entries: int
    root: int


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


@dataclass(frozen=True, slots=True)
class _Node:
    key: bytes
    flags: int
    size: int
    data: bytes


class PageFile:
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

    def __enter__(self) -> PageFile:
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
        size: int = _TREE.unpack_from(head, _META_AT + _META.size)[0]
        if size not in _PAGE_SIZES:
            raise self.damage(f"page size {size} is impossible")
        return size

    def _choose(self) -> None:
        both = [
            self._meta(index, self.metas_seen[index * _META_END : (index + 1) * _META_END])
            for index in (0, 1)
        ]
        old, new = sorted(both, key=lambda meta: meta.transaction)
        if new.transaction == 0:
            raise self.damage("nothing was ever committed")
        if new.transaction - old.transaction != 1:
            raise self.damage(
                f"transactions {old.transaction} and {new.transaction} do not follow each other"
            )
        if old.transaction == 0 and (old.last_page != 1 or old.main.root != _NO_PAGE):
            raise self.damage("transaction 0 is not empty")
        self.newest = Snapshot(self, new)
        self.previous = Snapshot(self, old) if old.transaction else None

    def _meta(self, index: int, data: bytes) -> _Meta:
        number, _, flags, _, _ = _PAGE.unpack_from(data)
        magic, version, address, map_bytes = _META.unpack_from(data, _META_AT)
        at = _META_AT + _META.size
        free = Tree(*_TREE.unpack_from(data, at))
        main = Tree(*_TREE.unpack_from(data, at + _TREE.size))
        last_page, transaction = _META_TAIL.unpack_from(data, at + 2 * _TREE.size)
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
        if not 1 <= last_page < self.length // self.page_bytes:
            raise self.damage(f"page {last_page} should exist in {self.length} bytes")
        if map_bytes % self.page_bytes or map_bytes < (last_page + 1) * self.page_bytes:
            raise self.damage(f"map size {map_bytes} is impossible")
        return _Meta(index, free, main, map_bytes, last_page, transaction)


class Snapshot:
    """One transaction's trees; every page that a walk touches is checked, and touched once."""

    def __init__(self, file: PageFile, meta: _Meta) -> None:
        self._file = file
        self._meta = meta
        self._page_bytes = file.page_bytes
        self.transaction = meta.transaction
        self._taken: NDArray[np.bool_] = np.zeros(meta.last_page + 1, np.bool_)
        self._taken[:2] = True

    def trees(self) -> dict[bytes, Tree]:
        """Walk the main tree and return the named trees it holds."""
        found: dict[bytes, Tree] = {}

        def keep(node: _Node) -> None:
            if node.flags != _SUBTREE or node.size != _TREE.size:
                raise self._file.damage(f"{node.key!r} is not a named tree")
            tree = Tree(*_TREE.unpack(node.data))
            # No tree of a store has duplicates or integer keys.
            if tree.flags or tree.pad:
                raise self._file.damage(f"tree {node.key!r} has unknown flags")
            found[node.key] = tree

        self._walk("the main tree", self._meta.main, keep)
        return found

    def contents(self, name: bytes, tree: Tree, *, values: bool) -> Contents:
        """Walk a named tree; `values` keeps the values that lie inside its leaves."""
        found = Contents()

        def keep(node: _Node) -> None:
            if node.flags & _SUBTREE:
                raise self._file.damage(f"tree {name!r} holds a tree")
            found.first = found.first if found.entries else node.key
            found.last = node.key
            found.entries += 1
            if values:
                if node.flags & _BIG:
                    raise self._file.damage(f"tree {name!r} holds a value of {node.size} bytes")
                found.values[node.key] = node.data

        self._walk(f"tree {name!r}", tree, keep)
        return found

    def check_free_pages(self) -> None:
        """Walk the free list: each page at most once, and none that a tree walked so far uses."""
        free: NDArray[np.bool_] = np.zeros(self._meta.last_page + 1, np.bool_)

        def keep(node: _Node) -> None:
            freed_by = int.from_bytes(node.key, "little")
            data = node.data
            if node.flags & _BIG:
                run = int.from_bytes(node.data, "little")
                data = self._file.read(run * self._page_bytes + _PAGE.size, node.size)
            numbers = np.frombuffer(data[: len(data) & ~7], np.uint64)
            count = int(numbers[0]) if len(numbers) else len(numbers)
            pages = numbers[1 : 1 + count]
            if (
                node.flags & _SUBTREE
                or len(data) % 8
                or count != len(pages)
                or not 0 < freed_by <= self.transaction
            ):
                raise self._file.damage(f"the free pages of transaction {freed_by} are damaged")
            if not count:
                return
            if (
                (pages[1:] >= pages[:-1]).any()
                or int(pages[0]) > self._meta.last_page
                or free[pages].any()
            ):
                raise self._file.damage(f"the free pages of transaction {freed_by} are no list")
            free[pages] = True

        self._walk("the free list", self._meta.free, keep)
        if (free & self._taken).any():
            page = int(np.flatnonzero(free & self._taken)[0])
            raise self._file.damage(f"page {page} is both free and in use")

    def _walk(self, name: str, tree: Tree, keep: Callable[[_Node], None]) -> None:
        _Walk(self._file, self._taken, name, tree, self._meta.free is tree, keep).run()


class _Walk:
    def __init__(
        self,
        file: PageFile,
        taken: NDArray[np.bool_],
        name: str,
        tree: Tree,
        integer_keys: bool,
        keep: Callable[[_Node], None],
    ) -> None:
        self._file = file
        self._taken = taken
        self._name = name
        self._tree = tree
        self._integer_keys = integer_keys
        self._keep = keep
        self._branches = self._leaves = self._overflows = self._entries = 0

    def run(self) -> None:
        tree = self._tree
        if tree.root == _NO_PAGE:
            if tree.depth:
                raise self._damage("has depth but no root")
        elif not 1 <= tree.depth <= _DEEPEST:
            raise self._damage(f"has impossible depth {tree.depth}")
        else:
            self._page(tree.root, tree.depth, None, None)
        found = (self._branches, self._leaves, self._overflows, self._entries)
        stated = (tree.branches, tree.leaves, tree.overflows, tree.entries)
        if found != stated:
            raise self._damage(f"has {found} branches, leaves, overflows, entries, not {stated}")

    def _damage(self, what: str) -> StoreCorrupt:
        return self._file.damage(f"{self._name} {what}")

    def _take(self, first: int, count: int) -> None:
        if first >= len(self._taken) or count > len(self._taken) - first:
            raise self._damage(f"reaches page {first} + {count - 1} of {len(self._taken)}")
        if self._taken[first : first + count].any():
            raise self._damage(f"reaches page {first} twice")
        self._taken[first : first + count] = True

    def _order(self, key: bytes) -> bytes:
        # Integer keys are native 64-bit numbers; big-endian bytes compare like them.
        if self._integer_keys and len(key) != 8:
            raise self._damage(f"has a key of {len(key)} bytes")
        return key[::-1] if self._integer_keys else key

    def _page(self, number: int, depth: int, low: bytes | None, high: bytes | None) -> None:
        self._take(number, 1)
        page = self._file.page(number)
        stated, _, flags, lower, upper = _PAGE.unpack_from(page)
        wanted = _LEAF if depth == 1 else _BRANCH
        if (stated, flags) != (number, wanted):
            raise self._damage(f"finds page {stated} of kind {flags} as page {number}")
        if lower % 2 or not _PAGE.size < lower <= upper <= len(page):
            raise self._damage(f"has impossible bounds in page {number}")
        offsets = struct.unpack_from(f"<{(lower - _PAGE.size) // 2}H", page, _PAGE.size)
        nodes = self._nodes(number, page, offsets, upper, leaf=depth == 1)
        # The first key of a branch means "everything lower" and is not compared.
        keys = [self._order(node.key) for node in (nodes if depth == 1 else nodes[1:])]
        bounds = keys if low is None else [low, *keys]
        if any(one >= other for one, other in pairwise(keys)) or any(
            key < bounds[0] or (high is not None and key >= high) for key in keys
        ):
            raise self._damage(f"has keys out of order in page {number}")
        if depth == 1:
            self._leaves += 1
            self._entries += len(nodes)
            for node in nodes:
                if node.flags & _BIG:
                    self._overflow(node)
                self._keep(node)
            return
        # LMDB itself leaves branches of one node behind only in the free list (ITS#8336).
        if len(nodes) < 2 and not self._integer_keys:
            raise self._damage(f"has a branch of one node in page {number}")
        self._branches += 1
        for node, lowest, highest in zip(nodes, [low, *keys], [*keys, high], strict=True):
            self._page(node.size, depth - 1, lowest, highest)

    def _nodes(
        self, number: int, page: bytes, offsets: Collection[int], upper: int, *, leaf: bool
    ) -> list[_Node]:
        nodes = []
        extents = []
        for offset in offsets:
            if offset % 2 or not upper <= offset <= len(page) - _NODE.size:
                raise self._damage(f"has a node outside page {number}")
            low, high, flags, key_bytes = _NODE.unpack_from(page, offset)
            data_at = offset + _NODE.size + key_bytes
            key = page[offset + _NODE.size : data_at]
            if leaf:
                size = low | high << 16
                held = 8 if flags & _BIG else size
                if flags & ~(_BIG | _SUBTREE) or flags == _BIG | _SUBTREE or not key_bytes:
                    raise self._damage(f"has an unknown node in page {number}")
            else:
                size, held, flags = low | high << 16 | flags << 32, 0, 0
            end = data_at + held
            if key_bytes > _KEY_BYTES or end > len(page):
                raise self._damage(f"has a node across the end of page {number}")
            extents.append((offset, end + end % 2))
            nodes.append(_Node(key, flags, size, page[data_at:end]))
        # LMDB keeps nodes side by side at the end of the page; a gap is a damaged size.
        extents.sort()
        ends = [upper, *(end for _, end in extents)]
        if ends != [*(start for start, _ in extents), len(page)]:
            raise self._damage(f"has nodes that overlap or leave gaps in page {number}")
        return nodes

    def _overflow(self, node: _Node) -> None:
        number = int.from_bytes(node.data, "little")
        self._take(number, 1)
        head = self._file.read(number * self._file.page_bytes, _PAGE.size)
        stated, _, flags, low, high = _PAGE.unpack(head)
        count = low | high << 16
        if (stated, flags) != (number, _OVERFLOW):
            raise self._damage(f"finds page {stated} of kind {flags} as value page {number}")
        if count * self._file.page_bytes < _PAGE.size + node.size:
            raise self._damage(f"keeps {node.size} bytes in {count} pages from {number}")
        if count > 1:
            self._take(number + 1, count - 1)
        self._overflows += count
