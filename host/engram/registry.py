"""Devices by name: which class serves a name, imported when it is first asked for."""

import importlib
import logging
from dataclasses import dataclass

from engram.backend import SpaceBackend
from engram.errors import DeviceUnavailable

__all__ = ["AUTO", "DeviceStatus", "devices", "space_backend"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Device:
    target: str  # module:class
    summary: str
    remedy: str  # what to do if the module cannot be imported


_SPACE_DEVICES = {
    "cpu": _Device(
        "engram.cpu.backend:CpuSpace",
        "numba kernels in this process",
        "install numba and numpy",
    ),
    "golden": _Device(
        "sim.golden.backend:GoldenSpace",
        "the law in plain Python integers: slow, the reference",
        "run from a checkout of the source, with its root on PYTHONPATH",
    ),
    "fpga-sim": _Device(
        "sim.verilated.backend:FpgaSimSpace",
        "the accelerator's gateware, simulated clock by clock on this machine",
        "run from a checkout of the source, with its root on PYTHONPATH, after "
        "`pip install 'engram[hdl]'`; it needs a C++ compiler, too",
    ),
    "fpga-golden": _Device(
        "sim.golden.device:FpgaGoldenSpace",
        "the accelerator's driver on a model of it in plain integers",
        "run from a checkout of the source, with its root on PYTHONPATH",
    ),
}

AUTO = "auto"
# Fastest first; what is simulated is a reference, never a choice.
_AUTO_ORDER = ("cpu",)


@dataclass(frozen=True)
class DeviceStatus:
    """A device, and why it cannot be had here if it cannot."""

    name: str
    summary: str
    available: bool
    reason: str


def space_backend(name: str) -> tuple[str, type[SpaceBackend]]:
    """Return the device chosen for a name, and its backend for spaces.

    Raises:
        ValueError: there is no such device.
        DeviceUnavailable: the named device cannot be had here.
    """
    if name != AUTO:
        return name, _load(name)
    reasons = []
    for candidate in _AUTO_ORDER:
        try:
            found = _load(candidate)
        except DeviceUnavailable as error:
            reasons.append(str(error))
        else:
            logger.info("device auto: spaces on %s", candidate)
            return candidate, found
    raise DeviceUnavailable("no device can hold a space: " + "; ".join(reasons))


def devices() -> list[DeviceStatus]:
    """Return every device and whether it can be had here."""
    statuses = []
    for name, device in _SPACE_DEVICES.items():
        try:
            _load(name)
        except DeviceUnavailable as error:
            statuses.append(DeviceStatus(name, device.summary, False, str(error)))
        else:
            statuses.append(DeviceStatus(name, device.summary, True, ""))
    return statuses


def _load(name: str) -> type[SpaceBackend]:
    if name not in _SPACE_DEVICES:
        known = ", ".join((AUTO, *_SPACE_DEVICES))
        raise ValueError(f"device must be one of {known}, not {name!r}")
    device = _SPACE_DEVICES[name]
    module, _, attribute = device.target.partition(":")
    try:
        found: type[SpaceBackend] = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise DeviceUnavailable(
            f"device {name!r} cannot be had ({error}): {device.remedy}"
        ) from error
    return found
