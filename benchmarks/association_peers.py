"""Other people's indexes behind one face; one that is not installed says so in its row."""

import os
import tempfile
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.numpy_associations import quantise

__all__ = ["PEERS", "FaissFlat", "FaissHnsw", "FaissIvf", "MissingPeer", "Peer", "Usearch"]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# Neighbours a node of a graph has; both libraries count twice as many in its lowest layer.
_LINKS = 32
_BUILD_WIDTH = 80


class MissingPeer(Exception):
    """A peer that cannot be had here, and why."""


class Peer(ABC):
    """An index of embeddings of norm 1; ``breadth`` is how widely an approximate one searches."""

    name = ""
    breadths: tuple[int, ...] = (0,)

    @abstractmethod
    def build(self, x: Floats, threads: int) -> None:
        """Hold embeddings; their row numbers are their ids."""

    @abstractmethod
    def search(self, cues: Floats, count: int, breadth: int, threads: int) -> Integers:
        """Return the ids of the nearest embeddings, (cues, count)."""

    @property
    @abstractmethod
    def stored_bytes(self) -> int:
        """How many bytes the index takes when it is serialised."""


class NumpyCosine(Peer):
    """Exact cosine in float32 by a matrix product (BLAS threads are set outside)."""

    name = "NumPy, exact cosine"

    def build(self, x: Floats, threads: int) -> None:
        self._x = x

    def search(self, cues: Floats, count: int, breadth: int, threads: int) -> Integers:
        cosines = cues @ self._x.T
        return _top(cosines, count)

    @property
    def stored_bytes(self) -> int:
        return self._x.nbytes


class Int8Scan(Peer):
    """Exact cosine of int8 embeddings; NumPy has no int8 product, so BLAS gets float32 copies."""

    name = "NumPy, int8 cosine"

    def build(self, x: Floats, threads: int) -> None:
        self._small = quantise(x)
        wide = self._small.astype(np.float32)
        self._unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)

    def search(self, cues: Floats, count: int, breadth: int, threads: int) -> Integers:
        return _top(quantise(cues).astype(np.float32) @ self._unit.T, count)

    @property
    def stored_bytes(self) -> int:
        return self._small.nbytes  # what it has to keep; the copies are NumPy's shortcoming


class _Faiss(Peer):
    def __init__(self) -> None:
        try:
            import faiss
        except ImportError as error:
            raise MissingPeer(f"{self.name}: pip install faiss-cpu ({error})") from error
        self._faiss: Any = faiss
        self._index: Any = None

    def search(self, cues: Floats, count: int, breadth: int, threads: int) -> Integers:
        self._faiss.omp_set_num_threads(threads)
        self._widen(breadth)
        found: Integers = self._index.search(cues, count)[1]
        return found

    def _widen(self, breadth: int) -> None:
        """Set how widely to search; a flat index always searches everything."""

    @property
    def stored_bytes(self) -> int:
        return int(self._faiss.serialize_index(self._index).nbytes)


class FaissFlat(_Faiss):
    """FAISS flat: every inner product."""

    name = "FAISS flat"

    def build(self, x: Floats, threads: int) -> None:
        self._faiss.omp_set_num_threads(threads)
        self._index = self._faiss.IndexFlatIP(x.shape[1])
        self._index.add(x)


class FaissIvf(_Faiss):
    """FAISS IVF: 4 * sqrt(n) lists, of which ``breadth`` are searched."""

    name = "FAISS IVF"
    breadths = (8, 64)

    def build(self, x: Floats, threads: int) -> None:
        self._faiss.omp_set_num_threads(threads)
        faiss, (count, width) = self._faiss, x.shape
        # 40 embeddings a list to train on: FAISS warns below 39.
        lists = min(int(4 * count**0.5), count // 40)
        self._coarse = faiss.IndexFlatIP(width)
        index = faiss.IndexIVFFlat(self._coarse, width, lists, faiss.METRIC_INNER_PRODUCT)
        index.train(x[: 40 * lists])
        index.add(x)
        self._index = index

    def _widen(self, breadth: int) -> None:
        self._index.nprobe = breadth


class FaissHnsw(_Faiss):
    """FAISS HNSW: a graph, of which ``breadth`` candidates are followed."""

    name = "FAISS HNSW"
    breadths = (32, 128, 512)

    def build(self, x: Floats, threads: int) -> None:
        self._faiss.omp_set_num_threads(threads)
        inner = self._faiss.METRIC_INNER_PRODUCT
        self._index = self._faiss.IndexHNSWFlat(x.shape[1], _LINKS, inner)
        self._index.hnsw.efConstruction = _BUILD_WIDTH
        self._index.add(x)

    def _widen(self, breadth: int) -> None:
        self._index.hnsw.efSearch = breadth


class Usearch(Peer):
    """USearch: a graph over float32 or int8 scalars."""

    breadths = (32, 128, 512)

    def __init__(self, scalar: str) -> None:
        try:
            import usearch.index
        except ImportError as error:
            raise MissingPeer(f"{self.name}: pip install usearch ({error})") from error
        self.name = f"USearch {scalar}"
        self._scalar = scalar
        self._library: Any = usearch.index
        self._index: Any = None

    def build(self, x: Floats, threads: int) -> None:
        self._index = self._library.Index(
            ndim=x.shape[1],
            metric="cos",
            dtype=self._scalar,
            connectivity=_LINKS,
            expansion_add=_BUILD_WIDTH,
        )
        self._index.add(np.arange(len(x)), x, threads=threads)

    def search(self, cues: Floats, count: int, breadth: int, threads: int) -> Integers:
        self._index.expansion_search = breadth
        matches = self._index.search(cues, count, threads=threads)
        return np.asarray(matches.keys, np.int64).reshape(len(cues), -1)

    @property
    def stored_bytes(self) -> int:
        handle, path = tempfile.mkstemp(suffix=".usearch")
        os.close(handle)
        try:
            self._index.save(path)
            return os.path.getsize(path)
        finally:
            os.unlink(path)


PEERS = (
    NumpyCosine,
    Int8Scan,
    FaissFlat,
    FaissIvf,
    FaissHnsw,
    lambda: Usearch("f32"),
    lambda: Usearch("i8"),
)


def _top(values: Floats, count: int) -> Integers:
    if count == 1:
        return values.argmax(1)[:, None]
    found = np.argpartition(-values, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(-values, found, 1), axis=1)
    return np.take_along_axis(found, order, 1)
