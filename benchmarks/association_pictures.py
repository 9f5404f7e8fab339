"""Pictures of the associative memory, made by the law's own stages: SVG into docs/figures."""

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.association_data import data, noisy
from benchmarks.association_sweeps import SEED
from benchmarks.association_tables import FIGURES
from engram.arch.associations import DEFAULT_PRESET, PRESETS, SETTLING_STEPS, SETTLING_WINNERS
from engram.numpy_associations import (
    Codes,
    cue_of,
    encode,
    project,
    projection,
    quantise,
    settle,
)

__all__ = ["PICTURES", "draw_all", "draw_measured"]

LAW = PRESETS[DEFAULT_PRESET]
PATTERNS = 200
SHOWN_NEURONS = 512
INK, QUIET, FIRST = "#303f9f", "#b0b4c8", "#d84315"

# Text stays text, and identifiers do not change from run to run: the files are committed.
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "engram",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


class Shown:
    """Two hundred clustered patterns, their codes, and races of cues between them."""

    def __init__(self) -> None:
        self.x = data("clustered", PATTERNS)
        self.table = projection(LAW, SEED, self.x.shape[1])
        self.codes = encode(quantise(self.x), self.table, LAW)
        self._synapses = np.zeros((PATTERNS, LAW.neurons), np.int64)
        np.put_along_axis(self._synapses, self.codes.astype(np.int64), 1, 1)

    def potentials(self, cue: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return what every pattern neuron integrates of an embedding's spikes."""
        spikes = cue_of(project(quantise(cue[None]), self.table)[0], LAW)
        found: NDArray[np.int64] = self._synapses[:, spikes.neurons] @ spikes.payloads
        return found

    def settled(self, code: Codes) -> list[Codes]:
        """Return the codes of a completion, the cue first."""
        steps = [code]
        for _ in range(SETTLING_STEPS):
            late = LAW.winners - self._synapses[:, steps[-1]].sum(1)
            first = np.lexsort((np.arange(PATTERNS), late))[:SETTLING_WINNERS]
            rows = [self.codes[slot] for slot in first]
            steps.append(settle(rows, late[first] - late[first[0]], LAW))
            if (steps[-1] == steps[-2]).all():
                break
        return steps

    def shared(self, code: Codes, slot: int) -> float:
        """Return which share of a pattern's active neurons a code has."""
        return float(self._synapses[slot, code].sum() / LAW.winners)


def codes() -> Figure:
    """Draw a few codes: which of the first neurons are active."""
    shown = Shown()
    cosines = shown.x @ shown.x[0]
    near = np.argsort(-cosines, kind="stable")[:4]
    far = np.argsort(np.abs(cosines), kind="stable")[:4]
    again = encode(quantise(noisy(shown.x[:1], ("a", 0.5))), shown.table, LAW)
    rows = [(shown.codes[0], "a pattern", INK), (again[0], "itself, noise (a) 0.5", FIRST)]
    rows += [(shown.codes[i], f"cosine {cosines[i]:.2f}", INK) for i in near[1:]]
    rows += [(shown.codes[i], f"cosine {abs(cosines[i]):.2f}", QUIET) for i in far]
    figure = Figure(figsize=(8, 2.6))
    axes = figure.subplots()
    for y, (code, _, colour) in enumerate(rows):
        axes.plot(*_dots(code[code < SHOWN_NEURONS], y), "|", color=colour, markersize=9)
    axes.set_yticks(range(len(rows)), [name for _, name, _ in rows])
    axes.invert_yaxis()
    share = LAW.winners / LAW.neurons
    axes.set_xlabel(f"code neuron (the first {SHOWN_NEURONS} of {LAW.neurons:,}; {share:.1%} fire)")
    return figure


def race() -> Figure:
    """Draw one recall: membranes on their ramp, and the spike of every pattern."""
    shown = Shown()
    target = 0
    potentials = shown.potentials(noisy(shown.x[target : target + 1], ("d", 0.05))[0])
    late = np.maximum(0, -((potentials - LAW.threshold) >> LAW.ramp))
    order = np.lexsort((np.arange(PATTERNS), late))
    figure = Figure(figsize=(8, 4.6))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.3))
    steps = np.arange(late.max() + 1)
    for slot in [*order[1:40:3], order[0]]:
        run = steps[steps <= late[slot]]
        colour = FIRST if slot == order[0] else QUIET
        above.plot(run, potentials[slot] + (run << LAW.ramp), color=colour, linewidth=1)
    above.axhline(LAW.threshold, color=INK, linewidth=0.8, linestyle="--")
    above.text(steps[-1], LAW.threshold, "threshold", color=INK, ha="right", va="bottom")
    above.set_ylabel("potential + ramp")
    below.plot(late[order], order, "|", color=INK, markersize=4)
    below.plot(late[order[:1]], order[:1], "|", color=FIRST, markersize=12, markeredgewidth=2)
    cluster = order[1 : int((late < np.median(late) - 40).sum())]
    below.plot(late[cluster], cluster, "|", color=FIRST, markersize=5)
    below.annotate(
        f"slot {order[0]} fires first",
        (late[order[0]], order[0]),
        (late[order[0]], 40),
        color=FIRST,
        ha="right",
    )
    below.set_ylabel("slot")
    below.set_xlabel("step of the race")
    return figure


def settling() -> Figure:
    """Draw completions: which neurons fire step by step, and how a pattern's share grows."""
    shown = Shown()
    random = np.random.default_rng(3)
    figure = Figure(figsize=(8, 3))
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.3, 1.3))
    steps = shown.settled(moved(shown.codes[0], 0.4, random))
    seen = np.union1d(steps[0], shown.codes[0])[:60]
    for step, code in enumerate(steps):
        for y, neuron in enumerate(seen):
            if neuron in code:
                colour = INK if neuron in shown.codes[0] else FIRST
                left.plot([step - 0.3, step + 0.3], [y, y], color=colour, linewidth=1.5)
    left.set_title("40% moved: who fires", fontsize=9)
    left.set_ylabel("neurons of cue and pattern (60 of them)")
    left.set_yticks([])
    left.set_xticks(range(len(steps)))
    for share in (0.2, 0.4, 0.6, 0.8, 0.9, 0.92):
        cue = moved(shown.codes[0], share, random)
        path = [shown.shared(code, 0) for code in shown.settled(cue)]
        middle.plot(path, "o-", markersize=3, label=f"{share:.0%} moved")
    middle.set_title("a stored code with bits moved", fontsize=9)
    other = int(np.argmin(np.abs(shown.x @ shown.x[0])))
    rest = np.setdiff1d(shown.codes[other], shown.codes[0])
    for part in (0.4, 0.5, 0.6):
        size = round(part * LAW.winners)
        halves = (shown.codes[0], size), (rest, LAW.winners - size)
        cue = np.concatenate([random.choice(code, count, replace=False) for code, count in halves])
        path = [shown.shared(code, 0) for code in shown.settled(np.sort(cue))]
        right.plot(path, "o-", markersize=3, label=f"{part:.0%} of it")
    right.set_title("mixed with an unrelated code", fontsize=9)
    middle.set_ylabel("share of the pattern's neurons")
    for axes in (middle, right):
        axes.set_ylim(0, 1.04)
        axes.set_xticks(range(4))
        axes.legend(fontsize=7, frameon=False)
    for axes in (left, middle, right):
        axes.set_xlabel("step")
    return figure


def curves(sections: Mapping[str, Any]) -> Figure:
    """Draw the measured curves over m, k, s and spikes."""
    rows = _rows(sections, "ablation", "curves")
    figure = Figure(figsize=(8, 2.6))
    panels = figure.subplots(1, 4, sharey=True)
    names = dict.fromkeys(row[0] for row in rows)
    for axes, name in zip(panels, names, strict=True):
        points = [row[1:5] for row in rows if row[0] == name]
        values = [point[0] for point in points]
        _lines(axes, values, [[point[i] for point in points] for i in (1, 2, 3)])
        axes.set_xscale("log", base=2)
        axes.minorticks_off()
        axes.set_xticks(values[::2], [f"{value:,}" for value in values[::2]])
        axes.set_xlabel(name.replace("m, with k and spikes in proportion", "m (k, spikes ~ m)"))
    panels[0].set_ylabel("share of cues")
    panels[1].legend(fontsize=7, frameon=False, loc="lower center")
    return figure


def reliability(sections: Mapping[str, Any]) -> Figure:
    """Draw how often the first answer was right against the confidence it had."""
    rows = [row for row in _rows(sections, "quality", "confidence") if row[1]]
    figure = Figure(figsize=(3.6, 3.2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1)
    axes.plot([row[2] for row in rows], [row[3] for row in rows], "o-", color=INK, markersize=4)
    axes.set_xlabel("mean confidence of the first answer")
    axes.set_ylabel("share that is right")
    return figure


PICTURES = {"codes": codes, "race": race, "settling": settling}
_MEASURED = {"curves": ("ablation", curves), "reliability": ("quality", reliability)}


def draw_all(sections: Mapping[str, Any]) -> None:
    """Write every picture; those of figures need their section of the results."""
    for name, draw in PICTURES.items():
        _save(name, draw)
    draw_measured(sections)


def draw_measured(sections: Mapping[str, Any]) -> None:
    """Write the pictures of what was measured so far."""
    for name, (section, draw) in _MEASURED.items():
        if section in sections:
            _save(name, lambda draw=draw: draw(sections))


def moved(code: Codes, share: float, random: np.random.Generator) -> Codes:
    """Return a code with so much of it silenced and as many other neurons active."""
    count = round(share * len(code))
    kept = random.choice(code, len(code) - count, replace=False)
    others = np.setdiff1d(np.arange(LAW.neurons), code)
    fresh = random.choice(others, count, replace=False)
    return np.sort(np.concatenate([kept, fresh])).astype(np.uint16)


def _save(name: str, draw: Any) -> None:
    with matplotlib.rc_context(STYLE):
        path = FIGURES / f"associations_{name}.svg"
        draw().savefig(path, metadata={"Date": None})
    # Trailing blanks are all that a text linter would complain of.
    path.write_text("\n".join(map(str.rstrip, path.read_text().splitlines())) + "\n")


def _rows(sections: Mapping[str, Any], section: str, name: str) -> list[Any]:
    (table,) = (each for each in sections[section]["tables"] if each["name"] == name)
    return list(table["rows"])


def _lines(axes: Axes, values: list[float], lines: list[list[float]]) -> None:
    labels = ("hit@1", "without re-rank", "among candidates")
    for line, label, colour in zip(lines, labels, (FIRST, INK, QUIET), strict=True):
        axes.plot(values, line, "o-", markersize=3, linewidth=1, label=label, color=colour)


def _dots(places: Codes, y: int) -> tuple[Codes, NDArray[np.int64]]:
    return places, np.full(len(places), y)
