"""engram board-test: one table or one object, an exit code, and a refusal of what is no board."""

import json
import re

import pytest
from typer.testing import CliRunner

from engram.arch.laws import LAWS
from engram.cli.app import app
from engram.errors import DeviceUnavailable
from sim.golden.device import FpgaGoldenSpace

COMMAND = ["board-test", "--device", "fpga-golden", "--quick"]
NAMES = [
    "identity", "registers", *(f"law {law.number} ({law.name})" for law in LAWS.values()),
    "overlay", "faults", "interrupt", "counters", "accesses a job", "left as found",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _wide(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_everything_is_in_one_table(run) -> None:
    printed = run(*COMMAND)
    rows = [re.split(r"\s{2,}", line.strip()) for line in printed.splitlines()]
    found = {row[0]: row[1] for row in rows if len(row) > 1}
    assert [name for name in found if found[name] == "passed"] == NAMES
    assert found["generated"] == found["written again"] == found["read back"] == "measured"
    assert printed.count("what was found") == 1
    assert printed.splitlines()[-1] == "fpga-golden: 12 checks, 0 failed, 0 not run"


def test_or_one_object(run_json) -> None:
    told = run_json(*COMMAND)
    assert (told["name"], told["device"], told["passed"]) == ("fpga-golden", "fpga-golden", True)
    assert [check["name"] for check in told["checks"]] == NAMES
    assert all(check["passed"] and check["seconds"] > 0 for check in told["checks"])
    assert {pace["unit"].split(",")[0] for pace in told["paces"]} == {"µs", "words/s"}


def test_a_check_that_fails_is_named_and_the_exit_code_is_1(monkeypatch) -> None:
    bus = FpgaGoldenSpace.accelerator().bus
    monkeypatch.setattr(bus, "wait_irq", lambda seconds: True)
    result = CliRunner().invoke(app, COMMAND)
    assert result.exit_code == 1
    assert result.stderr.startswith("engram: the self-test failed: interrupt: the interrupt stays")
    assert result.stderr.count("\n") == 1
    assert re.search(r"interrupt +FAILED +the interrupt stays high", result.stdout)
    assert "12 checks, 1 failed, 0 not run" in result.stdout
    as_json = CliRunner().invoke(app, [*COMMAND, "--json"])
    assert as_json.exit_code == 1
    told = json.loads(as_json.stdout)
    assert [check["name"] for check in told["checks"] if not check["passed"]] == ["interrupt"]
    assert not told["passed"]


def test_quick_reads_less(run_json) -> None:
    def words(told) -> int:
        detail = told["checks"][2]["detail"]
        return int(detail.split(" ")[0].replace(",", ""))

    assert 10 * words(run_json(*COMMAND)) < words(run_json(*COMMAND[:-1]))


@pytest.mark.parametrize("other", ["cpu", "golden", "auto"])
def test_a_device_that_is_no_accelerator_is_refused(fail, other) -> None:
    said = fail(2, "board-test", "--device", other)
    assert said.startswith("device must be an accelerator, not ")


def test_an_unknown_device_is_refused(fail) -> None:
    assert "device must be one of auto, cpu" in fail(2, "board-test", "--device", "fpag")


def test_a_board_that_is_not_there_is_refused_with_the_reason(fail, monkeypatch) -> None:
    def absent() -> None:
        raise DeviceUnavailable("no board here: get one")

    monkeypatch.setattr(FpgaGoldenSpace, "_bring_up", absent)
    monkeypatch.setattr(FpgaGoldenSpace, "_shared", None)
    assert fail(3, *COMMAND) == "no board here: get one"
