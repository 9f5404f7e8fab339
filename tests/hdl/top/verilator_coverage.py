"""Reads what a Verilator model counted of lines and toggles, and sums it up by module."""

from collections.abc import Iterable
from pathlib import Path

__all__ = ["markdown", "read_points"]

Point = tuple[str, str, str]  # kind, module, place within it


def read_points(paths: Iterable[Path]) -> dict[Point, int]:
    """Return how often each point was hit, in all files together.

    A line of a file is ``C '<key><value>...' <count>``: each key begins with character 1, each
    value with character 2. Instances of a module count as one.
    """
    points: dict[Point, int] = {}
    for path in paths:
        for line in path.read_text(errors="replace").splitlines():
            if not line.startswith("C '"):
                continue
            text, _, count = line[3:].rpartition("' ")
            fields = dict(
                part.split("\x02", 1) for part in text.split("\x01") if "\x02" in part
            )
            kind, _, module = fields.get("page", "").partition("/")
            place = ":".join(fields.get(key, "") for key in ("l", "n", "o"))
            point = kind.removeprefix("v_"), module, place
            points[point] = points.get(point, 0) + int(count)
    return points


def markdown(points: dict[Point, int]) -> str:
    """Return a table of lines and toggles that were hit, by module, and of all."""
    kinds = ("line", "toggle")
    modules: dict[str, dict[str, list[int]]] = {}
    for (kind, module, _), count in points.items():
        # An if's two sides are branches; they are lines to Verilator's own summary, too.
        kind = "line" if kind == "branch" else kind
        if kind in kinds:
            sums = modules.setdefault(module, {kind: [0, 0] for kind in kinds})[kind]
            sums[0] += count > 0
            sums[1] += 1
    total = {
        kind: [sum(sums[kind][i] for sums in modules.values()) for i in range(2)]
        for kind in kinds
    }
    lines = ["| module | lines hit | of | toggles hit | of |", "|---|---:|---:|---:|---:|"]
    for module, sums in [*sorted(modules.items()), ("all", total)]:
        figures = " | ".join(str(figure) for kind in kinds for figure in sums[kind])
        lines.append(f"| {module} | {figures} |")
    shares = (
        f"{kind}s {100 * hit / of:.1f} %" if of else f"no {kind}s"
        for kind, (hit, of) in total.items()
    )
    return "\n".join([*lines, "", f"All: {', '.join(shares)}.", ""])
