"""Devices by name: which class serves a name, imported when it is first asked for."""

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from engram.backend import AssociationBackend, SpaceBackend
from engram.errors import DeviceUnavailable

__all__ = ["AUTO", "DeviceStatus", "association_backend", "devices", "space_backend"]

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
    "fpga": _Device(
        "engram.fpga.board:FpgaBoardSpace",
        "the accelerator on this board, through PYNQ",
        "run on a board with PYNQ 3.1 (PYNQ-Z2) or 3.0 (KV260), as root in its environment",
    ),
    "fpga-uart": _Device(
        "engram.fpga.uart:FpgaUartSpace",
        "the accelerator on a board of the open flow, at a serial port",
        "`pip install 'engram[uart]'`, and name the port with ENGRAM_UART",
    ),
    "fpga-pynq-sim": _Device(
        "sim.board.backend:FpgaPynqSimSpace",
        "a simulated PYNQ board: the real pynq classes over the gateware, clock by clock",
        "run from a checkout of the source with its root and host/ on PYTHONPATH, by the "
        "interpreter that `make pynq` gives PYNQ, .venv-lava/bin/python",
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

_ASSOCIATION_DEVICES = {
    "cpu": _Device(
        "engram.cpu.associations:CpuAssociations",
        "numba kernels in this process",
        "install numba and numpy",
    ),
    "golden": _Device(
        "sim.golden.associations:GoldenAssociations",
        "the law in plain Python integers: slow, the reference",
        "run from a checkout of the source, with its root on PYTHONPATH",
    ),
    "loihi": _Device(
        "engram.loihi.backend:LoihiAssociations",
        "Lava processes of spiking neurons, in a worker process on this machine",
        "install a Python 3.10 with lava-nc (`make lava` in a checkout)",
    ),
    "loihi-network": _Device(
        "engram.loihi.backend:LoihiNetworkAssociations",
        "the same as a network of Lava's own Sparse and LIF processes, simulated step by step",
        "install a Python 3.10 with lava-nc (`make lava` in a checkout)",
    ),
    "loihi-nengo": _Device(
        "engram.loihi.nengo:NengoAssociations",
        "the same network on nengo-loihi's emulator of the chip, in a worker process",
        "install a Python 3.10 with lava-nc and nengo-loihi (`make lava` in a checkout)",
    ),
}

AUTO = "auto"
# Fastest first; what is simulated is a reference, never a choice. The processor of a small board
# has no kernels, but its FPGA is there.
_AUTO_ORDER = ("cpu", "fpga")
_TABLES = {"spaces": _SPACE_DEVICES, "associations": _ASSOCIATION_DEVICES}


@dataclass(frozen=True)
class DeviceStatus:
    """A device, what it serves, and why it cannot be had here if it cannot."""

    name: str
    serves: str
    summary: str
    available: bool
    reason: str


def space_backend(name: str) -> tuple[str, type[SpaceBackend]]:
    """Return the device chosen for a name, and its backend for spaces.

    Raises:
        ValueError: there is no such device.
        DeviceUnavailable: the named device cannot be had here.
    """
    return cast("tuple[str, type[SpaceBackend]]", _choose("spaces", name))


def association_backend(name: str) -> tuple[str, type[AssociationBackend]]:
    """Return the device chosen for a name, and its backend for associations; else as above."""
    return cast("tuple[str, type[AssociationBackend]]", _choose("associations", name))


def devices() -> list[DeviceStatus]:
    """Return every device, what it serves, and whether it can be had here."""
    statuses = []
    for serves, table in _TABLES.items():
        for name, device in table.items():
            try:
                reason = _load(table, name).missing()
            except DeviceUnavailable as error:
                reason = str(error)
            statuses.append(DeviceStatus(name, serves, device.summary, not reason, reason))
    return statuses


def _choose(serves: str, name: str) -> tuple[str, Any]:
    """Return the device for a name, which serves this; a device that does not leaves it to auto."""
    table = _TABLES[serves]
    if name != AUTO and name not in table and any(name in other for other in _TABLES.values()):
        logger.info("device %s does not serve %s: left to auto", name, serves)
        name = AUTO
    if name != AUTO:
        return name, _load(table, name)
    reasons = []
    for candidate in _AUTO_ORDER:
        if candidate not in table:
            continue
        try:
            found = _load(table, candidate)
            reason = found.missing()
        except DeviceUnavailable as error:
            reason = str(error)
        if not reason:
            logger.info("device auto: %s on %s", serves, candidate)
            return candidate, found
        reasons.append(reason)
    raise DeviceUnavailable(f"no device can serve {serves}: " + "; ".join(reasons))


def _load(table: Mapping[str, _Device], name: str) -> Any:
    if name not in table:
        known = ", ".join((AUTO, *table))
        raise ValueError(f"device must be one of {known}, not {name!r}")
    device = table[name]
    module, _, attribute = device.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise DeviceUnavailable(
            f"device {name!r} cannot be had ({error}): {device.remedy}"
        ) from error
