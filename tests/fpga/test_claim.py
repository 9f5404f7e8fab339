"""A board belongs to one process at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from engram.errors import DeviceUnavailable
from engram.fpga.claim import claim

HOST = Path(__file__).parents[2] / "host"
CLAIM = (
    "import sys; from pathlib import Path; from engram.fpga.claim import claim; "
    "claim('a board', 'board/1', Path(sys.argv[1])); print('mine', flush=True); sys.stdin.read()"
)


@pytest.fixture
def owner(tmp_path):
    """Another process, which has the board."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(tmp_path)],
        cwd=HOST,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def test_the_second_process_is_told_who_has_the_board(owner, tmp_path) -> None:
    message = f"a board is in use by process {owner.pid}: end that first"
    with pytest.raises(DeviceUnavailable, match=message):
        claim("a board", "board/1", tmp_path)


def test_a_board_is_free_once_its_process_is_killed(owner, tmp_path) -> None:
    owner.kill()
    owner.wait()
    claim("a board", "board/1", tmp_path)
    claim("a board", "board/1", tmp_path)  # it is ours already


def test_boards_are_told_apart(owner, tmp_path) -> None:
    claim("another", "board/2", tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(DeviceUnavailable, match=r"cannot be marked as in use .* let .*/none/"):
        claim("a board", "board/1", tmp_path / "none")
