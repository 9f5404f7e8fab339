"""Dry runs of Vivado's scripts, in copies that may be edited."""

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["FIRMWARE", "NO_TCL", "build", "calls", "copy_scripts", "dry_run", "edit", "refused"]

FIRMWARE = Path(__file__).parents[2] / "firmware"
NO_TCL = None if shutil.which("tclsh") else "there is no tclsh to run the mock of Vivado"


def dry_run(script: Path, *arguments, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the mock, with variables of the environment."""
    return subprocess.run(
        ["tclsh", FIRMWARE / "vivado" / "mock_vivado.tcl", script, *arguments],
        env={**os.environ, **variables}, capture_output=True, text=True, timeout=60,
    )


def refused(done: subprocess.CompletedProcess[str], says: str) -> None:
    """See that a dry run failed, and why."""
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith(f"dry run failed: {says}"), done.stderr


def copy_scripts(folder: Path) -> Path:
    """Copy the scripts, and lay a core beside them; return the folder."""
    for name in ("vivado", "generated"):
        shutil.copytree(FIRMWARE / name, folder / name)
    (folder / "out" / "ip").mkdir(parents=True)
    shutil.copy(FIRMWARE / "generated" / "component.xml", folder / "out" / "ip")
    return folder


def build(
    copy: Path, key: str = "kv260", *more: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a copy of build.tcl in the mock."""
    return dry_run(copy / "vivado" / "build.tcl", key, copy / "out" / key, *more, **variables)


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first ``old``, which must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def calls(path: Path, command: str) -> list[str]:
    """Return the calls of a command, out of a dry run's log."""
    lines = path.read_text().splitlines()
    return [line for line in lines if line.split(maxsplit=1)[0] == command]
