"""Timing things side by side, and writing down what came out, on which machine and commit."""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

__all__ = ["ROOT", "Figure", "interleaved", "machine", "seconds", "show", "write"]

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Figure:
    """One measured thing beside its peer: ``ratio`` is how many times better than the peer.

    ``goal`` is the ratio (or, without a peer, the value) aimed at; ``note`` says what is compared.
    """

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    note: str = ""


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(rounds: int, **works: Callable[[], object]) -> dict[str, float]:
    """Return the median seconds of each work, all of them run in turn so that noise is shared.

    Each runs once untimed before it is timed: a core that another work left idle has to wake up.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            work()
            times[name].append(seconds(work))
    return {name: statistics.median(taken) for name, taken in times.items()}


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "commit": git.stdout.strip(),
        "load": os.getloadavg()[0],
    }


def write(name: str, figures: list[Figure]) -> None:
    """Write ``benchmarks/results/NAME.json``, and the same as a table for the documentation."""
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    found = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    (results / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    about = found["machine"]
    lines = [
        (
            f"Measured by `python -m benchmarks.{name}` on {about['cores']} cores of "
            f"{about['cpu']}, Python {about['python']}, NumPy {about['numpy']}."
        ),
        "",
        "| figure | measured | peer in the same run | ratio | goal | |",
        "|---|---:|---|---:|---|---|",
    ]
    for figure in figures:
        lines.append("| " + " | ".join(_cells(figure)) + " |")
    notes = [f"- *{figure.name}*: {figure.note}" for figure in figures if figure.note]
    table = ROOT / "docs" / "figures" / f"{name}.md"
    table.parent.mkdir(exist_ok=True)
    table.write_text("\n".join([*lines, "", *notes]) + "\n")


def show(figures: list[Figure]) -> None:
    """Print the table."""
    table = Table("figure", "measured", "peer in the same run", "ratio", "goal", "")
    for figure in figures:
        table.add_row(*_cells(figure))
    Console().print(table)


def _cells(figure: Figure) -> tuple[str, ...]:
    peer = ""
    if figure.peer_value is not None:
        peer = f"{figure.peer}: {_number(figure.peer_value)} {figure.unit}"
    return (
        figure.name,
        f"{_number(figure.value)} {figure.unit}",
        peer,
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        figure.goal,
        "" if figure.met is None else "met" if figure.met else "not met",
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
