"""Memory: the one API, from opening to closing."""

import mmap
import os
import threading
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from engram.arch.laws import DEFAULT_LAW, LAWS, Law, law_by_name
from engram.arch.seeds import derive_seed
from engram.associations.facet import Associations
from engram.associations.remembering import Remembering
from engram.backend import Counters
from engram.config import MemoryConfig
from engram.errors import NotFound, VersionMismatch
from engram.inputs import as_address
from engram.ledger import Ledger
from engram.registry import space_backend
from engram.report import Report
from engram.space import Space
from engram.store.state import Identity, SpaceEntry
from engram.store.store import Store
from engram.tensors.facet import Tensors
from engram.tensors.storing import Storing
from engram.tensors.synthesis import Synthesis

__all__ = ["Memory", "open"]

_ROOT = 0
_LONGEST_NAME = 255  # bytes of UTF-8


def open(
    path: str | os.PathLike[str] | None = None,
    *,
    config: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> "Memory":
    """Open a memory: in RAM without a path, else kept in that directory.

    Args:
        path: the directory; created if it is absent.
        config: a YAML file of settings.
        settings: fields of ``MemoryConfig``: seed, law, device, durability, read_only, preset ...

    Raises:
        VersionMismatch: the directory was created with another seed or law, or its patterns with
            another preset or width.
        StoreBusy: somebody else writes the directory.
        StoreCorrupt: what is in it does not verify.
        DeviceUnavailable: the named device cannot be had here.
    """
    return Memory(MemoryConfig.load(path, config=config, **settings))


class Memory(Space, Remembering, Storing):
    """An address space of 2**64 generated words that can be written over, kept if it has a path.

    The memory itself is a space; ``spaces`` gives more, each with words of its own. Beside the
    words it keeps patterns, which are recalled by content: ``associations``, and tensors, which
    are loaded by name and show in regions of the memory's own words. Use it as a context manager,
    or ``close`` it: closing flushes.
    """

    def __init__(self, config: MemoryConfig | None = None) -> None:
        self.config = config or MemoryConfig()
        self._closed = False
        asked = law_by_name(self.config.law) if self.config.law is not None else None
        self._device, self._backend_class = space_backend(self.config.space or self.config.device)
        self._store: Store | None = None
        if self.config.path is not None:
            self._store = self._open_store(asked)
            identity = self._store.identity
            seed, law = identity.seed, LAWS[identity.law]
        else:
            seed, law = self.config.seed or 0, asked or LAWS[DEFAULT_LAW]
        self._spaces: dict[str, Space] = {}
        self._naming = threading.Lock()
        ledger = Ledger(
            self._store,
            at_return=self.config.durability == "return",
            read_only=self.config.read_only,
        )
        try:
            root = self._backend_class(law, seed, threads=self.config.threads)
            ledger.backends[_ROOT] = root
            self._associations = Associations(self.config, seed, ledger)
            self._tensors = Tensors(self.config, seed, ledger, self._show_regions)
            ledger.facets = [self._associations, self._tensors]
            self._regions = Synthesis(self._tensors, ledger)
            super().__init__(root, ledger, number=_ROOT, name="", quota=self.config.quota)
            if self._store is not None:
                # In this order: a writer beside us may add a space and write to it at any time.
                records = self._store.replay()
                self._adopt_spaces()
                changes, pieces = ledger.replay(records)
                self._associations.take(changes)
                self._tensors.take(pieces)
                for space in (self, *self._spaces.values()):
                    space._count_from(Counters())
        except BaseException:
            self._closed = True
            if self._store is not None:
                self._store.close()
            raise

    @property
    def device(self) -> str:
        """The device its address space runs on."""
        return self._device

    @property
    def path(self) -> str | None:
        """The directory that keeps it, or None."""
        return self.config.path

    def spaces(self, name: str, *, quota: int | None = None) -> Space:
        """Return the space of a name, made at first use; another seed, so other words.

        Args:
            name: any text of 1 to 255 bytes in UTF-8.
            quota: the most words it may hold written; recorded when the space is made, and refused
                afterwards unless it is the same.

        Raises:
            QuotaExceeded: by a later write that would pass the quota; nothing of it is written.
        """
        self._check_open()
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, not {name!r}")
        try:
            length = len(name.encode())
        except UnicodeEncodeError:
            raise ValueError(f"name must be text that UTF-8 can encode, not {name!r}") from None
        if not 1 <= length <= _LONGEST_NAME or "\0" in name:
            raise ValueError(f"name must be 1 to {_LONGEST_NAME} bytes without zeros, not {name!r}")
        if quota is not None:
            quota = as_address(quota, "quota")
        # Two threads that ask for a new name must get one space.
        with self._naming:
            return self._space_of(name, quota)

    def space_names(self) -> list[str]:
        """Return the names of all spaces but the memory's own."""
        return sorted(self._spaces)

    def flush(self) -> None:
        """Return when every write made before the call is durable.

        Raises:
            StoreFull: disk or size limit exhausted; what was written stays readable and waits for
                the next flush.
        """
        self._check_open()
        self._ledger.flush()

    def refresh(self) -> None:
        """Take in what the writer made durable since; for a memory opened ``read_only``."""
        self._check_open()
        if self._store is None or not self.config.read_only:
            raise ValueError("refresh must be called on a memory opened with read_only=True")
        with self._naming:
            anew, records = self._store.refresh()
            self._adopt_spaces()
            spaces = (self, *self._spaces.values())
            counts = [space._counts() for space in spaces]
            if anew:
                # Whoever reads meanwhile goes on with what there was until all is there again.
                fresh = {
                    space._number: self._backend_class(space.law, space.seed, threads=self._threads)
                    for space in spaces
                }
                changes, pieces = self._ledger.replay(records, fresh)
                for space in spaces:
                    space._exchange(fresh[space._number])
            else:
                changes, pieces = self._ledger.replay(records)
            self._associations.take(changes, anew=anew)
            self._tensors.take(pieces, anew=anew)
            for space, before in zip(spaces, counts, strict=True):
                space._count_from(before)

    def compact(self) -> None:
        """Rewrite the directory as what is written now, and give the rest of its space back."""
        self._check_open()
        if self._store is None:
            raise ValueError("compact must be called on a memory with a path")
        self._ledger.flush()
        self._ledger.compact()
        self._store.shrink()

    def report(self) -> Report:
        """Return what was read, hit and generated, what is held, and the bytes it takes."""
        self._check_open()
        spaces = tuple(space._report() for space in (self, *self._spaces.values()))
        patterns = self._associations.report()
        tensors = self._tensors.report()
        return Report(
            device=self._device,
            path=self.config.path,
            durability=self.config.durability,
            spaces=spaces,
            associations=patterns,
            tensors=tensors,
            ram_bytes=sum(space.ram_bytes for space in spaces)
            + (patterns.ram_bytes if patterns else 0)
            + (tensors.ram_bytes if tensors else 0),
            disk_bytes=self._store.disk_bytes if self._store else 0,
            log_words=self._store.log_words if self._store else 0,
        )

    def close(self, *, discard: bool = False) -> None:
        """Flush and let go of everything; calling it again does nothing.

        Args:
            discard: give up the changes that are not durable yet instead of flushing them.

        Raises:
            StoreFull: the last writes could not be made durable; the memory stays open.
        """
        if self._closed:
            return
        if not discard:
            self._ledger.flush()
        self._closed = True
        if self._store is not None:
            self._store.close()
        self._associations.close()
        self._tensors.close()
        for space in (self, *self._spaces.values()):
            space._backend.close()
            space._exchange(None)

    def __enter__(self) -> "Memory":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        store = getattr(self, "_store", None)
        if store is not None and not self._closed:
            self._closed = True
            store.close()
            warnings.warn(
                f"the memory in {self.config.path} was dropped without close(): what was written "
                "since its last flush is lost",
                ResourceWarning,
                stacklevel=2,
            )

    def __iter__(self) -> Iterator[int]:
        raise TypeError("a memory of 2**64 words must be read in ranges, not iterated over")

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.written_words} words written"
        place = repr(self.config.path) if self.config.path else "RAM"
        return f"<Memory in {place} on {self._device}, seed {self.seed:#x}, {state}>"

    @property
    def _threads(self) -> int | None:
        return self.config.threads

    def _open_store(self, law: Law | None) -> Store:
        """Open the directory; what the caller leaves open of seed and law is the directory's."""
        config = self.config
        assert config.path is not None
        map_bytes = config.store_bytes // mmap.PAGESIZE * mmap.PAGESIZE
        try:
            store = Store.open(config.path, read_only=config.read_only, map_bytes=map_bytes)
        except NotFound:
            if config.read_only:
                raise
            identity = Identity(config.seed or 0, law.number if law else DEFAULT_LAW)
            return Store.open(config.path, identity=identity, map_bytes=map_bytes)
        identity = store.identity
        seed_differs = config.seed not in (None, identity.seed)
        if seed_differs or (law is not None and law.number != identity.law):
            store.close()
            what = f"seed {config.seed}" if seed_differs else f"law {law.number}" if law else ""
            raise VersionMismatch(
                f"{config.path} was created with seed {identity.seed} and law {identity.law}, "
                f"not with {what}"
            )
        if identity.law not in LAWS:
            store.close()
            raise VersionMismatch(
                f"{config.path} was created with law {identity.law}, which this version lacks"
            )
        return store

    def _adopt_spaces(self) -> None:
        """Add the spaces the directory names and this memory does not have yet."""
        assert self._store is not None
        for entry in sorted(self._store.spaces(), key=lambda entry: entry.id):
            if entry.name not in self._spaces:
                self._add_space(entry)

    def _space_of(self, name: str, quota: int | None) -> Space:
        if name in self._spaces:
            space = self._spaces[name]
            if quota is not None and quota != space.quota:
                raise ValueError(
                    f"quota of space {name!r} must stay {space.quota!r}, not {quota!r}"
                )
            return space
        if self.config.read_only:
            raise NotFound(f"no space is named {name!r}, and the memory is open for reading only")
        seed = derive_seed(self.seed, name)
        for other in (self, *self._spaces.values()):
            if other.seed == seed:
                raise ValueError(f"name {name!r} must be another: its seed is {other.name!r}'s")
        entry = SpaceEntry(len(self._spaces) + 1, name, seed, quota)
        if self._store is not None:
            self._store.put_space(entry)
        return self._add_space(entry)

    def _add_space(self, entry: SpaceEntry) -> Space:
        backend = self._backend_class(self.law, entry.seed, threads=self._threads)
        self._ledger.backends[entry.id] = backend
        space = Space(backend, self._ledger, number=entry.id, name=entry.name, quota=entry.quota)
        self._spaces[entry.name] = space
        return space

    def _show_regions(self) -> None:
        """Read by way of the regions as long as there are any: without them it costs nothing."""
        self._synthesise(self._regions if len(self._tensors) else None)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the memory must be open, not closed")
