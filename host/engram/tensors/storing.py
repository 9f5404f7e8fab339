"""Storing: what a memory offers by name, in the same words as its tensors."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from engram.tensors.descriptors import Descriptor
from engram.tensors.facet import Progress, Tensors
from engram.tensors.updating import QUANTISED_ERROR

__all__ = ["Storing"]


class Storing:
    """Short ways to the facet ``Tensors``, where each method is explained."""

    _tensors: Tensors

    def tensors(self) -> list[str]:
        """Return the names of all tensors, sorted."""
        return self._tensors.names()

    def store(
        self,
        name: str,
        tensor: Any,
        *,
        ratio: float | None = None,
        max_error: float | None = None,
        exact: bool = False,
        codec: str = "auto",
        base: int | None = None,
    ) -> Descriptor:
        """Keep a tensor under a name, within a bound or exactly: ``Tensors.store``."""
        return self._tensors.store(
            name, tensor, ratio=ratio, max_error=max_error, exact=exact, codec=codec, base=base
        )

    def store_many(
        self,
        tensors: Mapping[str, Any],
        *,
        ratio: float | None = None,
        max_error: float | None = None,
        exact: bool = False,
        codec: str = "auto",
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Descriptor]:
        """Keep several tensors, encoded by several threads: ``Tensors.store_many``."""
        return self._tensors.store_many(
            tensors,
            ratio=ratio,
            max_error=max_error,
            exact=exact,
            codec=codec,
            threads=threads,
            progress=progress,
        )

    def load(
        self,
        name: str,
        version: int | None = None,
        *,
        out: Any = None,
        like: str | None = None,
    ) -> Any:
        """Return a tensor, regrown or from the cache: ``Tensors.load``."""
        return self._tensors.load(name, version, out=out, like=like)

    def load_tile(self, name: str, tile: int, version: int | None = None) -> NDArray[Any]:
        """Return one tile of a tensor: ``Tensors.load_tile``."""
        return self._tensors.load_tile(name, tile, version)

    def update(
        self,
        name: str,
        *,
        add: Any = None,
        scale: Any = None,
        sparse: Any = None,
        dense: Any = None,
        quantised: Any = None,
        max_error: float = QUANTISED_ERROR,
    ) -> Descriptor:
        """Make a new version of a tensor, kept as what is new of it: ``Tensors.update``."""
        return self._tensors.update(
            name,
            add=add,
            scale=scale,
            sparse=sparse,
            dense=dense,
            quantised=quantised,
            max_error=max_error,
        )

    def consolidate_tensor(self, name: str) -> Descriptor:
        """Make the latest version whole and forget the others: ``Tensors.consolidate_tensor``."""
        return self._tensors.consolidate_tensor(name)

    def history(self, name: str) -> list[Descriptor]:
        """Return the descriptors of all versions, oldest first: ``Tensors.history``."""
        return self._tensors.history(name)

    def describe(self, name: str, version: int | None = None) -> Descriptor:
        """Return the descriptor of a version, the latest by default: ``Tensors.describe``."""
        return self._tensors.describe(name, version)

    def rollback(self, name: str, version: int) -> Descriptor:
        """Make an older version the latest: ``Tensors.rollback``."""
        return self._tensors.rollback(name, version)

    def drop(self, name: str) -> None:
        """Forget a tensor and all its versions: ``Tensors.drop``."""
        self._tensors.drop(name)

    def verify(self, name: str | None = None) -> int:
        """Regrow a tensor, or all, and return how many versions are sound: ``Tensors.verify``."""
        return self._tensors.verify(name)

    def prove(self, name: str, tile: int, version: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that a tile is of a tensor: ``Tensors.prove``."""
        return self._tensors.prove(name, tile, version)
