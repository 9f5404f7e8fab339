"""A model, not a measurement, of a board: clocks of the simulated gateware turned into seconds.

The clocks are those of the Verilated accelerator and lie beside this file, written by
``python -m benchmarks.board_model``; everything else is in `engram.fpga.board_facts`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from engram.arch.boards import BOARDS, Board
from engram.arch.pages import WORD_BYTES
from engram.fpga.board_facts import Input, inputs

__all__ = [
    "CASES",
    "LEFT_OUT",
    "TITLE",
    "Call",
    "Job",
    "Model",
    "board_by_name",
    "model",
    "recorded",
]

TITLE = "a model, not a measurement"
LEFT_OUT = (
    "other work of the processor, and of others at the DRAM",
    "refresh and changes of direction of the DRAM, beyond its efficiency",
    "looks at memory that come too early, and a processor that sleeps meanwhile",
    "leakage and the clock tree of the empty chip, which the board's watts contain",
)

_PORT_BYTES = 8  # of the core's port to DRAM, each way and clock
_JOBS = (  # of `benchmarks.command_pace`
    ("FILL", "generated"),
    ("READ", "generated pages"),
    ("READ", "framed pages"),
    ("WRITE", "whole framed pages"),
    ("GATHER", "generated, TLB hits"),
    ("GATHER", "generated, TLB misses"),
    ("GATHER", "framed, TLB misses"),
    ("SCATTER", "framed, TLB misses"),
)
_CALLS = {  # of the driver, what the device does for them, and of how many words
    "read a word": ("READ", "a word, generated, TLB hit", 1),
    "write a word": ("WRITE", "64 words of a framed page", 64),
    "gather 1,000 words": ("GATHER", "generated, TLB misses", 1000),
    "read 65,536 words": ("READ", "generated pages", 1 << 16),
    "write 65,536 words": ("WRITE", "whole framed pages", 1 << 16),
}
CASES = {*_JOBS, *((command, case) for command, case, _ in _CALLS.values())}

Range = tuple[float, float]


@dataclass(frozen=True)
class Job:
    """What the device does of its own, in bulk; each a range from the least to the most.

    joules : a word, of the core and of what it moves to and from DRAM
    """

    job: str
    words_a_second: Range
    joules: Range


@dataclass(frozen=True)
class Call:
    """A call of the driver in Python, all of its parts together; each a range.

    polling, interrupt : seconds until it returns, when it looks at memory at once, or is woken up
    device : seconds of that in the device
    words_a_second : when it polls
    joules : of the whole board meanwhile, when it polls
    """

    call: str
    words: int
    device: Range
    polling: Range
    interrupt: Range
    words_a_second: Range
    joules: Range


@dataclass(frozen=True)
class Model:
    """A board's inputs, and what follows from them.

    dram_joules : of a word fetched from DRAM
    """

    board: Board
    inputs: dict[str, Input]
    jobs: list[Job]
    calls: list[Call]
    dram_joules: Range

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain types, for JSON."""
        return {
            "what": TITLE,
            "board": self.board.key,
            "inputs": {name: given.to_dict() for name, given in self.inputs.items()},
            "jobs": [asdict(job) for job in self.jobs],
            "calls": [asdict(call) for call in self.calls],
            "dram_joules": self.dram_joules,
            "left_out": list(LEFT_OUT),
        }


def board_by_name(name: str) -> Board:
    """Return a board; raise ValueError if there is none of this name."""
    if name not in BOARDS:
        raise ValueError(f"model must be one of {', '.join(BOARDS)}, not {name!r}")
    return BOARDS[name]


def recorded() -> dict[str, Any]:
    """Return the clocks and times that were measured, as they are part of the package."""
    found: dict[str, Any] = json.loads(
        files("engram.fpga").joinpath("board_clocks.json").read_text()
    )
    return found


def model(board: Board, clocks: Mapping[str, Any] | None = None) -> Model:
    """Return the model of a board, from ``clocks`` or from what is recorded."""
    if clocks is None:
        clocks = recorded()
    given = inputs(board, clocks)
    device = _Device(given, clocks)
    bit = given["access to DRAM"]
    bits = 8 * WORD_BYTES * 1e-12
    return Model(
        board,
        given,
        [_job(command, case, device, given) for command, case in _JOBS],
        list(_calls(board, device, given, clocks)),
        (bits * bit.least, bits * bit.most),
    )


class _Device:
    """Seconds that jobs take in the device: its clocks, or longer if memory is slower."""

    def __init__(self, given: Mapping[str, Input], clocks: Mapping[str, Any]) -> None:
        self._paces = {
            (pace["command"], pace["case"], pace["latency"]): pace for pace in clocks["paces"]
        }
        self._latencies = clocks["latencies"]
        self._alone = clocks["alone"]
        clock, port, dram = given["clock"], given["port to DRAM"], given["DRAM"]
        self._ends = (
            (clock.most * 1e6, port.most, dram.most * 1e6),
            (clock.least * 1e6, port.least, dram.least * 1e6),
        )

    def pace(self, command: str, case: str) -> Mapping[str, Any]:
        """Return what was measured of a case, at the lower latency."""
        pace: Mapping[str, Any] = self._paces[command, case, self._latencies[0]]
        return pace

    def seconds(self, command: str, case: str, units: int | None = None) -> Range:
        """Return how long a job is at it, of as many units as were measured or of others."""
        found = []
        for latency, (clock, port, dram) in zip(self._latencies, self._ends, strict=True):
            pace = self._paces[command, case, latency]
            share = 1 if units is None else units / pace["units"]
            alone = min(self._alone[str(latency)], pace["clocks"])
            clocks = alone + (pace["clocks"] - alone) * share
            read, written = pace["read_bytes"] * share, pace["written_bytes"] * share
            found.append(
                max(
                    clocks / clock,
                    max(read, written) / (_PORT_BYTES * port * clock),
                    (read + written) / dram,
                )
            )
        return found[0], found[1]


def _job(command: str, case: str, device: _Device, given: Mapping[str, Input]) -> Job:
    pace = device.pace(command, case)
    units = pace["units"]
    least, most = device.seconds(command, case)
    core, bit = given["the core"], given["access to DRAM"]
    bits = 8e-12 * (pace["read_bytes"] + pace["written_bytes"])
    return Job(
        f"{command}, {case}",
        (units / most, units / least),
        ((core.least * least + bits * bit.least) / units,
         (core.most * most + bits * bit.most) / units),
    )  # fmt: skip


def _calls(
    board: Board, device: _Device, given: Mapping[str, Input], clocks: Mapping[str, Any]
) -> Iterator[Call]:
    watts, wake_up = given["the board"], given["wake-up by interrupt"]
    for call in clocks["driver"]["calls"]:
        words = call["words"]
        busy = device.seconds(*_CALLS[call["call"]])
        host = _host(given, call)
        least, most = (at_host + at_device for at_host, at_device in zip(host, busy, strict=True))
        yield Call(
            call["call"],
            words,
            busy,
            (least, most),
            (least + wake_up.least * 1e-6, most + wake_up.most * 1e-6),
            (words / most, words / least),
            (watts.least * least, watts.most * most),
        )


def _host(given: Mapping[str, Input], call: Mapping[str, Any]) -> Range:
    """Return the seconds of a call that the processor takes: Python, registers and caches."""
    synced = call["synced_bytes"]
    python, access = given["Python there over Python here"], given["register access"]
    sync, byte = given["flush or invalidate, the call"], given["flush or invalidate, a byte"]
    return (
        call["least_seconds"] * python.least
        + (call["accesses"] * access.least + call["syncs"] * sync.least) * 1e-6
        + synced * byte.least * 1e-9,
        call["most_seconds"] * python.most
        + (call["accesses"] * access.most + call["syncs"] * sync.most) * 1e-6
        + synced * byte.most * 1e-9,
    )
