"""The Verilog of the accelerator, made in a process of its own: from any copy of its sources."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["FAMILY", "TOP", "gateware_verilog"]

TOP = "engram"
FAMILY = "xc7"


def gateware_verilog(folder: Path) -> str:
    """Return the Verilog that the package ``hdl`` within ``folder`` makes of the accelerator.

    Raises RuntimeError with what the generator said if it failed.
    """
    paths = [str(folder), *(path for path in sys.path if path)]
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "-m", "hdl.generate", TOP, "--family", FAMILY, "--out", out],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"no Verilog was made: {done.stdout.strip()}")
        return (Path(out) / FAMILY / f"{TOP}.v").read_text()
