"""A board belongs to one process at a time: another would reset the core under it."""

import fcntl
import os
import re
import tempfile
import threading
from pathlib import Path

from engram.errors import DeviceUnavailable

__all__ = ["claim"]

_SYSTEM = Path("/run/lock")  # where Linux keeps such files; emptied at boot

_lock = threading.Lock()
_held: dict[Path, int] = {}  # descriptors, kept open: the operating system lets go at the end


def claim(title: str, device: str, folder: Path | None = None) -> None:
    """Have a device for this process, until that ends; again does nothing.

    title : what messages call it
    device : what tells it from others of this machine
    folder : where the mark of it lies; None for the system's

    Raises DeviceUnavailable while another process has it.
    """
    path = (folder or _folder()) / f"engram-{re.sub('[^A-Za-z0-9._-]', '_', device)}.lock"
    with _lock:
        if path in _held:
            return
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise DeviceUnavailable(
                f"{title} cannot be marked as in use ({error}): let {path} be written"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DeviceUnavailable(
                f"{title} is in use by process {owner}: end that first (it may be the kernel of "
                "a notebook)"
            ) from error
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        _held[path] = descriptor


def _folder() -> Path:
    return _SYSTEM if os.access(_SYSTEM, os.W_OK) else Path(tempfile.gettempdir())
