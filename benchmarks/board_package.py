"""What a board pays for the package: seconds to install it, and to import it beyond PYNQ itself.

`python -m benchmarks.board_package` builds the wheels, installs them with the pip of .venv-lava,
which has PYNQ, and imports them in fresh processes; no board is asked, and no gateware is run.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import ROOT, Figure, seconds, show, write
from engram.arch.boards import BOARDS
from sim.board.bitfile import write_bitfile

__all__ = ["OVERLAY", "PYTHON", "build_wheels", "install", "main"]

OVERLAY = ROOT / "firmware" / "overlay"
PYTHON = ROOT / ".venv-lava" / "bin" / "python"
_ROUNDS = 5
# Of either board's pretended bitstream: as many as a large one has.
_BITSTREAM_BYTES = 8_000_000
_PIP = ("-m", "pip", "--disable-pip-version-check")
_IMPORT = """
import json, time, warnings
warnings.simplefilter("ignore")
started = time.perf_counter()
import pynq
pynq_is_there = time.perf_counter()
import engram_overlay
from engram.fpga import pynq_bus
from engram.fpga.board import FpgaBoardSpace
print(json.dumps([pynq_is_there - started, time.perf_counter() - pynq_is_there]))
"""


def build_wheels(place: Path, built: Path) -> list[Path]:
    """Build the wheels of engram and engram-overlay from copies in ``place``.

    built : bitstreams by board, as Vivado leaves them; all boards that are there go in
    """
    source, overlay, wheels = place / "engram", place / "overlay", place / "wheels"
    # From copies, so that nothing is left in the checkout.
    shutil.copytree(ROOT / "host", source / "host", ignore=shutil.ignore_patterns("*.egg-info"))
    shutil.copytree(ROOT / "lava_procs", source / "lava_procs")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    shutil.copytree(OVERLAY, overlay, ignore=shutil.ignore_patterns("build", "*.egg-info", "*.bit"))
    folder = overlay / "src" / "engram_overlay" / "overlays"
    _run(sys.executable, overlay / "collect.py", "--from", built, "--to", folder)
    for project in (source, overlay):
        _run(
            sys.executable, *_PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation",
            "--wheel-dir", wheels, project,
        )  # fmt: skip
    return sorted(wheels.glob("*.whl"))


def install(wheels: list[Path], site: Path) -> None:
    """Install wheels into a folder with the pip of the interpreter that has PYNQ."""
    _run(
        PYTHON, *_PIP, "install", "--quiet", "--no-deps", "--no-index", "--target", site, *wheels
    )


def main() -> None:
    """Measure, print the table, and write it down."""
    if not PYTHON.exists():
        raise SystemExit("there is no .venv-lava: `make pynq` builds it")
    with tempfile.TemporaryDirectory(prefix="engram-board-") as temporary:
        place = Path(temporary)
        random = np.random.default_rng(0)
        for key, board in BOARDS.items():
            (place / "built" / key).mkdir(parents=True)
            bit = write_bitfile(place / "built" / key, board)
            # Random bytes, which no wheel compresses, in place of what configures gates.
            bit.write_bytes(bit.read_bytes() + random.bytes(_BITSTREAM_BYTES))
        wheels = build_wheels(place, place / "built")
        installing = [
            seconds(lambda i=i: install(wheels, place / f"site{i}")) for i in range(_ROUNDS)
        ]
        found = [_imported(place / "site0") for _ in range(_ROUNDS + 1)][1:]  # the first is cold
        pynq, ours = (statistics.median(times) for times in zip(*found, strict=True))
        bytes_of = sum(wheel.stat().st_size for wheel in wheels)
        files = [path for path in (place / "site0").rglob("*") if path.is_file()]
    spent = statistics.median(installing)
    figures = [
        Figure(
            "install engram and engram-overlay", spent, "s", goal="<= 60 s", met=spent <= 60,
            note=(
                f"`pip install --no-deps` of two wheels of {bytes_of / 1e6:.1f} MB together, "
                f"{len(files):,} files, with {_BITSTREAM_BYTES / 1e6:.0f} MB of random bytes in "
                "place of each bitstream; on a PC: a board's processor and SD card are slower"
            ),
        ),
        Figure(
            "import beyond PYNQ", ours, "s", goal="<= 2 s", met=ours <= 2,
            peer="import pynq", peer_value=pynq, ratio=pynq / ours,
            note="medians of fresh processes; on a PC, too",
        ),
    ]  # fmt: skip
    show(figures)
    write("board_package", figures)


def _imported(site: Path) -> list[float]:
    done = _run(PYTHON, "-c", _IMPORT, path=site)
    times: list[float] = json.loads(done.splitlines()[-1])  # before it, what PYNQ has to say
    return times


def _run(*command: object, path: Path | None = None) -> str:
    """Run a command away from the checkout; return what it printed, or raise what it said."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    elif "collect.py" in str(command[1]):
        environment["PYTHONPATH"] = str(ROOT / "host")
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",  # whose files are no modules
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"{command[:3]} failed: {done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
