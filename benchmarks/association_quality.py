"""Quality of recall through the public API: hits, thresholds, calibration and confidence."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.association_data import CELLS, DATA, Exact, Trial, cell_name, data, trial
from benchmarks.association_memory import Answers, ask, remembering
from benchmarks.association_peers import FaissFlat, FaissHnsw, FaissIvf, MissingPeer, Peer, Usearch
from benchmarks.association_sweeps import SEED
from benchmarks.association_tables import Section, Table
from benchmarks.harness import Figure
from engram.arch.associations import DEFAULT_PRESET, PRESETS
from engram.numpy_associations import encode, projection, quantise

__all__ = ["quality"]

SIZES = (1_000, 10_000)
CUES = 1_000
HARD_CUES = 4_000  # where many cues are nearly tied, a thousand would tell chance, not loss
HARD = (("d", 0.2), ("d", 0.3))
THRESHOLD = 0.7
CLEARLY = 0.75  # who has at least this true cosine should pass
BREADTH = 128  # of the graphs; of the lists of IVF a fourth
ALWAYS = (("a", 0.2), ("b", 0.2), ("c", 0.2))
ALLOWED = {"default": 0.02, "precise": 0.005}

Truths = NDArray[np.float64]


@dataclass
class _Pairs:
    """Cues of one preset in all cells: cosine to the first answer, what was said of it, truth."""

    cosines: list[Truths] = field(default_factory=list)
    similarities: list[Truths] = field(default_factory=list)
    confidences: list[Truths] = field(default_factory=list)
    right: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, cosines: Truths, answers: Answers, targets: NDArray[np.int64]) -> None:
        rows = np.arange(len(targets))
        self.cosines.append(cosines[rows, answers.first])
        self.similarities.append(answers.similarities)
        self.confidences.append(answers.confidences)
        self.right.append(answers.first == targets)

    def joined(self) -> tuple[Truths, Truths, Truths, NDArray[np.bool_]]:
        return (
            np.concatenate(self.cosines),
            np.concatenate(self.similarities),
            np.concatenate(self.confidences),
            np.concatenate(self.right),
        )


def quality() -> Section:
    """Measure every noise, size and kind of data, for every preset and beside every peer."""
    hits = Table(
        "quality",
        ("data", "patterns", "noise", "exact cosine", "int8 cosine", "FAISS flat", "FAISS IVF",
         "FAISS HNSW", "USearch i8", *PRESETS),
    )  # fmt: skip
    hits.note(
        f"hit@1 of {CUES:,} cues, {HARD_CUES:,} at (d) 0.2 and 0.3. Noises: (a) of a norm "
        "relative to the embedding's, (b) this share of coordinates zeroed, (c) replaced, "
        "(d) Gaussian of this sigma on each coordinate of a unit vector."
    )
    hits.note(
        "Cues at (d) 0.3 have cosine 0.12 to their pattern: where exact cosine and int8 differ, "
        "they broke near-ties differently, to either side."
    )
    hits.note(f"Graphs follow {BREADTH} candidates, IVF searches {BREADTH // 4} of its lists.")
    pairs = {preset: _Pairs() for preset in PRESETS}
    shortfall = dict.fromkeys(PRESETS, -1.0)
    certain = dict.fromkeys(PRESETS, 1.0)
    for kind in DATA:
        for size in SIZES:
            x = data(kind, size)
            exact = Exact(x)
            memories = {preset: remembering(x, preset) for preset in PRESETS}
            peers = list(_peers(x))
            for noise in CELLS:
                each = trial(x, noise, HARD_CUES if noise in HARD else CUES)
                cosines = exact.cosines(each.cues)
                best = _hits(cosines, each)
                row = [best, _hits(exact.int8_cosines(each.cues), each)]
                row += [_peer_hits(peer, each) for peer in peers]
                for preset, memory in memories.items():
                    answers = ask(memory, each.cues)
                    pairs[preset].add(cosines, answers, each.targets)
                    found = answers.hits(each.targets)
                    shortfall[preset] = max(shortfall[preset], round(best - found, 6))
                    if noise in ALWAYS:
                        certain[preset] = min(certain[preset], found)
                    row.append(found)
                hits.add(kind, size, cell_name(noise), *row)
            for memory in memories.values():
                memory.close()
    section = Section([hits, _threshold(pairs), _calibration(pairs), _confidence(pairs)])
    cells = f"all {len(hits.rows)} cells"
    for preset, allowed in ALLOWED.items():
        section.figures.append(
            Figure(
                f"largest loss of hit@1 against exact cosine, {cells}, `{preset}`",
                shortfall[preset], "", goal=f"≤ {allowed}", met=shortfall[preset] <= allowed,
            )
        )  # fmt: skip
    section.figures.append(
        Figure(
            "least hit@1 at (a) 0.2, (b) 0.2, (c) 0.2, `default`",
            certain["default"], "", goal="1", met=certain["default"] == 1.0,
        )
    )  # fmt: skip
    passing = section.tables[1].rows[list(PRESETS).index("default")][2]
    assert isinstance(passing, float)
    section.figures.append(
        Figure(
            f"right answers that pass {THRESHOLD} where the true cosine is ≥ {CLEARLY}, `default`",
            passing, "", goal="≥ 0.99", met=passing >= 0.99,
        )
    )  # fmt: skip
    return section


def _peers(x: NDArray[np.float32]) -> Iterator[Peer | None]:
    for make in (FaissFlat, FaissIvf, FaissHnsw, lambda: Usearch("i8")):
        try:
            peer = make()
        except MissingPeer as error:
            print(error)
            yield None
        else:
            peer.build(x, threads=2)
            yield peer


def _peer_hits(peer: Peer | None, each: Trial) -> float | str:
    if peer is None:
        return "not installed"
    breadth = 0 if len(peer.breadths) == 1 else BREADTH // (4 if isinstance(peer, FaissIvf) else 1)
    found = peer.search(each.cues, 1, breadth, threads=2)[:, 0]
    return float((found == each.targets).mean())


def _hits(cosines: NDArray[np.float32], each: Trial) -> float:
    return float((cosines.argmax(1) == each.targets).mean())


def _threshold(pairs: dict[str, _Pairs]) -> Table:
    table = Table(
        "threshold",
        ("preset", f"right answers of true cosine ≥ {CLEARLY}", f"of these pass {THRESHOLD}",
         "answers of true cosine ≤ 0.65", f"of these pass {THRESHOLD} "),
    )  # fmt: skip
    for preset, each in pairs.items():
        cosines, similarities, _, right = each.joined()
        clear = right & (cosines >= CLEARLY)
        far = cosines <= 0.65
        passing = similarities >= THRESHOLD
        table.add(
            preset, int(clear.sum()), float(passing[clear].mean()),
            int(far.sum()), float(passing[far].mean()),
        )  # fmt: skip
    return table


def _calibration(pairs: dict[str, _Pairs]) -> Table:
    table = Table(
        "calibration",
        ("similarity from", "mean error", "99 % of errors below", "largest error"),
        notes=["Errors are |similarity - cosine| of first answers; cosines of float32 embeddings."],
    )
    for preset, each in pairs.items():
        cosines, similarities, _, _ = each.joined()
        table.add(f"the re-rank, `{preset}`", *_errors(similarities, cosines))
    x = data("Gaussian", SIZES[0])
    trials = [trial(x, noise, CUES) for noise in CELLS]
    for preset, law in PRESETS.items():
        unranked = remembering(x, replace(law, rerank=False))
        weights = projection(law, SEED, x.shape[1])
        by_race, by_code = _Pairs(), _Pairs()
        for each in trials:
            cosines = Exact(x).cosines(each.cues)
            by_race.add(cosines, ask(unranked, each.cues), each.targets)
            few = Trial(each.noise, each.cues[:100], each.targets[:100])
            codes = encode(quantise(few.cues), weights, law)
            by_code.add(cosines[:100], ask(unranked, codes, codes=True), few.targets)
        for name, found in (("latency, no re-rank", by_race), ("a code's latency", by_code)):
            cosines, similarities, _, _ = found.joined()
            table.add(f"{name}, `{preset}`", *_errors(similarities, cosines))
        unranked.close()
    return table


def _errors(similarities: Truths, cosines: Truths) -> tuple[float, float, float]:
    errors = np.abs(similarities - cosines)
    return float(errors.mean()), float(np.quantile(errors, 0.99)), float(errors.max())


def _confidence(pairs: dict[str, _Pairs]) -> Table:
    """Return how often answers of each tenth of confidence were right, default preset."""
    table = Table(
        "confidence",
        ("confidence", "answers", "mean confidence", "share that is right"),
        notes=["First answers of the default preset in all cells of the table of hits."],
    )
    _, _, confidences, right = pairs[DEFAULT_PRESET].joined()
    tenths = np.minimum((confidences * 10).astype(int), 9)
    for tenth in range(10):
        chosen = tenths == tenth
        count = int(chosen.sum())
        means = (float(each[chosen].mean()) if count else None for each in (confidences, right))
        table.add(f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}", count, *means)
    return table
