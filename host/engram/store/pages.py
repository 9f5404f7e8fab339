"""The pages and nodes of LMDB 0.9 B+ trees, walked strictly, trusting no byte.

Layouts follow mdb.c of LMDB 0.9.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engram.errors import StoreCorrupt

__all__ = ["BIG", "NO_PAGE", "PAGE", "SUBTREE", "TREE", "Node", "Pages", "Tree", "Walk"]

PAGE = struct.Struct("<QHHHH")  # number, unused, flags, lower bound, upper bound
TREE = struct.Struct("<IHHQQQQQ")
_NODE = struct.Struct("<HHHH")  # size low, size high, flags, key bytes

_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4
BIG, SUBTREE = 1, 2
NO_PAGE = (1 << 64) - 1
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
class Node:
    """One entry of a page; `size` is a branch's page number, `data` a big value's page number."""

    key: bytes
    flags: int
    size: int
    data: bytes


class Pages(Protocol):
    """A file of pages; reading beyond its end raises StoreCorrupt."""

    page_bytes: int

    def read(self, offset: int, size: int) -> bytes:
        """Read exactly so many bytes."""
        ...

    def page(self, number: int) -> bytes:
        """Read one page."""
        ...

    def damage(self, what: str) -> StoreCorrupt:
        """Make the error for something that cannot be."""
        ...


class Walk:
    """One pass over a tree that hands each leaf node to `keep`, in key order.

    Every page is checked for its number, kind, bounds, nodes and key order, marked in `taken`, and
    refused if it was taken before; at the end all counts must be those the tree states.
    """

    def __init__(
        self,
        file: Pages,
        taken: NDArray[np.bool_],
        name: str,
        tree: Tree,
        integer_keys: bool,
        keep: Callable[[Node], None],
    ) -> None:
        self._file = file
        self._taken = taken
        self._name = name
        self._tree = tree
        self._integer_keys = integer_keys
        self._keep = keep
        self._branches = self._leaves = self._overflows = self._entries = 0

    def run(self) -> None:
        """Walk the whole tree."""
        tree = self._tree
        if tree.root == NO_PAGE:
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
        stated, _, flags, lower, upper = PAGE.unpack_from(page)
        wanted = _LEAF if depth == 1 else _BRANCH
        if (stated, flags) != (number, wanted):
            raise self._damage(f"finds page {stated} of kind {flags} as page {number}")
        if lower % 2 or not PAGE.size < lower <= upper <= len(page):
            raise self._damage(f"has impossible bounds in page {number}")
        offsets = struct.unpack_from(f"<{(lower - PAGE.size) // 2}H", page, PAGE.size)
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
                if node.flags & BIG:
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
        self, number: int, page: bytes, offsets: tuple[int, ...], upper: int, *, leaf: bool
    ) -> list[Node]:
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
                held = 8 if flags & BIG else size
                if flags & ~(BIG | SUBTREE) or flags == BIG | SUBTREE or not key_bytes:
                    raise self._damage(f"has an unknown node in page {number}")
            else:
                size, held, flags = low | high << 16 | flags << 32, 0, 0
            end = data_at + held
            if key_bytes > _KEY_BYTES or end > len(page):
                raise self._damage(f"has a node across the end of page {number}")
            extents.append((offset, end + end % 2))
            nodes.append(Node(key, flags, size, page[data_at:end]))
        # LMDB keeps nodes side by side at the end of the page; a gap is a damaged size.
        extents.sort()
        ends = [upper, *(end for _, end in extents)]
        if ends != [*(start for start, _ in extents), len(page)]:
            raise self._damage(f"has nodes that overlap or leave gaps in page {number}")
        return nodes

    def _overflow(self, node: Node) -> None:
        number = int.from_bytes(node.data, "little")
        self._take(number, 1)
        head = self._file.read(number * self._file.page_bytes, PAGE.size)
        stated, _, flags, low, high = PAGE.unpack(head)
        count = low | high << 16
        if (stated, flags) != (number, _OVERFLOW):
            raise self._damage(f"finds page {stated} of kind {flags} as value page {number}")
        if count * self._file.page_bytes < PAGE.size + node.size:
            raise self._damage(f"keeps {node.size} bytes in {count} pages from {number}")
        if count > 1:
            self._take(number + 1, count - 1)
        self._overflows += count
