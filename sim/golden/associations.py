"""Associative memory in plain integers: slow, obviously right, and itself a backend."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import (
    LARGEST_PERMANENCE,
    MOVED_SHIFT,
    REPLAY_STREAM,
    SETTLING_STEPS,
    SETTLING_WINNERS,
    SIMILARITY_UNIT_SHIFT,
    Association,
    settling_weight,
)
from engram.arch.laws import LAWS
from engram.backend import AssociationBackend, Completions, Recalls
from engram.calibration import calibration
from sim.golden.encoding import Encoder, largest
from sim.golden.laws import generate
from sim.golden.patterns import Pattern, Patterns
from sim.golden.race import confidences, first_spikes, similarity

__all__ = ["GoldenAssociations"]

Answer = list[tuple[int, int, int, int]]  # slot, similarity, confidence, latency


class GoldenAssociations(AssociationBackend):
    """What the law of associations means."""

    def __init__(
        self, association: Association, seed: int, width: int, *, threads: int | None = None
    ) -> None:
        super().__init__(association, seed, width, threads=threads)
        self._encoder = Encoder(association, seed, width)
        self._patterns = Patterns()

    def encode(self, vectors: NDArray[np.int8]) -> NDArray[np.uint16]:
        codes = [self._encoder.code(vector) for vector in vectors.tolist()]
        return np.array(codes, np.uint16).reshape(len(vectors), self.association.winners)

    def write(self, slots: NDArray[np.int64], vectors: NDArray[np.int8]) -> None:
        for slot, vector in zip(slots.tolist(), vectors.tolist(), strict=True):
            self._patterns[slot] = Pattern.written(self._encoder.code(vector), vector)
        self._counters.written += len(slots)

    def learn(self, slot: int, vector: NDArray[np.int8]) -> None:
        values = vector.tolist()
        self._patterns[slot].learn(self._encoder.code(values), values)

    def clear(self, slots: NDArray[np.int64]) -> None:
        for slot in slots.tolist():
            self._patterns.pop(slot, None)

    def synapses(self, slot: int) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        permanences = sorted(self._patterns[slot].permanences.items())
        neurons = np.array([neuron for neuron, _ in permanences], np.uint16)
        return neurons, np.array([value for _, value in permanences], np.uint8)

    def vector(self, slot: int) -> NDArray[np.int8]:
        return np.array(self._patterns[slot].vector, np.int8)

    def restore(
        self,
        slot: int,
        neurons: NDArray[np.uint16],
        permanences: NDArray[np.uint8],
        vector: NDArray[np.int8],
    ) -> None:
        assert all(0 < value <= LARGEST_PERMANENCE for value in permanences.tolist())
        synapses = dict(zip(neurons.tolist(), permanences.tolist(), strict=True))
        self._patterns[slot] = Pattern(synapses, vector.tolist())

    def recall(self, vectors: NDArray[np.int8], count: int) -> Recalls:
        return _recalls([self._recall(vector, count) for vector in vectors.tolist()], count)

    def recall_codes(self, codes: NDArray[np.uint16], count: int) -> Recalls:
        return _recalls([self._recall_code(code, count) for code in codes.tolist()], count)

    def complete(self, vectors: NDArray[np.int8]) -> Completions:
        settled = []
        for vector in vectors.tolist():
            winners = self._recall(vector, SETTLING_WINNERS)
            shift = SIMILARITY_UNIT_SHIFT if self.association.rerank else 0
            scores = {slot: value for slot, value, _, _ in winners}
            if not self.association.rerank:  # then the score is the latency
                scores = {slot: -latency for slot, _, _, latency in winners}
            code = self._speak(scores, shift)
            settled.append(self._settle(code or self._encoder.code(vector), 1 if code else 0))
        return self._completions(settled)

    def complete_codes(self, codes: NDArray[np.uint16]) -> Completions:
        return self._completions([self._settle(code, 0) for code in codes.tolist()])

    def replay(
        self, epoch: int, overlap: int, strengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        wins, losses = np.zeros_like(strengths), np.zeros_like(strengths)
        for slot in sorted(self._patterns):
            noisy = self._noisy(slot, epoch)
            attractor = self._race_code(noisy, 1)[0][1]
            row = self._patterns[attractor].row
            shared = self._patterns.potentials(dict.fromkeys(row, 1))
            least = overlap * len(row) >> 8
            group = [rival for rival in shared if shared[rival] >= least]
            strongest = min(group, key=lambda rival: (-int(strengths[rival]), rival))
            wins[strongest] += 1
            for rival in group:
                if rival != strongest:
                    losses[rival] += 1
        return wins, losses

    @property
    def ram_bytes(self) -> int:
        return sum(
            2 * len(pattern.permanences) + len(pattern.vector)
            for pattern in self._patterns.values()
        )

    def close(self) -> None:
        self._patterns.clear()

    def _recall(self, vector: Sequence[int], count: int) -> Answer:
        law = self.association
        cue = self._encoder.cue(vector)
        potentials = self._potentials(cue)
        wanted = max(law.candidates, count)
        race = first_spikes(potentials, law.threshold, law.ramp, wanted)
        if law.rerank:
            scored = [
                (similarity(vector, self._patterns[slot].vector), slot, latency)
                for latency, slot in race
            ]
            self._counters.multiply_adds += len(race) * self.width
            scored.sort(key=lambda entry: (-entry[0], entry[1]))
        else:
            table = calibration(law, self.seed, self.width).by_latency
            scored = [(int(table[latency]), slot, latency) for latency, slot in race]
        return self._answer(scored, count)

    def _recall_code(self, code: Sequence[int], count: int) -> Answer:
        race = self._race_code(code, max(self.association.candidates, count))
        table = calibration(self.association, self.seed, self.width).by_code_latency
        return self._answer([(int(table[t]), slot, t) for t, slot in race], count)

    def _answer(self, scored: list[tuple[int, int, int]], count: int) -> Answer:
        sure = confidences([value for value, _, _ in scored], self.width)
        answer = [
            (slot, value, confidence, latency)
            for (value, slot, latency), confidence in zip(scored, sure, strict=True)
        ]
        return answer[:count]

    def _race_code(self, code: Sequence[int], count: int) -> list[tuple[int, int]]:
        """A code's race: its bits spike once, and the ramp rises by one a step."""
        potentials = self._potentials(dict.fromkeys(code, 1))
        return first_spikes(potentials, self.association.winners, 0, count)

    def _potentials(self, cue: Mapping[int, int]) -> dict[int, int]:
        counters = self._counters
        counters.cues += 1
        counters.spikes += len(cue)
        counters.synaptic_events += sum(
            len(cue.keys() & set(pattern.row)) for pattern in self._patterns.values()
        )
        return self._patterns.potentials(cue)

    def _speak(self, scores: Mapping[int, int], shift: int) -> list[int]:
        """Return the code that winners speak for together; [] where there is none."""
        if not scores:
            return []
        best = max(scores.values())
        sums = [0] * self.association.neurons
        for slot, score in scores.items():
            weight = settling_weight(best - score >> shift)
            for i in self._patterns[slot].row:
                sums[i] += weight
        return largest(sums, self.association.winners)

    def _settle(self, code: Sequence[int], steps: int) -> tuple[list[int], int, int, bool]:
        """Return (code, winner, steps, converged): steps until the code stays as it is."""
        code = list(code)
        while True:
            race = self._race_code(code, SETTLING_WINNERS)
            if not race:
                return code, -1, steps, True
            new = self._speak({slot: -latency for latency, slot in race}, 0)
            steps += 1
            if new == code or steps >= SETTLING_STEPS:
                return new, race[0][1], steps, new == code
            code = new

    def _noisy(self, slot: int, epoch: int) -> list[int]:
        """Return a stored code with a quarter of its bits moved."""
        row = self._patterns[slot].row
        spiking = set(row)
        for j in range(len(row) >> MOVED_SHIFT):
            address = (epoch & 0xFFFF) << 48 | slot << 16 | j
            word = generate(LAWS[1], self.seed, address, stream=REPLAY_STREAM)
            spiking.discard(row[(word >> 32) * len(row) >> 32])
            spiking.add((word & 0xFFFF_FFFF) * self.association.neurons >> 32)
        return sorted(spiking)

    def _completions(self, settled: list[tuple[list[int], int, int, bool]]) -> Completions:
        codes: list[Any] = [code for code, _, _, _ in settled]
        return Completions(
            np.array(codes, np.uint16).reshape(len(settled), self.association.winners),
            np.array([slot for _, slot, _, _ in settled], np.int64),
            np.array([steps for _, _, steps, _ in settled], np.int64),
            np.array([converged for _, _, _, converged in settled], np.bool_),
        )


def _recalls(answers: list[Answer], count: int) -> Recalls:
    table = np.zeros((len(answers), count, 4), np.int64)
    table[:, :, 0] = -1
    for row, answer in zip(table, answers, strict=True):
        if answer:
            row[: len(answer)] = answer
    return Recalls(*(np.ascontiguousarray(table[:, :, i]) for i in range(4)))
