"""What a memory did and what it holds, as numbers and as a table."""

from dataclasses import asdict, dataclass
from typing import Any

from engram.arch.pages import WORD_BYTES

__all__ = ["AssociationsReport", "Report", "SpaceReport", "TensorsReport"]


@dataclass(frozen=True)
class SpaceReport:
    """Counts of one space, in words, since it was opened; ``written_words`` is what it holds.

    ``hit_words`` of those read came out of the overlay, ``generated_words`` were made.
    """

    name: str
    seed: int
    law: int
    read_words: int
    hit_words: int
    generated_words: int
    write_words: int
    erased_words: int
    written_words: int
    quota: int | None
    ram_bytes: int


@dataclass(frozen=True)
class AssociationsReport:
    """What the associations hold, and what they did since the memory was opened.

    ``epochs`` counts replays of all time. ``spikes`` are those of cues, ``synaptic_events`` the
    conducting synapses they passed, ``multiply_adds`` the products of re-ranks. ``ram_bytes`` are
    the patterns' and the tables' beside them; of patterns that nobody asked for yet, as read.
    """

    device: str
    preset: str
    width: int
    patterns: int
    epochs: int
    cues: int
    spikes: int
    synaptic_events: int
    multiply_adds: int
    ram_bytes: int

    @property
    def float_bytes(self) -> int:
        """Bytes that the embeddings would take as float32."""
        return 4 * self.width * self.patterns

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain types, for JSON."""
        return {**asdict(self), "float_bytes": self.float_bytes}

    def __str__(self) -> str:
        each = self.ram_bytes / max(1, self.patterns)
        return (
            f"associations on {self.device}, {self.preset}: {self.patterns:,} patterns of "
            f"{self.width:,} dimensions in {_size(self.ram_bytes)}, {_size(each)} each "
            f"(float32: {_size(4 * self.width)}); {self.cues:,} cues, {self.spikes:,} spikes, "
            f"{self.synaptic_events:,} synaptic events, {self.multiply_adds:,} multiply-adds"
        )


@dataclass(frozen=True)
class TensorsReport:
    """What the tensors hold, and what was done since the memory was opened.

    ``nbytes`` are the plain ones of all latest versions, ``stored_bytes`` those of all versions as
    they are kept. ``hits`` and ``misses`` are those of the cache; ``prefetched`` tensors were
    regrown before anybody asked, ``prefetch_hits`` of them were asked for then. ``region_words``
    were read by address.
    """

    tensors: int
    versions: int
    codecs: dict[str, int]
    nbytes: int
    stored_bytes: int
    hits: int
    misses: int
    prefetched: int
    prefetch_hits: int
    cache_bytes: int
    cache_limit: int
    region_words: int

    @property
    def ram_bytes(self) -> int:
        """Bytes of descriptors, and of what was regrown and is held."""
        return self.stored_bytes + self.cache_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain types, for JSON."""
        return {**asdict(self), "ram_bytes": self.ram_bytes}

    def __str__(self) -> str:
        codecs = ", ".join(f"{count} {name}" for name, count in self.codecs.items())
        return (
            f"tensors: {self.tensors:,} ({codecs}) in {self.versions:,} versions, "
            f"{_size(self.nbytes)} kept in {_size(self.stored_bytes)}; "
            f"{self.hits:,} hits, {self.misses:,} misses, {self.prefetched:,} prefetched, "
            f"{self.prefetch_hits:,} of them used; {_size(self.cache_bytes)} of "
            f"{_size(self.cache_limit)} cached; {self.region_words:,} words read by address"
        )


@dataclass(frozen=True)
class Report:
    """The state of a memory. ``print`` it, or take ``to_dict``.

    ``generated_bytes`` were read and never stored: what a plain memory would have had to hold, or
    move, if every one of those words was another.
    """

    device: str
    path: str | None
    durability: str
    spaces: tuple[SpaceReport, ...]
    ram_bytes: int
    disk_bytes: int
    log_words: int
    associations: AssociationsReport | None = None
    tensors: TensorsReport | None = None

    @property
    def generated_bytes(self) -> int:
        """Bytes of generated words that were read."""
        return WORD_BYTES * sum(space.generated_words for space in self.spaces)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain types, for JSON."""
        patterns, tensors = self.associations, self.tensors
        return {
            **asdict(self),
            "associations": None if patterns is None else patterns.to_dict(),
            "tensors": None if tensors is None else tensors.to_dict(),
            "generated_bytes": self.generated_bytes,
        }

    def __str__(self) -> str:
        kept = f"{self.path}, durable at {self.durability}" if self.path else "in RAM"
        lines = [f"memory on {self.device}, {kept}"]
        header = ("space", "read", "hit", "generated", "wrote", "erased", "holds", "RAM")
        rows = [
            (
                space.name or "(root)",
                f"{space.read_words:,}",
                f"{space.hit_words:,}",
                f"{space.generated_words:,}",
                f"{space.write_words:,}",
                f"{space.erased_words:,}",
                f"{space.written_words:,}",
                _size(space.ram_bytes),
            )
            for space in self.spaces
        ]
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        for row in (header, *rows):
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join(cells))
        lines.append(f"generated, never stored: {_size(self.generated_bytes)}")
        if self.associations is not None:
            lines.append(str(self.associations))
        if self.tensors is not None:
            lines.append(str(self.tensors))
        if self.path:
            lines.append(f"on disk: {_size(self.disk_bytes)}, {self.log_words:,} words of log")
        return "\n".join(lines)


def _size(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")
