"""The demo's progress: one line a step, each with what it found and whether its checks held."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engram.cli.terminal import duration

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Check", "Step", "Steps"]


@dataclass(frozen=True)
class Check:
    """A statement that was put to the test."""

    step: str
    statement: str
    held: bool


@dataclass
class Step:
    """A step under way: what it found, and the checks it makes."""

    title: str
    found: str = ""
    checks: list[Check] = field(default_factory=list)

    def check(self, statement: str, held: Any) -> None:
        """Note whether a statement held."""
        self.checks.append(Check(self.title, statement, bool(held)))

    @property
    def held(self) -> bool:
        """Whether all of them did."""
        return all(check.held for check in self.checks)


class Steps:
    """Shows steps as they end, and keeps every check that they made."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self.checks: list[Check] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run one step under a spinner, and print its line."""
        from rich.table import Table
        from rich.text import Text

        step = Step(title)
        started = time.perf_counter()
        try:
            with self._console.status(title):
                yield step
        finally:
            self.checks += step.checks
        line = Table.grid(padding=(0, 2, 0, 0), expand=True)
        line.add_column(width=1)
        line.add_column(width=24)
        line.add_column(ratio=1)
        line.add_column(width=7, justify="right")
        mark = Text("✓", "green") if step.held else Text("✗", "bold red")
        took = Text(duration(time.perf_counter() - started), "dim")
        line.add_row(mark, Text(title), Text(step.found), took)
        self._console.print(line)
        for check in step.checks:
            if not check.held:
                self._console.print(Text(f"   failed: {check.statement}", "bold red"))

    @property
    def failed(self) -> list[Check]:
        """The checks that did not hold."""
        return [check for check in self.checks if not check.held]
