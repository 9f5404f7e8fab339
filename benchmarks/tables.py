"""What a benchmark of several sections writes down: one JSON, and its tables for the docs.

Sections are measured together or one by one; each keeps the machine and commit of its own run.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.harness import ROOT, Figure, machine

__all__ = ["FIGURES", "Results", "Section", "Table", "figure_table", "written"]

FIGURES = ROOT / "docs" / "figures"
_GOALS = ("figure", "measured", "peer in the same run", "goal", "")

Cell = str | int | float | None


@dataclass
class Table:
    """Rows under columns; ``name`` becomes docs/figures/BENCHMARK_NAME.md."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *row: Cell) -> None:
        """Append a row of as many cells as there are columns."""
        if len(row) != len(self.columns):
            raise ValueError(f"row must have {len(self.columns)} cells, not {row!r}")
        self.rows.append(row)

    def note(self, text: str) -> None:
        """Append a line to what is said below the table."""
        self.notes.append(text)

    def show(self) -> None:
        """Print the table."""
        shown = RichTable(*self.columns, title=self.name)
        for row in self.rows:
            shown.add_row(*map(written, row))
        Console(width=150).print(shown)

    def lines(self) -> list[str]:
        """Return the table in Markdown, and its notes."""
        aligned = [
            "---:" if all(isinstance(row[i], int | float | None) for row in self.rows) else "---"
            for i in range(len(self.columns))
        ]
        rows = [self.columns, aligned, *([written(cell) for cell in row] for row in self.rows)]
        notes = [f"- {note}" for note in self.notes]
        return [*("| " + " | ".join(row) + " |" for row in rows), *([""] if notes else []), *notes]


@dataclass
class Section:
    """What one section of a benchmark measured."""

    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def written(cell: Cell) -> str:
    """Return a cell as text: thousands apart, and digits behind the point as it is small."""
    if cell is None:
        return ""
    if isinstance(cell, bool | str):
        return str(cell)
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}"
    if 0 < abs(cell) < 0.001:
        return f"{cell:.1e}"
    if 0 < abs(cell) < 0.01:
        return f"{cell:.4f}"
    return f"{cell:.3f}" if abs(cell) < 10 else f"{cell:.1f}"


class Results:
    """What ``python -m benchmarks.NAME`` measured: benchmarks/results/NAME.json and its tables."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._path = ROOT / "benchmarks" / "results" / f"{name}.json"

    def read(self) -> dict[str, Any]:
        """Return what was measured so far, by section."""
        if not self._path.exists():
            return {}
        found: dict[str, Any] = json.loads(self._path.read_text())
        return found

    def write_section(self, name: str, section: Section, seconds: float) -> None:
        """Write a section beside the others into the JSON, its tables, and the table of goals."""
        for table in section.tables:
            table.show()
        everything = self.read()
        everything[name] = {
            "machine": machine(),
            "seconds": round(seconds, 1),
            "tables": [asdict(table) for table in section.tables],
            "figures": [asdict(figure) for figure in section.figures],
        }
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(everything, indent=1) + "\n")
        about = everything[name]["machine"]
        head = (
            f"Measured by `python -m benchmarks.{self.name} {name}` on {about['cores']} cores of "
            f"{about['cpu']}, Python {about['python']}, NumPy {about['numpy']}."
        )
        for table in section.tables:
            path = FIGURES / f"{self.name}_{table.name}.md"
            path.write_text("\n".join([head, "", *table.lines()]) + "\n")
        goals = Table("goals", _GOALS)
        for measured in everything.values():
            for entry in measured["figures"]:
                figure = Figure(**entry)
                if figure.goal:
                    goals.add(*_goal(figure))
        if goals.rows:
            (FIGURES / f"{self.name}_goals.md").write_text("\n".join(goals.lines()) + "\n")
        _show(section.figures)


def figure_table(name: str, figures: Iterable[Figure]) -> Table:
    """Return figures beside their peers, and what is to be said of them."""
    table = Table(name, ("figure", "measured", "peer in the same run", "ratio"))
    for figure in figures:
        ratio = figure.ratio and f"{figure.ratio:.2f}"
        table.add(*_goal(figure)[:3], ratio)
    told: dict[str, list[str]] = {}
    for figure in figures:
        if figure.note:
            told.setdefault(figure.note, []).append(figure.name)
    for note, about in told.items():
        table.note(f"*{about[0]}*{' and others' if len(about) > 1 else ''}: {note}")
    return table


def _show(figures: Iterable[Figure]) -> None:
    table = Table("goals", _GOALS)
    for figure in figures:
        table.add(*_goal(figure))
    if table.rows:
        table.show()


def _goal(figure: Figure) -> tuple[Cell, ...]:
    peer = ""
    if figure.peer_value is not None:
        peer = f"{figure.peer}: {written(figure.peer_value)} {figure.unit}".strip()
    met = "" if figure.met is None else "met" if figure.met else "**not met**"
    return figure.name, f"{written(figure.value)} {figure.unit}".strip(), peer, figure.goal, met
