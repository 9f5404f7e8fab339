"""Merkle trees over tiles: one digest for all, and short proofs that a tile is among them."""

from collections.abc import Sequence
from hashlib import sha256

from engram.arch.tensors import DIGEST_BYTES

__all__ = ["MerkleTree", "leaf", "proves"]

_LEAF, _NODE = b"\0", b"\1"


def leaf(index: int, tile: bytes | memoryview) -> bytes:
    """Return the digest of a tile: SHA-256 over 0, its index in 64 bits, and its bytes."""
    digest = sha256(_LEAF + index.to_bytes(8, "little"))
    digest.update(tile)
    return digest.digest()


class MerkleTree:
    """Digests of all tiles, and above them of pairs: SHA-256 over 1, the left and the right one.

    One without a partner moves up as it is. A tree of no leaves has the SHA-256 of nothing.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            above = [
                sha256(_NODE + below[i] + below[i + 1]).digest()
                for i in range(0, len(below) - 1, 2)
            ]
            self._levels.append(above + below[len(below) & ~1 :])

    @property
    def root(self) -> bytes:
        """The digest of everything."""
        top = self._levels[-1]
        return top[0] if top else sha256().digest()

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Return what is beside the way from a leaf to the root, from below.

        Raises:
            IndexError: there is no such leaf.
        """
        if not 0 <= index < len(self._levels[0]):
            raise IndexError(f"tile must be in 0..{len(self._levels[0]) - 1}, not {index!r}")
        beside = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):
                beside.append(level[index ^ 1])
            index >>= 1
        return tuple(beside)


def proves(digest: bytes, index: int, count: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof leads from the leaf of this index, one of ``count``, to the root."""
    if not 0 <= index < count:
        return False
    rest = iter(proof)
    while count > 1:
        if index ^ 1 < count:
            other = next(rest, b"")
            if len(other) != DIGEST_BYTES:
                return False
            pair = other + digest if index & 1 else digest + other
            digest = sha256(_NODE + pair).digest()
        index >>= 1
        count = (count + 1) >> 1
    return next(rest, None) is None and digest == root
