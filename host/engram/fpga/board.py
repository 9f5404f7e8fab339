"""The device ``fpga``: the accelerator on the board that this runs on, through PYNQ."""

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from engram.arch.boards import BOARDS
from engram.errors import DeviceUnavailable
from engram.fpga.accelerator import Accelerator
from engram.fpga.sharing import SharedSpace

if TYPE_CHECKING:
    from engram.fpga.pynq_bus import EngramIP

__all__ = ["FpgaBoardSpace", "installed", "obstacle", "unreachable"]

_FPGA_MANAGER = Path("/sys/class/fpga_manager/fpga0/firmware")
_PACKAGES = ("pynq", "numpy", "setuptools", "pycparser")
_ZYNQ = "armv7l"
_TITLES = " or a ".join(board.title for board in BOARDS.values())
_INSTALL = "pip install 'pynq==3.1.2' 'numpy<2' 'pycparser<3' 'setuptools<81'"


def installed() -> dict[str, str]:
    """Return the versions of what PYNQ stands on, without importing any of it.

    A package that is there but does not say its version has an empty one. Of setuptools only what
    still brings pkg_resources counts.
    """
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if importlib.util.find_spec(name) is not None:
                found[name] = ""
    if importlib.util.find_spec("pkg_resources") is None:
        found.pop("setuptools", None)
    return found


def obstacle(versions: Mapping[str, str], architecture: str) -> str:
    """Return which of these packages keeps PYNQ from working, and the fix; empty if none does.

    versions : of the packages that are there, as ``installed`` gives them
    architecture : of the board's processor, as Linux names it
    """
    if "pynq" not in versions:
        return (
            f"PYNQ is not installed for this Python: on a {_TITLES} use the Python of its PYNQ "
            "image, as in `source /etc/profile.d/pynq_venv.sh`"
        )
    pynq = f"PYNQ {versions['pynq']}".rstrip()
    if _major(versions, "pynq") >= 4 and architecture == _ZYNQ:
        return (
            f"{pynq} does not support the Zynq-7000 of this board, which PYNQ 4.0 dropped: use the "
            "image of PYNQ 3.1, or `pip install 'pynq==3.1.2'`"
        )
    if _major(versions, "numpy") >= 2:
        return f"{pynq} cannot make buffers with NumPy {versions['numpy']}: `pip install 'numpy<2'`"
    if "setuptools" not in versions:
        return (
            f"{pynq} cannot be imported, for it needs pkg_resources, which setuptools 82 dropped: "
            "`pip install 'setuptools<81'`"
        )
    if _major(versions, "pynq") <= 3 and _major(versions, "pycparser") >= 3:
        return (
            f"{pynq} cannot load an overlay with pycparser {versions['pycparser']}, which dropped "
            "a module that it imports: `pip install 'pycparser<3'`"
        )
    return ""


def unreachable(*, manager: bool, xrt: bool, root: bool) -> str:
    """Return why PYNQ finds no board here, and the fix; empty if it should find one.

    manager : Linux has an FPGA that it can load
    xrt : the environment names XRT, without which PYNQ looks for no device
    root : this process may map registers
    """
    if not manager:
        return (
            f"there is no FPGA here that Linux can load ({_FPGA_MANAGER} does not exist): run this "
            f"on a {_TITLES}, or take a simulated board, the device fpga-pynq-sim"
        )
    if not xrt:
        return (
            "PYNQ finds no device while XILINX_XRT is not set: `source /etc/profile.d/xrt_setup.sh`"
        )
    if not root:
        return "registers can be mapped by root only: run this under `sudo -E`, or in Jupyter"
    return ""


def _major(versions: Mapping[str, str], name: str) -> int:
    """Return the first number of a version; -1 where there is none to go by."""
    digits = versions.get(name, "").partition(".")[0]
    return int(digits) if digits.isdigit() else -1


class FpgaBoardSpace(SharedSpace):
    """A space on the accelerator of this board.

    The overlay is the one that the variable ENGRAM_OVERLAY names, else ``engram.bit``, which the
    package engram-overlay brings; or whichever ``use`` was given a core of. 64 MiB of the
    memory that Linux keeps for devices (CMA; 128 MiB on a PYNQ-Z2) are taken for written pages.
    """

    _chosen: ClassVar["EngramIP | None"] = None

    @classmethod
    def missing(cls) -> str:
        if cls._chosen is not None or cls._shared is not None:
            return ""
        return obstacle(installed(), platform.machine()) or unreachable(
            manager=_FPGA_MANAGER.exists(),
            xrt=bool(os.environ.get("XILINX_XRT")),
            root=os.geteuid() == 0,
        )

    @classmethod
    def use(cls, ip: "EngramIP") -> None:
        """Have spaces live on a core of an overlay that the caller loaded, from now on.

        Spaces that are there stay where they are. What the next one needs is brought up then.
        """
        if not callable(getattr(ip, "accelerator", None)):
            raise TypeError(f"ip must be an EngramIP, not {ip!r}")
        with cls._lock:
            if cls._chosen is not ip:
                cls._chosen = ip
                cls._shared = None

    @classmethod
    def _bring_up(cls) -> Accelerator:
        if cls._chosen is not None:
            return cls._chosen.accelerator()
        reason = obstacle(installed(), platform.machine())
        if reason:
            raise DeviceUnavailable(reason)
        try:
            from engram.fpga.pynq_bus import open_overlay
        except ImportError as error:
            raise DeviceUnavailable(
                f"PYNQ is installed but cannot be imported ({error}): {_INSTALL}"
            ) from error
        return open_overlay().accelerator()
