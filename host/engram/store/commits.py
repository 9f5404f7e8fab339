"""Group commit: threads that commit at the same time share one sync."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable

from engram.errors import StoreFull
from engram.store.records import Run

__all__ = ["CommitQueue"]

# However slow the disk, nobody is waited for longer than this.
_PATIENCE_SECONDS = 0.001

Apply = Callable[[], object]


class _Commit:
    """One caller's records on their way; its lock is a one-shot event."""

    __slots__ = ("apply", "done", "error", "leads", "runs", "woken")

    def __init__(self, runs: list[Run], apply: Apply | None) -> None:
        self.runs = runs
        self.apply = apply
        self.error: BaseException | None = None
        self.done = False
        self.leads = False
        # A plain lock, because a Condition costs several times as much in CPython.
        self.woken: threading.Lock | None = None


class CommitQueue:
    """Hands the records of all waiting threads to `write` at once, by one of them, in order.

    The first thread to come leads: it writes what has queued up, runs each `apply`, passes the lead
    to the first thread that queued meanwhile, and wakes those it served. `hold` keeps leaders out
    while somebody else works on the store.
    """

    def __init__(self, write: Callable[[list[Run]], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._queue: list[_Commit] = []
        self._led = False
        self.hold = threading.Lock()
        # For gathering: how many threads committed lately, how long a write took, and the event
        # that the last of them to come back sets.
        self._expected = 1
        self._write_seconds = 0.0
        self._wanted = 0
        self._gathered = threading.Lock()
        self._gathered.acquire()

    def commit(self, runs: list[Run], apply: Apply | None) -> None:
        """Return once the runs are durable and `apply` has run; raise what kept them from it."""
        mine = _Commit(runs, apply)
        with self._lock:
            self._queue.append(mine)
            if len(self._queue) == self._wanted:
                self._wanted = 0
                self._gathered.release()
            if self._led:
                mine.woken = threading.Lock()
                mine.woken.acquire()
            else:
                self._led = mine.leads = True
        if mine.woken is not None:
            self._wait(mine)
        if mine.leads:
            self._lead(mine)
        if mine.error is not None:
            self._raise(mine)

    def _wait(self, mine: _Commit) -> None:
        assert mine.woken is not None
        try:
            mine.woken.acquire()
        except BaseException:  # an interrupt of the main thread: leave nobody without a leader
            with self._lock:
                if mine in self._queue:
                    self._queue.remove(mine)
                    if mine.leads:
                        self._pass_on()
            raise

    def _lead(self, mine: _Commit) -> None:
        group: list[_Commit] = []
        try:
            with self.hold:
                if self._expected > 1:
                    self._gather()
                with self._lock:
                    group, self._queue = self._queue, []
                began = time.perf_counter()
                self._serve(group)
                self._write_seconds = time.perf_counter() - began
        except BaseException:
            # Whatever interrupted the leader, the others must neither wait for ever nor believe
            # that all went well.
            for commit in group:
                if not commit.done and commit.error is None:
                    commit.error = _interrupted()
            raise
        finally:
            with self._lock:
                self._expected = len(group) + len(self._queue)
                self._pass_on()
            for commit in group:
                if commit is not mine and commit.woken is not None:
                    commit.woken.release()

    def _gather(self) -> None:
        # The threads just served are about to commit again. Without a moment's patience the first
        # of them would have a sync of its own, and the others share only every second one.
        with self._lock:
            if len(self._queue) >= self._expected:
                return
            self._wanted = self._expected
        came = self._gathered.acquire(timeout=min(self._write_seconds / 2, _PATIENCE_SECONDS))
        with self._lock:
            if not came and not self._wanted:
                self._gathered.acquire()  # it was set between the timeout and here
            self._wanted = 0

    def _pass_on(self) -> None:
        if self._queue:
            self._queue[0].leads = True
            woken = self._queue[0].woken
            assert woken is not None
            woken.release()
        else:
            self._led = False

    def _serve(self, group: list[_Commit]) -> None:
        try:
            self._write([run for commit in group for run in commit.runs])
        except StoreFull as error:
            if len(group) == 1:
                group[0].error = error
                return
            # One large commit must not fail the small ones that happened to come with it.
            for commit in group:
                self._serve([commit])
            return
        except Exception as error:
            for commit in group:
                commit.error = error
            return
        interrupt: BaseException | None = None
        for commit in group:
            try:
                if commit.apply is not None:
                    commit.apply()
            except Exception as error:
                commit.error = error
            except BaseException as error:  # what is durable has to be applied all the same
                interrupt = error
                commit.error = _interrupted()
            commit.done = True
        if interrupt is not None:
            raise interrupt

    def _raise(self, mine: _Commit) -> None:
        assert mine.error is not None
        try:
            # Each thread raises an error of its own: one object would collect all their tracebacks.
            error = type(mine.error)(*mine.error.args)
        except Exception:
            raise mine.error from None
        raise error from mine.error


def _interrupted() -> OSError:
    return OSError(errno.EINTR, "the commit was interrupted, and may or may not be durable")
