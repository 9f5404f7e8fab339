"""A model, not a measurement, of jobs on two boards: ``python -m benchmarks.board_model``.

Needs the results of `benchmarks.accelerator` and `benchmarks.gateware`, whose clocks it turns
into seconds with published figures of the boards.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.harness import ROOT

__all__ = ["BOARDS", "Board", "Input", "Job", "clock_mhz", "modelled"]

RESULTS = ROOT / "benchmarks" / "results"
FIGURE = ROOT / "docs" / "figures" / "board_model.md"
PORT_BYTES = 8  # of the accelerator's port to DRAM, each way and clock
LATENCIES = (20, 60)  # of DRAM in clocks: between these is what the boards are taken to have
JOBS = (  # of `benchmarks.command_pace`
    ("FILL", "generated"),
    ("READ", "a word, generated, TLB hit"),
    ("READ", "a word, framed, TLB hit"),
    ("READ", "generated pages"),
    ("READ", "framed pages"),
    ("WRITE", "whole framed pages"),
    ("GATHER", "generated, TLB hits"),
    ("GATHER", "framed, TLB misses"),
)


@dataclass(frozen=True)
class Input:
    """A range that the model starts from, and who says so."""

    least: float
    most: float
    unit: str
    source: str


@dataclass(frozen=True)
class Board:
    """What the model knows of a board.

    clock : MHz that are wanted of the gateware; it gets no more than was reached on the ECP5
    port : megabytes a second of the port to DRAM, in each direction
    access : microseconds of one access to a register from Python
    """

    name: str
    clock: Input
    port: Input
    access: Input


# 64 bits at 150 MHz, in each direction: what the port is given as, whatever the gateware's clock.
_HP = Input(1200, 1200, "MB/s", "published: Xilinx UG585, chapter 22 (64 bits at 150 MHz)")
BOARDS = (
    Board(
        "PYNQ-Z2",
        Input(100, 100, "MHz", "assumed: the usual clock of PYNQ's overlays"),
        _HP,
        Input(
            27, 36, "us",
            "published: discuss.pynq.io/t/389, 5,600 writes in 150 to 200 ms on a Pynq-Z1 "
            "(the same processor)",
        ),
    ),
    Board(
        "KV260",
        Input(150, 150, "MHz", "assumed: no timing of Xilinx parts is known here"),
        Input(
            1200, 1200, "MB/s",
            "assumed: as on the Zynq-7000, 64 bits at 150 MHz; its port may be wider",
        ),
        Input(
            8, 12, "us",
            "estimated: a third of the Pynq-Z1's, for cores of twice the clock and a newer design",
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A job on a board, as the model has it: the least and the most of its inputs' ranges.

    seconds : from the driver's first access to a register to its last
    words_a_second : of the device alone, which is what is left of jobs that are long
    """

    board: str
    job: str
    words: int
    clock_mhz: float
    least_seconds: float
    most_seconds: float
    least_words_a_second: float
    most_words_a_second: float


def clock_mhz(board: Board, reached: float) -> float:
    """Return the model's clock: what is wanted, if so much was reached, else that in full fives."""
    return min(board.clock.least, reached // 5 * 5)


def modelled(
    board: Board, reached: float, accesses: int, paces: list[Mapping[str, Any]]
) -> Iterator[Job]:
    """Yield the jobs of a board.

    reached : MHz of the gateware
    accesses : to registers, of a job
    paces : of `benchmarks.command_pace`, as they lie in its results
    """
    clock = clock_mhz(board, reached) * 1e6
    for command, case in JOBS:
        found = {
            pace["latency"]: pace
            for pace in paces
            if (pace["command"], pace["case"]) == (command, case)
        }
        fast, slow = (_seconds(board, clock, found[latency]) for latency in LATENCIES)
        units = found[LATENCIES[0]]["units"]
        yield Job(
            board.name,
            f"{command}, {case}",
            units,
            clock / 1e6,
            accesses * board.access.least * 1e-6 + fast,
            accesses * board.access.most * 1e-6 + slow,
            units / slow,
            units / fast,
        )


def _seconds(board: Board, clock: float, pace: Mapping[str, Any]) -> float:
    """Return how long the device is at it: its clocks, or longer if the port is slower."""
    port = min(board.port.least * 1e6, PORT_BYTES * clock)
    busiest = max(pace["read_bytes"], pace["written_bytes"])
    return max(float(pace["clocks"]) / clock, float(busiest) / port)


def table(jobs: list[Job], reached: float, accesses: int) -> list[str]:
    """Return the documentation's page: what is assumed, and what follows."""
    inputs = [
        "| input | value | where from |",
        "|---|---:|---|",
        *(
            f"| {board.name}: {name} | {_range(given.least, given.most)} {given.unit} "
            f"| {given.source} |"
            for board in BOARDS
            for name, given in (
                ("clock wanted", board.clock),
                ("port to DRAM, each direction", board.port),
                ("register access from Python", board.access),
            )
        ),
        f"| clock reached | {reached:.0f} MHz | `benchmarks.gateware`, on an ECP5 of grade 6 |",
        f"| DRAM latency | {_range(*LATENCIES)} clocks | assumed |",
        f"| register accesses a job | {accesses} | `benchmarks.accelerator` |",
    ]
    rows = [
        f"| {job.board}, {job.clock_mhz:.0f} MHz | {job.job} | {job.words:,} "
        f"| {_range(job.least_seconds * 1e6, job.most_seconds * 1e6)} us | {_pace(job)} |"
        for job in jobs
    ]
    return [
        "**A model, not a measurement**, made by `python -m benchmarks.board_model`.",
        "",
        *inputs,
        "",
        "| model of | job | words | model: a call takes | model: words a second, in bulk |",
        "|---|---|---:|---:|---:|",
        *rows,
        "",
        "Not in the model: Python's own work around a call, copies to and from shared memory,",
        "flushes of the processor's caches, and what it takes to notice that a job is done.",
        "Nothing here has run on a board.",
    ]


def _pace(job: Job) -> str:
    if job.words == 1:
        return ""
    return f"{_range(job.least_words_a_second / 1e6, job.most_words_a_second / 1e6)} M"


def _range(least: float, most: float) -> str:
    ends = [f"{end:,.0f}" if end >= 100 else f"{end:.3g}" for end in (least, most)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def main() -> None:
    """Write the model's JSON and table, and print it."""
    clocks = json.loads((RESULTS / "accelerator.json").read_text())
    area = json.loads((RESULTS / "gateware.json").read_text())
    (reached,) = (
        design["ecp5"]["mhz"] for design in area["accelerators"] if design["name"] == "engram"
    )
    accesses = max(-(-call["accesses"] // call["jobs"]) for call in clocks["calls"] if call["jobs"])
    jobs = [
        job for board in BOARDS for job in modelled(board, reached, accesses, clocks["paces"])
    ]
    found = {
        "what": "a model, not a measurement",
        "boards": [asdict(board) for board in BOARDS],
        "jobs": [asdict(job) for job in jobs],
    }
    (RESULTS / "board_model.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = table(jobs, reached, accesses)
    FIGURE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
