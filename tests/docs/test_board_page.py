"""The page on boards: every command is there, every table is the code's, and what can run runs."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from engram.arch.boards import BOARDS
from engram.cli.app import app
from engram.fpga.board import FpgaBoardSpace
from engram.fpga.selftest.runner import self_test
from engram.registry import devices
from sim.golden.device import FpgaGoldenSpace

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "board.md").read_text()
PYTHON = ROOT / ".venv-lava" / "bin" / "python"
COMMANDS = [
    line[2:]
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.S | re.M)
    for line in block.splitlines()
    if line[:2] in ("$ ", "# ")
]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
SIMULATED = (
    "PYTHONPATH=.:host .venv-lava/bin/python -m engram.cli board-test --device fpga-pynq-sim"
)
# What is run on a board, or is somebody else's.
FOREIGN = {"scp", "ssh", "sudo", "source", "pip", "pynq", "cp", "ls", "openFPGALoader"}


def _table(heading: str) -> list[list[str]]:
    """Return the rows of the first table behind a line, without its head."""
    lines = PAGE[PAGE.index(heading) :].splitlines()
    rows = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def _words(command: str) -> list[str]:
    """Return the words of a command without its comment and the variables it sets."""
    words = shlex.split(command, comments=True)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    return words


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 20
    assert SIMULATED in COMMANDS


MADE = {c for c in COMMANDS if _words(c)[0] == "make"} | set(re.findall(r"`(make [^`]+)`", PAGE))


@pytest.mark.parametrize("command", sorted(MADE))
def test_every_target_is_in_its_makefile(command) -> None:
    words = _words(command)[1:]
    folder = ROOT / words[1] if words[0] == "-C" else ROOT
    targets = set()
    for line in (folder / "Makefile").read_text().splitlines():
        if line.startswith((".PHONY:", "BOARDS :=")):
            targets |= set(line.split()[1:])
    assert words[-1] in targets


@pytest.mark.parametrize(
    "command", sorted({c for c in COMMANDS if " board-test" in c or c.startswith("engram ")})
)
def test_every_engram_command_has_the_options_that_are_shown(command) -> None:
    words = _words(command)
    words = words[words.index("engram") + 1 :] if "engram" in words else words[3:]
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = {name for parameter in commands[words[0]].params for name in parameter.opts}
    assert {word for word in words[1:] if word.startswith("--")} <= options
    if "--device" in words:
        assert words[words.index("--device") + 1] in {status.name for status in devices()}


def test_every_other_command_is_one_of_a_board_or_of_others() -> None:
    for command in COMMANDS:
        name = _words(command)[0]
        assert name in FOREIGN | {"make", "engram", ".venv-lava/bin/python"}, command


def test_files_that_are_named_are_there() -> None:
    named = set(re.findall(r"`((?:firmware|docs|hdl|sim)/[\w/.-]+)`", PAGE))
    assert {"firmware/c", "firmware/generated"} <= named
    for name in named:
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\((\w+\.md)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
    for name in re.findall(r'^--8<-- "(.*)"$', PAGE, re.M):
        assert (ROOT / "docs" / "figures" / name).exists(), name
    for name in ("first_steps.ipynb", "weights_as_memory.ipynb"):
        assert name in PAGE
        assert (ROOT / "firmware/overlay/src/engram_overlay/notebooks" / name).exists()


def test_first_words_run_on_the_model() -> None:
    (block,) = [block for block in BLOCKS if 'device="fpga", seed=42' in block]
    exec(block.replace('device="fpga"', 'device="fpga-golden"'), {})


def test_a_design_of_ones_own_is_used_as_the_class_wants() -> None:
    (block,) = [block for block in BLOCKS if "Overlay(" in block]
    compile(block, "board.md", "exec")
    assert "FpgaBoardSpace.use(overlay.engram_0)" in block
    assert callable(FpgaBoardSpace.use)


def test_boards_and_addresses_are_those_of_the_code() -> None:
    rows = _table("### Addresses")
    assert rows == [
        [
            board.key, board.part, f"{board.registers:#x}", f"{board.window:#x}",
            f"{board.interrupts:#x}", str(board.interrupt), f"{board.clock_mhz} MHz",
        ]
        for board in BOARDS.values()
    ]  # fmt: skip


def test_checks_are_those_of_the_self_test() -> None:
    told = [row[0] for row in _table("| check | if it fails |")]
    found = [outcome.name for outcome in
             self_test(FpgaGoldenSpace.accelerator(), quick=True).outcomes]
    assert told == list(dict.fromkeys(re.sub(r"^law .*", "law ...", name) for name in found))


def test_devices_are_those_of_the_registry() -> None:
    told = {row[0] for row in _table("| device | what runs |")}
    assert told == {status.name for status in devices() if status.name.startswith("fpga")}


def test_versions_are_those_that_are_pinned() -> None:
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints-lava.txt").read_text(), re.M))
    simulated = {row[0]: row[3] for row in _table("## Versions")}
    for package, row in (("pynq", "PYNQ"), ("numpy", "NumPy"), ("pycparser", "pycparser")):
        assert simulated[row] == pins[package]


@pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-lava: `make pynq` builds it")
def test_the_simulated_board_passes_its_test_by_the_command_shown() -> None:
    needed = ["pynq", "typer", "rich"]
    probe = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {needed})))"
    if subprocess.run([PYTHON, "-c", probe]).returncode:
        pytest.skip(f"not all of {needed} are in .venv-lava: `make pynq` installs them")
    done = subprocess.run(
        f"{SIMULATED} --quick", shell=True, cwd=ROOT, capture_output=True, text=True, timeout=280,
        env={**os.environ, "COLUMNS": "160"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ checks, 0 failed, 0 not run$", done.stdout.strip())


def test_the_page_says_of_each_part_what_it_never_met() -> None:
    told = {row[0]: row[2] for row in _table("## What was run")}
    assert all(told.values())
    assert len(told) == len(_table("## What was run")) >= 8
    for part, never in (
        ("gateware", "silicon"), ("engram board-test", "a board"), ("ULX3S", "a board"),
        ("build.tcl, package_ip.tcl", "Vivado"), ("engram-overlay", "the images of the boards"),
    ):  # fmt: skip
        assert never in told[part]
