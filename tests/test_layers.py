"""The arrows between packages point the way that pyproject.toml says."""

import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_import_goes_against_the_layers() -> None:
    command = [str(Path(sysconfig.get_path("scripts")) / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " kept, 0 broken" in done.stdout
