"""A line as a serial port of this machine: a pseudo-terminal that programs may open."""

import os
import select
import threading
import tty
from types import TracebackType

from engram.fpga.uart_line import Line

__all__ = ["Terminal"]

_MOST = 4096
_SLICE = 1e-4  # seconds of the line between two looks at what a program wrote
_IDLE = 1e-3  # seconds of this machine between them while nothing comes


class Terminal:
    """Carries bytes between a line and ``path`` while it is open; ``with`` closes it.

    The line is used by a thread of its own from then on, and closed at the end.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="serial terminal", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; twice does nothing."""
        if not self._ends.is_set():
            self._ends.set()
            self._thread.join()
            os.close(self._master)
            os.close(self._slave)
            self._line.close()

    def _carry(self) -> None:
        while not self._ends.is_set():
            ready, _, _ = select.select([self._master], [], [], _IDLE)
            if ready:
                self._line.write(os.read(self._master, _MOST))
            content = self._line.read(_MOST, _SLICE)
            while content:
                content = content[os.write(self._master, content) :]
