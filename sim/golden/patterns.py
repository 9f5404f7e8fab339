"""The patterns of an associative memory: permanences, embeddings, and what a cue makes of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engram.arch.associations import (
    CONNECTED,
    DEPRESSION,
    FIRST_PERMANENCE,
    LARGEST_PERMANENCE,
    POTENTIATION,
    VECTOR_SHIFT,
)

__all__ = ["Pattern", "Patterns"]


@dataclass
class Pattern:
    """One pattern neuron: the permanence of each of its synapses above 0, and its embedding."""

    permanences: dict[int, int] = field(default_factory=dict)
    vector: list[int] = field(default_factory=list)

    @property
    def row(self) -> list[int]:
        """The neurons whose synapses conduct, ascending."""
        return sorted(i for i, value in self.permanences.items() if value >= CONNECTED)

    @property
    def square(self) -> int:
        """The squared norm of the embedding."""
        return sum(x * x for x in self.vector)

    @classmethod
    def written(cls, code: Iterable[int], vector: Sequence[int]) -> "Pattern":
        """Return a pattern written in one shot."""
        return cls(dict.fromkeys(code, FIRST_PERMANENCE), list(vector))

    def learn(self, code: Iterable[int], vector: Sequence[int]) -> None:
        """Write with a plateau: synapses of active neurons grow, the others shrink."""
        active = set(code)
        for i in active:
            grown = self.permanences.get(i, 0) + POTENTIATION
            self.permanences[i] = min(LARGEST_PERMANENCE, grown)
        for i in list(self.permanences):
            if i not in active:
                self.permanences[i] -= DEPRESSION
                if self.permanences[i] <= 0:
                    del self.permanences[i]
        half = 1 << VECTOR_SHIFT - 1
        self.vector = [
            old + (new - old + half >> VECTOR_SHIFT)
            for old, new in zip(self.vector, vector, strict=True)
        ]


class Patterns(dict[int, Pattern]):
    """Patterns by slot."""

    def potentials(self, cue: Mapping[int, int]) -> dict[int, int]:
        """Return what each pattern neuron integrates of a cue's spikes."""
        return {
            slot: sum(cue.get(neuron, 0) for neuron in pattern.row)
            for slot, pattern in self.items()
        }
