"""What tests of the firmware share."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engram.arch.boards import BOARDS
from tests.firmware.dry_runs import FIRMWARE, copy_scripts


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """What ``make check`` leaves: the Verilog, and what the dry runs wrote."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    out = tmp_path_factory.mktemp("vivado")
    done = subprocess.run(
        ["make", "-C", FIRMWARE / "vivado", "check", f"OUT={out}", f"PYTHON={sys.executable}"],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("dry run is clean") == 1 + len(BOARDS)
    return out


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the scripts, to edit, beside a core."""
    return copy_scripts(tmp_path)
