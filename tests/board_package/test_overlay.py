"""The installed package: PYNQ finds each board's bitstream by name, and the right one."""

import os
from pathlib import Path

import engram_overlay
import pynq
import pytest
from pynqutils.setup_utils import ExtensionsManager, deliver_notebooks

import engram
from engram.arch.boards import BOARDS
from engram.arch.regs import IDENTITY

SITE = Path(os.environ["BOARD_PACKAGE_SITE"])


class Named:
    """As much of a device as PYNQ asks of one to find a bitstream."""

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.fixture
def board(monkeypatch):
    """Return a function that makes a device of a name the active one."""
    monkeypatch.delenv("BOARD", raising=False)

    def be(name: str) -> Named:
        device = Named(name)
        monkeypatch.setattr(pynq.Device, "_active_device", device, raising=False)
        return device

    return be


def test_it_is_the_installed_package_that_is_tested() -> None:
    for package in (engram, engram_overlay):
        assert Path(package.__file__).is_relative_to(SITE)


def test_entry_points_are_where_pynq_looks() -> None:
    found = {
        group: [entry.module_name for entry in ExtensionsManager(group).list]
        for group in ("pynq.lib", "pynq.overlays", "pynq.notebooks")
    }
    assert "engram.fpga.pynq_bus" in found["pynq.lib"]
    assert "engram_overlay.overlays" in found["pynq.overlays"]
    assert "engram_overlay.notebooks" in found["pynq.notebooks"]


@pytest.mark.parametrize("key", list(BOARDS))
@pytest.mark.parametrize("place", [0, -1])
def test_the_bitstream_by_name_is_that_of_the_device(board, key, place) -> None:
    device = board(BOARDS[key].names[place])
    found = pynq.Bitstream("engram.bit", device=device).bitfile_name
    assert Path(found) == SITE / "engram_overlay" / "overlays" / key / "engram.bit"
    assert Path(found) == engram_overlay.bitfile()


def test_boards_may_change_within_a_process(board) -> None:
    for key in (*BOARDS, *BOARDS):
        found = pynq.Bitstream("engram.bit", device=board(BOARDS[key].names[0])).bitfile_name
        assert Path(found).parent.name == key


def test_the_variable_tells_where_the_device_does_not(board, monkeypatch) -> None:
    device = board("edge")
    monkeypatch.setenv("BOARD", "KV260")
    found = pynq.Bitstream("engram.bit", device=device).bitfile_name
    assert Path(found).parent.name == "kv260"


def test_another_board_gets_an_error_and_its_other_overlays(board, tmp_path, monkeypatch) -> None:
    device = board("ZCU104")
    with pytest.raises(OSError, match=r"engram.bit does not exist"):
        pynq.Bitstream("engram.bit", device=device)
    with pytest.raises(LookupError, match="PYNQ's device is 'ZCU104'"):
        engram_overlay.bitfile()
    (tmp_path / "other.bit").touch()
    monkeypatch.chdir(tmp_path)
    assert pynq.Bitstream("other.bit", device=device).bitfile_name == str(tmp_path / "other.bit")


def test_notebooks_are_delivered_as_they_are(tmp_path) -> None:
    # `pynq get-notebooks` does this, once it found all that the package depends on.
    path = ExtensionsManager.extension_path("engram_overlay.notebooks")
    deliver_notebooks("Pynq-Z2", path, str(tmp_path), "engram", folder=True)
    delivered = {path.name: path.read_bytes() for path in tmp_path.rglob("*.ipynb")}
    assert set(delivered) == {"first_steps.ipynb", "weights_as_memory.ipynb"}
    for name, content in delivered.items():
        assert content == (SITE / "engram_overlay" / "notebooks" / name).read_bytes()


@pytest.mark.parametrize("key", list(BOARDS))
def test_the_overlay_by_name_runs_on_the_simulated_board(key, monkeypatch) -> None:
    monkeypatch.delenv("BOARD", raising=False)
    monkeypatch.delenv("ENGRAM_OVERLAY", raising=False)
    from engram.fpga.pynq_bus import EngramIP, open_overlay
    from sim.board.device import simulated_board

    with simulated_board(key):
        ip = open_overlay()
        assert isinstance(ip, EngramIP)
        place = SITE / "engram_overlay" / "overlays" / key / "engram.bit"
        assert Path(ip.overlay.bitfile_name) == place
        assert int(ip.register_map.ID) == IDENTITY
