"""An interrupt of PYNQ, awaited by code that is not asynchronous."""

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["InterruptLine"]

_ACKNOWLEDGE = 0x0C  # IAR of the AXI interrupt controller, PG099

_T = TypeVar("_T")


class _Loop:
    """The event loop of all interrupts of this process, run by one thread at a time.

    PYNQ hears the processor's line in the loop in which it was first asked for, for as long as
    the process lives. So there is one, which outlives whoever waits.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def run(self, action: Coroutine[Any, Any, _T]) -> _T:
        """Return what comes of an action; in a thread that runs no loop."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                atexit.register(self._loop.close)
            return self._loop.run_until_complete(action)


_loop = _Loop()


class InterruptLine:
    """Waits for one of PYNQ's interrupts, from any thread.

    In a notebook PYNQ's own loop is the one that runs the cell, so nothing is heard before the
    cell ends; in a thread there is none. Here the loop runs while somebody waits, and at no other
    time; if the calling thread runs a loop already, another thread runs this one.

    make : returns the pynq.Interrupt; called inside the loop, at the first wait
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._interrupt: Any = None
        self._pending: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def wait(self, seconds: float) -> bool:
        """Return whether the interrupt came within so many seconds."""
        return self._run(self._wait(seconds))

    def close(self) -> None:
        """End a wait that is still under way; twice does nothing."""
        if self._pending is not None:
            self._run(self._end())
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _run(self, action: Coroutine[Any, Any, _T]) -> _T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return _loop.run(action)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "engram-interrupt")
        return self._thread.submit(_loop.run, action).result()

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

    async def _end(self) -> None:
        """Cancel the wait, and have PYNQ's controller forget whom it would have told.

        It counts those, and asks for the processor's line only when there was none before.
        """
        assert self._pending is not None
        self._pending.cancel()
        await asyncio.wait({self._pending})
        self._pending = None
        controller = self._interrupt.parent()
        handles = getattr(controller, "wait_handles", None)
        if handles is not None and self._interrupt.event in handles[self._interrupt.number]:
            handles[self._interrupt.number].remove(self._interrupt.event)
            controller.event_number -= 1

    def _forget(self) -> None:
        """Drop what the controller latched of an interrupt that was dealt with long ago.

        It latches even a level, and PYNQ acknowledges while the level is still high, so every
        wait would first hear the one before it. A level that is high now is latched again.
        """
        parent = self._interrupt.parent()
        if parent is not None and hasattr(parent, "mmio"):
            parent.mmio.write(_ACKNOWLEDGE, 1 << self._interrupt.number)
