"""The associative memory that the worker serves: patterns by slot, held by spiking circuits."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_procs.circuits import Circuits, Projecting
from lava_procs.learning.process import CLEAR, ONE_SHOT, PLATEAU, RESTORE
from lava_procs.patterns import PatternRows
from lava_procs.synapses import ascending
from lava_procs.upkeep import Upkeep

__all__ = ["SpikingMemory"]

_CHUNK = 256  # queries whose frames are in memory at once

Codes = NDArray[np.uint16]
Integers = NDArray[np.int64]
Vectors = NDArray[np.int8]


class SpikingMemory:
    """Patterns in slots, which circuits of Lava processes learn, race and settle.

    Circuits are made when first needed and live on, one query after the other. Written rows reach
    event-driven models as messages, in place; a network of standard processes, whose weights are
    fixed, is built again before the next query.

    The caller checks embeddings: int8, not -128, not all zero. Slots are int64, not negative.

    Args:
        neurons: code neurons ``m``.
        sources: inputs of each code neuron, (m, s).
        signs: +1 or -1 of each input, (m, s).
        width: dimensions of an embedding.
        winners: active neurons ``k`` of a code.
        spikes: neurons of each sign, at most, that spike for a cue.
        signed: whether the lowest neurons of a cue inhibit.
        levels: payloads of a cue are 1..levels.
        ramp: the ramp of a race rises by ``2**ramp`` a step.
        models: "fixed_pt" or "network".
        config: the run configuration: "loihi2-sim", "loihi1-sim", or a chip's: "loihi2-hw",
            "loihi1-hw", which need Intel's package and a board.
        runtime: "inline", the compiled models in this thread, or "lava", Lava's own runtime.
    """

    def __init__(
        self,
        *,
        neurons: int,
        sources: NDArray[np.int32],
        signs: NDArray[np.int8],
        width: int,
        winners: int,
        spikes: int,
        signed: bool,
        levels: int,
        ramp: int,
        models: str = "fixed_pt",
        config: str = "loihi2-sim",
        runtime: str = "inline",
    ) -> None:
        if len(sources) != neurons:
            raise ValueError(f"sources must have {neurons} rows, not {len(sources)!r}")
        self._law = Projecting(sources, signs, width, winners, spikes, bool(signed), levels, ramp)
        self._rows = PatternRows(neurons)
        self._upkeep = Upkeep(Circuits(self._law, models, config, runtime), self._rows)
        self.counters = {"cues": 0, "spikes": 0, "synaptic_events": 0}

    def encode(self, vectors: Vectors) -> Codes:
        """Return the codes of embeddings (n, width), ascending, uint16 (n, k)."""
        codes = np.zeros((len(vectors), self._law.winners), np.uint16)
        circuit = self._upkeep.encoding()
        for start, chunk in _chunks(vectors):
            frames = circuit.ask(vectors=_framed(chunk, 1))["codes"]
            for place, frame in enumerate(frames, start):
                codes[place] = np.flatnonzero(frame[1:])
        return codes

    def write(self, slots: Integers, vectors: Vectors) -> None:
        """Write embeddings (n, width) in one shot; what a slot held before is gone."""
        self._learnt(ONE_SHOT, slots.tolist(), self._spiking(self.encode(vectors)))

    def learn(self, slot: int, vector: Vectors) -> None:
        """Move the permanences of a pattern towards the code of an embedding (width,)."""
        if slot not in self._rows:
            raise ValueError(f"slot must hold a pattern, not {slot!r}")
        self._learnt(PLATEAU, [slot], self._spiking(self.encode(vector[None])))

    def clear(self, slots: Integers) -> None:
        """Forget patterns; a slot that holds none is passed over."""
        held = [slot for slot in slots.tolist() if slot in self._rows]
        self._learnt(CLEAR, held, np.zeros((len(held), self._law.neurons), np.int32))

    def synapses(self, slot: int) -> tuple[Codes, NDArray[np.uint8]]:
        """Return a pattern's neurons of permanence above 0, ascending, and their permanences."""
        neurons, permanences = self._rows[slot]
        return neurons.copy(), permanences.copy()

    def restore(self, slot: int, neurons: Codes, permanences: NDArray[np.uint8]) -> None:
        """Put back what ``synapses`` gave."""
        row = np.zeros((1, self._law.neurons), np.int32)
        row[0, neurons] = permanences
        self._learnt(RESTORE, [slot], row)

    def race(self, vectors: Vectors, count: int) -> tuple[Integers, Integers]:
        """Return the slots and latencies of the first ``count`` patterns to fire for embeddings.

        Both are int64 (n, count), by (latency, slot), -1 where no more fire.
        """
        table = _Answers(len(vectors), _positive(count))
        for start, chunk in _chunks(vectors):
            circuit, _ = self._upkeep.patterns("race")
            answers = circuit.ask(vectors=_framed(chunk, count))
            for cue in answers["cues"]:
                self._count(np.flatnonzero(cue[1:]))
            table.take(start, answers["first"], self._rows.slots)
        return table.slots, table.latencies

    def race_codes(self, codes: Codes, count: int) -> tuple[Integers, Integers]:
        """Return the same of a race for codes (n, any), whose neurons spike once."""
        table = _Answers(len(codes), _positive(count))
        for start, chunk in _chunks(codes):
            for code in chunk:
                self._count(code)
            frames = _framed(self._spiking(chunk), count)
            circuit, _ = self._upkeep.patterns("code_race")
            table.take(start, circuit.ask(codes=frames)["first"], self._rows.slots)
        return table.slots, table.latencies

    def settle(
        self, codes: Codes, steps_done: int = 0
    ) -> tuple[Codes, Integers, Integers, NDArray[np.bool_]]:
        """Settle codes (n, k); return codes (n, k), winners' slots, steps and convergence (n,).

        ``steps_done`` steps were done before. In an empty memory a code stays, slot -1.
        """
        settled = codes.copy()
        states = np.zeros((len(codes), 3), np.int64)
        states[:] = (-1, steps_done, 1)
        if not self._rows.occupied:
            for code in codes:
                self._count(code)
            return settled, states[:, 0], states[:, 1], states[:, 2] == 1
        for start, chunk in _chunks(codes):
            frames = _framed(self._spiking(chunk), 1 + steps_done)
            circuit, _ = self._upkeep.patterns("completion")
            answers = circuit.ask(codes=frames)
            for place, frame in enumerate(answers["codes"], start):
                settled[place] = np.flatnonzero(frame[1:])
            for place, state in enumerate(answers["states"], start):
                winner, steps, same, cues, spikes, events = state[1:].tolist()
                states[place] = (self._rows.slots[winner - 1], steps, same)
                self._add(cues, spikes, events)
        return settled, states[:, 0].copy(), states[:, 1].copy(), states[:, 2] == 1

    def speak(self, slots: Integers, deficits: Integers) -> Codes:
        """Return the code, uint16 (k,), that winners speak for, the more softly the further behind.

        The least deficit is the loudest voice.
        """
        circuit, places = self._upkeep.patterns("speech")
        frame = np.zeros((1, 1 + places), np.int32)
        frame[0, 0] = 1
        # Beyond 6 units of deficit all are silent alike, and a spike carries 24 bits.
        behind = np.minimum(deficits - deficits.min(initial=0), 15)
        for slot, deficit in zip(slots.tolist(), behind.tolist(), strict=True):
            frame[0, 1 + self._rows.place(slot)] = 1 + deficit
        (code,) = circuit.ask(deficits=frame)["codes"]
        return np.flatnonzero(code[1:]).astype(np.uint16)

    def replay(
        self, cues: list[Codes], overlap: int, strengths: Integers
    ) -> tuple[Integers, Integers]:
        """Replay noisy cues, one for every pattern by ascending slot; return wins and losses.

        ``strengths`` (n,) by slot, not negative, below 2**31; the results have its shape.
        """
        wins, losses = np.zeros_like(strengths), np.zeros_like(strengths)
        if not self._rows.occupied:
            return wins, losses
        circuit, places = self._upkeep.patterns("consolidation")
        slots = self._rows.slots
        known = np.zeros((1, 1 + places), np.int32)
        known[0, 1 : 1 + len(slots)] = strengths[np.minimum(slots, len(strengths) - 1)]
        for cue in cues:
            self._count(cue)
            frames = _framed(self._spiking(cue[None]), 1 + overlap)
            (judged,) = circuit.ask(cues=frames, strengths=known)["judged"]
            verdict = judged[1 : 1 + len(slots)]
            wins[slots[verdict > 0]] += 1
            losses[slots[verdict < 0]] += 1
        return wins, losses

    def reset(self) -> None:
        """Forget all patterns."""
        self.clear(np.array(self._rows.occupied, np.int64))

    def stop(self) -> None:
        """End all circuits; they are made again if something is asked."""
        self._upkeep.stop()

    def _learnt(self, gate: int, slots: list[int], spikes: NDArray[np.int32]) -> None:
        """Open the gate of each of these patterns while its row of spikes comes."""
        if not slots:
            return
        self._rows.admit(slots)
        circuit = self._upkeep.learning()
        gates = np.array([(1, gate, 1 + self._rows.place(slot)) for slot in slots], np.int32)
        for start, chunk in _chunks(spikes):
            end = start + len(chunk)
            rows = circuit.ask(codes=_framed(chunk, 1), gates=gates[start:end])["rows"]
            for slot, row in zip(slots[start:end], rows, strict=True):
                if gate == CLEAR:
                    self._rows.drop(slot)
                else:
                    neurons = np.flatnonzero(row[1:])
                    self._rows.put(slot, neurons, row[1:][neurons])
        self._upkeep.change(slots)

    def _spiking(self, codes: Codes) -> NDArray[np.int32]:
        spikes = np.zeros((len(codes), self._law.neurons), np.int32)
        for row, code in zip(spikes, codes, strict=True):
            row[code] = 1
        return spikes

    def _count(self, neurons: NDArray[Any]) -> None:
        self._add(1, len(neurons), int(self._rows.fan_out[neurons].sum()))

    def _add(self, cues: int, spikes: int, events: int) -> None:
        self.counters["cues"] += cues
        self.counters["spikes"] += spikes
        self.counters["synaptic_events"] += events


class _Answers:
    """Slots and latencies of races, row by row."""

    def __init__(self, rows: int, count: int) -> None:
        self.slots = np.full((rows, count), -1, np.int64)
        self.latencies = np.full((rows, count), -1, np.int64)

    def take(self, start: int, frames: list[NDArray[np.int32]], slots: Integers) -> None:
        """Take frames of latencies + 1 by place, from a row on."""
        for row, frame in enumerate(frames, start):
            fired = np.flatnonzero(frame[1:])
            latencies = frame[1:][fired] - 1
            order = ascending(latencies)
            self.slots[row, : len(order)] = slots[fired[order]]
            self.latencies[row, : len(order)] = latencies[order]


def _positive(count: int) -> int:
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count!r}")
    return count


def _framed(rows: NDArray[Any], go: int) -> NDArray[np.int32]:
    """Return rows as frames that begin with ``go``."""
    frames = np.empty((len(rows), 1 + rows.shape[1]), np.int32)
    frames[:, 0] = go
    frames[:, 1:] = rows
    return frames


def _chunks(rows: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield where a chunk of rows starts, and its rows."""
    for start in range(0, len(rows), _CHUNK):
        yield start, rows[start : start + _CHUNK]
