"""Keeping tensors: between the log that makes descriptors durable and what is regrown from them."""

import hmac
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from engram.arch.pages import SPACE_WORDS
from engram.arch.tensors import REGIONS_BASE
from engram.config import MemoryConfig
from engram.errors import IntegrityError, NotFound, StoreCorrupt
from engram.ledger import Ledger
from engram.report import TensorsReport
from engram.store.records import Describe, Record
from engram.store.tensors import (
    Change,
    Dropped,
    Headed,
    Kept,
    Sealed,
    decode_changes,
    encode_change,
    pack_change,
    unpack_change,
)
from engram.tensors.cache import TensorCache
from engram.tensors.descriptors import NO_PARENT, Descriptor
from engram.tensors.drafts import Draft
from engram.tensors.merkle import MerkleTree
from engram.tensors.regions import Placed, Regions, region_words
from engram.tensors.versions import Lineage
from engram.trust.guard import Guard

__all__ = ["KeepingTensors"]

Words = NDArray[np.uint64]


class KeepingTensors:
    """The state of the tensors; what users call is in ``Tensors``.

    What a log holds is taken as it is; a tensor's versions are verified when it is first asked for.
    """

    def __init__(
        self, config: MemoryConfig, seed: int, ledger: Ledger, placed: Callable[[], None]
    ) -> None:
        """``placed`` is called when there may be regions where there were none, or the reverse."""
        self._config = config
        self._ledger = ledger
        self._guard = Guard.of(config, seed)
        self._key = self._guard.signing_key
        self._audited = self._guard.level.audits_loads
        self._placed = placed
        self._closed = False
        self._writing = threading.RLock()  # changes are made one at a time; readers go on
        # Never changed in place: whoever got a lineage has one moment of it.
        self._lineages: dict[str, Lineage] = {}
        self._sound: dict[str, Lineage] = {}  # those that were checked
        self._shown: Regions | None = Regions()  # none: to be made when next asked for
        self._moves = 0
        self._moving = threading.Lock()  # around these two
        self._top = REGIONS_BASE  # behind every region, be it of an older version
        self._trees: dict[bytes, MerkleTree] = {}
        self._cache = TensorCache(config.tensor_cache_bytes)
        self._region_words = 0

    @property
    def held_words(self) -> int:
        """About how many words of log all descriptors would take."""
        return sum(each.stored_bytes for each in list(self._lineages.values())) // 8

    def snapshot(self) -> Generator[Record, None, None]:
        """Yield all versions of all tensors, for a log that is written anew."""
        for lineage in list(self._lineages.values()):
            changes: list[Change] = [Kept(each.data) for each in lineage.descriptors]
            if lineage.head is not None:
                changes.append(lineage.head)
            for change in changes:
                yield from self._records(change)

    def take(self, pieces: Iterable[Describe], *, anew: bool = False) -> None:
        """Take in what a store holds, in place of everything if ``anew``.

        Raises:
            StoreCorrupt: it cannot be.
            VersionMismatch: it needs a codec that this version lacks.
            IntegrityError: it is sealed with another key.
        """
        lineages = {} if anew else dict(self._lineages)
        changes = [self._opened(each) for each in decode_changes(piece.words for piece in pieces)]
        if not (changes or anew):
            return
        with self._writing:
            for change in changes:
                _adopt(lineages, change)
            self._lineages = lineages
            self._reach_anew()
            self._moved()

    def report(self) -> TensorsReport | None:
        """Return what is held and what was done; None if there are no tensors."""
        lineages = [each for each in list(self._lineages.values()) if each.descriptors]
        if not lineages:
            return None
        counters = self._cache.counters
        codecs = Counter(lineage.latest.codec for lineage in lineages)
        return TensorsReport(
            tensors=len(lineages),
            versions=sum(len(lineage.descriptors) for lineage in lineages),
            codecs=dict(sorted(codecs.items())),
            nbytes=sum(lineage.latest.nbytes for lineage in lineages),
            stored_bytes=sum(lineage.stored_bytes for lineage in lineages),
            hits=counters.hits,
            misses=counters.misses,
            prefetched=counters.prefetched,
            prefetch_hits=counters.prefetch_hits,
            cache_bytes=self._cache.nbytes,
            cache_limit=self._cache.limit,
            region_words=self._region_words,
        )

    def close(self) -> None:
        """Let go of everything; a second time does nothing."""
        with self._writing:
            self._closed = True
            self._lineages, self._sound = {}, {}
            self._shown = Regions()
            self._cache.clear()
            self._trees.clear()

    def _keep(
        self, name: str, draft: Draft, base: int | None, action: str, *, alone: bool = False
    ) -> Descriptor:
        """Make a draft the next version of a tensor; ``alone``, and forget all others."""
        lineage = self._checked(name) if name in self._lineages else Lineage(name)
        words = region_words(draft.geometry.nbytes)
        before = lineage.latest if lineage.descriptors else None
        if base is not None:
            self._check_base(base, words, name)
        elif before is not None and region_words(before.nbytes) == words:
            base = before.base
        else:
            base = self._free(words)
        made = Descriptor.made(
            draft.payload,
            draft.geometry,
            key=self._key,
            name=name,
            version=lineage.following,
            codec_number=draft.codec_number,
            form=draft.form,
            root=draft.root,
            base=base,
            error=draft.error,
            largest_error=draft.largest_error,
            parent=NO_PARENT if before is None else before.digest,
        )
        first = made.version if alone or before is None else lineage.descriptors[0].version
        head = self._signed(name, first, made, made.version + 1)
        self._guard.changed(action, name, version=made.version, digest=made.digest.hex())
        self._change([Kept(made.data), head], lineage.with_version(made).with_head(head))
        return made

    def _go_back(self, lineage: Lineage, descriptor: Descriptor) -> None:
        first = lineage.descriptors[0].version
        head = self._signed(lineage.name, first, descriptor, lineage.following)
        self._guard.changed("rollback", lineage.name, version=descriptor.version)
        self._change([head], lineage.with_head(head))

    def _forget_before(self, lineage: Lineage) -> None:
        if len(lineage.descriptors) == 1:
            return
        latest = lineage.latest
        head = self._signed(lineage.name, latest.version, latest, lineage.following)
        self._guard.changed("consolidate", lineage.name, version=latest.version)
        self._change([head], lineage.with_head(head))

    def _drop(self, name: str) -> None:
        if name not in self._lineages:
            raise NotFound(f"no tensor is named {name!r}")
        self._guard.changed("drop", name)
        self._change([Dropped(name)], Lineage(name))

    def _signed(self, name: str, first: int, latest: Descriptor, following: int) -> Headed:
        head = Headed(name, first, latest.version, following, latest.digest, b"")
        mac = hmac.digest(self._key, head.signed(), "sha256")
        return Headed(name, first, latest.version, following, latest.digest, mac)

    def _change(self, changes: list[Change], lineage: Lineage) -> None:
        """Put a lineage in place of what the tensor was, durable as the memory does it."""
        name = lineage.name
        before = self._lineages.get(name)

        def applied() -> None:
            if lineage.descriptors:
                # In this order: a reader between the two finds it unchecked, and checks it.
                self._lineages[name] = lineage
                self._sound[name] = lineage
            else:
                self._lineages.pop(name, None)
                self._sound.pop(name, None)
            self._moved()

        records: list[Record] = []
        if self._ledger.durable:
            records = [record for change in changes for record in self._records(change)]
        self._ledger.change(records, applied)
        if lineage.descriptors:
            latest = lineage.latest
            self._reach(latest.base + region_words(latest.nbytes))
        kept = {each.digest for each in lineage.descriptors}
        all_before = () if before is None else before.descriptors
        gone = [each for each in all_before if each.digest not in kept]
        for each in gone:
            self._cache.forget(each.digest)
            self._trees.pop(each.digest, None)
        if any(each.base + region_words(each.nbytes) == self._top for each in gone):
            self._reach_anew()

    def _moved(self) -> None:
        with self._moving:
            self._moves += 1
            self._shown = None
        self._placed()

    def _reach(self, end: int) -> None:
        self._top = max(self._top, end)

    def _reach_anew(self) -> None:
        # From what is kept alone, so that a memory opened anew goes on with the same places.
        self._top = REGIONS_BASE
        for lineage in self._lineages.values():
            for each in lineage.descriptors:
                self._reach(each.base + region_words(each.nbytes))

    def _reserved(self) -> Regions:
        """Return the regions of all versions: one of them may become the latest again."""
        placed = {
            Placed(each.base, region_words(each.nbytes), name, None)
            for name, lineage in self._lineages.items()
            for each in lineage.descriptors
        }
        return Regions(placed)

    def _check_base(self, base: int, words: int, name: str) -> None:
        self._reserved().check(base, words, name)

    def _free(self, words: int) -> int:
        if self._top + words <= SPACE_WORDS:
            return self._top
        return self._reserved().free(words)

    def _checked(self, name: str) -> Lineage:
        """Return a tensor's versions, verified if they were not yet.

        Raises:
            NotFound: there is no such tensor.
            IntegrityError: something of it is not as it was signed.
        """
        self._check_open()
        lineage = self._lineages.get(name)
        if lineage is None:
            raise NotFound(f"no tensor is named {name!r}")
        if self._sound.get(name) is not lineage:
            self._check(lineage)
            self._sound[name] = lineage
        return lineage

    def _check(self, lineage: Lineage) -> None:
        with self._guard.trying("verify", name=lineage.name):
            lineage.check(self._key)

    def _records(self, change: Change) -> Iterator[Record]:
        """Yield a change as what the log keeps of it, sealed if that is asked for."""
        sealed = self._guard.sealed(lambda: pack_change(change))
        for words in encode_change(change if sealed is None else Sealed(sealed)):
            yield Describe(words)

    def _opened(self, change: Change) -> Change:
        if isinstance(change, Sealed):
            return unpack_change(self._guard.unsealed(change.data))
        return change

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the one who changes something; readers go on."""
        with self._writing:
            self._check_open()
            yield

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the memory must be open, not closed")


def _adopt(lineages: dict[str, Lineage], change: Change) -> None:
    """Make one change of a log; one that is there already changes nothing."""
    if isinstance(change, Dropped):
        lineages.pop(change.name, None)
        return
    if isinstance(change, Headed):
        # What is missing now may come again, or be dropped, further on; if not, it will not verify.
        lineage = lineages.get(change.name, Lineage(change.name))
        lineages[change.name] = lineage.with_head(change)
        return
    try:
        descriptor = Descriptor.from_bytes(change.data)
    except IntegrityError as error:
        raise StoreCorrupt(f"a tensor in the log cannot be read: {error}") from error
    name = descriptor.name
    lineages[name] = lineages.get(name, Lineage(name)).with_version(descriptor)
