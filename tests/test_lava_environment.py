"""The tests of the Lava processes, run by the interpreter that has Lava."""

import logging
import subprocess
from pathlib import Path

import pytest

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-lava" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-lava: `make lava` builds it")
def test_lava_processes_pass_their_tests_where_lava_is() -> None:
    folder = ROOT / "tests" / "lava_procs"
    command = [PYTHON, "-m", "pytest", "-q", "-c", folder / "pytest.ini", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    summary = "\n".join(done.stdout.splitlines()[-40:])
    assert done.returncode == 0, f"{summary}\n{done.stderr}"
    # Collected and passed: a folder in which nothing is found ends with another status.
    assert " passed" in summary.splitlines()[-1], summary
    logger.info("%s", summary)  # shown by `pytest -rP --log-level INFO`
