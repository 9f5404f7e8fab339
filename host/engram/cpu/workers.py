"""Threads that share the pieces of one call; kernels let the interpreter go meanwhile."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Workers", "processors"]

_Result = TypeVar("_Result")


class Workers:
    """As many threads as were allowed, made when a call first has work for a second one."""

    def __init__(self, threads: int | None) -> None:
        self.threads = threads or processors()
        self._pool: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()

    def share(
        self, piece: Callable[[int, int], _Result], count: int, share: int, *, threaded: bool = True
    ) -> list[_Result]:
        """Run ``piece(start, count)`` over the whole, in shares; return the results in any order.

        The first error of a piece is raised, after all threads have stopped.
        """
        starts = iter(range(0, count, share))  # whoever is free takes the next

        def work() -> list[_Result]:
            return [piece(start, min(share, count - start)) for start in starts]

        if not threaded or self.threads == 1 or count <= share:
            return work()
        with self._starting:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads - 1, "engram-cpu")
            pool = self._pool
        # The caller works too: it is awake already, and keeps its core while the system finds
        # others for the workers.
        others = [pool.submit(work) for _ in range(self.threads - 1)]
        try:
            done = work()
        finally:
            rest = [result for other in others for result in other.result()]
        return done + rest

    def close(self) -> None:
        """Stop the threads; a later call starts new ones."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
