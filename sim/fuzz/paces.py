"""Small scenarios whose counters, clocks and errors are known: what no word shows, shows here."""

from dataclasses import dataclass, replace

from engram.arch.commands import COMPLETION_BYTES, Command, Completion, Fault, Opcode
from engram.arch.page_table import BUCKET_BYTES
from engram.arch.pages import PAGE_BITS, PAGE_WORDS
from engram.arch.regs import COUNTERS, REGISTERS
from sim.fuzz.arena import Arena, Difference
from sim.fuzz.steps import (
    BASE,
    COMPLETIONS,
    DATA,
    DRAM_BYTES,
    INDICES,
    MAX_BUCKETS,
    MAX_FRAMES,
    MAX_RING,
    TABLE,
    Batch,
    Case,
    Fail,
    Heal,
    Level,
    Poke,
    Step,
)
from sim.verilated.bus import Direction

__all__ = ["check_paces"]

_PAGE = 0x5_4321
_FIRST = _PAGE << PAGE_BITS
_FILLED = 2048
_GATHERED = 33
_SHOWN = 256  # words through the window


@dataclass(frozen=True)
class _Act:
    """A command, and how many clocks it may take."""

    command: Command
    least: int
    most: int


_SELECT = Command.select(
    law=1, seed=3, keys=(1, 2, 3, 4), table=TABLE.first, buckets_log2=MAX_BUCKETS
)
_ACTS = (
    _Act(_SELECT, 5, 25),
    # A word a clock, and at most some ninety to begin and to end.
    _Act(Command(Opcode.FILL, _FIRST, _FILLED, DATA.first), _FILLED, _FILLED + 130),
    _Act(Command(Opcode.WRITE, _FIRST, PAGE_WORDS, DATA.first), PAGE_WORDS, PAGE_WORDS + 260),
    _Act(Command(Opcode.WRITE, _FIRST + 7, 40, DATA.first), 40, 160),
    _Act(Command(Opcode.READ, _FIRST, 600, DATA.first), 600, 600 + 180),
    # Each address is a piece of its own, of 8 clocks at most; arrays come 16 at a time.
    _Act(
        Command(Opcode.GATHER, 0, _GATHERED, DATA.first, INDICES.first),
        4 * _GATHERED,
        8 * _GATHERED + 260,
    ),
    _Act(Command(Opcode.ERASE, _FIRST + 100, 100), 100, 240),
    _Act(Command(Opcode.ERASE, _FIRST, PAGE_WORDS), 20, 160),
    _Act(Command(Opcode.FENCE), 5, 20),
)
# Counters: the least and the most. Descriptors, arrays, buckets and links are read and written,
# too: 64 bytes and 32 a command, 8 an address, 128 a bucket, 24 for a key, its frame and a link.
_COUNTS = {
    "COMMANDS": (9, 9),
    "WORDS_GENERATED": (2236, 2236),  # 2048 and 88 and 100
    "TLB_HITS": (36, 36),
    "TLB_MISSES": (2, 2),
    "PROBES": (3, 3),
    "FRAMES_TAKEN": (1, 1),
    "BYTES_READ": (10_000, 10_000),
    "BYTES_WRITTEN": (26_984, 26_984),
    "STALL_GENERATE": (60, 150),
    "STALL_FETCH": (250, 400),
    "STALL_WRITE": (0, 100),
    "STALL_WALK": (700, 950),
}
_ONE_SHOWN = 60  # clocks of a word through the window, the TLB knowing the page
_ALL_SHOWN = _SHOWN + 80


def _case(level: Level, *steps: Step) -> Case:
    """Return steps in an empty memory that answers after 20 clocks and never stalls."""
    return Case(
        seed=1,
        level=level,
        ring_log2=MAX_RING,
        buckets_log2=MAX_BUCKETS,
        frames=MAX_FRAMES,
        latency=(20, 20),
        stall=0.0,
        select=_SELECT,
        dram=bytes(DRAM_BYTES),
        steps=(Poke(TABLE.first, bytes(BUCKET_BYTES << MAX_BUCKETS)), *steps),
        keeps_words=False,
    )


def check_paces(arena: Arena) -> None:
    """Run the scenario; raise Difference if a counter or a time is not as it must be."""
    indices = b"".join((_FIRST + 8 * n).to_bytes(8, "little") for n in range(_GATHERED))
    commands = [replace(act.command, tag=n + 1) for n, act in enumerate(_ACTS)]
    arena.run(
        _case(
            Level.EXACT,
            Poke(INDICES.first, indices),
            Batch(tuple(command.pack() for command in commands)),
        )
    )
    for place, act in enumerate(_ACTS):
        at = COMPLETIONS.first - BASE + place * COMPLETION_BYTES
        record = arena.bus.dram[at : at + COMPLETION_BYTES].tobytes()
        clocks = Completion.unpack(record).clocks
        if not act.least <= clocks <= act.most:
            name = Opcode(act.command.opcode).name
            raise Difference(f"{name} must take {act.least} to {act.most} clocks, not {clocks}")
    _check_counters(arena)
    _check_window(arena)
    _check_errors(arena)


def _counters(arena: Arena) -> dict[str, int]:
    bus = arena.bus
    bus.write(REGISTERS["COMMAND"].offset, 1)
    return {
        name: bus.read(REGISTERS[f"{name}_LO"].offset)
        | bus.read(REGISTERS[f"{name}_HI"].offset) << 32
        for name in COUNTERS
    }


def _check_counters(arena: Arena) -> None:
    counts = _counters(arena)
    for name, (least, most) in _COUNTS.items():
        if not least <= counts[name] <= most:
            raise Difference(f"{name} must be {least} to {most}, not {counts[name]}")
    begun = arena.bus.cycles
    earlier = _counters(arena)["CYCLES"]
    passed = arena.bus.cycles - begun
    arena.bus.settle(100)
    if _counters(arena)["CYCLES"] - earlier != passed + 100:
        raise Difference("CYCLES must count every clock")


def _check_window(arena: Arena) -> None:
    bus = arena.bus
    for name, value in (("WINDOW_BASE_LO", _FIRST), ("WINDOW_BASE_HI", 0)):
        bus.write(REGISTERS[name].offset, value)
    offset = 8 * (_FIRST % arena.config.window_words)
    bus.window_read(offset, 1)
    for words, most in ((1, _ONE_SHOWN), (_SHOWN, _ALL_SHOWN)):
        begun = bus.cycles
        bus.window_read(offset, words)
        clocks = bus.cycles - begun
        if not words < clocks <= most:
            raise Difference(f"{words} words of the window must take {most} clocks, not {clocks}")


def _check_errors(arena: Arena) -> None:
    """Have the first of two pieces fail: the command has the error of the one, and does both."""
    fill = Command(Opcode.FILL, _FIRST, PAGE_WORDS + 88, DATA.first, tag=1)
    arena.run(
        _case(
            Level.STRUCTURE,
            Batch((_SELECT.pack(),)),
            Fail(Direction.WRITES, DATA.first, DATA.first + 8),
            Batch((fill.pack(),)),
            Heal(),
        )
    )
    at = COMPLETIONS.first - BASE + COMPLETION_BYTES
    completion = Completion.unpack(arena.bus.dram[at : at + COMPLETION_BYTES].tobytes())
    if completion.fault is not Fault.WRITE_ERROR or completion.done != fill.count:
        raise Difference(f"a write that failed must be told, not {completion}")
