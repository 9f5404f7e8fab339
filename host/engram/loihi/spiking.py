"""Associations whose race is run by spiking neurons in a worker; the host ranks what they find."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import CONNECTED, SETTLING_WINNERS, Association
from engram.backend import AssociationBackend, Completions, Recalls
from engram.calibration import calibration
from engram.loihi.connection import Connection
from engram.loihi.interpreters import interpreter, missing
from engram.loihi.patterns import Patterns, packed
from engram.loihi.worker import Worker
from engram.numpy_associations import confidences, replay_cue, similarity_deficits

__all__ = ["CALL_SECONDS", "SpikingAssociations"]

Codes = NDArray[np.uint16]
Integers = NDArray[np.int64]
Vectors = NDArray[np.int8]

CALL_SECONDS = 120.0  # the bound of a call of `batch` cues, which takes some seconds at most

_ROWS = 256  # patterns, at most, of a call that runs no race


class SpikingAssociations(AssociationBackend):
    """Spikes race in a worker process; embeddings, re-rank and confidence stay on the host.

    A worker that dies, hangs or talks nonsense is replaced once by a fresh one, which gets all
    patterns again, and the call is repeated; if that one fails as well, DeviceFault or
    DeviceTimeout says how. The next call tries anew.
    """

    package = "lava"  # what the worker's Python must be able to import
    batch = 256  # cues, at most, of one race

    def __init__(
        self,
        association: Association,
        seed: int,
        width: int,
        *,
        threads: int | None = None,
        opening: dict[str, Any],
        seconds: float = CALL_SECONDS,
    ) -> None:
        """Start a worker.

        Args:
            association, seed, width, threads: see AssociationBackend.
            opening: which memory the worker makes, beyond its law.
            seconds: how long a call may take.

        Raises:
            DeviceUnavailable: no Python here has what the worker needs.
            DeviceFault, DeviceTimeout: two workers could not be started.
        """
        super().__init__(association, seed, width, threads=threads)
        python = interpreter(self.package)
        self._patterns = Patterns(association, seed, width, opening)
        self._connection = Connection(lambda: Worker(python), self._patterns, seconds=seconds)
        self._lock = threading.Lock()
        self._counted: tuple[int, dict[str, int]] = (0, {})  # by which worker, what so far
        self._call("ping")

    @classmethod
    def missing(cls) -> str:
        return missing(cls.package)

    @property
    def worker_pid(self) -> int:
        """The process of the worker; 0 while there is none."""
        return self._connection.pid

    @property
    def restarts(self) -> int:
        """How often a worker had to be replaced."""
        return self._connection.restarts

    def encode(self, vectors: Vectors) -> Codes:
        return self._batches("encode", [vectors], rows=_ROWS)[0]

    def write(self, slots: Integers, vectors: Vectors) -> None:
        for start in range(0, len(slots), _ROWS):
            part = slice(start, start + _ROWS)
            self._call("write", slots[part], vectors[part])
            self._patterns.put(slots[part], vectors[part])
        self._counters.written += len(slots)

    def learn(self, slot: int, vector: Vectors) -> None:
        neurons, permanences = self._call("learn", vector, slot=slot)
        self._patterns.learn(slot, (neurons, permanences), vector)

    def clear(self, slots: Integers) -> None:
        self._call("clear", slots)
        self._patterns.drop(slots)

    def synapses(self, slot: int) -> tuple[Codes, NDArray[np.uint8]]:
        _, neurons, permanences = self._call("synapses", np.array([slot], np.int64))
        return neurons, permanences

    def vector(self, slot: int) -> Vectors:
        return self._patterns.vector(slot)

    def restore(
        self, slot: int, neurons: Codes, permanences: NDArray[np.uint8], vector: Vectors
    ) -> None:
        self._call("restore", *packed([slot], [(neurons, permanences)]))
        self._patterns.restore(slot, (neurons.copy(), permanences.copy()), vector)

    def recall(self, vectors: Vectors, count: int) -> Recalls:
        recalls = _no_recalls(len(vectors), count)
        wanted = max(self.association.candidates, count)
        slots, latencies = self._batches("race", [vectors], count=wanted)
        found = self._similarities(vectors, slots, latencies)
        for i, (row, similarities, steps) in enumerate(zip(slots, found, latencies, strict=True)):
            fired = row >= 0
            row, similarities, steps = row[fired], similarities[fired], steps[fired]
            if self.association.rerank:
                order = np.lexsort((row, -similarities))
                row, similarities, steps = row[order], similarities[order], steps[order]
            _put(recalls, i, row, similarities, steps, self.width)
        return recalls

    def recall_codes(self, codes: Codes, count: int) -> Recalls:
        recalls = _no_recalls(len(codes), count)
        wanted = max(self.association.candidates, count)
        table = calibration(self.association, self.seed, self.width).by_code_latency
        slots, latencies = self._batches("race_codes", [codes], count=wanted)
        for i, (row, steps) in enumerate(zip(slots, latencies, strict=True)):
            fired = row >= 0
            _put(recalls, i, row[fired], table[steps[fired]], steps[fired], self.width)
        return recalls

    def complete(self, vectors: Vectors) -> Completions:
        recalls = self.recall(vectors, SETTLING_WINNERS)
        fired = recalls.slots[:, 0] >= 0
        codes = self._speak(recalls)
        codes[~fired] = self.encode(vectors[~fired])
        done = [self._batches("settle", [codes[fired]], steps_done=1)]
        done.append(self._batches("settle", [codes[~fired]], steps_done=0))
        settled = []
        for first, second in zip(*done, strict=True):
            whole = np.zeros((len(codes), *first.shape[1:]), first.dtype)
            whole[fired] = first
            whole[~fired] = second
            settled.append(whole)
        return Completions(*settled)

    def complete_codes(self, codes: Codes) -> Completions:
        return Completions(*self._batches("settle", [codes], steps_done=0))

    def replay(self, epoch: int, overlap: int, strengths: Integers) -> tuple[Integers, Integers]:
        slots = self._patterns.slots
        rows = self._conducting(slots)
        cues = [
            replay_cue(row, self.seed, epoch, slot, self.association.neurons)
            for slot, row in zip(slots.tolist(), rows, strict=True)
        ]
        counts = np.array([len(cue) for cue in cues], np.int64)
        spikes = np.concatenate([np.zeros(0, np.uint16), *cues])
        work = -(-len(cues) // self.batch)
        wins, losses = self._call("replay", counts, spikes, strengths, overlap=overlap, work=work)
        return wins, losses

    @property
    def ram_bytes(self) -> int:
        return self._patterns.ram_bytes

    def close(self) -> None:
        self._connection.close()

    def _similarities(self, vectors: Vectors, slots: Integers, latencies: Integers) -> Integers:
        """Return the similarities of those who fired for each cue; what it is elsewhere is open."""
        if self.association.rerank:
            self._counters.multiply_adds += int(np.count_nonzero(slots >= 0)) * self.width
            return self._patterns.similarities(vectors, slots)
        table = calibration(self.association, self.seed, self.width).by_latency
        return table[latencies]

    def _speak(self, recalls: Recalls) -> Codes:
        """Return the codes that the winners of recalls speak for."""
        if self.association.rerank:
            deficits = np.array(
                [similarity_deficits(row) for row in recalls.similarities], np.int64
            )
        else:
            deficits = recalls.latencies - recalls.latencies[:, :1]
        deficits = deficits.reshape(recalls.slots.shape)
        winners = self.association.winners
        return self._batches("speak", [recalls.slots, deficits], winners=winners)[0]

    def _conducting(self, slots: Integers) -> list[Codes]:
        """Return the neurons whose synapses on patterns conduct, ascending."""
        rows: list[Codes] = []
        for start in range(0, len(slots), _ROWS):
            counts, neurons, permanences = self._call("synapses", slots[start : start + _ROWS])
            ends = np.cumsum(counts)
            for first, end in zip((ends - counts).tolist(), ends.tolist(), strict=True):
                rows.append(neurons[first:end][permanences[first:end] >= CONNECTED])
        return rows

    def _batches(
        self, name: str, arrays: list[NDArray[Any]], *, rows: int = 0, **head: Any
    ) -> list[NDArray[Any]]:
        """Do a call for every row of arrays, ``batch`` or ``rows`` at once; join the answers."""
        step = rows or self.batch
        parts = [
            self._call(name, *(array[start : start + step] for array in arrays), **head)
            for start in range(0, max(1, len(arrays[0])), step)
        ]
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _call(
        self, name: str, *arrays: NDArray[Any], work: int = 1, **head: Any
    ) -> list[NDArray[Any]]:
        with self._lock:
            reply, results = self._connection.call(name, arrays, work=work, **head)
            self._count(reply["counters"])
        return results

    def _count(self, now: dict[str, int]) -> None:
        """Add what the worker did since its last answer; a fresh one counts from zero."""
        worker, before = self._counted
        if worker != self._connection.pid:
            before = {}
        for name in ("cues", "spikes", "synaptic_events"):
            total = getattr(self._counters, name) + now[name] - before.get(name, 0)
            setattr(self._counters, name, total)
        self._counted = (self._connection.pid, now)


def _no_recalls(rows: int, count: int) -> Recalls:
    """Return answers to so many cues in which nothing is found."""
    zeros = [np.zeros((rows, count), np.int64) for _ in range(3)]
    return Recalls(np.full((rows, count), -1, np.int64), *zeros)


def _put(
    recalls: Recalls,
    i: int,
    slots: Integers,
    similarities: Integers,
    latencies: Integers,
    width: int,
) -> None:
    """Enter one cue's candidates, best first, as far as there is room; all share in confidence."""
    kept = slice(recalls.slots.shape[1])
    found = slice(min(len(slots), recalls.slots.shape[1]))
    recalls.slots[i, found] = slots[kept]
    recalls.similarities[i, found] = similarities[kept]
    recalls.confidences[i, found] = confidences(similarities, width)[kept]
    recalls.latencies[i, found] = latencies[kept]
