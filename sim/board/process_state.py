"""What PYNQ keeps for all of a process, set aside for a simulated board and put back."""

from typing import Any

import pynq.ps
from pynq import Clocks, Device
from pynq.interrupt import _InterruptController

__all__ = ["ProcessState"]

_ABSENT = object()


class ProcessState:
    """PYNQ's state at one moment: the active device, clocks and interrupt controllers."""

    # The device itself is kept by the class Device, whose property asks every driver for it.
    _PLACES: tuple[tuple[Any, str], ...] = (
        (Device, "_active_device"),
        (Clocks, "_real_instance"),
        (Clocks, "device"),
        (_InterruptController, "_last_timestamp"),
        (pynq.ps, "CPU_ARCH"),
    )

    def __init__(self) -> None:
        self._kept = [vars(owner).get(name, _ABSENT) for owner, name in self._PLACES]
        self._controllers = list(_InterruptController._controllers)
        self._uios = dict(_InterruptController._uio_devices)

    def clear(self, device: Any) -> None:
        """Have PYNQ start afresh with a device."""
        self._forget_interrupts()
        if "_real_instance" in vars(Clocks):
            del Clocks._real_instance
        Device.active_device = device
        # PYNQ 3.0 looks for clocks where the processor of this machine would have them.
        pynq.ps.CPU_ARCH = device.arch

    def restore(self) -> None:
        """Put everything back."""
        self._forget_interrupts()
        _InterruptController._controllers.extend(self._controllers)
        _InterruptController._uio_devices.update(self._uios)
        for (owner, name), value in zip(self._PLACES, self._kept, strict=True):
            if value is not _ABSENT:
                setattr(owner, name, value)
            elif name in vars(owner):
                delattr(owner, name)

    @staticmethod
    def _forget_interrupts() -> None:
        _InterruptController._controllers.clear()
        _InterruptController._uio_devices.clear()
