"""Timing diagrams as SVG: the same text for the same signals, and nothing from elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

__all__ = ["Bus", "Diagram", "Group", "Span", "Wire", "draw"]

_COLUMN = 24  # a clock
_GAP = 28  # clocks that are not shown
_ROW = 22
_HIGH = 13  # of a wave
_SLANT = 3  # of the edges of a bus
_CAPTION = 21
_SPAN = 19
_HEAD = 56  # title, clock numbers
_MARGIN = 12
_GLYPH = 6.65  # of the 11 px monospaced font that all labels have
_TITLE_GLYPH = 8.5
_NOTE_LINE = 16

# As a part of the page it takes the page's colours; as an image it is a light card of its own.
# Material shrinks every picture to the page's width; one in the page is to be scrolled instead.
_STYLE = """\
.waves{font:11px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
.waves text{fill:var(--md-default-fg-color,#222);dominant-baseline:middle}
.waves .card{fill:var(--md-default-bg-color,#fff)}
.waves .title{font-size:14px;font-weight:bold}
.waves .caption{font-weight:bold}
.waves .number{font-size:9px;opacity:.75}
.waves .mid{text-anchor:middle}
.waves .grid{stroke:var(--md-default-fg-color,#222);opacity:.13}
.waves .wave{stroke:var(--md-default-fg-color,#222);fill:none;stroke-width:1.3}
.waves .low{stroke-width:1.3;stroke:var(--md-default-fg-color,#222);opacity:.35;fill:none}
.waves .cell{stroke:var(--md-default-fg-color,#222);stroke-width:1.2;fill:#4a7bd0;fill-opacity:.16}
.waves .passes{fill:#e8a020;fill-opacity:.24}
.waves .span{stroke:#b3452c;stroke-width:1.3;fill:none}
.waves .tip{fill:#b3452c}
"""


@dataclass(frozen=True)
class Wire:
    """A signal of one bit: its value in each clock."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class Bus:
    """A signal of many bits: what it says in each clock, None where it says nothing.

    A label that does not fit becomes a letter, and is told below the diagram.
    """

    name: str
    labels: Sequence[str | None]


@dataclass(frozen=True)
class Group:
    """Rows that belong together, and the clocks in which something passes there."""

    caption: str
    rows: Sequence[Wire | Bus]
    passes: Sequence[int] = ()


@dataclass(frozen=True)
class Span:
    """A measure from the edge that begins clock ``first`` to the one that begins ``last``."""

    first: int
    last: int
    text: str


@dataclass(frozen=True)
class Diagram:
    """What a picture shows: the clocks of ``shown`` only, each a run, with a mark between runs.

    Clocks are numbered from the first that is shown.
    """

    title: str
    groups: Sequence[Group]
    shown: Sequence[range]
    spans: Sequence[Span] = field(default=())


def draw(diagram: Diagram) -> str:
    """Return the SVG of a diagram."""
    return _Drawing(diagram).text()


class _Drawing:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        rows = [row for group in diagram.groups for row in group.rows]
        longest = max(len(row.name) for row in rows)
        self.left = round(2 * _MARGIN + longest * _GLYPH)
        self.starts: dict[int, int] = {}
        x = self.left
        for run in diagram.shown:
            for clock in run:
                self.starts[clock] = x
                x += _COLUMN
            x += _GAP
        self.right = x - _GAP
        title = len(diagram.title) * _TITLE_GLYPH
        self.width = max(self.right, _MARGIN + title)  # and more if a label needs it
        self.letters: dict[str, str] = {}
        self.parts: list[str] = []

    def text(self) -> str:
        """Return the whole picture."""
        diagram = self.diagram
        y = _HEAD
        for group in diagram.groups:
            y = self._group(group, y)
        waves, self.parts = self.parts, []
        self._frame(y)
        self._gaps(y)
        self.parts += waves
        y += 8
        for span in diagram.spans:
            self._span(span, y)
            y += _SPAN
        y = self._notes(y + 6)
        width = round(self.width) + _MARGIN
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="waves" width="{width}" '
            f'height="{y}" viewBox="0 0 {width} {y}" style="max-width:none" role="img" '
            f"aria-label={quoteattr(diagram.title)}>"
        )
        card = f'<rect class="card" width="{width}" height="{y}" rx="4"/>'
        return "\n".join([head, f"<style>\n{_STYLE}</style>", card, *self.parts, "</svg>", ""])

    def _frame(self, bottom: int) -> None:
        """Draw the title, the clock, its numbers and a line at each of its edges."""
        self._label(_MARGIN, 17, self.diagram.title, "title")
        self._label(_MARGIN, _HEAD - 10, "clock")
        origin = self.diagram.shown[0].start
        for run in self.diagram.shown:
            low, high = _HEAD - 4, _HEAD - 4 - _HIGH
            path = [f"M{self.starts[run.start]} {low}"]
            for clock in run:
                x = self.starts[clock]
                self.parts.append(f'<path class="grid" d="M{x} {_HEAD - 18}V{bottom}"/>')
                self._label(x + _COLUMN // 2, 32, str(clock - origin), "number mid")
                path.append(f"V{high}H{x + _COLUMN // 2}V{low}H{x + _COLUMN}")
            self.parts.append(f'<path class="wave" d="{"".join(path)}"/>')

    def _group(self, group: Group, y: int) -> int:
        """Draw a group from ``y`` on, and return where it ends."""
        self._label(_MARGIN, y + _CAPTION // 2 + 3, group.caption, "caption")
        y += _CAPTION
        for clock in group.passes:
            if clock in self.starts:
                self.parts.append(
                    f'<rect class="passes" x="{self.starts[clock]}" y="{y}" '
                    f'width="{_COLUMN}" height="{_ROW * len(group.rows)}"/>'
                )
        for row in group.rows:
            self._label(_MARGIN, y + _ROW // 2, row.name)
            for run in self.diagram.shown:
                if isinstance(row, Wire):
                    self._wire(row, run, y)
                else:
                    self._bus(row, run, y)
            y += _ROW
        return y

    def _wire(self, wire: Wire, run: range, y: int) -> None:
        levels = [y + _ROW - 4 - (_HIGH if wire.values[clock] else 0) for clock in run]
        path = f"M{self.starts[run.start]} {levels[0]}"
        for clock, level in zip(run, levels, strict=True):
            path += f"V{level}H{self.starts[clock] + _COLUMN}"
        self.parts.append(f'<path class="wave" d="{path}"/>')

    def _bus(self, bus: Bus, run: range, y: int) -> None:
        low = y + _ROW - 4
        high, middle = low - _HIGH, low - _HIGH / 2
        for label, cell in _cells(bus, run):
            first, last = self.starts[cell.start], self.starts[cell.stop - 1] + _COLUMN
            if label is None:
                self.parts.append(f'<path class="low" d="M{first} {middle}H{last}"/>')
                continue
            self.parts.append(
                f'<path class="cell" d="M{first} {middle}L{first + _SLANT} {high}'
                f'H{last - _SLANT}L{last} {middle}L{last - _SLANT} {low}H{first + _SLANT}Z"/>'
            )
            if not _fits(label, cell):
                if self._goes_on(bus, label, cell):
                    continue  # it is told on the other side of what is left out
                label = self.letters.setdefault(label, _letter(len(self.letters)))
            self._label((first + last) / 2, middle + 1, label, "mid")

    def _goes_on(self, bus: Bus, label: str, cell: range) -> bool:
        """Return whether the label of a cell that is cut is told by another part of it."""
        start, stop = cell.start, cell.stop
        while start > 0 and bus.labels[start - 1] == label:
            start -= 1
        while stop < len(bus.labels) and bus.labels[stop] == label:
            stop += 1
        return any(
            told == label and part.start >= start and part.stop <= stop and _fits(label, part)
            for run in self.diagram.shown
            for told, part in _cells(bus, run)
        )

    def _span(self, span: Span, y: int) -> None:
        first, last = self.starts[span.first], self.starts[span.last]
        middle = y + _SPAN // 2
        self.parts.append(
            f'<path class="span" d="M{first} {middle - 6}V{middle + 6}M{last} {middle - 6}'
            f'V{middle + 6}M{first} {middle}H{last}"/>'
        )
        for tip, inwards in ((first, 5), (last, -5)):
            self.parts.append(f'<path class="tip" d="M{tip} {middle}l{inwards} -3v6z"/>')
        width = len(span.text) * _GLYPH + 8
        x = (first + last) / 2
        if width + 16 > last - first:  # no room within: beside it, where there is some
            x = last + 4 + width / 2
            if x + width / 2 > self.width and first - 4 - width > _MARGIN:
                x = first - 4 - width / 2
        self.width = max(self.width, x + width / 2)
        self.parts.append(
            f'<rect class="card" x="{x - width / 2:g}" y="{middle - 8}" width="{width:g}" '
            f'height="16"/>'
        )
        self._label(x, middle + 1, span.text, "mid")

    def _gaps(self, bottom: int) -> None:
        """Mark the clocks that are left out, and say how many they are."""
        for before, after in zip(self.diagram.shown, self.diagram.shown[1:], strict=False):
            x = self.starts[after.start] - _GAP
            steps = range(_HEAD - 20, bottom, 12)
            wave = "".join("q6 3 0 6t0 6" for _ in steps)
            for place in (x + 8, x + _GAP - 8):
                self.parts.append(f'<path class="low" d="M{place} {_HEAD - 20}{wave}"/>')
            self._label(x + _GAP / 2, 32, f"+{after.start - before.stop}", "number mid")

    def _notes(self, y: int) -> int:
        """Tell what the letters stand for, in as many columns as there is room for."""
        notes = [f"{letter}  {label}" for label, letter in self.letters.items()]
        if notes:
            width = (max(map(len, notes)) + 3) * _GLYPH
            columns = max(1, int((self.width - _MARGIN) // width))
            lines = -(-len(notes) // columns)
            self.width = max(self.width, _MARGIN + width)
            for index, note in enumerate(notes):
                x = _MARGIN + index // lines * width
                self._label(x, y + 10 + index % lines * _NOTE_LINE, note)
            y += lines * _NOTE_LINE + 4
        return y + 6

    def _label(self, x: float, y: float, text: str, kind: str = "") -> None:
        name = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text{name} x="{x:g}" y="{y:g}">{escape(text)}</text>')


def _cells(bus: Bus, run: range) -> Iterator[tuple[str | None, range]]:
    """Yield the labels of a run of clocks, each with the clocks that have it."""
    for label, clocks in groupby(run, lambda clock: bus.labels[clock]):
        cell = list(clocks)
        yield label, range(cell[0], cell[-1] + 1)


def _fits(label: str, cell: range) -> bool:
    return len(label) * _GLYPH <= len(cell) * _COLUMN - 2 * _SLANT


def _letter(index: int) -> str:
    if index >= 26:
        raise ValueError("labels that do not fit must be at most 26")
    return chr(ord("A") + index)
