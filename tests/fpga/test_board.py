"""The device fpga where there is no board: the reason, and the fix, without PYNQ being imported."""

import importlib.metadata
import importlib.util
import re
import sys
from types import SimpleNamespace

import pytest

import engram
from engram.arch.boards import BOARDS
from engram.errors import DeviceUnavailable
from engram.fpga import board
from engram.fpga.board import FpgaBoardSpace, installed, obstacle, unreachable
from engram.registry import devices

# What the images of the two boards hold.
Z2 = {"pynq": "3.1.2", "numpy": "1.26.4", "setuptools": "80.9.0", "pycparser": "2.22"}
KV260 = {"pynq": "3.0.1", "numpy": "1.26.4", "setuptools": "59.6.0", "pycparser": "2.21"}


@pytest.mark.parametrize(("versions", "architecture"), [(Z2, "armv7l"), (KV260, "aarch64")])
def test_the_images_of_the_boards_are_well(versions, architecture) -> None:
    assert obstacle(versions, architecture) == ""


@pytest.mark.parametrize(
    ("change", "architecture", "reason"),
    [
        ({"pynq": None}, "x86_64", r"^PYNQ is not installed .* PYNQ-Z2 or a Kria KV260 .*source"),
        ({"pynq": "4.0.0"}, "armv7l", r"^PYNQ 4\.0\.0 does not support the Zynq-7000 .*3\.1\.2"),
        ({"pynq": "5.1"}, "armv7l", r"^PYNQ 5\.1 does not support the Zynq-7000"),
        ({"numpy": "2.2.1"}, "armv7l", r"buffers with NumPy 2\.2\.1: `pip install 'numpy<2'`"),
        ({"setuptools": None}, "armv7l", r"pkg_resources.*`pip install 'setuptools<81'`"),
        ({"pycparser": "3.0"}, "armv7l", r"pycparser 3\.0.*`pip install 'pycparser<3'`"),
    ],
)
def test_each_package_that_keeps_pynq_from_working_is_named(change, architecture, reason) -> None:
    versions = {name: version for name, version in (Z2 | change).items() if version is not None}
    assert re.search(reason, obstacle(versions, architecture))


@pytest.mark.parametrize(
    ("versions", "architecture"),
    [
        (Z2 | {"pynq": "4.0.0"}, "aarch64"),  # which is what 4.0 is for
        (Z2 | {"pynq": "4.0.0", "pycparser": "3.0"}, "aarch64"),  # which it does not import
        ({"pynq": "", "numpy": "1.26.4", "setuptools": ""}, "armv7l"),  # versions nobody knows
    ],
)
def test_what_may_work_is_let_try(versions, architecture) -> None:
    assert obstacle(versions, architecture) == ""


@pytest.mark.parametrize(
    ("manager", "xrt", "root", "reason"),
    [
        (False, False, False, "no FPGA here that Linux can load"),
        (True, False, False, "`source /etc/profile.d/xrt_setup.sh`"),
        (True, True, False, "by root only"),
        (True, True, True, ""),
    ],
)
def test_what_hides_a_board_is_named_in_the_order_it_is_met(manager, xrt, root, reason) -> None:
    found = unreachable(manager=manager, xrt=xrt, root=root)
    assert reason in found
    assert bool(reason) == bool(found)


def test_versions_are_those_of_this_interpreter(monkeypatch) -> None:
    assert installed()["numpy"] == importlib.metadata.version("numpy")
    absent = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pkg_resources" else absent(name)
    )
    assert "setuptools" not in installed()


def test_a_machine_without_pynq_says_so_and_imports_nothing(monkeypatch) -> None:
    monkeypatch.setattr(board, "installed", lambda: {"numpy": "1.26.4"})
    (status,) = [status for status in devices() if status.name == "fpga"]
    assert not status.available
    assert status.reason.startswith("PYNQ is not installed for this Python")
    with pytest.raises(DeviceUnavailable, match="PYNQ is not installed"):
        engram.open(device="fpga")
    assert not any(name.partition(".")[0] == "pynq" for name in sys.modules)


def test_a_machine_with_pynq_and_no_board_says_what_is_missing(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(board, "installed", lambda: Z2)
    monkeypatch.setattr(board, "_FPGA_MANAGER", tmp_path / "firmware")
    monkeypatch.delenv("XILINX_XRT", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "no FPGA here" in FpgaBoardSpace.missing()
    (tmp_path / "firmware").touch()
    assert "XILINX_XRT is not set" in FpgaBoardSpace.missing()
    monkeypatch.setenv("XILINX_XRT", "/usr")
    assert "by root only" in FpgaBoardSpace.missing()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert FpgaBoardSpace.missing() == ""
    monkeypatch.setattr("platform.machine", lambda: "armv7l")
    monkeypatch.setattr(board, "installed", lambda: Z2 | {"pynq": "4.0.0"})
    assert "does not support the Zynq-7000" in FpgaBoardSpace.missing()


def test_a_pynq_that_cannot_be_imported_is_told(monkeypatch) -> None:
    monkeypatch.setattr(board, "installed", lambda: Z2)
    monkeypatch.setitem(sys.modules, "engram.fpga.pynq_bus", None)
    with pytest.raises(DeviceUnavailable, match=r"installed but cannot be imported .*pip install"):
        FpgaBoardSpace.accelerator()


def test_a_core_of_ones_own_is_used_as_it_is_given(monkeypatch) -> None:
    monkeypatch.setattr(FpgaBoardSpace, "_chosen", None)
    monkeypatch.setattr(FpgaBoardSpace, "_shared", None)
    made = []

    def bring_up() -> SimpleNamespace:
        made.append(SimpleNamespace(is_lost=False, name="mine"))
        return made[-1]

    first, second = SimpleNamespace(accelerator=bring_up), SimpleNamespace(accelerator=bring_up)
    FpgaBoardSpace.use(first)
    assert FpgaBoardSpace.missing() == ""
    assert FpgaBoardSpace.accelerator() is FpgaBoardSpace.accelerator() is made[0]
    FpgaBoardSpace.use(first)
    assert FpgaBoardSpace.accelerator() is made[0]
    FpgaBoardSpace.use(second)
    assert FpgaBoardSpace.accelerator() is made[1]
    made[1].is_lost = True
    assert FpgaBoardSpace.accelerator() is made[2]
    for wrong in (None, 7, "engram_0"):
        with pytest.raises(TypeError, match="ip must be an EngramIP, not"):
            FpgaBoardSpace.use(wrong)


def test_the_boards_are_named_in_the_messages() -> None:
    for one in BOARDS.values():
        assert one.title in unreachable(manager=False, xrt=True, root=True)


@pytest.mark.skipif(importlib.util.find_spec("pynq") is not None, reason="PYNQ is here")
def test_the_simulated_board_says_what_it_needs() -> None:
    (status,) = [status for status in devices() if status.name == "fpga-pynq-sim"]
    assert not status.available
    assert "the package pynq is not installed" in status.reason
    assert ".venv-lava/bin/python" in status.reason
