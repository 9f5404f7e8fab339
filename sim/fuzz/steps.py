"""What a case is made of: where things lie in DRAM, and the steps that are taken."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from engram.arch.commands import COMPLETION_BYTES, DESCRIPTOR_BYTES, Command
from engram.arch.page_table import BUCKET_BYTES
from engram.arch.pages import PAGE_BYTES
from sim.verilated.bus import Direction

__all__ = [
    "BASE",
    "COMPLETIONS",
    "DATA",
    "DRAM_BYTES",
    "FRAMES",
    "INDICES",
    "MAX_BUCKETS",
    "MAX_FRAMES",
    "MAX_RING",
    "RING",
    "TABLE",
    "Area",
    "Batch",
    "Case",
    "Fail",
    "FailBeat",
    "Heal",
    "Level",
    "Poke",
    "Restart",
    "SetRegister",
    "Step",
    "WindowRead",
    "WindowWrite",
]

MAX_RING = 4  # logarithms
MAX_BUCKETS = 2
MAX_FRAMES = 8


@dataclass(frozen=True)
class Area:
    """Bytes of DRAM from ``first`` to below ``limit``."""

    first: int
    limit: int

    @property
    def slice(self) -> slice:
        """Where these bytes are in the array that is the DRAM."""
        return slice(self.first - BASE, self.limit - BASE)

    def overlaps(self, first: int, limit: int) -> bool:
        """Return whether it has a byte in common with ``first`` to below ``limit``."""
        return first < self.limit and self.first < limit


def _area(page: int, offset: int, size: int) -> Area:
    first = BASE + page * PAGE_BYTES + offset
    return Area(first, first + size)


# Between all of them lie bytes that nobody may write; an address needs more than 32 bits.
BASE = 0x12_3456_0000
DRAM_BYTES = 20 * PAGE_BYTES
RING = _area(1, 1024, DESCRIPTOR_BYTES << MAX_RING)
COMPLETIONS = _area(2, 512, COMPLETION_BYTES << MAX_RING)
TABLE = _area(3, 1024, BUCKET_BYTES << MAX_BUCKETS)
INDICES = _area(4, 3072, 2048)  # the buffer pool begins here
DATA = _area(4, 3072 + 2048, 5 * PAGE_BYTES)  # and ends here
FRAMES = _area(11, 0, MAX_FRAMES * PAGE_BYTES)


class Level(Enum):
    """How much of a case the golden model foretells."""

    EXACT = 0  # everything but clocks
    STRUCTURE = 1  # all but the words of buffers and frames: a read failed
    SAFETY = 2  # nothing: ring and window ran at once, or a single beat failed


@dataclass(frozen=True)
class Poke:
    """The host writes to DRAM."""

    address: int
    data: bytes


@dataclass(frozen=True)
class SetRegister:
    """Software writes a register."""

    name: str
    value: int


@dataclass(frozen=True)
class WindowRead:
    """A manager reads words of the space, within a page."""

    address: int
    count: int
    burst: int


@dataclass(frozen=True)
class WindowWrite:
    """A manager writes words of the space, within a page."""

    address: int
    words: tuple[int, ...]
    strobes: tuple[int, ...]
    burst: int
    delays: tuple[int, int]


@dataclass(frozen=True)
class Batch:
    """Descriptors and a doorbell.

    traffic : what is done at the window while they are carried out
    cut : clocks after which the ring is disabled; None: it is not
    """

    descriptors: tuple[bytes, ...]
    traffic: tuple[WindowRead | WindowWrite, ...] = ()
    cut: int | None = None


@dataclass(frozen=True)
class Restart:
    """Disable, begin with an empty page table, enable."""


@dataclass(frozen=True)
class Fail:
    """Accesses to a range of bytes fail from now on."""

    direction: Direction
    first: int
    limit: int


@dataclass(frozen=True)
class FailBeat:
    """One beat fails, ``number`` of them from now."""

    direction: Direction
    number: int


@dataclass(frozen=True)
class Heal:
    """Nothing fails any longer."""


Step: TypeAlias = (
    Poke | SetRegister | WindowRead | WindowWrite | Batch | Restart | Fail | FailBeat | Heal
)


@dataclass(frozen=True)
class Case:
    """All there is to know of a run; the same seed makes the same case.

    dram : what lies there at the beginning
    latency : of memory, for reads and for writes
    stall : how likely each channel pauses in a clock
    select : the command that selects the space; batches have it where it is due
    keeps_words : a word that was acknowledged must be there at the end
    """

    seed: int
    level: Level
    ring_log2: int
    buckets_log2: int
    frames: int
    latency: tuple[int, int]
    stall: float
    select: Command
    dram: bytes
    steps: tuple[Step, ...]
    keeps_words: bool
