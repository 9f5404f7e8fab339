"""Learning: how patterns change, each change whole and durable as the memory makes it."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import LARGEST_IMPORTANCE, initial_strength
from engram.associations.consolidation import replayed_strengths, weakest
from engram.associations.keeping import Keeping
from engram.backend import AssociationBackend
from engram.errors import NotFound
from engram.store.patterns import Aged, Change, Founded, Synapses, Written

__all__ = ["Learning"]

_STRENGTHS = np.array([initial_strength(i) for i in range(LARGEST_IMPORTANCE + 1)], np.int64)


class Learning(Keeping):
    """The changes that ``Associations`` makes; whoever calls them is the only one to do so."""

    def _remember(
        self,
        backend: AssociationBackend,
        names: list[str],
        vectors: NDArray[np.int8],
        importances: NDArray[np.int64],
        texts: list[bytes],
        *,
        gated: bool,
    ) -> None:
        patterns = self._patterns
        known = [patterns.slot(name) for name in names]
        free = patterns.free_slots()
        slots = [next(free) if slot is None else slot for slot in known]
        strengths = _STRENGTHS[importances]
        synapses: dict[int, Synapses] = {}
        if gated:
            for row, slot in enumerate(known):
                if slot is not None:
                    vectors[row], synapses[row] = self._moved(backend, slot, vectors[row])
                    strengths[row] = patterns.strength(slot)
        where = np.array(slots, np.int64)
        written = Written(where, vectors, importances, strengths, names, texts, synapses)
        changes: list[Change] = [written]
        if self._founded is None:
            changes.insert(0, Founded(self.association, vectors.shape[1]))

        def apply() -> None:
            for change in changes:
                self._adopt(change)

        self._change(changes, apply)

    def _moved(
        self, backend: AssociationBackend, slot: int, vector: NDArray[np.int8]
    ) -> tuple[NDArray[np.int8], Synapses]:
        """Return what a gated write makes of a pattern, which is left as it was.

        Only the device knows, but nobody may see the result before it is durable.
        """
        with self._turnstile.write():
            before, old = backend.synapses(slot), backend.vector(slot).copy()
            backend.learn(slot, vector)
            after, new = backend.synapses(slot), backend.vector(slot).copy()
            backend.restore(slot, *before, old)
        return new, after

    def _age(self, strengths: dict[int, int], forgotten: list[int], clock: int = 0) -> None:
        """Change strengths by slot, and forget slots."""
        aged = Aged(
            clock or self._patterns.clock,
            np.array(list(strengths), np.int64),
            np.array(list(strengths.values()), np.int64),
            np.array(forgotten, np.int64),
        )
        self._change([aged], lambda: self._adopt(aged))

    def _epoch(self, share: int, pruned: list[str]) -> bool:
        """Replay all patterns once; return whether that changed nothing."""
        patterns = self._patterns
        backend = self._loaded()
        before = patterns.strengths
        with self._turnstile.read():
            wins, losses = backend.replay(patterns.clock, share, before)
        after = replayed_strengths(before, patterns.importances, wins, losses)
        changed = np.flatnonzero(after != before)
        gone = [slot for slot in changed.tolist() if not after[slot]]
        lost = [patterns.id(slot) for slot in gone]
        stronger = {slot: int(after[slot]) for slot in changed.tolist() if after[slot]}
        self._age(stronger, gone, patterns.clock + 1)
        pruned += lost
        return not len(changed)

    def _prune(self, count: int, pruned: list[str]) -> None:
        """Forget the weakest patterns."""
        patterns = self._patterns
        gone = weakest(patterns.held, patterns.strengths, patterns.importances, count)
        lost = [patterns.id(slot) for slot in gone]
        self._age({}, gone)
        pruned += lost

    def _slot_of(self, name: str) -> int:
        slot = self._patterns.slot(name)
        if slot is None:
            raise NotFound(f"no pattern has the id {name!r}")
        return slot

    def _loaded(self) -> AssociationBackend:
        assert self._founded is not None
        return self._ready(self._founded.width)
