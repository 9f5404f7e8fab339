"""Keeps circuits at what the patterns are now: by messages, or by making them again."""

from collections.abc import Callable, Iterable

import numpy as np

from lava_procs.circuits import Circuit, Circuits, Synapses
from lava_procs.patterns import PatternRows
from lava_procs.synapses import row_message

__all__ = ["Upkeep"]


class Upkeep:
    """Circuits by name, made when first needed, that know the patterns when they are asked.

    A written row reaches an event-driven circuit as a message, before its next query; the circuit
    is made again only if places moved, or if so much was written that this is cheaper. A network
    of standard processes has fixed weights and is made again after any change.
    """

    def __init__(self, circuits: Circuits, rows: PatternRows) -> None:
        self._circuits = circuits
        self._rows = rows
        self._layout = rows.layout
        self._makers: dict[str, Callable[[Synapses], Circuit]] = {
            "race": circuits.race,
            "code_race": circuits.code_race,
            "speech": circuits.speech,
            "completion": circuits.completion,
            "consolidation": circuits.consolidation,
        }
        self._made: dict[str, Circuit] = {}
        self._changed: dict[str, set[int]] = {}  # slots that a circuit does not know yet

    def encoding(self) -> Circuit:
        """Return the circuit that encodes."""
        if "encoding" not in self._made:
            self._made["encoding"] = self._circuits.encoding()
        return self._made["encoding"]

    def learning(self) -> Circuit:
        """Return the circuit that learns; every slot it is asked for must have a place."""
        self._follow()
        if "learning" not in self._made:
            self._made["learning"] = self._circuits.learning(self._rows.permanences())
        return self._made["learning"]

    def patterns(self, name: str) -> tuple[Circuit, int]:
        """Return a circuit of pattern neurons, at what they are now, and how many it has."""
        if self._circuits.network:
            self._rows.compact()
        self._follow()
        if self._circuits.network:
            if self._changed.get(name):
                self._drop(name)
            places = max(1, len(self._rows.slots))
        else:
            places = self._rows.capacity
            if len(self._changed.get(name, ())) > places // 4:
                self._drop(name)
        if name not in self._made:
            self._made[name] = self._makers[name](self._rows.synapses(places))
            self._changed[name] = set()
        self._tell(name)
        return self._made[name], places

    def change(self, slots: Iterable[int]) -> None:
        """Note that rows of these slots are no longer what circuits know."""
        for changed in self._changed.values():
            changed.update(slots)

    def stop(self) -> None:
        """End all circuits."""
        for name in list(self._made):
            self._drop(name)

    def _follow(self) -> None:
        """Drop what numbers patterns by places that have moved."""
        if self._layout != self._rows.layout:
            self._layout = self._rows.layout
            for name in list(self._made):
                if name != "encoding":
                    self._drop(name)

    def _tell(self, name: str) -> None:
        slots = sorted(self._changed[name])
        if slots:
            messages = [
                row_message(
                    self._rows.place(slot),
                    slot in self._rows,
                    self._rows.conducting(slot),
                    self._rows.neurons,
                )
                for slot in slots
            ]
            self._made[name].tell(rows=np.pad(messages, ((0, 0), (1, 0))))
            self._changed[name] = set()

    def _drop(self, name: str) -> None:
        self._changed.pop(name, None)
        self._made.pop(name).stop()
