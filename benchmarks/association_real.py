"""Real embeddings: held-out sentences as cues for stored ones, beside exact cosine and peers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.association_data import Exact, Noise, cell_name, trial
from benchmarks.association_memory import ask, remembering
from benchmarks.association_peers import PEERS, MissingPeer
from benchmarks.association_sentences import PACKAGE, MissingModel, SentenceModel, sentences
from benchmarks.association_tables import Section, Table
from benchmarks.harness import Figure
from engram.arch.associations import DEFAULT_PRESET, PRESETS

__all__ = ["real"]

STORED = 2_500
CUES = 500
NEAREST = 10
NOISES: tuple[Noise, ...] = (("a", 0.5), ("c", 0.5), ("d", 0.1))


def real() -> Section:
    """Measure recall@10 of unseen sentences, and hit@1 of stored ones under noise."""
    table = Table(
        "real",
        ("index", "recall@1", f"recall@{NEAREST}", *(f"hit@1 {cell_name(n)}" for n in NOISES)),
    )
    section = Section([table])
    try:
        model = SentenceModel()
    except MissingModel as error:
        table.add(str(error), *[None] * (len(table.columns) - 1))
        return section
    texts = sentences(STORED + CUES)
    order = np.random.default_rng(41).permutation(len(texts))
    embedded = model.embed([texts[i] for i in order])
    x, cues = embedded[CUES:], embedded[:CUES]
    cosines = Exact(x).cosines(cues)
    best = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    trials = [trial(x, noise, CUES) for noise in NOISES]
    for make in PEERS:
        try:
            peer = make()
        except MissingPeer as error:
            table.add(str(error), *[None] * (len(table.columns) - 1))
            continue
        peer.build(x, threads=2)
        for breadth in peer.breadths:
            found = peer.search(cues, NEAREST, breadth, 2)
            hits = [
                float((peer.search(each.cues, 1, breadth, 2)[:, 0] == each.targets).mean())
                for each in trials
            ]
            name = f"{peer.name}, breadth {breadth}" if breadth else peer.name
            table.add(name, *_recalls(found, best), *hits)
    for preset in PRESETS:
        with remembering(x, preset) as memory:
            found = ask(memory, cues, NEAREST).best
            hits = [ask(memory, each.cues).hits(each.targets) for each in trials]
        shares = _recalls(found, best)
        table.add(f"Engram {preset}", *shares, *hits)
        if preset == DEFAULT_PRESET:
            section.figures.append(
                Figure(
                    f"recall@{NEAREST} of unseen sentences against exact cosine, `{preset}`",
                    shares[1], "", goal="≥ 0.97", met=shares[1] >= 0.97,
                )
            )  # fmt: skip
    table.note(
        f"{len(x):,} sentences of Python's own help topics and docstrings, embedded by "
        f"all-MiniLM-L6-v2 ({PACKAGE}), {x.shape[1]} dimensions; the first two columns ask with "
        f"{CUES} other sentences of the same texts, whose nearest stored one has a mean cosine "
        f"of {cosines.max(1).mean():.2f}."
    )
    table.note(
        f"*recall@{NEAREST}* is the share of the {NEAREST} exactly nearest that is among the "
        f"first {NEAREST} answers."
    )
    return section


def _recalls(found: NDArray[Any], best: NDArray[Any]) -> tuple[float, float]:
    first = float((found[:, 0] == best[:, 0]).mean())
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found, best, strict=True)]
    return first, float(np.mean(shared) / NEAREST)
