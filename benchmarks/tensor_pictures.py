"""Pictures of stored tensors, from what was measured: SVG into docs/figures."""

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.association_pictures import INK, QUIET, STYLE
from benchmarks.tables import FIGURES

__all__ = ["draw_measured"]

_COLOURS = {
    "grouped": INK,
    "factors": "#d84315",
    "train": "#f9a825",
    "cp": "#8d6e63",
    "tucker": "#00897b",
    "seeded": "#8e24aa",
    "stepped": "#1e88e5",
}
# What is worse is not worth drawing: a loss so many times the dense one, so much less accuracy.
_WORST_LOSS, _WORST_LOST = 1.4, 0.1
_APART = 1.4  # ratios nearer to each other have labels that would touch


def rates(sections: Mapping[str, Any]) -> Figure:
    """Draw ratio against error, a panel for each tensor, beside the bound."""
    table = _table(sections, "rates", "rates")
    tensors = list(dict.fromkeys(row[0] for row in table["rows"]))
    figure = Figure(figsize=(9, 3.4))
    panels = figure.subplots(1, len(tensors), sharex=True)
    for axes, tensor in zip(panels, tensors, strict=True):
        rows = {row[1]: row[2:] for row in table["rows"] if row[0] == tensor}
        _lines(axes, _ratios(table), rows)
        bound = rows["bound for noise"]
        axes.plot(_ratios(table), bound, "--", color=QUIET, linewidth=1, label="bound for noise")
        axes.set_yscale("log")
        axes.set_title(tensor, fontsize=9)
        _as_ratios(axes, _ratios(table))
    panels[0].set_ylabel("relative error")
    panels[0].legend(fontsize=7, frameon=False, ncols=2)
    return figure


def trained(sections: Mapping[str, Any]) -> Figure:
    """Draw what each codec leaves of the models, a panel for each."""
    table = _table(sections, "trained", "trained")
    models = list(dict.fromkeys(row[0] for row in table["rows"]))
    figure = Figure(figsize=(8, 3.2))
    for axes, model in zip(figure.subplots(1, len(models)), models, strict=True):
        rows = {row[1]: row[2:] for row in table["rows"] if row[0] == model}
        dense, kind = next(
            (values[0], name) for name, values in rows.items() if name.startswith("(none")
        )
        _lines(axes, _ratios(table), rows)
        axes.axhline(dense, color=QUIET, linewidth=1, linestyle="--", label="as trained")
        if "loss" in kind:
            axes.set_ylim(0.99 * dense, _WORST_LOSS * dense)
        else:
            axes.set_ylim(dense - _WORST_LOST, dense + 0.1 * _WORST_LOST)
        axes.set_ylabel(kind.removeprefix("(none: ").removesuffix(")"))
        axes.set_title(model, fontsize=9)
        axes.legend(fontsize=7, frameon=False)
        _as_ratios(axes, _ratios(table))
    return figure


_PICTURES: dict[str, Callable[[Mapping[str, Any]], Figure]] = {"rates": rates, "trained": trained}


def draw_measured(sections: Mapping[str, Any]) -> None:
    """Write the pictures of what was measured so far."""
    for name, draw in _PICTURES.items():
        if name not in sections:
            continue
        path = FIGURES / f"tensors_{name}.svg"
        with matplotlib.rc_context(STYLE):
            draw(sections).savefig(path, metadata={"Date": None})
        # Trailing blanks are all that a text linter would complain of.
        path.write_text("\n".join(map(str.rstrip, path.read_text().splitlines())) + "\n")


def _table(sections: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    (table,) = (each for each in sections[section]["tables"] if each["name"] == name)
    return dict(table)


def _ratios(table: Mapping[str, Any]) -> list[float]:
    return [1 / float(column.removeprefix("1/")) for column in table["columns"][2:]]


def _lines(axes: Axes, ratios: list[float], rows: Mapping[str, list[float | None]]) -> None:
    for codec, colour in _COLOURS.items():
        points = [(x, y) for x, y in zip(ratios, rows[codec], strict=True) if y is not None]
        if points:
            across, up = zip(*points, strict=True)
            axes.plot(across, up, "o-", color=colour, markersize=3, linewidth=1, label=codec)


def _as_ratios(axes: Axes, ratios: list[float]) -> None:
    axes.set_xscale("log")
    axes.minorticks_off()
    labels = [f"1/{1 / ratio:g}" for ratio in ratios]
    for i in range(1, len(ratios)):
        if ratios[i - 1] / ratios[i] < _APART:
            labels[i] = f"\n{labels[i]}"  # a line lower, out of its neighbour's way
    axes.set_xticks(ratios, labels)
    axes.set_xlabel("stored bytes a byte")
