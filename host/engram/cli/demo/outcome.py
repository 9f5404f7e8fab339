"""What a run of the demo found: figures for the table, and arrays for the picture."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.cli.bench.figures import Figure
from engram.cli.demo.kills import KillRound
from engram.cli.demo.recollection import Recollection
from engram.cli.terminal import amount, duration, size

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """Filled in by the steps, in their order; rates are a second."""

    seed: int
    words: int
    open_seconds: float = 0.0
    fill_rate: float = 0.0
    resident_growth: int = 0
    checksum: int = 0
    written_words: int = 0
    write_rate: float = 0.0
    flush_seconds: float = 0.0
    erase_rate: float = 0.0
    rounds: list[KillRound] = field(default_factory=list)
    recollection: Recollection = field(default_factory=Recollection)
    reopen_seconds: float = 0.0
    held_words: int = 0
    disk_bytes: int = 0
    verify_seconds: float = 0.0
    figures: list[Figure] = field(default_factory=list)
    window: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    window_written: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    seconds: float = 0.0

    @property
    def acknowledged(self) -> int:
        """Writes that the killed processes acknowledged."""
        return sum(kill.acknowledged for kill in self.rounds)

    @property
    def lost(self) -> int:
        """Acknowledged writes that were not there afterwards; the worst look counts."""
        return max((kill.lost for kill in self.rounds), default=0)

    @property
    def torn(self) -> int:
        """Writes that were there by halves; the worst look counts."""
        return max((kill.torn for kill in self.rounds), default=0)

    def rows(self) -> list[tuple[str, str]]:
        """Return the table's rows."""
        return [
            ("words read through one buffer", f"{self.words:,}"),
            ("rate of it", f"{amount(self.fill_rate)} words/s, {size(8 * self.fill_rate)}/s"),
            ("RAM it took, of " + size(8 * self.words), size(self.resident_growth)),
            ("scattered writes", f"{amount(self.write_rate)} words/s"),
            (f"making {self.written_words:,} words durable", duration(self.flush_seconds)),
            ("erasing", f"{amount(self.erase_rate)} words/s"),
            ("remembering patterns", f"{amount(self.recollection.remember_rate)} patterns/s"),
            (
                f"{self.recollection.patterns} patterns recalled from noisy cues",
                f"{self.recollection.hits} right, exact search {self.recollection.exact_hits}",
            ),
            (f"writes acknowledged before {len(self.rounds)} kills", f"{self.acknowledged:,}"),
            ("of those lost, torn", f"{self.lost}, {self.torn}"),
            (f"reopening with {self.held_words:,} words", duration(self.reopen_seconds)),
            ("verifying " + size(self.disk_bytes) + " on disk", duration(self.verify_seconds)),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain types, for JSON."""
        return {
            "seed": self.seed,
            "words": self.words,
            "open_seconds": self.open_seconds,
            "fill_words_per_second": self.fill_rate,
            "resident_growth_bytes": self.resident_growth,
            "checksum": self.checksum,
            "written_words": self.written_words,
            "write_words_per_second": self.write_rate,
            "flush_seconds": self.flush_seconds,
            "erase_words_per_second": self.erase_rate,
            "patterns": self.recollection.patterns,
            "pattern_hits": self.recollection.hits,
            "exact_hits": self.recollection.exact_hits,
            "remembered_per_second": self.recollection.remember_rate,
            "kills": len(self.rounds),
            "acknowledged": self.acknowledged,
            "found": self.acknowledged - self.lost,
            "lost": self.lost,
            "torn": self.torn,
            "reopen_seconds": self.reopen_seconds,
            "held_words": self.held_words,
            "disk_bytes": self.disk_bytes,
            "verify_seconds": self.verify_seconds,
            "figures": [figure.to_dict() for figure in self.figures],
            "seconds": self.seconds,
        }
