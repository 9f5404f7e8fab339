"""The associative memory on nengo-loihi's emulator, with the calls of ``SpikingMemory``."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_procs.nengo_network import CoreNetwork
from lava_procs.selection import Projection, cue_spikes, highest
from lava_procs.synapses import loudness

__all__ = ["NengoMemory"]

# Permanences, and how many winners speak for how many steps: as the law has them.
_CONNECTED, _FIRST, _LARGEST = 8, 12, 15
_POTENTIATION, _DEPRESSION = 4, 1
_WINNERS, _STEPS = 8, 8

Integers = NDArray[np.int64]
Answer = tuple[Integers, Integers]


class NengoMemory:
    """Patterns by slot, whose races run on emulated cores of a Loihi 1.

    It lives beside the Lava processes since nengo-loihi, too, needs their Python and their NumPy,
    and a worker serves either. That chip has no graded spikes, so what comes before and after a
    race, encoding, learning and the voices of completion, is the host's work: NumPy, here. Cores
    are built again, by the first race after a write.
    """

    def __init__(
        self,
        *,
        neurons: int,
        sources: NDArray[np.int32],
        signs: NDArray[np.int8],
        winners: int,
        spikes: int,
        signed: bool,
        levels: int,
        ramp: int,
        width: int,
    ) -> None:
        self._neurons = neurons
        self._winners = winners
        self._spikes = spikes
        self._signed = signed
        self._levels = levels
        self._ramp = ramp
        self._projection = Projection(sources, signs, width)
        self._permanences: dict[int, NDArray[np.uint8]] = {}
        self._network: CoreNetwork | None = None
        self._order = np.zeros(0, np.int64)
        self._rows: list[NDArray[np.intp]] = []
        self._fan_out = np.zeros(neurons, np.int64)
        self.counters = {"cues": 0, "spikes": 0, "synaptic_events": 0}

    def encode(self, vectors: NDArray[np.int8]) -> NDArray[np.uint16]:
        """Return codes, (n, k), ascending."""
        codes = [highest(self._projection.sums(vector), self._winners) for vector in vectors]
        return np.array(codes, np.uint16).reshape(len(vectors), self._winners)

    def write(self, slots: Integers, vectors: NDArray[np.int8]) -> None:
        """Write patterns in one shot."""
        for slot, code in zip(slots.tolist(), self.encode(vectors), strict=True):
            self._permanences[slot] = np.zeros(self._neurons, np.uint8)
            self._permanences[slot][code] = _FIRST
        self._network = None

    def learn(self, slot: int, vector: NDArray[np.int8]) -> None:
        """Write with a plateau: synapses of active neurons grow, the others shrink."""
        grown = self._permanences[slot].astype(np.int64) - _DEPRESSION
        grown[self.encode(vector[None])[0]] += _DEPRESSION + _POTENTIATION
        self._permanences[slot] = grown.clip(0, _LARGEST).astype(np.uint8)
        self._network = None

    def clear(self, slots: Integers) -> None:
        """Forget patterns; a slot that holds none is passed over."""
        for slot in slots.tolist():
            self._permanences.pop(slot, None)
        self._network = None

    def synapses(self, slot: int) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Return neurons of permanence above 0, ascending, and their permanences."""
        neurons = np.flatnonzero(self._permanences[slot])
        return neurons.astype(np.uint16), self._permanences[slot][neurons]

    def restore(
        self, slot: int, neurons: NDArray[np.uint16], permanences: NDArray[np.uint8]
    ) -> None:
        """Put back a pattern as ``synapses`` gave it."""
        self._permanences[slot] = np.zeros(self._neurons, np.uint8)
        self._permanences[slot][neurons] = permanences
        self._network = None

    def race(self, vectors: NDArray[np.int8], count: int) -> Answer:
        """Return the first ``count`` slots to fire for each embedding, and when; -1 where none."""
        threshold = self._winners * self._levels
        cues = [
            cue_spikes(self._projection.sums(vector), self._spikes, self._signed, self._levels)
            for vector in vectors
        ]
        return _stacked([self._race(cue, threshold, self._ramp, count) for cue in cues], count)

    def race_codes(self, codes: NDArray[np.uint16], count: int) -> Answer:
        """Return the same for codes, (n, any)."""
        return _stacked([self._race_code(code, count) for code in codes], count)

    def settle(
        self, codes: NDArray[np.uint16], steps_done: int = 0
    ) -> tuple[NDArray[np.uint16], Integers, Integers, NDArray[np.bool_]]:
        """Let codes settle; return them, their winners, the steps, and whether they converged."""
        settled = [self._settle(code, steps_done) for code in codes]
        return (
            np.array([code for code, _, _, _ in settled], np.uint16).reshape(codes.shape),
            np.array([slot for _, slot, _, _ in settled], np.int64),
            np.array([steps for _, _, steps, _ in settled], np.int64),
            np.array([converged for _, _, _, converged in settled], np.bool_),
        )

    def speak(self, slots: Integers, deficits: Integers) -> NDArray[np.uint16]:
        """Return the code that winners speak for."""
        sums = np.zeros(self._neurons, np.int64)
        for slot, weight in zip(slots.tolist(), loudness(deficits).tolist(), strict=True):
            sums[self._permanences[slot] >= _CONNECTED] += weight
        return highest(sums, self._winners).astype(np.uint16)

    def replay(
        self, cues: Sequence[NDArray[np.uint16]], overlap: int, strengths: Integers
    ) -> Answer:
        """Return wins and losses of slots; cue ``i`` is that of the ``i``-th occupied one."""
        wins, losses = np.zeros_like(strengths), np.zeros_like(strengths)
        for cue in cues:
            attractor = int(self._race_code(cue, 1)[0][0])
            row = np.flatnonzero(self._permanences[attractor] >= _CONNECTED)
            shared = np.array([np.isin(other, row).sum() for other in self._rows])
            group = self._order[shared >= (overlap * len(row) >> 8)]
            strongest = group[np.argmax(strengths[group])]
            wins[strongest] += 1
            losses[group[group != strongest]] += 1
        return wins, losses

    def reset(self) -> None:
        """Forget everything."""
        self._permanences.clear()
        self._network = None

    def stop(self) -> None:
        """Give up the cores."""
        self._network = None

    @property
    def network(self) -> CoreNetwork:
        """The cores as they are now, built if a write came in between."""
        if self._network is None:
            self._order = np.array(sorted(self._permanences), np.int64)
            self._rows = [
                np.flatnonzero(self._permanences[slot] >= _CONNECTED)
                for slot in self._order.tolist()
            ]
            joined = np.concatenate([np.zeros(0, np.intp), *self._rows])
            self._fan_out = np.bincount(joined, minlength=self._neurons)
            self._network = CoreNetwork(
                self._rows, neurons=self._neurons, signed=self._signed, levels=self._levels
            )
        return self._network

    def _race(self, cue: NDArray[Any], threshold: int, ramp: int, count: int) -> Answer:
        network = self.network
        self.counters["cues"] += 1
        self.counters["spikes"] += int(np.count_nonzero(cue))
        self.counters["synaptic_events"] += int(self._fan_out[cue != 0].sum())
        places, latencies = network.race(cue, threshold, ramp, count)
        return self._order[places], latencies

    def _race_code(self, code: NDArray[np.uint16], count: int) -> Answer:
        cue = np.zeros(self._neurons, np.int64)
        cue[code] = 1
        return self._race(cue, self._winners, 0, count)

    def _settle(
        self, code: NDArray[np.uint16], steps: int
    ) -> tuple[NDArray[np.uint16], int, int, bool]:
        while True:
            slots, latencies = self._race_code(code, _WINNERS)
            if not len(slots):
                return code, -1, steps, True
            spoken = self.speak(slots, latencies - latencies[0])
            steps += 1
            converged = bool(np.array_equal(spoken, code))
            if converged or steps >= _STEPS:
                return spoken, int(slots[0]), steps, converged
            code = spoken


def _stacked(answers: list[Answer], count: int) -> Answer:
    slots = np.full((len(answers), count), -1, np.int64)
    latencies = np.full((len(answers), count), -1, np.int64)
    for i, (found, steps) in enumerate(answers):
        slots[i, : len(found)] = found
        latencies[i, : len(found)] = steps
    return slots, latencies
