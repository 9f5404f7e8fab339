"""Prefetching: what was asked for after the last two names is regrown before it is asked for."""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from engram.errors import EngramError

__all__ = ["Prefetcher"]

logger = logging.getLogger(__name__)

_CONTEXTS = 1 << 12  # pairs of names remembered
_WAITING = 8  # names on their way to the worker; more are not worth waiting for
_SURE, _SUREST = 2, 4  # how often a successor came: to be fetched, and at most counted


class Prefetcher:
    """A second-order Markov chain over names, and one thread that fetches what it foretells.

    Of every two names in a row the usual successor is kept, with a count that other successors
    take down. ``seen`` never waits: neither for the thread nor for a lock, and where the queue is
    full it forgets the matter.
    """

    def __init__(self, fetch: Callable[[str], object], wanted: Callable[[str], bool]) -> None:
        """Fetch by calling ``fetch`` in the thread, if ``wanted`` says that it is not there."""
        self._fetch = fetch
        self._wanted = wanted
        self._successors: dict[tuple[str, str], tuple[str, int]] = {}
        self._before = ""
        self._last = ""
        self._queue: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._worker: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False

    def seen(self, name: str) -> None:
        """Learn that a name was asked for, and fetch what is likely to be next."""
        before, last = self._before, self._last
        self._before, self._last = last, name
        successors = self._successors
        known = successors.get((before, last))
        if known is None:
            if len(successors) >= _CONTEXTS:
                successors.clear()  # rare, and learnt again soon
            successors[before, last] = name, 1
        elif known[0] != name:
            successors[before, last] = (known[0], known[1] - 1) if known[1] > 1 else (name, 1)
        elif known[1] < _SUREST:
            successors[before, last] = name, known[1] + 1
        foretold = successors.get((last, name))
        if foretold is not None and foretold[1] >= _SURE and self._wanted(foretold[0]):
            self._ask(foretold[0])

    def close(self) -> None:
        """End the thread; what waits for it is not fetched any more."""
        with self._starting:
            self._closed = True
            worker = self._worker
        if worker is None:
            return
        while True:
            try:
                self._queue.put_nowait(None)
                break
            except queue.Full:
                try:
                    self._queue.get_nowait()
                except queue.Empty:
                    continue
        if worker is not threading.current_thread():
            worker.join()

    def _ask(self, name: str) -> None:
        if self._worker is None and not self._started():
            return
        with suppress(queue.Full):
            self._queue.put_nowait(name)

    def _started(self) -> bool:
        if not self._starting.acquire(blocking=False):
            return False
        try:
            if self._worker is None and not self._closed:
                self._worker = threading.Thread(
                    target=self._work, name="engram-prefetch", daemon=True
                )
                self._worker.start()
            return not self._closed
        finally:
            self._starting.release()

    def _work(self) -> None:
        while not self._closed:
            name = self._queue.get()
            if name is None:
                return
            try:
                if self._wanted(name):
                    self._fetch(name)
            except (EngramError, ValueError, MemoryError) as error:
                # Whoever asks for it gets the error; here nobody did.
                logger.debug("%s was not prefetched: %s", name, error)
