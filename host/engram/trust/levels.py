"""Levels of trust: each asks and checks more than the one below it.

| level | own key | MAC before decoding | tiles after decoding | audit log | at rest | lock-out |
|---|---|---|---|---|---|---|
| basic | no | yes | no | no | plain | no |
| standard | yes | yes | no | no | plain | yes |
| high | yes | yes | yes | changes | plain | yes |
| maximum | yes | yes | yes | changes and loads | AES-GCM | yes |

Without a key of one's own the MAC guards against accident only: the key is then derived from the
memory's seed, which is stored beside the data. Tiles are checked against the descriptor's Merkle
root, so that a decoder or a memory chip that errs is found as well as an attacker.
"""

from dataclasses import dataclass
from functools import total_ordering

__all__ = ["BASIC", "HIGH", "LEVELS", "MAXIMUM", "STANDARD", "Level", "level_by_name"]


@total_ordering
@dataclass(frozen=True)
class Level:
    """What one level asks for and does; levels are ordered."""

    rank: int
    name: str
    own_key: bool
    checks_tiles: bool
    audits_changes: bool
    audits_loads: bool
    seals: bool
    locks_out: bool

    def __lt__(self, other: "Level") -> bool:
        return self.rank < other.rank

    @property
    def audits(self) -> bool:
        """Whether there is a log at all."""
        return self.audits_changes or self.audits_loads


BASIC = Level(0, "basic", False, False, False, False, False, False)
STANDARD = Level(1, "standard", True, False, False, False, False, True)
HIGH = Level(2, "high", True, True, True, False, False, True)
MAXIMUM = Level(3, "maximum", True, True, True, True, True, True)

LEVELS = (BASIC, STANDARD, HIGH, MAXIMUM)


def level_by_name(name: str) -> Level:
    """Return a level; raise ValueError naming those there are."""
    for level in LEVELS:
        if level.name == name:
            return level
    raise ValueError(f"level must be one of {', '.join(one.name for one in LEVELS)}, not {name!r}")
