"""Completion of damaged codes, what it costs in hits, and consolidation of near-duplicates."""

import time

import numpy as np
from numpy.typing import NDArray

import engram
from benchmarks.association_data import DATA, Noise, cell_name, data, noisy, trial
from benchmarks.association_memory import ask, names, remembering
from benchmarks.association_pictures import moved
from benchmarks.association_sweeps import SEED
from benchmarks.association_tables import Section, Table
from benchmarks.harness import Figure
from engram.arch.associations import DEFAULT_PRESET
from engram.associations.patterns import Completion

__all__ = ["completion"]

PATTERNS = 10_000
TRIES = 10_000
CUES = 1_000
MOVED = 0.2
NOISES: tuple[Noise, ...] = (("a", 0.5), ("b", 0.5), ("c", 0.5), ("d", 0.1), ("d", 0.2))
GROUPS, MEMBERS, SINGLES = 200, 5, 500
APART = 0.15  # noise (a) between the members of a group: cosines of about 0.98


def completion() -> Section:
    """Measure completion on both kinds of data, and a consolidation."""
    codes = Table(
        "completion",
        ("data", "cues", "exactly the stored code", "right pattern", "mean steps", "converged"),
    )
    codes.note(
        f"{PATTERNS:,} patterns, default preset. Clustered patterns are completed against "
        "neighbours of cosine 0.8."
    )
    hits = Table(
        "completion_hits",
        ("data", "noise", "hit@1 of recall", "hit@1 of completion", "right code"),
        notes=[f"{CUES:,} cues; *right code*: the settled code is the pattern's."],
    )
    section = Section([codes, hits])
    exact, costs, fixed = [], [], []
    for kind in DATA:
        x = data(kind, PATTERNS)
        memory = remembering(x, DEFAULT_PRESET)
        stored = np.array([each.code for each in memory.complete(x)])
        random = np.random.default_rng(31)
        targets = random.permutation(PATTERNS)[:TRIES]
        cues = {
            "stored codes": stored[targets],
            f"{MOVED:.0%} of bits moved": np.array(
                [moved(stored[i], MOVED, random) for i in targets]
            ),
        }
        for name, rows in cues.items():
            settled = memory.complete(code=rows)
            right, same = _shares(settled, targets, stored)
            steps = np.mean([each.steps for each in settled])
            converged = np.mean([each.converged for each in settled])
            codes.add(kind, name, same, right, float(steps), float(converged))
            (fixed if name == "stored codes" else exact).append(same)
        for noise in NOISES:
            each = trial(x, noise, CUES)
            recalled = ask(memory, each.cues).hits(each.targets)
            hit, code = _shares(memory.complete(each.cues), each.targets, stored)
            hits.add(kind, cell_name(noise), recalled, hit, code)
            costs.append(recalled - hit)
        memory.close()
    worst = round(max(costs), 6)  # shares of a thousand: what is beyond is float64's
    section.figures = [
        Figure(
            f"codes with {MOVED:.0%} of bits moved that come back exactly, least of both data",
            min(exact), "", goal="≥ 0.999", met=min(exact) >= 0.999,
        ),
        Figure(
            "stored codes that are fixed points, least of both data",
            min(fixed), "", goal="1", met=min(fixed) == 1.0,
        ),
        Figure(
            "largest loss of hit@1 by completion",
            worst, "", goal="≤ 0.01", met=worst <= 0.01,
        ),
    ]  # fmt: skip
    section.tables.append(_consolidation())
    return section


def _shares(
    settled: list[Completion], targets: NDArray[np.int64], stored: NDArray[np.uint16]
) -> tuple[float, float]:
    """Return the shares of cues that settled into the right pattern, and into exactly its code."""
    pairs = list(zip(settled, targets.tolist(), strict=True))
    right = np.mean([each.id == str(slot) for each, slot in pairs])
    same = np.mean([bool((each.code == stored[slot]).all()) for each, slot in pairs])
    return float(right), float(same)


def _consolidation() -> Table:
    """Return what is left of groups of near-duplicates, and who."""
    table = Table(
        "consolidation",
        ("importance of members", "epochs", "converged", "forgotten", "groups left with one",
         "with their most important one", "lone patterns kept", "hit@1 on a group", "seconds"),
    )  # fmt: skip
    table.note(
        f"{GROUPS} groups of {MEMBERS} near-duplicates (cosine about {1 / (1 + APART**2):.2f}) "
        f"and {SINGLES} lone patterns; `consolidate(overlap=0.7)`; cues are all members, of "
        "which a hit names anyone of the group."
    )
    centres = data("Gaussian", GROUPS + SINGLES)
    members = noisy(np.repeat(centres[:GROUPS], MEMBERS, axis=0), ("a", APART))
    x = np.concatenate([members, centres[GROUPS:]])
    groups = np.repeat(np.arange(GROUPS), MEMBERS)
    random = np.random.default_rng(32)
    chosen = {
        "0.5 each": np.full(len(x), 0.5),
        "0 to 0.9, drawn": np.round(random.random(len(x)) * 0.9, 2),
        "1 each": np.ones(len(x)),
    }
    for name, importances in chosen.items():
        memory = engram.open(seed=SEED, associations="cpu")
        memory.remember(names(len(x)), x, importance=importances)
        started = time.perf_counter()
        done = memory.consolidate(0.7)
        taken = time.perf_counter() - started
        left = np.array([int(each) for each in memory.associations])
        stays = np.isin(np.arange(len(x)), left)
        kept = stays[: len(members)].reshape(GROUPS, MEMBERS)
        weights = importances[: len(members)].reshape(GROUPS, MEMBERS)
        strongest = (weights * kept).max(1) == weights.max(1)
        answers = ask(memory, members)
        found = np.where(answers.first < len(members), answers.first // MEMBERS, -1)
        table.add(
            name, done.epochs, str(done.converged), len(x) - len(left),
            float((kept.sum(1) == 1).mean()), float(strongest.mean()),
            int(stays[len(members) :].sum()), float((found == groups).mean()), taken,
        )  # fmt: skip
        memory.close()
    return table
