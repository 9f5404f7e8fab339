"""The interpreter that has PYNQ, and what pytest says there."""

import logging
import re
import subprocess
from pathlib import Path

import pytest

__all__ = ["MARKS", "collected", "passed", "run"]

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-lava" / "bin" / "python"
READY = ROOT / ".venv-lava" / ".pynq"

MARKS = [
    pytest.mark.skipif(not READY.exists(), reason="there is no PYNQ: `make pynq` installs it"),
    pytest.mark.timeout(600),  # two others of the machine's cores may be busy
]


def run(*arguments: str) -> str:
    """Return what pytest said last; its own bounds end it where a test hangs."""
    command = [str(PYTHON), "-m", "pytest", "-q", "--rootdir", ".", "--confcutdir", "."]
    command += ["-p", "no:cacheprovider", "-c", "tests/board/pytest.ini", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580)
    summary = "\n".join(done.stdout.splitlines()[-40:])
    assert done.returncode == 0, f"{summary}\n{done.stderr[-4000:]}"
    logger.info("%s", summary)  # shown by `pytest -rP --log-level INFO`
    return summary.splitlines()[-1]


def passed(summary: str) -> int:
    found = re.search(r"(\d+) passed", summary)
    return int(found.group(1)) if found else 0


def collected(device: str) -> int:
    """Return how many cases of the conformance suite a device has."""
    command = [str(PYTHON), "-m", "pytest", "-q", "--rootdir", ".", "--confcutdir", "."]
    command += ["-p", "no:cacheprovider", "-c", "tests/board/pytest.ini", "--collect-only"]
    command += ["tests/conformance", "--device", device]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return sum(f"[{device}" in line for line in done.stdout.splitlines())
