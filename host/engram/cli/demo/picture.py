"""The demo's picture: the window as it was read back, the rates, and the kills on a time line."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from engram.cli.demo.outcome import Outcome
from engram.cli.demo.seal import SIDE
from engram.cli.terminal import amount, duration, size

__all__ = ["save_picture"]

_PAPER, _INK, _FAINT, _GRID = "#0d1321", "#eef1f7", "#93a1bb", "#26314a"
_LEFT, _RIGHT = 0.04, 0.5075
_OURS, _PEERS, _BAD = "#ffb545", "#5f7aa8", "#ff5d6c"
_NOISE = LinearSegmentedColormap.from_list("noise", ["#0d1321", "#1d2b48", "#41598a"])
_SEAL = LinearSegmentedColormap.from_list("seal", ["#ff6f91", "#ffb545", "#ffe9a8"])


def save_picture(outcome: Outcome, path: Path) -> None:
    """Draw the outcome of a demo into a PNG file."""
    figure = Figure(figsize=(16, 10), dpi=120, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    figure.text(
        _LEFT, 0.945, "A memory of 2⁶⁴ words that nobody stored", color=_INK, size=25, weight="bold"
    )
    figure.text(
        _LEFT,
        0.91,
        f"engram demo, seed {outcome.seed}: generated words, written words, and "
        f"{len(outcome.rounds)} processes killed while they wrote",
        color=_FAINT,
        size=13,
    )
    _draw_tiles(figure, outcome)
    _draw_window(figure.add_axes((0.04, 0.075, 0.405, 0.648)), outcome)
    _draw_rates(figure.add_axes((0.62, 0.475, 0.34, 0.248)), outcome)
    _draw_kills(figure.add_axes((0.54, 0.115, 0.42, 0.25)), outcome)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, facecolor=_PAPER)


def _draw_tiles(figure: Figure, outcome: Outcome) -> None:
    tiles = (
        (f"{amount(outcome.fill_rate)} words/s", f"{amount(outcome.words)} words, all checked"),
        (f"+{size(outcome.resident_growth)} of RAM", f"to read {size(8 * outcome.words)}"),
        (
            f"{outcome.lost} lost, {outcome.torn} torn",
            f"of {outcome.acknowledged:,} acknowledged writes",
        ),
        (duration(outcome.reopen_seconds), f"to reopen with {amount(outcome.held_words)} words"),
    )
    for i, (head, line) in enumerate(tiles):
        x = _LEFT + 0.23375 * i
        figure.text(x, 0.848, head, color=_OURS, size=21, weight="bold")
        figure.text(x, 0.82, line, color=_FAINT, size=12)


def _draw_window(axes: Axes, outcome: Outcome) -> None:
    """Show a word's top byte as a shade, written words in other colours."""
    shade = (outcome.window >> np.uint64(56)).astype(np.float64) / 255
    written = outcome.window_written
    colours: Any = np.where(written[..., None], _SEAL(shade), _NOISE(shade))
    axes.imshow(colours, interpolation="nearest", aspect="equal")
    _title(axes, f"A window of {SIDE}² words from 10¹⁵ on, read after the kills")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(_GRID)
    axes.legend(
        handles=[
            Patch(color="#31456f", label=f"{int((~written).sum()):,} generated, no byte stored"),
            Patch(color=_OURS, label=f"{int(written.sum()):,} written (cuts: ranges erased again)"),
        ],
        loc="upper left",
        bbox_to_anchor=(-0.01, -0.012),
        ncols=2,
        frameon=False,
        labelcolor=_INK,
        fontsize=11.5,
        handlelength=1,
        columnspacing=1.5,
    )


def _draw_rates(axes: Axes, outcome: Outcome) -> None:
    """Show bars of GB/s, fastest on top."""
    ours = {f"Engram, {figure.name.split(', ')[1]}": figure.rate for figure in outcome.figures}
    peers = {figure.peer: figure.peer_rate for figure in outcome.figures}
    rates = sorted({**ours, **peers}.items(), key=lambda item: item[1])
    names = [name for name, _ in rates]
    values = [8 * rate / 1e9 for _, rate in rates]
    bars = axes.barh(
        names, values, height=0.66, color=[_OURS if name in ours else _PEERS for name in names]
    )
    axes.bar_label(
        bars, [f"{value:.1f}" for value in values], padding=6, color=_INK, size=12, weight="bold"
    )
    _title(axes, "Filling a buffer with 64-bit words, GB/s ")
    axes.set_facecolor(_PAPER)
    axes.set_xlim(0, max(values) * 1.1)
    axes.tick_params(axis="y", colors=_INK, labelsize=12, length=0)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_kills(axes: Axes, outcome: Outcome) -> None:
    """Show acknowledged writes over writing time; bands are lives, each ended by a SIGKILL."""
    began, count = 0.0, 0
    few = len(outcome.rounds) <= 8  # else labels would run into each other
    for number, kill in enumerate(outcome.rounds):
        times = [began + at - kill.ready for at in kill.times]
        counts = [count + 1 + i for i in range(len(times))]
        ended, held = began + kill.killed - kill.ready, count + len(times)
        if number % 2:
            axes.axvspan(began, ended, color=_GRID, alpha=0.55, lw=0)
        axes.plot([began, *times, ended], [count, *counts, held], color=_OURS, lw=2.6)
        axes.plot([ended], [held], "x", color=_BAD, ms=12, mew=3, zorder=3)
        if few:
            found = f"{kill.acknowledged - kill.lost:,}/{kill.acknowledged:,}"
            axes.annotate(
                found,
                ((began + ended) / 2, 0.96),
                xycoords=axes.get_xaxis_transform(),
                color=_INK,
                size=11,
                ha="center",
                va="top",
            )
        began, count = ended, held
    _title(axes, "Durable writes found / acknowledged, by life of the writer")
    axes.plot([], [], "x", color=_BAD, ms=9, mew=2.5, label="killed with SIGKILL, reopened, read")
    axes.legend(
        loc="lower right", frameon=False, labelcolor=_FAINT, fontsize=11.5, handletextpad=0.4
    )
    axes.set_facecolor(_PAPER)
    axes.set_ylim(0, max(count, 1) * 1.3)
    axes.set_xlim(0, max(began, 1e-3) * 1.03)
    axes.set_xlabel("seconds of writing", color=_FAINT, size=12)
    axes.set_ylabel("acknowledged writes", color=_FAINT, size=12)
    axes.tick_params(colors=_FAINT, labelsize=11)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_FAINT)


def _title(axes: Axes, text: str) -> None:
    """Put a title over axes, on the left edge of its column of the picture."""
    figure, box = axes.get_figure(), axes.get_position()
    assert figure is not None
    left = _LEFT if box.x0 < 0.5 else _RIGHT
    figure.text(left, box.y1 + 0.016, text, color=_INK, size=14, weight="bold")
