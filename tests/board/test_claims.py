"""A board that another process has is left to it: not even its overlay is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from engram.errors import DeviceUnavailable
from engram.fpga.pynq_bus import open_overlay

CLAIM = (
    "import sys; from engram.fpga.claim import claim; claim('a board', sys.argv[1]); "
    "print('mine', flush=True); sys.stdin.read()"
)


@pytest.fixture
def lose(board, monkeypatch):
    """Return a function that lets another process have the board, under a name of its own."""
    others = []

    def hand_over() -> None:
        monkeypatch.setattr(board, "tag", f"{board.tag}-of-another")
        other = subprocess.Popen(
            [sys.executable, "-c", CLAIM, board.tag],
            cwd=Path(__file__).parents[2] / "host",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        others.append(other)
        assert other.stdout.readline() == "mine\n"

    yield hand_over
    for other in others:
        with other:
            other.kill()


def test_an_overlay_is_not_loaded_under_another_process(board, lose) -> None:
    lose()
    with pytest.raises(DeviceUnavailable, match=f"{board.name} is in use by process"):
        open_overlay(board.bitfile)
    assert board.downloads == 0


def test_a_core_is_not_brought_up_under_another_process(board, ip, lose) -> None:
    lose()
    before = board.core.accesses
    with pytest.raises(DeviceUnavailable, match="is in use by process"):
        ip.accelerator()
    assert board.core.accesses == before
