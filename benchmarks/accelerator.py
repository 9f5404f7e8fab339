"""Clocks of the Verilated accelerator: ``python -m benchmarks.accelerator [--part PART]``."""

import argparse
import ctypes
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.accelerator_clocks import (
    Call,
    Miss,
    driver_calls,
    fill_pace,
    job_clocks,
    misses,
    window_burst,
    window_word,
)
from benchmarks.command_pace import Pace, paces
from benchmarks.harness import ROOT, Figure, interleaved, machine
from benchmarks.ring_host import RingHost, library
from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import Command, Opcode
from engram.arch.regs import REGISTERS

RESULTS = ROOT / "benchmarks" / "results" / "accelerator.json"
LATENCIES = (1, 20, 60)  # of DRAM, in clocks
USUAL = 20
LANES = (1, 2, 4)
LANE_LAWS = (1, 2)
BURST_WORDS = 4096
LANE_WORDS = 1 << 14
LAW_LATENCY = 44  # of law 1's pipeline
PARTS = ("pace", "jobs", "misses", "window", "lanes", "driver", "speed")


@dataclass
class Report:
    """All that was measured; clocks are those of the simulated design, the same on any machine."""

    paces: list[Pace] = field(default_factory=list)
    jobs: dict[int, tuple[int, int]] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)
    window_words: dict[str, int] = field(default_factory=dict)
    window_bursts: dict[str, int] = field(default_factory=dict)
    lanes: dict[int, dict[int, float]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    speed: list[Figure] = field(default_factory=list)


def measure(parts: Iterable[str], config: AcceleratorConfig) -> Report:
    """Return what the named parts measured."""
    report = Report()
    made = library(config)
    if "pace" in parts:
        report.paces = list(paces(made, LATENCIES))
    if "jobs" in parts:
        report.jobs = {latency: job_clocks(made, latency) for latency in LATENCIES}
    if "misses" in parts:
        report.misses = [miss for latency in LATENCIES for miss in misses(made, latency)]
    if "window" in parts:
        for kind in ("generated", "framed"):
            framed = kind == "framed"
            report.window_words[kind] = window_word(made, USUAL, framed=framed)
            for access in ("read", "write"):
                if framed or access == "read":
                    report.window_bursts[f"{access}, {kind} pages"] = window_burst(
                        made, USUAL, framed=framed, writes=access == "write", words=BURST_WORDS
                    )
    if "lanes" in parts:
        for lanes in LANES:
            built = library(replace(config, lanes=lanes, laws=LANE_LAWS))
            report.lanes[lanes] = {law: fill_pace(built, law, LANE_WORDS) for law in LANE_LAWS}
    if "driver" in parts:
        report.calls = driver_calls(made, config)
    if "speed" in parts:
        report.speed = speed(library(config, fast=True))
    return report


def speed(made: Path) -> list[Figure]:
    """Return how fast the simulation itself is, on this machine."""
    host = RingHost(made, latency=USUAL)
    clocks, reads, words = 200_000, 20_000, 1 << 16
    fill = Command(Opcode.FILL, 0, words, host.buffer)
    status = REGISTERS["STATUS"].offset
    empty = ctypes.CDLL(None).abs
    empty.argtypes, empty.restype = (ctypes.c_int,), ctypes.c_int

    def read_registers() -> None:
        for _ in range(reads):
            host.bus.read(status)

    def call_nothing() -> None:
        for _ in range(reads):
            empty(1)

    busy = host.do(fill).doorbell_clocks
    took = interleaved(
        5,
        working=lambda: host.do(fill),
        idle=lambda: host.bus.settle(clocks),
        registers=read_registers,
        nothing=call_nothing,
    )
    host.bus.close()
    called = reads / took["nothing"]
    return [
        _rate("clocks a second, working", busy / took["working"], 2e6, note="FILL by law 1"),
        _rate("clocks a second, idle", clocks / took["idle"], 2e6),
        replace(
            _rate("register reads a second", reads / took["registers"], 2e5),
            peer="empty ctypes call",
            peer_value=called,
            ratio=reads / took["registers"] / called,
        ),
    ]


def _rate(name: str, value: float, goal: float, note: str = "") -> Figure:
    return Figure(name, value, "/s", goal=f">= {goal:,.0f}", met=value >= goal, note=note)


def goals(report: Report) -> Iterator[Figure]:
    """Yield what was aimed at, and how close it came; all in clocks but for the last."""
    rate = {(p.command, p.case, p.latency): p.units_a_clock for p in report.paces}
    if rate:
        fill = min(value for (command, *_), value in rate.items() if command == "FILL")
        yield Figure("FILL", fill, "words a clock", goal=">= 0.95", met=fill >= 0.95,
                     note="the least of all latencies of DRAM")
        framed = rate["READ", "framed pages", LATENCIES[0]]
        yield Figure("READ of framed pages", framed, "beats a clock", goal=">= 0.85",
                     met=framed >= 0.85, note="DRAM answers in the next clock")
    usual = [
        miss.most
        for miss in report.misses
        if miss.latency == USUAL and "next" not in miss.page
    ]
    if usual:
        yield Figure("TLB miss", max(usual), "clocks more", goal="<= 40", met=max(usual) <= 40,
                     note=f"the most, at {USUAL} clocks of DRAM latency, in the page's own bucket")
    if report.window_words:
        clocks, limit = report.window_words["generated"], LAW_LATENCY + 10
        yield Figure("window, a generated word", clocks, "clocks", goal=f"<= {limit}",
                     met=clocks <= limit, note="from the address to the word; the TLB knows")
    jobs = [call.accesses / call.jobs for call in report.calls if call.jobs]
    if jobs:
        yield Figure("register accesses a job", max(jobs), "accesses", goal="<= 3",
                     met=max(jobs) <= 3, note="the most of all calls of the driver")
    yield from report.speed


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a Markdown table whose first column is text."""
    heads = list(heads)
    return [
        "| " + " | ".join(heads) + " |",
        "|---|" + "---:|" * (len(heads) - 1),
        *("| " + " | ".join(map(str, row)) + " |" for row in rows),
    ]


def tables(report: Report) -> dict[str, list[str]]:
    """Return the documentation's tables by the names of their files."""
    at = [f"{latency} clock{'s' * (latency > 1)}" for latency in LATENCIES]
    found = {}
    if report.paces:
        found["pace"] = table(
            ("command and pages", "of a",
             *(f"clocks, {head}" for head in at), *(f"bytes a clock, {head}" for head in at)),
            (_pace_row(list(same)) for _, same in groupby(
                report.paces, lambda pace: (pace.command, pace.case))),
        )
    if report.misses:
        by_page: dict[str, list[str]] = {}
        for miss in report.misses:
            costs = by_page.setdefault(f"{miss.command}, {miss.page}", [])
            costs.append(f"{miss.least} to {miss.most}")
        found["misses"] = table(
            ("a word whose page the TLB does not know", *at),
            ((page, *costs) for page, costs in by_page.items()),
        )
    if report.jobs:
        found["jobs"] = table(
            ("FENCE", *at),
            (
                ("alone, from doorbell to interrupt", *(one for one, _ in report.jobs.values())),
                ("each more behind one doorbell", *(more for _, more in report.jobs.values())),
            ),
        )
    if report.window_words:
        found["window"] = table(
            ("access at the window", "clocks", "words a clock"),
            [
                *((f"a word, {kind} page", clocks, "") for kind, clocks in
                  report.window_words.items()),
                *((f"{BURST_WORDS:,} words, {kind}", f"{clocks:,}", f"{BURST_WORDS / clocks:.3f}")
                  for kind, clocks in report.window_bursts.items()),
            ],
        )
    if report.lanes:
        found["lanes"] = table(
            ("lanes", *(f"law {law}, words a clock" for law in LANE_LAWS)),
            ((lanes, *(f"{pace:.3f}" for pace in by_law.values()))
             for lanes, by_law in report.lanes.items()),
        )
    if report.calls:
        found["driver"] = table(
            ("call of the driver", "register accesses", "jobs", "commands"),
            ((call.call, call.accesses, call.jobs, call.commands) for call in report.calls),
        )
    found["goals"] = goal_table(goals(report))
    return found


def goal_table(figures: Iterable[Figure]) -> list[str]:
    """Return the lines of the table of goals."""
    return table(
        ("figure", "measured", "peer in the same run", "goal", ""),
        (
            (
                figure.name,
                f"{figure.value:,.3g} {figure.unit}" if figure.value < 1000
                else f"{figure.value:,.0f} {figure.unit}",
                "" if figure.peer_value is None
                else f"{figure.peer}: {figure.peer_value:,.0f} {figure.unit}",
                figure.goal,
                "met" if figure.met else "not met",
            )
            for figure in figures
        ),
    )


def _pace_row(same: list[Pace]) -> Iterator[object]:
    yield f"{same[0].command}, {same[0].case}"
    yield same[0].unit
    for pace in same:
        clocks = pace.clocks_a_unit
        yield f"{clocks:.2f}" if clocks < 100 else f"{clocks:.0f}"
    for pace in same:
        yield f"{pace.bytes_a_clock:.1f}"


def write(report: Report, kept: dict[str, Any]) -> None:
    """Write the JSON, with what was kept of parts that were not measured, and the tables."""
    aims = {aim["name"]: Figure(**aim) for aim in kept.get("goals", ())}
    aims |= {figure.name: figure for figure in goals(report)}
    about = machine()
    found = {
        **kept,
        "machine": about,
        "latencies": LATENCIES,
        **{part: value for part, value in asdict(report).items() if value},
        "goals": [asdict(figure) for figure in aims.values()],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    pages = {
        **tables(report),
        "goals": [
            *goal_table(aims.values()),
            "",
            *(f"- *{figure.name}*: {figure.note}" for figure in aims.values() if figure.note),
        ],
    }
    for name, lines in pages.items():
        made = "Made by `python -m benchmarks.accelerator` from the Verilated gateware"
        where = f", rates a second on {about['cores']} cores of {about['cpu']}" * (name == "goals")
        path = ROOT / "docs" / "figures" / f"accelerator_{name}.md"
        path.write_text("\n".join([f"{made}{where}.", "", *lines]) + "\n")


def main() -> None:
    """Measure and print; write what was measured, and keep what is there of the other parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="only these parts")
    chosen = parser.parse_args().part
    report = measure(chosen or PARTS, AcceleratorConfig())
    for lines in tables(report).values():
        print("\n".join(lines), end="\n\n")
    kept = json.loads(RESULTS.read_text()) if chosen and RESULTS.exists() else {}
    write(report, kept)


if __name__ == "__main__":
    main()
