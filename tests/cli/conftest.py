"""What the command line's tests share: running it, and what an error must look like."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engram.cli.app import app


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "SEED", "LAW", "DEVICE", "CONFIG", "QUOTA", "READ_ONLY", "KEY"):
        monkeypatch.delenv(f"ENGRAM_{name}", raising=False)


@pytest.fixture
def run() -> Callable[..., Any]:
    """Run a command that must succeed with nothing on stderr; return what it printed."""

    def runner(*arguments: object) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    return runner


@pytest.fixture
def run_json(run: Callable[..., str]) -> Callable[..., Any]:
    """Run a command with --json; return its one object."""

    def runner(*arguments: object) -> Any:
        printed = run(*arguments, "--json")
        assert printed.count("\n") == 1
        return json.loads(printed)

    return runner


@pytest.fixture
def fail() -> Callable[..., str]:
    """Run a command that must fail with a code and one line on stderr; return that line.

    The same is told with --json, as an object on stdout besides.
    """

    def runner(code: int, *arguments: object) -> str:
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, result.output
        assert result.stderr.startswith("engram: ")
        assert result.stderr.count("\n") == 1
        assert "Traceback" not in result.output
        as_json = CliRunner().invoke(app, [*words, "--json"])
        assert as_json.exit_code == code
        told = json.loads(as_json.stdout)["error"]
        assert as_json.stderr == f"engram: {told['message']}\n"
        return result.stderr.removeprefix("engram: ").rstrip("\n")

    return runner


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "memory"
