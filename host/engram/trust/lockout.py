"""Lock-out: after failures in a row nothing is tried for a while, and then again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engram.errors import IntegrityError, LockedOut

__all__ = ["Lockout"]


class Lockout:
    """Counts failed verifications in a row, and refuses for a time that ends by itself.

    It slows whoever guesses through this process, and lives as long as it does: who has the files
    and a program of his own is held by the length of the key alone.

    Args:
        failures: how many in a row lock.
        seconds: for how long; after that one more failure locks again.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        failures: int = 5,
        seconds: float = 30.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(failures, int) or isinstance(failures, bool) or failures < 1:
            raise ValueError(f"failures must be a positive integer, not {failures!r}")
        if not 0 < seconds <= 86_400:
            raise ValueError(f"seconds must be in 0..86400, and not 0, not {seconds!r}")
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._until: float | None = None

    @property
    def failed(self) -> int:
        """How many verifications in a row have failed."""
        return self._failed

    @property
    def left(self) -> float:
        """For how many seconds from now nothing is tried."""
        with self._lock:
            return self._left()

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Hold one verification; an IntegrityError inside is a failure, and goes on outward.

        Raises:
            LockedOut: nothing is tried yet.
        """
        with self._lock:
            left = self._left()
            if left > 0:
                raise LockedOut(
                    f"{self._failed} verifications in a row failed: "
                    f"nothing is tried for another {left:.1f} s"
                )
        try:
            yield
        except IntegrityError:
            with self._lock:
                self._failed += 1
                if self._failed >= self._most:
                    self._until = self._clock() + self._seconds
            raise
        with self._lock:
            # One that began before the lock fell does not lift it.
            if self._left() == 0:
                self._failed = 0
                self._until = None

    def _left(self) -> float:
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())
