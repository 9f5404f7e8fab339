"""Memory that PYNQ allocated, as the driver uses it."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.errors import DeviceFault
from engram.fpga.bus import end_of_piece

__all__ = ["PynqBuffer"]


class PynqBuffer:
    """A Buffer that PYNQ allocated: cached by the processor, whose cache the device cannot see.

    PYNQ 3.1 flushes and invalidates all of a buffer, whatever part it is asked for, which takes
    milliseconds of a large one. XRT, whose buffer object it has, does the part; PYNQ is asked
    where that has no such function.
    """

    def __init__(self, whole: Any, start: int, size: int) -> None:
        self._whole = whole
        self._start = start
        self._address = int(whole.device_address) + start
        self._array: NDArray[np.uint8] = whole.view(np.ndarray)[start : start + size]
        self._directions = _directions(whole.bo)

    @property
    def address(self) -> int:
        """First byte, as the device addresses it."""
        return self._address

    @property
    def array(self) -> NDArray[np.uint8]:
        """The processor's view."""
        return self._array

    def flush(self, start: int = 0, size: int | None = None) -> None:
        """Write the processor's cache back to memory."""
        self._synchronise("flush", start, size)

    def invalidate(self, start: int = 0, size: int | None = None) -> None:
        """Have the processor's cache forget, so that it reads from memory."""
        self._synchronise("invalidate", start, size)

    def free(self) -> None:
        """Give the memory back; a second time does nothing."""
        if self._whole is not None:
            whole, self._whole = self._whole, None
            whole.freebuffer()

    def _synchronise(self, action: str, start: int, size: int | None) -> None:
        end = end_of_piece(len(self._array), start, size)
        whole = self._whole
        if whole is None:
            raise ValueError("a buffer must not be used after it was freed")
        if whole.coherent:
            return
        place = self._start + start
        size = end - start
        try:
            if self._directions is not None:
                try:
                    whole.bo.sync(self._directions[action], size, whole.offset + place)
                    return
                except TypeError:  # an XRT that knows whole buffers only
                    self._directions = None
            # The device's own function: a slice of PYNQ's buffer, made for this, costs more.
            getattr(whole.device, action)(
                whole.bo, whole.offset + place, whole.virtual_address + place, size
            )
        except (RuntimeError, OSError) as error:
            raise DeviceFault(f"memory at {self._address:#x} cannot {action}: {error}") from error


def _directions(bo: Any) -> dict[str, Any] | None:
    """Return what XRT calls the ways of a sync, if this is a buffer object of its pyxrt."""
    names = getattr(sys.modules.get(type(bo).__module__), "xclBOSyncDirection", None)
    if names is None or not hasattr(bo, "sync"):
        return None
    return {
        "flush": names.XCL_BO_SYNC_BO_TO_DEVICE,
        "invalidate": names.XCL_BO_SYNC_BO_FROM_DEVICE,
    }
