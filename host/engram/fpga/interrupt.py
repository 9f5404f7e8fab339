"""An interrupt of PYNQ, awaited by code that is not asynchronous."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

__all__ = ["InterruptLine"]

_ACKNOWLEDGE = 0x0C  # IAR of the AXI interrupt controller, PG099


class InterruptLine:
    """Waits for one of PYNQ's interrupts, from any thread, in an event loop of its own.

    PYNQ hears interrupts in whatever loop was current when its first one was made. In a notebook
    that is the loop which runs the cell, so nothing is heard before the cell ends; in a thread
    there is none. This loop runs while somebody waits, and at no other time; if the calling
    thread runs a loop already, another thread runs this one.

    make : returns the pynq.Interrupt; called inside the loop, at the first wait
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._interrupt: Any = None
        self._pending: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def wait(self, seconds: float) -> bool:
        """Return whether the interrupt came within so many seconds."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        if not _runs_a_loop():
            return self._loop.run_until_complete(self._wait(seconds))
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "engram-interrupt")
        return self._thread.submit(self._loop.run_until_complete, self._wait(seconds)).result()

    def close(self) -> None:
        """End a wait that is still under way; twice does nothing."""
        if self._loop is None or self._loop.is_closed():
            return
        if self._pending is not None:
            self._pending.cancel()
            closing = threading.Thread(target=self._loop.run_until_complete, args=(_pass(),))
            closing.start()  # in a thread, for the caller's may run a loop
            closing.join()
        if self._thread is not None:
            self._thread.shutdown()
        self._loop.close()

    async def _wait(self, seconds: float) -> bool:
        if self._interrupt is None:
            self._interrupt = self._make()
        if self._pending is None:
            self._forget()
            self._pending = asyncio.ensure_future(self._interrupt.wait())
        pending = self._pending
        # Not wait_for, which would cancel it: what PYNQ has queued for it can only be added to.
        done, _ = await asyncio.wait({pending}, timeout=seconds)
        if not done:
            return False
        self._pending = None
        pending.result()
        return True

    def _forget(self) -> None:
        """Drop what the controller latched of an interrupt that was dealt with long ago.

        It latches even a level, and PYNQ acknowledges while the level is still high, so every
        wait would first hear the one before it. A level that is high now is latched again.
        """
        parent = self._interrupt.parent()
        if parent is not None and hasattr(parent, "mmio"):
            parent.mmio.write(_ACKNOWLEDGE, 1 << self._interrupt.number)


async def _pass() -> None:
    """Let the loop do what it is to do now."""
    await asyncio.sleep(0)


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
