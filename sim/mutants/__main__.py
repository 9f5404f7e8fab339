"""``python -m sim.mutants [UNIT ...]``: builds every mutant and sees that it is caught."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from engram.errors import DeviceUnavailable
from sim.fuzz.gateware import TOP, gateware_verilog
from sim.mutants.catalogue import MUTANTS, Mutant
from sim.mutants.trial import CASES, try_out
from sim.verilated.library import build

_ROOT = Path(__file__).parents[2]
_BOUND = 600.0  # seconds for all cases of one mutant


def main() -> int:
    """Print what catches each mutant; return 1 if one survives."""
    parser = argparse.ArgumentParser(prog="python -m sim.mutants", description=__doc__)
    parser.add_argument("units", nargs="*", metavar="UNIT", help="all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trial", type=Path, metavar="LIBRARY", help="try only this design")
    arguments = parser.parse_args()
    if arguments.trial:
        caught_by = try_out(arguments.trial)
        print(f"caught by {caught_by}" if caught_by else f"not caught by {CASES} cases")
        return 1 if caught_by else 0
    names = [mutant.unit for mutant in MUTANTS]
    for unit in arguments.units:
        if unit not in names:
            parser.error(f"UNIT must be one of {', '.join(names)}, not {unit!r}")
    chosen = [mutant for mutant in MUTANTS if mutant.unit in (arguments.units or names)]
    survivors = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # What is edited meanwhile is not half of a mutant.
        shutil.copytree(_ROOT / "hdl", folder / "hdl", ignore=shutil.ignore_patterns("__pycache__"))
        with ThreadPoolExecutor(arguments.jobs) as pool:
            trials = pool.map(partial(_try, folder), chosen)
            for mutant, (caught, message) in zip(chosen, trials, strict=True):
                if not caught:
                    survivors.append(mutant.unit)
                verdict = "caught" if caught else "SURVIVES"
                print(f"{mutant.unit:18}{verdict:10}{mutant.breaks}\n{'':28}{message}", flush=True)
    minutes = (time.monotonic() - started) / 60
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught in {minutes:.1f} minutes")
    return 1 if survivors else 0


def _try(folder: Path, mutant: Mutant) -> tuple[bool, str]:
    """Return whether a mutant is caught, and by what."""
    changed = folder / mutant.unit.replace(" ", "-")
    shutil.copytree(folder / "hdl", changed / "hdl")
    path = changed / mutant.path
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return False, f"the text must occur once, not {text.count(mutant.old)} times"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        library = build(gateware_verilog(changed), TOP)
    except (RuntimeError, DeviceUnavailable) as error:
        return False, f"it cannot be built: {error}"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sim.mutants", "--trial", str(library)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BOUND,
        )
    except subprocess.TimeoutExpired:
        return False, f"its trial took more than {_BOUND:.0f} seconds"
    finally:
        library.unlink(missing_ok=True)
    lines = done.stdout.strip().splitlines() or [f"the trial ended with {done.returncode}"]
    return done.returncode == 1 and lines[0].startswith("caught"), lines[0][:200]


if __name__ == "__main__":
    raise SystemExit(main())
