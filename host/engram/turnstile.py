"""A turnstile: any number of readers pass at once, a writer passes alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Turnstile"]


class Turnstile:
    """Writers go before readers that come later, so that neither waits for ever on a busy memory.

    A thread that is inside must not enter again.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._readers = 0
        self._writers = 0  # inside or waiting
        self._writing = False

    @contextmanager
    def read(self) -> Iterator[None]:
        """Be inside with other readers."""
        with self._changed:
            while self._writers:
                self._changed.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                if not self._readers:
                    self._changed.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Be inside alone."""
        with self._changed:
            self._writers += 1
            try:
                while self._readers or self._writing:
                    self._changed.wait()
                self._writing = True
            except BaseException:
                self._writers -= 1
                self._changed.notify_all()
                raise
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._writers -= 1
                self._changed.notify_all()
