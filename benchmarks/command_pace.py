"""What commands cost in clocks, each on pages of a known kind: the cases of the measurement."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.ring_host import Job, RingHost
from engram.arch.commands import Command, Flag, Opcode
from engram.arch.pages import PAGE_WORDS, WORD_BYTES

__all__ = ["CASES", "Case", "Pace", "measure", "paces"]

PAGES = 32
WORDS = PAGES * PAGE_WORDS
FEW = 8  # pages that the TLB holds at once
MANY = 64  # pages in turn, of which it then never knows the next
GATHERED = 2048
PARTIAL = 64  # words, in the middle of a page
GENERATED = 1 << 20  # first of pages that nobody wrote


Run = Callable[[RingHost], tuple[int, Job]]


@dataclass(frozen=True)
class Pace:
    """One case at one latency of memory: clocks and bytes of ``units`` words, pages or commands.

    Clocks count from the doorbell to the interrupt, so descriptors and completions are in them.
    """

    command: str
    case: str
    unit: str
    latency: int
    units: int
    clocks: int
    read_bytes: int
    written_bytes: int

    @property
    def clocks_a_unit(self) -> float:
        return self.clocks / self.units

    @property
    def units_a_clock(self) -> float:
        return self.units / self.clocks

    @property
    def bytes_a_clock(self) -> float:
        return (self.read_bytes + self.written_bytes) / self.clocks


@dataclass(frozen=True)
class Case:
    """What is measured: ``run`` prepares the pages and returns the units and the job."""

    command: str
    case: str
    unit: str
    run: Run


def measure(library: Path, case: Case, latency: int) -> Pace:
    """Run one case on an accelerator of its own."""
    host = RingHost(library, latency=latency)
    units, job = case.run(host)
    host.bus.close()
    return Pace(
        case.command, case.case, case.unit, latency, units, job.doorbell_clocks,
        job.read_bytes, job.written_bytes,
    )


def _run_of(opcode: Opcode, framed: Sequence[int], first: int) -> Run:
    """Return a case of one command about WORDS words from page ``first`` on."""

    def run(host: RingHost) -> tuple[int, Job]:
        if framed:
            host.frame(framed)
        return WORDS, host.do(Command(opcode, first * PAGE_WORDS, WORDS, host.buffer))

    return run


def _word(framed: bool) -> Run:
    """Return a case of one word of a page that the TLB knows."""

    def run(host: RingHost) -> tuple[int, Job]:
        if framed:
            host.frame([0])
        command = Command(Opcode.READ, 0, 1, host.buffer)
        host.do(command)
        return 1, host.do(command)

    return run


def _partial(opcode: Opcode, framed: bool) -> Run:
    """Return a case of a batch of commands, each about some words of a page of its own."""

    def run(host: RingHost) -> tuple[int, Job]:
        if framed:
            host.frame(range(PAGES))
        buffer = 0 if opcode == Opcode.ERASE else host.buffer
        job = host.do(*(
            Command(opcode, page * PAGE_WORDS + 100, PARTIAL, buffer) for page in range(PAGES)
        ))
        return PAGES if opcode == Opcode.ERASE else PAGES * PARTIAL, job

    return run


def _erase(framed: bool) -> Run:
    def run(host: RingHost) -> tuple[int, Job]:
        if framed:
            host.frame(range(PAGES))
        return PAGES, host.do(Command(Opcode.ERASE, 0, WORDS))

    return run


def _indexed(
    opcode: Opcode, pages: int, *, first: int = 0, framed: bool = True, warm: bool = True,
    count: int = GATHERED, flags: int = 0,
) -> Run:  # fmt: skip
    """Return a case of words at addresses that go round ``pages`` pages, a word a turn."""

    def run(host: RingHost) -> tuple[int, Job]:
        if framed:
            host.frame(range(first, first + pages))
        places = np.arange(count, dtype=np.uint64)
        offsets = places * np.uint64(37) % np.uint64(PAGE_WORDS)
        turns = np.uint64(first) + places % np.uint64(pages)
        host.words[:count] = turns * np.uint64(PAGE_WORDS) + offsets
        data = host.buffer + count * WORD_BYTES
        command = Command(opcode, count=count, buffer=data, indices=host.buffer, flags=flags)
        if warm:
            host.do(command)
        return count, host.do(command)

    return run


def _commands(count: int, *commands: Command) -> Run:
    def run(host: RingHost) -> tuple[int, Job]:
        return count * len(commands), host.do(*commands * count)

    return run


_MIXED = range(0, PAGES, 2)
_READ, _WRITE, _GATHER, _SCATTER = Opcode.READ, Opcode.WRITE, Opcode.GATHER, Opcode.SCATTER

CASES: tuple[Case, ...] = (
    Case("FILL", "generated", "word", _run_of(Opcode.FILL, (), 0)),
    Case("READ", "a word, generated, TLB hit", "word", _word(False)),
    Case("READ", "a word, framed, TLB hit", "word", _word(True)),
    Case("READ", "generated pages", "word", _run_of(_READ, (), 0)),
    Case("READ", "framed pages", "word", _run_of(_READ, range(PAGES), 0)),
    Case("READ", "every other page framed", "word", _run_of(_READ, _MIXED, 0)),
    Case("GATHER", "GENERATED flag", "word",
         _indexed(_GATHER, MANY, framed=False, flags=Flag.GENERATED)),
    Case("GATHER", "generated, TLB hits", "word",
         _indexed(_GATHER, FEW, first=GENERATED, framed=False)),
    Case("GATHER", "generated, TLB misses", "word",
         _indexed(_GATHER, MANY, first=GENERATED, framed=False)),
    Case("GATHER", "framed, TLB hits", "word", _indexed(_GATHER, FEW)),
    Case("GATHER", "framed, TLB misses", "word", _indexed(_GATHER, MANY)),
    Case("WRITE", "whole framed pages", "word", _run_of(_WRITE, range(PAGES), 0)),
    Case("WRITE", "whole unframed pages", "word", _run_of(_WRITE, (), 0)),
    Case("WRITE", f"{PARTIAL} words of a framed page", "word", _partial(_WRITE, True)),
    Case("WRITE", f"{PARTIAL} words of an unframed page", "word", _partial(_WRITE, False)),
    Case("SCATTER", "framed, TLB hits", "word", _indexed(_SCATTER, FEW)),
    Case("SCATTER", "framed, TLB misses", "word", _indexed(_SCATTER, MANY)),
    Case("SCATTER", "a word to each unframed page", "word",
         _indexed(_SCATTER, MANY, framed=False, warm=False, count=MANY)),
    Case("ERASE", "whole framed pages", "page", _erase(True)),
    Case("ERASE", "whole generated pages", "page", _erase(False)),
    Case("ERASE", f"{PARTIAL} words of a framed page", "page", _partial(Opcode.ERASE, True)),
    Case("FENCE", "nothing under way", "command", _commands(PAGES, Command(Opcode.FENCE))),
    Case("INVALIDATE", "nothing under way", "command",
         _commands(PAGES, Command(Opcode.INVALIDATE))),
    Case("MAP, UNMAP", "a region, in turn", "command",
         _commands(PAGES, Command(Opcode.MAP, 0, 1), Command(Opcode.UNMAP, 0))),
)  # fmt: skip


def paces(
    library: Path, latencies: Sequence[int], cases: Sequence[Case] = CASES
) -> Iterator[Pace]:
    """Yield every case at every latency, those of one case one after the other."""
    for case in cases:
        for latency in latencies:
            yield measure(library, case, latency)
