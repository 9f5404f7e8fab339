"""Showing tensors: regrown by name, in the cache or ahead of time, and word by word by address."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.tensors import TILE_ELEMENTS
from engram.config import MemoryConfig
from engram.inputs import is_integer
from engram.ledger import Ledger
from engram.tensors.cache import read_only
from engram.tensors.descriptors import Descriptor
from engram.tensors.drafts import as_name
from engram.tensors.keeping import KeepingTensors
from engram.tensors.merkle import MerkleTree
from engram.tensors.prefetch import Prefetcher
from engram.tensors.regions import Placed, Regions, region_words, words_of
from engram.tensors.regrowing import regrow, tree_of
from engram.tensors.values import presented
from engram.tensors.versions import Lineage

__all__ = ["ShowingTensors"]

Words = NDArray[np.uint64]
Array = NDArray[Any]  # named, as functions made anew at each call evaluate their annotations

_VERIFIED_AGAIN = 1 << 16  # bytes: 30 microseconds


class ShowingTensors(KeepingTensors):
    """Elements and words of what is kept, verified before anything is decoded."""

    def __init__(
        self, config: MemoryConfig, seed: int, ledger: Ledger, placed: Callable[[], None]
    ) -> None:
        """``placed`` is called when there may be regions where there were none, or the reverse."""
        super().__init__(config, seed, ledger, placed)
        self._prefetcher = Prefetcher(self._prefetch, self._absent)

    def close(self) -> None:
        """Let go of everything; a second time does nothing."""
        self._prefetcher.close()
        super().close()

    def _found(self, name: object, version: int | None) -> tuple[Lineage, Descriptor]:
        """Return a tensor's verified versions, and one of them."""
        lineage = self._checked(as_name(name))
        if version is not None and not is_integer(version):
            raise TypeError(f"version must be an integer, not {version!r}")
        return lineage, lineage.version(None if version is None else version.__index__())

    def regions(self) -> Regions:
        """Return the regions of the latest versions; those given do not change any more."""
        shown = self._shown
        if shown is None:
            moves = self._moves
            shown = Regions(
                Placed(lineage.latest.base, region_words(lineage.latest.nbytes), name, lineage)
                for name, lineage in list(self._lineages.items())
                if lineage.descriptors
            )
            with self._moving:
                if self._moves == moves:
                    self._shown = shown
        return shown

    def words(self, placed: Placed, first: int, count: int) -> Words:
        """Return words of a region, counted from its base."""
        lineage = self._checked_source(placed)
        descriptor = lineage.latest
        words = np.zeros(count, np.uint64)
        step = TILE_ELEMENTS * descriptor.geometry.kind.bits.itemsize // 8
        stop = min(first + count, -(-descriptor.nbytes // 8))
        for at in range(first - first % step, stop if first < stop else 0, step):
            start, end = max(at, first), min(at + step, stop)
            content = self._tile_bytes(lineage, descriptor, at // step)
            words[start - first : end - first] = words_of(content, start - at, end - start)
        self._region_words += count
        return words

    def gather(self, placed: Placed, places: Words) -> Words:
        """Return words of a region at places counted from its base."""
        lineage = self._checked_source(placed)
        descriptor = lineage.latest
        words = np.zeros(len(places), np.uint64)
        step = TILE_ELEMENTS * descriptor.geometry.kind.bits.itemsize // 8
        tiles = places // np.uint64(step)
        inside = places < np.uint64(-(-descriptor.nbytes // 8))
        for tile in np.unique(tiles[inside]).tolist():
            chosen = inside & (tiles == tile)
            content = words_of(self._tile_bytes(lineage, descriptor, tile), 0, step)
            words[chosen] = content[(places[chosen] - np.uint64(tile * step)).astype(np.int64)]
        self._region_words += len(places)
        return words

    def _tile_bytes(self, lineage: Lineage, descriptor: Descriptor, tile: int) -> NDArray[np.uint8]:
        array = self._tile(lineage, descriptor, tile)
        content: NDArray[np.uint8] = array.view(np.uint8)
        return content

    def _checked_source(self, placed: Placed) -> Lineage:
        lineage = placed.source
        assert isinstance(lineage, Lineage)
        if self._sound.get(placed.name) is not lineage:
            self._check(lineage)
            if self._lineages.get(placed.name) is lineage:
                self._sound[placed.name] = lineage
        return lineage

    def _verified(self, lineage: Lineage, descriptor: Descriptor) -> Sequence[Descriptor]:
        """Return what a version is made of, every MAC verified again: now it is to be decoded."""
        chain = lineage.chain(descriptor)
        for each in chain:
            each.verify(self._key)
        return chain

    def _verified_for_tile(self, lineage: Lineage, descriptor: Descriptor) -> Sequence[Descriptor]:
        # A tile must not cost the MAC of a large tensor: of that, the one check when it was first
        # asked for has to do, as its bytes have been in RAM since.
        chain = lineage.chain(descriptor)
        for each in chain:
            if each.stored_bytes <= _VERIFIED_AGAIN:
                each.verify(self._key)
        return chain

    def _regrown(self, lineage: Lineage, descriptor: Descriptor) -> NDArray[Any]:
        geometry = descriptor.geometry
        flat = np.empty(geometry.size, geometry.kind.bits)
        regrow(self._verified(lineage, descriptor), 0, geometry.size, flat)
        self._guard.check(descriptor, flat)
        return flat

    def _tree(self, lineage: Lineage, descriptor: Descriptor) -> MerkleTree:
        """Return the digests of a version's tiles; the first time it is regrown for them."""
        tree = self._trees.get(descriptor.digest)
        if tree is None:
            tree = tree_of(self._regrown(lineage, descriptor))
            self._trees[descriptor.digest] = tree
        return tree

    def _whole(
        self, lineage: Lineage, descriptor: Descriptor, *, prefetch: bool = False
    ) -> NDArray[Any]:
        def make() -> Array:
            flat = self._regrown(lineage, descriptor)
            geometry = descriptor.geometry
            return presented(read_only(flat.reshape(geometry.shape)), geometry.kind)

        return self._cache.take(descriptor.digest, make, prefetch=prefetch)

    def _tile(self, lineage: Lineage, descriptor: Descriptor, tile: int) -> NDArray[Any]:
        geometry = descriptor.geometry
        start = tile * TILE_ELEMENTS
        stop = min(start + TILE_ELEMENTS, geometry.size)
        if descriptor.digest in self._cache:
            held = self._cache.get(descriptor.digest)
            if held is not None:
                return held.reshape(-1)[start:stop]

        def make() -> Array:
            out = np.empty(stop - start, geometry.kind.bits)
            regrow(self._verified_for_tile(lineage, descriptor), start, stop, out)
            if self._guard.level.checks_tiles:
                self._guard.check_tile(descriptor, tile, out, self._tree(lineage, descriptor))
            return presented(read_only(out), geometry.kind)

        return self._cache.take((descriptor.digest, tile), make)

    def _prefetch(self, name: str) -> None:
        lineage = self._checked(name)
        self._whole(lineage, lineage.latest, prefetch=True)

    def _absent(self, name: str) -> bool:
        """Return whether a tensor is there, and its latest version is not in the cache."""
        lineage = self._lineages.get(name)
        return lineage is not None and lineage.digest not in self._cache
