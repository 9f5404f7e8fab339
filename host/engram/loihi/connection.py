"""Calls on a worker that is started when it is first needed, and replaced when it fails."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from engram.errors import DeviceFault, DeviceTimeout
from engram.loihi.worker import START_SECONDS, Worker
from lava_procs.wire import Frame

__all__ = ["Connection", "State"]

logger = logging.getLogger(__name__)


class State(Protocol):
    """What a worker has to be told before it can stand in for another."""

    def refill(self, worker: Worker, *, seconds: float) -> None:
        """Bring a fresh worker to this state."""


class Connection:
    """One worker at a time: a call that fails is repeated once, on a fresh worker.

    Whatever the failed call had done is gone with the old worker, since ``state`` is that of the
    last call that succeeded; so a repeated call does nothing twice. Calls of several threads wait
    for one another.
    """

    def __init__(self, start: Callable[[], Worker], state: State, *, seconds: float) -> None:
        self._start = start
        self._state = state
        self._seconds = seconds
        self._lock = threading.RLock()
        self._worker: Worker | None = None
        self._closed = False
        self.restarts = 0

    @property
    def pid(self) -> int:
        """The worker's process; 0 while there is none."""
        worker = self._worker
        return worker.pid if worker is not None else 0

    def open(self) -> None:
        """Start the worker, if there is none."""
        with self._lock:
            if self._closed:
                raise DeviceFault("the worker is closed")
            if self._worker is None:
                worker = self._start()
                try:
                    # The first call imports Lava, and that is no part of a call's usual time.
                    seconds = max(self._seconds, START_SECONDS)
                    self._state.refill(worker, seconds=seconds)
                except BaseException:
                    worker.close()
                    raise
                self._worker = worker

    def call(
        self, name: str, arrays: Sequence[NDArray[Any]] = (), *, work: int = 1, **head: Any
    ) -> Frame:
        """Do one call, with time enough for so many times the usual work; see ``Worker.call``."""
        with self._lock:
            try:
                return self._once(name, arrays, work, head)
            except (DeviceFault, DeviceTimeout) as error:
                if self._closed:
                    raise
                self._drop()
                logger.warning("worker replaced: %s", error)
                self.restarts += 1
            try:
                return self._once(name, arrays, work, head)
            except (DeviceFault, DeviceTimeout) as error:
                self._drop()
                raise type(error)(f"{error}; it was the second worker that failed") from error

    def close(self) -> None:
        """End the worker; no call is possible any more."""
        with self._lock:
            self._closed = True
            self._drop()

    def _once(
        self, name: str, arrays: Sequence[NDArray[Any]], work: int, head: dict[str, Any]
    ) -> Frame:
        self.open()
        assert self._worker is not None
        return self._worker.call(name, arrays, seconds=self._seconds * max(1, work), **head)

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
