"""Tensors: the facet of a memory that is asked by name, and regrows what it is asked for."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from numpy.typing import NDArray

from engram.errors import IntegrityError
from engram.inputs import as_address, is_integer
from engram.tensors.descriptors import Descriptor
from engram.tensors.drafts import as_name, budget_of, draft, payload_codecs
from engram.tensors.regions import region_words
from engram.tensors.regrowing import regrow, tree_of
from engram.tensors.values import as_buffer, elements_of, like_torch
from engram.tensors.versioning import VersionedTensors

__all__ = ["Tensors"]

Progress = Callable[[str, int, int], object]


class Tensors(VersionedTensors):
    """Tensors by name, kept as descriptors and regrown when they are asked for.

    Made by a memory. Any number of threads may load and store at once; a change is whole: nobody
    sees, and no crash leaves, half of one. All descriptors of all versions are held in RAM, as the
    log has them, until ``drop`` or ``consolidate_tensor`` forgets them.
    """

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
        """Keep a tensor under a name, as a new version if there is one already.

        Args:
            name: 1 to 1,024 bytes of UTF-8.
            tensor: a NumPy array or PyTorch tensor: bool, integers, float16, bfloat16, float32,
                float64 or complex, of any shape and strides.
            ratio: the most stored bytes a byte of the tensor, headers and all.
            max_error: the greatest relative error, in Frobenius norms.
            exact: every bit must come back; so it is, too, if no bound is given.
            codec: the only codec to try, or ``auto`` for the best of all.
            base: the first address of the tensor's region, a multiple of 512; a free place by
                default, and that of the version before if it has the same size.

        Returns:
            The descriptor, with the errors that were measured.

        Raises:
            TypeError, ValueError: an argument is wrong, or ``base`` is in another tensor's region.
            CannotMeet: no codec meets the bounds; the message says what could be met.
            ReadOnly, StoreFull: it cannot be kept. Nothing is stored.
        """
        as_name(name)
        self._check_open()
        self._ledger.check_writable()
        values, geometry = elements_of(tensor)
        if base is not None:
            base = as_address(base, "base")
            with self._writing:
                self._check_base(base, region_words(geometry.nbytes), name)
        budget = budget_of(name, geometry, ratio, max_error, exact)
        made = draft(values, geometry, budget, payload_codecs(codec))
        with self._changing():
            return self._keep(name, made, base, "store")

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
        """Keep several tensors, encoded by several threads; each as ``store`` does it.

        Args:
            threads: how many; one a core by default.
            progress: called with the name, the number done and the number of all, in the caller's
                thread, when a tensor is stored.

        Raises:
            What ``store`` raises, for the first that fails; what was stored by then stays.
        """
        if not isinstance(tensors, Mapping):
            raise TypeError(f"tensors must be a mapping of names, not {type(tensors).__name__}")
        if threads is not None and (not is_integer(threads) or int(threads) < 1):
            raise ValueError(f"threads must be a positive integer, not {threads!r}")
        for name in tensors:
            as_name(name)
        stored: dict[str, Descriptor] = {}
        count = int(threads or self._config.threads or os.cpu_count() or 1)

        def one(name: str) -> Descriptor:
            return self.store(
                name, tensors[name], ratio=ratio, max_error=max_error, exact=exact, codec=codec
            )

        with ThreadPoolExecutor(min(count, len(tensors) or 1), "engram-store") as pool:
            futures = {pool.submit(one, name): name for name in tensors}
            try:
                for done in as_completed(futures):
                    stored[futures[done]] = done.result()
                    if progress is not None:
                        progress(futures[done], len(stored), len(tensors))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return {name: stored[name] for name in tensors}

    def load(
        self,
        name: str,
        version: int | None = None,
        *,
        out: Any = None,
        like: str | None = None,
    ) -> Any:
        """Return a tensor, regrown or from the cache; the same bits on every machine.

        Args:
            version: an older version, by its number.
            out: a buffer of the tensor's shape and dtype to fill instead; it is returned.
            like: ``torch`` for a PyTorch tensor, of its own memory.

        Returns:
            A read-only array that the cache may hold, too. bfloat16 comes as ml_dtypes' type if
            that package is installed, else as uint16 bits; ``like="torch"`` has it as such.

        Raises:
            NotFound: there is no such tensor, or version.
            IntegrityError: something of it is not as it was signed. Nothing of it was decoded.
            TypeError, ValueError: the buffer does not fit.
        """
        if version is None and out is None and like is None:
            lineage = self._lineages.get(name)
            if lineage is not None and self._sound.get(name) is lineage:
                if self._audited:
                    self._guard.loaded(name, lineage.latest.version)
                array = self._cache.get(lineage.digest)
                if array is None:
                    array = self._whole(lineage, lineage.latest)
                self._prefetcher.seen(name)
                return array
        lineage, descriptor = self._found(name, version)
        if like not in (None, "numpy", "torch"):
            raise ValueError(f"like must be 'numpy' or 'torch', not {like!r}")
        if self._audited:
            self._guard.loaded(name, descriptor.version)
        if out is None:
            array = self._whole(lineage, descriptor)
            if version is None:
                self._prefetcher.seen(name)
            if like == "torch":
                return like_torch(array, descriptor.geometry.kind)
            return array
        if like is not None:
            raise TypeError("like goes without out")
        geometry = descriptor.geometry
        flat = as_buffer(out, geometry)
        held = self._cache.get(descriptor.digest)
        if held is not None:
            flat[:] = held.reshape(-1).view(geometry.kind.bits)
        else:
            regrow(self._verified(lineage, descriptor), 0, geometry.size, flat)
            self._guard.check(descriptor, flat)
        return out

    def load_tile(self, name: str, tile: int, version: int | None = None) -> NDArray[Any]:
        """Return one tile, 65,536 elements in C order or the rest of them, read-only.

        It costs about a tile, not the whole tensor, as far as the codec can.

        Raises:
            ValueError: there is no such tile.
            NotFound, IntegrityError: as ``load`` does.
        """
        lineage, descriptor = self._found(name, version)
        number = _as_tile(tile, descriptor)
        if self._audited:
            self._guard.loaded(name, descriptor.version)
        return self._tile(lineage, descriptor, number)

    def verify(self, name: str | None = None) -> int:
        """Regrow a tensor, or all, in all versions, and return how many were found as signed.

        Raises:
            NotFound: there is no such tensor.
            IntegrityError: one is not what was stored; the message names it.
        """
        names = self.names() if name is None else [as_name(name)]
        count = 0
        for each in names:
            lineage = self._lineages.get(each)
            if lineage is None and name is None:
                continue  # dropped meanwhile
            lineage = self._found(each, None)[0]
            self._check(lineage)
            for descriptor in lineage.descriptors:
                flat = self._regrown(lineage, descriptor)
                if tree_of(flat).root != descriptor.root:
                    raise IntegrityError(
                        f"version {descriptor.version} of tensor {each!r} regrows as something else"
                    )
                count += 1
        return count

    def prove(self, name: str, tile: int, version: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that a tile is of a tensor, for ``Descriptor.verify_tile``.

        The first of a version regrows it; later ones are looked up.
        """
        lineage, descriptor = self._found(name, version)
        number = _as_tile(tile, descriptor)
        return self._tree(lineage, descriptor).proof(number)

    def names(self) -> list[str]:
        """Return the names of all tensors, sorted."""
        return sorted(self._lineages)

    def __contains__(self, name: object) -> bool:
        return name in self._lineages

    def __len__(self) -> int:
        return len(self._lineages)


def _as_tile(tile: object, descriptor: Descriptor) -> int:
    if not is_integer(tile):
        raise TypeError(f"tile must be an integer, not {tile!r}")
    number, tiles = tile.__index__(), descriptor.geometry.tiles
    if not 0 <= number < tiles:
        raise ValueError(f"tile must be in 0..{tiles - 1}, not {number!r}")
    return number
