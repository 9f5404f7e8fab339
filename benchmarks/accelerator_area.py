"""Area and clock of the whole accelerators, and what each of their units takes."""

import gc
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from amaranth.back import verilog
from amaranth.hdl import UnusedElaboratable

from benchmarks.synthesis import XC7Z020, Area, Placed, ecp5, xc7
from engram.arch.accelerator import AcceleratorConfig
from hdl.accelerator import Accelerator
from hdl.generate import unit_verilog
from hdl.synth.multiplier import FAMILIES

__all__ = ["ACCELERATORS", "PARTS", "Design", "Part", "areas", "design", "part", "parts"]

GOAL_MHZ = 100
WANTED_MHZ = 105  # what nextpnr aims at; far from what can be had it routes for hours


@dataclass(frozen=True)
class Goal:
    """At most these shares of an xc7z020; and whether it is placed and routed, which takes long."""

    lut: float
    dsp: float
    placed: bool


# By the names of `hdl.generate.UNITS`.
ACCELERATORS = {
    "engram": Goal(0.15, 0.12, placed=True),
    "engram_all_laws": Goal(0.20, 0.25, placed=False),
}

# Units of the accelerator with law 1, by how they are reached; a dot leads into a unit.
PARTS = (
    "bank", "sequencer", "pager", "pager.tlb", "pager.walker", "pager.regions", "pager.frames",
    "mover", "mover.generator", "window", "arbiter", "counters",
)  # fmt: skip


@dataclass(frozen=True)
class Design:
    """A whole accelerator."""

    name: str
    area: Area
    ecp5: Placed | None

    @property
    def met(self) -> bool:
        goal = ACCELERATORS[self.name]
        return (
            self.area.share("lut") <= goal.lut
            and self.area.share("dsp") <= goal.dsp
            and (self.ecp5 is None or self.ecp5.mhz >= GOAL_MHZ)
        )


@dataclass(frozen=True)
class Part:
    """A unit of the accelerator, synthesised alone."""

    name: str
    area: Area


def design(name: str) -> Design:
    """Synthesise an accelerator for a Zynq-7000, and place and route it for an ECP5 if wanted."""
    with TemporaryDirectory() as folder:
        area = xc7(unit_verilog(name, "xc7"), name, Path(folder))
        placed = None
        if ACCELERATORS[name].placed:
            placed = ecp5(
                unit_verilog(name, "ecp5"), name, Path(folder), wanted_mhz=WANTED_MHZ
            )
    return Design(name, area, placed)


def part(name: str) -> Part:
    """Synthesise a unit of the accelerator with law 1 for a Zynq-7000."""
    with warnings.catch_warnings():
        # Of the whole one unit is converted, and the others complain when they are collected.
        warnings.simplefilter("ignore", UnusedElaboratable)
        whole = Accelerator(AcceleratorConfig(), FAMILIES["xc7"])
        text = verilog.convert(
            attrgetter(name)(whole), name="part", strip_internal_attrs=True, emit_src=False
        )
        del whole
        gc.collect()
    with TemporaryDirectory() as folder:
        return Part(name, xc7(text, "part", Path(folder)))


def areas(designs: Iterable[Design]) -> Iterator[str]:
    """Yield the lines of the table of accelerators, and below it their slowest paths."""
    designs = list(designs)
    yield (
        "| accelerator | LUT (of them SRL, RAM) | FF | DSP48E1 | BRAM36 "
        "| share of an xc7z020: LUT, FF, DSP, BRAM | ECP5 LUT4, FF, MULT18 | ECP5 -6 Fmax "
        "| goal | |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---|---|"
    for found in designs:
        area, placed, goal = found.area, found.ecp5, ACCELERATORS[found.name]
        shares = ", ".join(f"{area.share(kind):.1%}" for kind in XC7Z020)
        goals = f"{goal.lut:.0%} LUT, {goal.dsp:.0%} DSP"
        there, rate = "", "not placed"
        if placed is not None:
            there = f"{placed.lut4:,}, {placed.ff:,}, {placed.mult18}"
            rate = f"{placed.mhz:.0f} MHz"
            goals += f", {GOAL_MHZ} MHz"
        yield (
            f"| `{found.name}` | {area.lut:,} ({area.srl}, {area.ram}) | {area.ff:,} | {area.dsp} "
            f"| {area.bram:g} | {shares} | {there} | {rate} | {goals} "
            f"| {'met' if found.met else 'not met'} |"
        )
    yield ""
    yield "The slowest paths, as nextpnr placed and routed them on the ECP5:"
    yield ""
    for found in designs:
        if found.ecp5 is not None:
            yield f"- `{found.name}`: {found.ecp5.path}."


def parts(found: Iterable[Part]) -> Iterator[str]:
    """Yield the lines of the table of units, and what of a unit is not in its own units."""
    found = list(found)
    yield "| unit | LUT (of them SRL, RAM) | FF | DSP48E1 |"
    yield "|---|---:|---:|---:|"
    for unit in found:
        yield _row(f"`{unit.name}`", [unit], [])
        inner = [other for other in found if other.name.startswith(f"{unit.name}.")]
        if inner:
            yield _row(f"`{unit.name}` without the units below", [unit], inner)
    yield _row("sum", [unit for unit in found if "." not in unit.name], [])
    yield ""
    yield "Each was synthesised alone, and alone a unit keeps what its neighbours do not use: the"
    yield "whole is smaller than the sum, and a difference may be negative."


def _row(label: str, added: list[Part], taken: list[Part]) -> str:
    def total(kind: str) -> int:
        of = attrgetter(f"area.{kind}")
        return int(sum(map(of, added)) - sum(map(of, taken)))

    return (
        f"| {label} | {total('lut'):,} ({total('srl')}, {total('ram')}) | {total('ff'):,} "
        f"| {total('dsp')} |"
    )
