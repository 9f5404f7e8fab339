"""Associations: the facet of a memory that is asked by content instead of by address."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import CONNECTED, ONE
from engram.associations.embeddings import (
    as_codes,
    as_embeddings,
    as_fraction,
    as_id,
    as_ids,
    as_importances,
    as_metadata,
    as_positive,
)
from engram.associations.learning import Learning
from engram.associations.patterns import Completion, Consolidation, Pattern, Recall, Summary
from engram.backend import AssociationBackend
from engram.calibration import calibration
from engram.numpy_associations import norms, quantise, rerank

__all__ = ["Associations"]

_CHUNK = 256  # embeddings quantised at a time


class Associations(Learning):
    """Patterns by id, recalled by cues that need only resemble them.

    Made by a memory. Any number of threads may recall and complete at once; changes are made one
    at a time, each whole: nobody sees, and no crash leaves, half of one.
    """

    def remember(
        self,
        ids: str | Sequence[str],
        embeddings: Any,
        *,
        importance: Any = 0.5,
        metadata: Any = None,
        gated: bool = False,
    ) -> None:
        """Keep embeddings under ids, in one shot.

        An id that is known already is updated: its embedding, importance and metadata are replaced
        and its strength begins anew. Of two embeddings for one id in a call the later wins. The
        first call fixes the width of all embeddings, and the parameters of the law.

        Args:
            ids: a string, or a sequence of them; each 1 to 1,024 bytes of UTF-8.
            embeddings: real numbers of shape (width,), or (n, width) for several ids.
            importance: 0..1, one for all or an array of one an id; what consolidation spares.
            metadata: a dict of JSON values up to 64 KiB, or None; for several ids a list of them.
            gated: move the patterns of known ids towards these embeddings instead of rewriting
                them; their strengths stay.

        Raises:
            TypeError, ValueError: an input is none of these, or of another width. Nothing is kept.
            ReadOnly: the memory was opened for reading.
            StoreFull: the directory's disk or size limit is exhausted.
        """
        one = isinstance(ids, str)
        names = [as_id(ids)] if one else as_ids(ids)
        texts = self._texts(metadata, len(names), one=one)
        if not isinstance(gated, bool):
            raise TypeError(f"gated must be true or false, not {gated!r}")
        importances = as_importances(importance, len(names))
        if not names and not np.size(embeddings):
            return
        rows, single = as_embeddings(embeddings, self.width)
        if single is not one or len(rows) != len(names):
            wanted = "one dimension" if one else f"two, with {len(names)} rows"
            found = "one" if single else f"two, with {len(rows)} rows"
            raise ValueError(f"embeddings of these ids must have {wanted}, not {found}")
        last = dict(zip(names, range(len(names)), strict=True))
        kept = np.fromiter(last.values(), np.int64, len(last))
        vectors = _quantised(rows if len(kept) == len(names) else rows[kept])
        with self._changing():
            self._ledger.check_writable()
            width = vectors.shape[1]
            if self.width not in (None, width):
                # Another thread was the first to remember something meanwhile.
                raise ValueError(f"embedding must have {self.width} dimensions, not {width}")
            backend = self._ready(width)
            self._remember(
                backend,
                list(last),
                vectors,
                importances[kept],
                [texts[row] for row in kept.tolist()],
                gated=gated,
            )

    def recall(
        self, cue: Any = None, k: int = 1, threshold: float | None = None, *, code: Any = None
    ) -> Any:
        """Return the patterns nearest to a cue, best first: a list of ``Recall``.

        For several cues, rows of an array, a list of lists. An empty memory recalls nothing: [].

        Args:
            cue: an embedding (width,) or several (n, width), of any length but zero.
            k: how many patterns, at most.
            threshold: the least similarity, 0..1; None: any.
            code: instead of a cue, the distinct active neurons of a code, or rows of them.

        Raises:
            TypeError, ValueError: an input is none of these.
        """
        count = as_positive(k, "k")
        least = -ONE if threshold is None else as_fraction(threshold, "threshold") * ONE
        rows, single = self._cues(cue, code, None)
        if not len(self) or not len(rows):
            return [] if single else [[] for _ in rows]
        backend = self._loaded()
        with self._turnstile.read():
            self._check_open()
            most = min(count, max(1, len(self._patterns)))
            if code is None:
                found = backend.recall(_quantised(rows), most)
            else:
                found = backend.recall_codes(rows, most)
            answers = [
                [
                    self._recalled(*row)
                    for row in zip(slots, similarities, confidences, latencies, strict=True)
                    if row[0] >= 0 and row[1] >= least
                ]
                for slots, similarities, confidences, latencies in zip(
                    found.slots.tolist(),
                    found.similarities.tolist(),
                    found.confidences.tolist(),
                    found.latencies.tolist(),
                    strict=True,
                )
            ]
        return answers[0] if single else answers

    def complete(self, cue: Any = None, *, code: Any = None) -> Any:
        """Let a cue settle into a stored pattern; return a ``Completion``, or a list for several.

        An empty memory has nothing to settle into: None.

        Args:
            cue: an embedding (width,) or several (n, width).
            code: instead of a cue, as many distinct active neurons as a stored code has, or rows.

        Raises:
            TypeError, ValueError: an input is none of these.
        """
        rows, single = self._cues(cue, code, self.association.winners)
        if not len(self) or not len(rows):
            return None if single else [None for _ in rows]
        backend = self._loaded()
        with self._turnstile.read():
            self._check_open()
            if code is None:
                rows = _quantised(rows)
                found = backend.complete(rows)
            else:
                found = backend.complete_codes(rows)
            settled = zip(
                rows,
                found.codes,
                found.slots.tolist(),
                found.steps.tolist(),
                found.converged.tolist(),
                strict=True,
            )
            # There is no winner if all was forgotten just now.
            answers = [
                self._completed(backend, *row, by_code=code is not None) if row[2] >= 0 else None
                for row in settled
            ]
        return answers[0] if single else answers

    def forget(self, ids: str | Sequence[str]) -> None:
        """Forget patterns; naming one twice is naming it once.

        Raises:
            NotFound: an id is unknown; then nothing is forgotten.
            ReadOnly: the memory was opened for reading.
        """
        names = [as_id(ids)] if isinstance(ids, str) else as_ids(ids)
        with self._changing():
            self._ledger.check_writable()
            slots = [self._slot_of(name) for name in dict.fromkeys(names)]
            if slots:
                self._age({}, slots)

    def consolidate(
        self, overlap: float = 0.7, epochs: int = 64, keep: int | None = None
    ) -> Consolidation:
        """Replay every pattern with noise until nothing changes: rivals wear each other down.

        An epoch replays each pattern once. Among patterns that share much of their code the
        strongest gains, the others lose by how unimportant they are, and one that has lost all its
        strength is forgotten. Each epoch is a change of its own: whatever ends the call early
        leaves the epochs before it done.

        Args:
            overlap: 0..1, the share of a code from which on patterns are rivals.
            epochs: how many at most.
            keep: how many patterns may remain; the weakest are forgotten afterwards, of equals the
                less important, then the later slot.

        Raises:
            TypeError, ValueError: an input is none of these.
            ReadOnly: the memory was opened for reading.
        """
        share = round(256 * as_fraction(overlap, "overlap"))
        most = as_positive(epochs, "epochs", 0)
        least = None if keep is None else as_positive(keep, "keep", 0)
        pruned: list[str] = []
        done = replays = 0
        converged = False
        with self._changing():
            self._ledger.check_writable()
            before = self._patterns.strengths
            while done < most and not converged and len(self):
                replays += len(self)
                converged = self._epoch(share, pruned)
                done += 1
            if not len(self):
                converged = True
            if least is not None and len(self) > least:
                self._prune(len(self) - least, pruned)
            after = self._patterns.strengths
            grown = int((after > before[: len(after)]).sum())
            return Consolidation(done, replays, converged, grown, pruned, len(self))

    def get(self, name: str) -> Pattern | None:
        """Return a stored pattern, or None if the id is unknown."""
        asked = as_id(name)
        if asked not in self:
            return None
        backend = self._loaded()
        with self._turnstile.read():
            self._check_open()
            slot = self._patterns.slot(asked)
            if slot is None:
                return None
            known = self._patterns.summary(slot)
            return Pattern(**vars(known), embedding=_unit(backend.vector(slot)))

    def summaries(self) -> list[Summary]:
        """Return what is known of all patterns beside their embeddings, by slot."""
        with self._turnstile.read():
            self._check_open()
            return [self._patterns.summary(slot) for slot in self._patterns.held]

    def __len__(self) -> int:
        """How many patterns there are."""
        return len(self._patterns)

    def __contains__(self, name: object) -> bool:
        """Whether an id is known."""
        return name in self._patterns

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids there are now, in the order of their slots."""
        with self._turnstile.read():
            self._check_open()
            return iter(self._patterns.ids)

    def _recalled(self, slot: int, similarity: int, confidence: int, latency: int) -> Recall:
        patterns = self._patterns
        return Recall(
            patterns.id(slot),
            similarity / ONE,
            confidence / ONE,
            latency,
            patterns.metadata(slot),
            patterns.importance(slot),
        )

    def _completed(
        self,
        backend: AssociationBackend,
        cue: NDArray[Any],
        code: NDArray[np.uint16],
        slot: int,
        steps: int,
        converged: bool,
        *,
        by_code: bool,
    ) -> Completion:
        vector = backend.vector(slot)
        if by_code:
            neurons, permanences = backend.synapses(slot)
            row = neurons[permanences >= CONNECTED]
            law = self.association
            table = calibration(law, self._seed, backend.width).by_code_latency
            similarity = int(table[law.winners - len(np.intersect1d(cue, row))])
        else:
            sizes = norms(np.stack([cue, vector]))
            similarity = int(rerank(cue, int(sizes[0]), vector[None], sizes[1:])[0])
        return Completion(
            self._patterns.id(slot), code, steps, converged, _unit(vector), similarity / ONE
        )

    def _cues(self, cue: Any, code: Any, count: int | None) -> tuple[NDArray[Any], bool]:
        """Return embeddings or codes as rows, and whether it was one."""
        self._check_open()
        if (cue is None) == (code is None):
            raise TypeError("either a cue or a code must be given, not both or none")
        if code is not None:
            return as_codes(code, self.association.neurons, count)
        return as_embeddings(cue, self.width, "cue")

    def _texts(self, metadata: Any, count: int, *, one: bool) -> list[bytes]:
        if one or metadata is None:
            return [as_metadata(metadata)] * count
        if not isinstance(metadata, list | tuple) or len(metadata) != count:
            raise ValueError(
                f"metadata of {count} ids must be a list of {count} dicts, not {metadata!r}"
            )
        return [as_metadata(each) for each in metadata]


def _quantised(rows: NDArray["np.floating[Any]"]) -> NDArray[np.int8]:
    """Return quantised rows, some at a time: the float64 copies stay small."""
    vectors = np.empty(rows.shape, np.int8)
    for start in range(0, len(rows), _CHUNK):
        vectors[start : start + _CHUNK] = quantise(rows[start : start + _CHUNK])
    return vectors


def _unit(vector: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return an embedding as a unit vector; zeros stay zeros."""
    wide = vector.astype(np.float64)
    return (wide / max(float(np.linalg.norm(wide)), 1e-300)).astype(np.float32)
