"""Keeping patterns: between the log that makes them durable and the backend that recalls them."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import (
    DEFAULT_PRESET,
    PRESETS,
    Association,
    association_by_name,
)
from engram.associations.patterns import Patterns
from engram.backend import AssociationBackend
from engram.config import MemoryConfig
from engram.errors import StoreCorrupt, VersionMismatch
from engram.ledger import Ledger
from engram.registry import association_backend
from engram.report import AssociationsReport
from engram.store.patterns import Aged, Change, Founded, Written, decode_change, encode_change
from engram.store.records import Associate, Record
from engram.turnstile import Turnstile

__all__ = ["Keeping"]

Integers = NDArray[np.int64]

CUSTOM = "custom"  # what parameters are called that are no preset's

_PIECE_BYTES = 1 << 19  # of patterns in one record: with one large pattern more it still fits
_CHUNK = 1024  # patterns taken out of a backend at a time
_NONE = np.zeros(0, np.int64)


class Keeping:
    """The state of the associations; what users call is in ``Associations``.

    The backend is made when a pattern is first kept or asked for: until then a memory pays nothing
    for it, and what a directory holds waits as it was read.
    """

    def __init__(self, config: MemoryConfig, seed: int, ledger: Ledger) -> None:
        self._config = config
        self._seed = seed
        self._ledger = ledger
        asked = config.preset
        self._asked = association_by_name(asked) if isinstance(asked, str) else asked
        self._founded: Founded | None = None
        self._patterns = Patterns()
        self._unloaded: list[Written] = []  # what the backend is to be given when it is made
        self._backend: AssociationBackend | None = None
        self._closed = False
        # Changes are made one at a time, and many steps of one need no lock against readers.
        self._writing = threading.RLock()
        self._turnstile = Turnstile()
        self._device = ""
        self._class: type[AssociationBackend] | None = None
        if config.associations is not None:
            self._choose()

    @property
    def association(self) -> Association:
        """The parameters of the law: the directory's, or those asked for."""
        if self._founded is not None:
            return self._founded.association
        return self._asked or PRESETS[DEFAULT_PRESET]

    @property
    def width(self) -> int | None:
        """How many dimensions embeddings have; None as long as any would do."""
        return self._config.embedding_width if self._founded is None else self._founded.width

    @property
    def preset(self) -> str:
        """The name of the parameters, or ``custom``."""
        return _preset(self.association)

    @property
    def device(self) -> str:
        """The device that recalls."""
        return self._choose()[0]

    @property
    def held_words(self) -> int:
        """About how many words of log all patterns as they are now would take."""
        return 0 if self._founded is None else self._patterns.words(self._founded.width)

    def snapshot(self) -> Generator[Record, None, None]:
        """Yield all patterns as they are now, for a log that is written anew."""
        with self._turnstile.read():
            if self._founded is None:
                return
            clock = Aged(self._patterns.clock, _NONE, _NONE, _NONE)
            for change in (self._founded, clock):
                yield Associate(encode_change(change))
            for written in self._held():
                for piece in written.pieces(_PIECE_BYTES):
                    yield Associate(encode_change(piece))

    def report(self) -> AssociationsReport | None:
        """Return what was done and what is held; None before anything was remembered."""
        with self._turnstile.read():
            if self._founded is None:
                return None
            backend = self._backend
            counters = backend.counters if backend is not None else None
            return AssociationsReport(
                device=self._device or self._config.associations or self._config.device,
                preset=self.preset,
                width=self._founded.width,
                patterns=len(self._patterns),
                epochs=self._patterns.clock,
                cues=counters.cues if counters else 0,
                spikes=counters.spikes if counters else 0,
                synaptic_events=counters.synaptic_events if counters else 0,
                multiply_adds=counters.multiply_adds if counters else 0,
                ram_bytes=(
                    backend.ram_bytes
                    if backend is not None
                    else sum(written.vectors.nbytes for written in self._unloaded)
                ),
            )

    def take(self, records: Iterable[Associate], *, anew: bool = False) -> None:
        """Take in what a store holds, in place of everything if ``anew``, all of it at once.

        Raises:
            VersionMismatch: it is of another preset or width than was asked for.
            StoreCorrupt: it cannot be.
        """
        changes = [decode_change(record.words) for record in records]
        if not (changes or anew):
            return
        with self._changing(), self._turnstile.write():
            if anew:
                if self._backend is not None:
                    self._backend.clear(np.array(self._patterns.held, np.int64))
                self._patterns = Patterns()
                self._unloaded = []
            for change in changes:
                self._adopt(change)

    def close(self) -> None:
        """Let go of the backend; a second time does nothing."""
        with self._writing, self._turnstile.write():
            self._closed = True
            backend, self._backend = self._backend, None
            if backend is not None:
                backend.close()

    def _choose(self) -> tuple[str, type[AssociationBackend]]:
        """Return the device and its class, imported now if it was not yet."""
        with self._writing:
            if self._class is None:
                wanted = self._config.associations or self._config.device
                self._device, self._class = association_backend(wanted)
            return self._device, self._class

    def _ready(self, width: int) -> AssociationBackend:
        """Return the backend, made and given all patterns if it was not yet."""
        backend = self._backend
        if backend is not None and backend.width == width:
            return backend
        with self._changing():
            backend = self._backend
            if backend is not None and backend.width == width:
                return backend
            made = self._choose()[1](
                self.association, self._seed, width, threads=self._config.threads
            )
            try:
                for written in self._waiting():
                    _give(made, written)
            except BaseException:
                made.close()
                raise
            with self._turnstile.write():
                # One of another width was made for patterns that then could not be kept.
                self._backend, self._unloaded = made, []
            if backend is not None:
                backend.close()
            return made

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the one who changes something; readers go on."""
        with self._writing:
            self._check_open()
            yield

    def _change(self, changes: list[Change], apply: Callable[[], None]) -> None:
        """Make changes, which are one to the log, durable as the memory does it."""

        def applied() -> None:
            with self._turnstile.write():
                apply()

        records: list[Record] = []
        if self._ledger.durable:
            for change in changes:
                parts = change.pieces(_PIECE_BYTES) if isinstance(change, Written) else [change]
                records += [Associate(encode_change(part)) for part in parts]
        self._ledger.change(records, applied)

    def _adopt(self, change: Change) -> None:
        if isinstance(change, Founded):
            self._found(change)
        elif self._founded is None:
            raise StoreCorrupt("patterns are there before the law they follow")
        elif isinstance(change, Aged):
            # The device first: if it fails, the ids are still right.
            if self._backend is not None and len(change.forgotten):
                self._backend.clear(change.forgotten)
            self._patterns.age(change)
        else:
            if change.vectors.shape[1] != self._founded.width:
                raise StoreCorrupt(f"patterns of width {change.vectors.shape[1]} are impossible")
            if self._backend is None:
                self._unloaded.append(change)
            else:
                _give(self._backend, change)
            self._patterns.write(change)

    def _found(self, change: Founded) -> None:
        if self._founded not in (None, change):
            raise StoreCorrupt("the patterns follow two laws")
        config = self._config
        if self._asked is not None and self._asked != change.association:
            raise VersionMismatch(
                f"the patterns follow preset {_preset(change.association)}, not "
                f"{_preset(self._asked)}: {change.association}, not {self._asked}"
            )
        if config.embedding_width not in (None, change.width):
            raise VersionMismatch(
                f"the patterns have {change.width} dimensions, not {config.embedding_width}"
            )
        self._founded = change

    def _held(self) -> Iterator[Written]:
        """Yield all patterns as they are now."""
        if self._backend is None:
            strengths = self._patterns.strengths
            for written in self._waiting():
                yield written.with_strengths(strengths[written.slots])
            return
        held, patterns = self._patterns.held, self._patterns
        moved = patterns.moved
        strengths, importances = patterns.strengths, patterns.importances
        for start in range(0, len(held), _CHUNK):
            slots = held[start : start + _CHUNK]
            where = np.array(slots, np.int64)
            yield Written(
                where,
                np.stack([self._backend.vector(slot) for slot in slots]),
                importances[where],
                strengths[where],
                [patterns.id(slot) for slot in slots],
                patterns.texts(slots),
                {
                    row: self._backend.synapses(slot)
                    for row, slot in enumerate(slots)
                    if slot in moved
                },
            )

    def _waiting(self) -> Iterator[Written]:
        """Yield what waits for a backend, without what was overwritten or forgotten since."""
        free = np.ones(len(self._patterns.strengths), np.bool_)
        free[self._patterns.held] = False
        left = []
        for written in reversed(self._unloaded):
            left.append(np.flatnonzero(~free[written.slots]))
            free[written.slots] = True
        for written, rows in zip(self._unloaded, reversed(left), strict=True):
            if len(rows):
                yield written if len(rows) == len(written.slots) else written.rows(rows)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the memory must be open, not closed")


def _preset(association: Association) -> str:
    for name, parameters in PRESETS.items():
        if parameters == association:
            return name
    return CUSTOM


def _give(backend: AssociationBackend, written: Written) -> None:
    """Write patterns into a backend, those moved by gated writes synapse by synapse."""
    rows = np.array([i for i in range(len(written.slots)) if i not in written.synapses], np.int64)
    if len(rows) == len(written.slots):
        backend.write(written.slots, np.ascontiguousarray(written.vectors))
    elif len(rows):
        backend.write(written.slots[rows], written.vectors[rows])
    for row, (neurons, permanences) in written.synapses.items():
        vector = np.ascontiguousarray(written.vectors[row])
        backend.restore(int(written.slots[row]), neurons, permanences, vector)
