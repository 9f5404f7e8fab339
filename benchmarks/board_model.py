"""The model of two boards, recorded anew: ``python -m benchmarks.board_model [--driver]``.

Gathers what `benchmarks.accelerator`, `benchmarks.gateware` and `benchmarks.board_driver` found
into the package's ``board_clocks.json``, from which `engram.fpga.board_model` and ``engram bench
--model`` do their sums, and writes what those come to.
"""

import argparse
import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.harness import ROOT, machine
from engram.arch.boards import BOARDS
from engram.cli.bench.board import (
    CALL_HEADS,
    INPUT_HEADS,
    JOB_HEADS,
    call_rows,
    fetched,
    input_rows,
    job_rows,
)
from engram.fpga.board_model import CASES, LEFT_OUT, TITLE, Model, model

__all__ = ["CLOCKS", "clocks", "page"]

RESULTS = ROOT / "benchmarks" / "results"
FIGURE = ROOT / "docs" / "figures" / "board_model.md"
CLOCKS = ROOT / "host" / "engram" / "fpga" / "board_clocks.json"
PYTHON = ROOT / ".venv-lava" / "bin" / "python"  # as on a board's image
LATENCIES = (20, 60)  # of DRAM in clocks: between these is what the boards are taken to have
KEPT = ("command", "case", "latency", "units", "clocks", "read_bytes", "written_bytes")


def clocks(
    accelerator: Mapping[str, Any], gateware: Mapping[str, Any], driver: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the package needs to know, from the results of the three benchmarks.

    alone : clocks of a job that does nothing, by the latency of DRAM
    luts : of the accelerator with all laws
    reached_mhz : of the one with law 1, on an ECP5
    """
    designs = {design["name"]: design for design in gateware["accelerators"]}
    return {
        "made by": "python -m benchmarks.board_model",
        "latencies": LATENCIES,
        "alone": {str(latency): accelerator["jobs"][str(latency)][0] for latency in LATENCIES},
        "paces": [
            {key: pace[key] for key in KEPT}
            for pace in accelerator["paces"]
            if pace["latency"] in LATENCIES and (pace["command"], pace["case"]) in CASES
        ],
        "luts": designs["engram_all_laws"]["area"]["lut"],
        "reached_mhz": designs["engram"]["ecp5"]["mhz"],
        "driver": driver,
    }


def page(models: Iterable[Model]) -> list[str]:
    """Return the documentation's page."""
    lines = [f"**{TITLE.capitalize()}**, made by `python -m benchmarks.board_model`."]
    for found in models:
        lines += [
            "",
            f"**{found.board.title}**, a model (`engram bench --model {found.board.key}`):",
            "",
            *_table(JOB_HEADS, job_rows(found)),
            "",
            *_table(CALL_HEADS, call_rows(found)),
            "",
            fetched(found),
            "",
            *_table(INPUT_HEADS, input_rows(found), left=4),
        ]
    return [
        *lines,
        "",
        *(f"Not in the model: {part}.  " for part in LEFT_OUT),
        "Nothing here has run on a board.",
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        "|" + "---|" * left + "---:|" * (len(heads) - left),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def measured_driver() -> dict[str, Any]:
    """Return what `benchmarks.board_driver` finds under the interpreter of a board's image."""
    done = subprocess.run(
        [PYTHON, "-m", "benchmarks.board_driver"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f".{os.pathsep}host"},
        check=True, stdout=subprocess.PIPE, text=True, timeout=300,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "cpu": machine()["cpu"]}


def main() -> None:
    """Write what the package needs, the models and their page, and print that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", action="store_true", help="measure the driver anew")
    anew = parser.parse_args().driver
    results = RESULTS / "board_model.json"
    driver = measured_driver() if anew else json.loads(results.read_text())["driver"]
    recorded = clocks(
        json.loads((RESULTS / "accelerator.json").read_text()),
        json.loads((RESULTS / "gateware.json").read_text()),
        driver,
    )
    models = [model(board, recorded) for board in BOARDS.values()]
    CLOCKS.write_text(json.dumps(recorded, indent=1) + "\n")
    found = {"what": TITLE, "driver": driver, "models": [each.to_dict() for each in models]}
    results.write_text(json.dumps(found, indent=1) + "\n")
    lines = page(models)
    FIGURE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
