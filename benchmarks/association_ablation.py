"""What each stage of the law is worth, on and off, and how recall depends on m, k, s and spikes."""

from dataclasses import replace

from benchmarks.association_data import Noise, cell_name, data, trial
from benchmarks.association_sweeps import Sweep, Swept
from benchmarks.association_tables import Section, Table
from engram.arch.associations import DEFAULT_PRESET, PRESETS, Association

__all__ = ["ablation", "curves"]

PATTERNS = 10_000
CUES = 400
AWAITED = 2  # of the cells below: the one with the farthest cues
HARD: dict[str, tuple[Noise, ...]] = {
    "Gaussian": (("d", 0.1), ("d", 0.2), ("d", 0.3)),
    "clustered": (("c", 0.5), ("d", 0.1)),
}
CURVE_NOISE: Noise = ("d", 0.2)
DEFAULT = PRESETS[DEFAULT_PRESET]


def variants(law: Association = DEFAULT) -> list[tuple[str, Association]]:
    """Return the default law and what it becomes with one stage changed."""
    return [
        ("as it is", law),
        ("cue not signed", replace(law, signed=False)),
        ("cue not signed, twice the spikes", replace(law, signed=False, spikes=2 * law.spikes)),
        *((f"{levels} levels of payload", replace(law, levels=levels)) for levels in (3, 15)),
        *(
            (f"ramp 2^{ramp} a step", replace(law, ramp=ramp))
            for ramp in range(5)
            if ramp != law.ramp
        ),
        *(
            (f"{candidates} candidates", replace(law, candidates=candidates))
            for candidates in (64, 128, 256, 512, 1024, 2048)
            if candidates != law.candidates
        ),
    ]


def ablation() -> Section:
    """Return hit@1 with and without a re-rank, for each variant and hard noise."""
    cells = [(kind, noise) for kind, noises in HARD.items() for noise in noises]
    names = [f"{kind} {cell_name(noise)}" for kind, noise in cells]
    table = Table(
        "ablation",
        ("law", *(f"{name}: re-rank on / off" for name in names), "a candidate", "events a cue"),
    )
    table.note(
        f"hit@1 of {CUES} cues, {PATTERNS:,} patterns; *off* is the order of the race alone. "
        f"*A candidate*: the share of cues whose pattern is one, {names[AWAITED]}."
    )
    table.note("*Events* are the synaptic events of a cue: conducting synapses its spikes pass.")
    rows: dict[str, list[Swept]] = {name: [] for name, _ in variants()}
    exact: list[tuple[float, float]] = []
    for kind, noises in HARD.items():
        x = data(kind, PATTERNS)
        sweep = Sweep(x, [trial(x, noise, CUES) for noise in noises])
        exact += [sweep.exact_hits(i) for i in range(len(noises))]
        for name, law in variants():
            rows[name] += sweep.run(law)
    table.add("exact cosine, float32", *(f"{wide:.3f}" for wide, _ in exact), None, None)
    table.add("exact cosine, int8", *(f"{small:.3f}" for _, small in exact), None, None)
    for name, found in rows.items():
        events = sum(each.events for each in found) / len(found)
        pairs = (f"{each.hits:.3f} / {each.race_hits:.3f}" for each in found)
        table.add(name, *pairs, found[AWAITED].awaited, round(events))
    return Section([table, curves()])


def curves() -> Table:
    """Return how hits depend on each parameter, the others as in the default preset."""
    law = DEFAULT
    scale = law.neurons
    varied: list[tuple[str, int, Association]] = []
    for neurons in (1024, 2048, 4096, 8192, 16384):
        changed = replace(
            law,
            neurons=neurons,
            winners=law.winners * neurons // scale,
            spikes=law.spikes * neurons // scale,
        )
        varied.append(("m, with k and spikes in proportion", neurons, changed))
    for sources in (2, 4, 8, 16, 32, 64):
        varied.append(("s", sources, replace(law, sources=sources)))
    for winners in (32, 64, 128, 256, 640, 1280, 2560):
        varied.append(("k", winners, replace(law, winners=winners)))
    for spikes in (64, 128, 256, 512, 1024, 2048, 4096):
        varied.append(("spikes", spikes, replace(law, spikes=spikes)))
    columns = ("varied", "value", "hit@1", "hit@1 without re-rank", "among the candidates",
               "events a cue")  # fmt: skip
    table = Table("curves", columns)
    x = data("Gaussian", PATTERNS)
    sweep = Sweep(x, [trial(x, CURVE_NOISE, CUES)])
    wide, small = sweep.exact_hits(0)
    for what, value, changed in varied:
        (found,) = sweep.run(changed)
        table.add(what, value, found.hits, found.race_hits, found.awaited, round(found.events))
    table.note(
        f"{PATTERNS:,} Gaussian patterns, {CUES} cues, noise {cell_name(CURVE_NOISE)}; exact "
        f"cosine finds {wide:.3f}, int8 {small:.3f}."
    )
    table.note("What is not varied is as in the default preset.")
    return table
