"""The CPU backend of associations: kernels over rows of bits, on as many threads as pay."""

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import (
    CONNECTED,
    DEPRESSION,
    FIRST_PERMANENCE,
    LARGEST_PERMANENCE,
    ONE,
    POTENTIATION,
    SETTLING_WINNERS,
    SIMILARITY_UNIT_SHIFT,
    VECTOR_SHIFT,
    Association,
)
from engram.backend import AssociationBackend, Completions, Recalls
from engram.calibration import calibration
from engram.cpu.layout import BLOCK_PATTERNS, PLANES, ROW_BYTES, Workspace
from engram.cpu.library import library
from engram.cpu.patterns import PatternStore
from engram.cpu.room import Room
from engram.cpu.workers import Workers

__all__ = ["CpuAssociations"]

Vectors = NDArray[np.int8]
Codes = NDArray[np.uint16]
Integers = NDArray[np.int64]

# Cues that pass over a block of patterns together: the more, the less often it is fetched from
# memory; but what is kept of each, for all blocks, has to stay near as well.
_MOST_CUES, _FEWEST_CUES = 512, 16
_KEPT_BYTES = 1 << 25
# Embeddings encoded, and patterns written, in one piece: some tens of milliseconds.
_ENCODED, _WRITTEN = 512, 4096
# A second thread pays from about a millisecond on: so many blocks passed over, all cues together.
_THREADED_PASSES = 512
_THREADED_CODES = 128


class CpuAssociations(AssociationBackend):
    """An associative memory in this process's memory.

    Every recall counts the potentials of all patterns, bit by bit, 512 at a time; there is no
    index that a write could have to rebuild, and no pattern that a recall could miss.
    ``threads`` bounds the threads one call may use; None means one a core. The first memory on a
    machine waits for its kernels to be compiled.
    """

    def __init__(
        self, association: Association, seed: int, width: int, *, threads: int | None = None
    ) -> None:
        super().__init__(association, seed, width, threads=threads)
        self._library = library("associations")
        self._store = PatternStore(self._library, association, seed, width)
        self._workers = Workers(threads)
        self._counting = threading.Lock()
        self._calibrating = threading.Lock()
        self._calibrated = False

    def encode(self, vectors: Vectors) -> Codes:
        codes = np.empty((len(vectors), self.association.winners), np.uint16)

        def piece(start: int, count: int) -> None:
            room = Room(self._store, cues=count)
            self._library.encode(
                self._store.state.address,
                room.address,
                vectors[start:].ctypes.data,
                count,
                codes[start:].ctypes.data,
            )

        self._share(piece, len(vectors), _ENCODED, threaded=len(vectors) >= _THREADED_CODES)
        return codes

    def write(self, slots: Integers, vectors: Vectors) -> None:
        for start in range(0, len(slots), _WRITTEN):
            part = slice(start, start + _WRITTEN)
            self._store.write(
                np.ascontiguousarray(slots[part]), self.encode(vectors[part]), vectors[part]
            )
        self._counters.written += len(slots)

    def learn(self, slot: int, vector: Vectors) -> None:
        neurons, permanences = self.synapses(slot)
        grown = np.zeros(self.association.neurons, np.int64)
        grown[neurons] = permanences
        grown -= DEPRESSION
        active = self.encode(vector[None])[0]
        grown[active] += DEPRESSION + POTENTIATION
        grown = grown.clip(0, LARGEST_PERMANENCE)
        left = np.flatnonzero(grown)
        old, new = self.vector(slot).astype(np.int64), vector.astype(np.int64)
        moved = old + (new - old + (1 << VECTOR_SHIFT - 1) >> VECTOR_SHIFT)
        self.restore(
            slot, left.astype(np.uint16), grown[left].astype(np.uint8), moved.astype(np.int8)
        )

    def clear(self, slots: Integers) -> None:
        self._store.clear(slots)

    def synapses(self, slot: int) -> tuple[Codes, NDArray[np.uint8]]:
        return self._store.synapses(slot)

    def vector(self, slot: int) -> Vectors:
        return self._store.vector(slot)

    def restore(
        self, slot: int, neurons: Codes, permanences: NDArray[np.uint8], vector: Vectors
    ) -> None:
        row = np.ascontiguousarray(neurons[permanences >= CONNECTED])
        self._store.write(np.array([slot]), row[None], np.ascontiguousarray(vector)[None])
        if (permanences != FIRST_PERMANENCE).any():
            self._store.keep_permanences(slot, neurons, permanences)

    def recall(self, vectors: Vectors, count: int) -> Recalls:
        law = self.association
        if not law.rerank:
            self._calibrate()
        wanted = max(law.candidates, count)
        planes = law.last_latency.bit_length()
        entries = 2 * law.spikes + (8 * law.spikes if law.levels > 1 else 0)
        out = _unanswered(len(vectors), count)

        def piece(start: int, cues: int) -> None:
            room = Room(self._store, cues=cues, planes=planes, entries=entries, keys=wanted)
            self._library.recall(
                self._store.state.address,
                room.address,
                vectors[start:].ctypes.data,
                cues,
                self._clamped,
                self._is_wide(law.threshold, law.spikes, law.levels),
                wanted,
                count,
                out[start:].ctypes.data,
            )
            self._count(cues, room)

        self._share_cues(piece, len(vectors), planes)
        return _recalls(out)

    def recall_codes(self, codes: Codes, count: int) -> Recalls:
        self._calibrate()
        wanted = max(self.association.candidates, count)
        planes = (2 * self.association.winners).bit_length()
        length = codes.shape[1]
        out = _unanswered(len(codes), count)

        def piece(start: int, cues: int) -> None:
            room = Room(self._store, cues=cues, planes=planes, keys=wanted)
            self._library.recall_codes(
                self._store.state.address,
                room.address,
                codes[start:].ctypes.data,
                length,
                cues,
                self._clamped,
                self._is_wide(self.association.winners, length),
                wanted,
                count,
                out[start:].ctypes.data,
            )
            self._count(cues, room)

        self._share_cues(piece, len(codes), planes)
        return _recalls(out)

    def complete(self, vectors: Vectors) -> Completions:
        best = self.recall(vectors, SETTLING_WINNERS)
        there = best.slots >= 0
        behind = ONE - best.similarities if self.association.rerank else best.latencies
        keys = behind.astype(np.uint64) << np.uint64(32) | self._store.places(best.slots)
        keys = np.where(there, keys, np.uint64((1 << 64) - 1))
        codes = np.empty((len(vectors), self.association.winners), np.uint16)
        shift = SIMILARITY_UNIT_SHIFT if self.association.rerank else 0

        def piece(start: int, count: int) -> None:
            room = Room(self._store, cues=0)
            self._library.speak(
                self._store.state.address,
                room.address,
                keys[start:].ctypes.data,
                count,
                shift,
                codes[start:].ctypes.data,
            )

        self._share(piece, len(vectors), _ENCODED, threaded=len(vectors) >= _THREADED_CODES)
        answered = there[:, 0]
        if not answered.all():
            codes[~answered] = self.encode(np.ascontiguousarray(vectors[~answered]))
        return self._settle(codes, answered.astype(np.int64))

    def complete_codes(self, codes: Codes) -> Completions:
        return self._settle(codes.copy(), np.zeros(len(codes), np.int64))

    def _settle(self, codes: Codes, steps: Integers) -> Completions:
        winners = self.association.winners
        planes = (2 * winners).bit_length()
        slots = np.zeros(len(codes), np.int64)
        converged = np.zeros(len(codes), np.uint64)

        def piece(start: int, cues: int) -> None:
            room = Room(self._store, cues=cues, planes=planes, keys=SETTLING_WINNERS)
            active = np.arange(cues, dtype=np.uint64)
            spare = np.empty(winners, np.uint16)
            before = int(steps[start : start + cues].sum())
            self._library.settle(
                self._store.state.address,
                room.address,
                codes[start:].ctypes.data,
                active.ctypes.data,
                cues,
                self._clamped,
                self._is_wide(winners, winners),
                spare.ctypes.data,
                slots[start:].ctypes.data,
                steps[start:].ctypes.data,
                converged[start:].ctypes.data,
            )
            raced = int(steps[start : start + cues].sum()) - before
            raced += int((slots[start : start + cues] < 0).sum())  # those raced in vain
            self._count(raced, room)

        self._share_cues(piece, len(codes), planes)
        return Completions(codes, slots, steps, converged.astype(np.bool_))

    def replay(self, epoch: int, overlap: int, strengths: Integers) -> tuple[Integers, Integers]:
        store = self._store
        places = store.places(store.occupied())
        strengths = np.ascontiguousarray(strengths, np.int64)
        longest = store.largest_row * 2
        planes = max(2 * self.association.winners, store.largest_row).bit_length()

        wins, losses = np.zeros_like(strengths), np.zeros_like(strengths)

        def piece(start: int, cues: int) -> None:
            won, lost = np.zeros_like(strengths), np.zeros_like(strengths)
            room = Room(
                store,
                cues=cues,
                planes=planes,
                entries=longest,
                keys=store.block_count * BLOCK_PATTERNS,
            )
            self._library.replay(
                store.state.address,
                room.address,
                places[start:].ctypes.data,
                cues,
                epoch & 0xFFFF,
                overlap,
                strengths.ctypes.data,
                won.ctypes.data,
                lost.ctypes.data,
                self._clamped,
                self._is_wide(self.association.winners, longest),
            )
            with self._counting:
                np.add(wins, won, out=wins)
                np.add(losses, lost, out=losses)
            self._count(cues, room)

        self._share_cues(piece, len(places), planes)
        return wins, losses

    @property
    def ram_bytes(self) -> int:
        return self._store.ram_bytes

    def close(self) -> None:
        self._workers.close()
        self._store.close()

    @property
    def _clamped(self) -> int:
        """1 if a potential may pass the one at which a pattern fires in the first step."""
        return int(self._store.largest_row > self.association.winners)

    def _is_wide(self, threshold: int, spikes: int, payload: int = 1) -> int:
        """Return 1 if cues of so many spikes of either sign need wide counters, else 0.

        Counts may pass their ends on the way, as they are exact again once all is added.
        """
        most = min(spikes, self._store.largest_row) * payload
        return int(threshold + most >> PLANES - 1 > 0)

    def _calibrate(self) -> None:
        """Have the tables of similarity by latency; they take some time once."""
        with self._calibrating:
            if not self._calibrated:
                tables = calibration(self.association, self.seed, self.width)
                self._store.add_calibration(tables.by_latency, tables.by_code_latency)
                self._calibrated = True

    def _count(self, cues: int, room: Room) -> None:
        with self._counting:
            self._counters.cues += cues
            self._counters.spikes += room.word(Workspace.SPIKES)
            self._counters.synaptic_events += room.word(Workspace.EVENTS)
            self._counters.multiply_adds += room.word(Workspace.COMPARED) * self.width

    def _share_cues(self, piece: Callable[[int, int], None], count: int, planes: int) -> None:
        """Run ``piece(start, cues)`` over all cues, in pieces whose planes stay near."""
        kept = ROW_BYTES * (planes + 1) * max(self._store.block_count, 1)
        most = min(max(_KEPT_BYTES // kept, _FEWEST_CUES), _MOST_CUES)
        threaded = count * self._store.block_count >= _THREADED_PASSES
        self._share(piece, count, most, threaded=threaded)

    def _share(
        self, piece: Callable[[int, int], None], count: int, most: int, *, threaded: bool
    ) -> None:
        if count:
            share = min(most, -(-count // self._workers.threads)) if threaded else most
            self._workers.share(piece, count, share, threaded=threaded)


def _unanswered(cues: int, count: int) -> Integers:
    """Return room for answers, rows of slot, similarity, confidence and latency: none so far."""
    out = np.zeros((cues, count, 4), np.int64)
    out[:, :, 0] = -1
    return out


def _recalls(out: Integers) -> Recalls:
    return Recalls(*(np.ascontiguousarray(out[:, :, i]) for i in range(4)))
