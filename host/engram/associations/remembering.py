"""Remembering: what a memory offers by content, in the same words as its associations."""

from collections.abc import Sequence
from typing import Any

from engram.associations.facet import Associations
from engram.associations.patterns import Consolidation

__all__ = ["Remembering"]


class Remembering:
    """Short ways to ``associations``, where each method is explained."""

    _associations: Associations

    @property
    def associations(self) -> Associations:
        """The patterns of this memory: how many, which, and everything one can do with them."""
        return self._associations

    def remember(
        self,
        ids: str | Sequence[str],
        embeddings: Any,
        *,
        importance: Any = 0.5,
        metadata: Any = None,
        gated: bool = False,
    ) -> None:
        """Keep one embedding under an id, or several under several: ``Associations.remember``."""
        self._associations.remember(
            ids, embeddings, importance=importance, metadata=metadata, gated=gated
        )

    def recall(
        self, cue: Any = None, k: int = 1, threshold: float | None = None, *, code: Any = None
    ) -> Any:
        """Return the patterns nearest to a cue, best first: ``Associations.recall``."""
        return self._associations.recall(cue, k, threshold, code=code)

    def complete(self, cue: Any = None, *, code: Any = None) -> Any:
        """Let a cue settle into a stored pattern: ``Associations.complete``."""
        return self._associations.complete(cue, code=code)

    def forget(self, ids: str | Sequence[str]) -> None:
        """Forget patterns: ``Associations.forget``."""
        self._associations.forget(ids)

    def consolidate(
        self, overlap: float = 0.7, epochs: int = 64, keep: int | None = None
    ) -> Consolidation:
        """Replay patterns until nothing changes: ``Associations.consolidate``."""
        return self._associations.consolidate(overlap, epochs, keep)
