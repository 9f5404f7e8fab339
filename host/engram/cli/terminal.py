"""What commands print: tables, JSON, and numbers that people can read."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["amount", "console", "duration", "print_json", "size", "table"]


def console(*, stderr: bool = False) -> "Console":
    """Return a console over the stream of the moment."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False)


def print_json(content: Any) -> None:
    """Print one JSON object on one line; integers stay exact."""
    sys.stdout.write(json.dumps(content) + "\n")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", left: int = 1
) -> "Table":
    """Return a table whose first ``left`` columns are text and whose others are numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=title or None, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
        title_style="bold", header_style="bold",
    )
    for i, column in enumerate(columns):
        made.add_column(column, justify="left" if i < left else "right", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def amount(number: float) -> str:
    """Return a number to three digits with its thousands as a letter: ``1.23 G``."""
    for letter in ("", " k", " M", " G", " T"):
        if abs(number) < 999.5 or letter == " T":
            digits = 0 if abs(number) >= 99.95 or not letter else 1 if abs(number) >= 9.995 else 2
            return f"{number:,.{digits}f}{letter}"
        number /= 1000
    raise AssertionError("unreachable")


def size(count: float) -> str:
    """Return bytes: ``8.00 MB``."""
    text = amount(count)
    return f"{text}B" if " " in text else f"{text} B"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}" if seconds < 1000 else f"{seconds:,.0f} s"
    return f"{seconds * 1e9:.3g} ns"
