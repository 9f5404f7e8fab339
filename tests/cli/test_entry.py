"""How the command line starts, and how it ends."""

import logging
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import engram
from engram.cli.app import app
from engram.cli.failures import exit_code, one_line
from engram.errors import (
    DeviceUnavailable,
    IntegrityError,
    NotFound,
    QuotaExceeded,
    ReadOnly,
    StoreBusy,
    StoreCorrupt,
    StoreFull,
    VersionMismatch,
)


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_help_needs_nothing_heavy() -> None:
    done = python(
        "import sys; from engram.cli.entry import main; sys.argv = ['engram', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numpy', 'numba', 'llvmlite', 'lmdb', 'matplotlib', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_without_the_extra_one_line_says_what_to_install(package) -> None:
    done = python(
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: "
        f"None if name == {package!r} else find(name, *rest)\n"
        f"sys.modules[{package!r}] = None\n"
        "from engram.cli.entry import main; main()"
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"engram: the command line needs {package}: pip install 'engram[cli]'\n"
    )


def test_the_version_is_the_packages(run) -> None:
    assert run("--version") == f"engram {engram.__version__}\n"


def test_help_is_there_for_every_command(run) -> None:
    assert "Exit codes" in run()
    for command in (
        "demo", "devices", "read", "write", "erase", "fill", "report", "verify", "compact", "bench",
        "remember", "recall", "patterns", "forget", "consolidate",
    ):
        assert command in run("--help")
        assert "--json" in run(command, "--help")


def test_completion_is_typers_own() -> None:
    import os

    done = subprocess.run(
        [sys.executable, "-c", "from engram.cli.entry import main; main()"],
        env={
            **os.environ,
            "_ENGRAM_COMPLETE": "complete_bash",
            "COMP_WORDS": "engram re",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(done.stdout.split()) == ["read", "recall", "remember", "report"]


def test_devices_are_listed(run, run_json) -> None:
    listed = {device["name"]: device for device in run_json("devices")["devices"]}
    assert listed["cpu"]["available"]
    assert listed["cpu"]["auto"]
    assert not listed["golden"]["auto"]
    assert "yes (auto)" in run("devices")


def test_a_device_that_is_not_there_is_told_with_the_fix() -> None:
    done = python(
        "import sys; sys.modules['sim'] = None; sys.argv = "
        "['engram', 'read', '5', '--device', 'golden']\n"
        "from engram.cli.entry import main; main()"
    )
    assert done.returncode == 3
    assert "device 'golden' cannot be had" in done.stderr
    assert "run from a checkout" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TypeError("x"), 2),
        (ValueError("x"), 2),
        (DeviceUnavailable("x"), 3),
        (NotFound("x"), 3),
        (ImportError("x"), 3),
        (StoreCorrupt("x"), 4),
        (VersionMismatch("x"), 4),
        (IntegrityError("x"), 4),
        (StoreBusy("x"), 5),
        (StoreFull("x"), 5),
        (QuotaExceeded("x"), 5),
        (ReadOnly("x"), 5),
        (PermissionError(13, "Permission denied", "f"), 5),
        (MemoryError(), 5),
        (KeyboardInterrupt(), 130),
        (RuntimeError("x\ny"), 1),
        (KeyError("x"), 1),
        (AssertionError(), 1),
    ],
)
def test_every_error_has_its_code_and_one_line(error, code) -> None:
    assert exit_code(error) == code
    assert one_line(error)
    assert "\n" not in one_line(error)
    assert ("a bug" in one_line(error)) == (code == 1)


@pytest.mark.parametrize("verbose", [False, True])
def test_a_bug_is_one_line_and_a_traceback_only_on_demand(monkeypatch, verbose) -> None:
    def broken(*arguments, **options):
        raise RuntimeError("the wheel came off")

    monkeypatch.setattr(engram.Memory, "read", broken)
    result = CliRunner().invoke(app, ["read", "5", *(["--verbose"] if verbose else [])])
    assert result.exit_code == 1
    assert "engram: unexpected RuntimeError: the wheel came off" in result.stderr
    assert ("Traceback" in result.stderr) == verbose


def test_verbose_logs_to_stderr_while_the_command_runs() -> None:
    result = CliRunner().invoke(app, ["read", "5", "-v"])
    assert result.exit_code == 0
    assert "INFO engram.registry: device auto: spaces on cpu" in result.stderr
    assert result.stdout.count("\n") == 1
    assert logging.getLogger("engram").handlers == []


def test_the_script_and_the_module_are_the_same(run) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engram.cli", "read", "10**15"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == run("read", "10**15")
    assert done.stderr == ""
