"""A cache of regrown tensors: so many bytes, the least recently used leave, each regrown once."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CacheCounters", "TensorCache", "available_bytes", "read_only"]

_SHARE = 4  # the cache takes a quarter of what the system could still give
_LOOK_SECONDS = 1.0

Array = NDArray[Any]


@dataclass
class CacheCounters:
    """What a cache did: ``prefetched`` were regrown unasked, ``prefetch_hits`` asked for since."""

    hits: int = 0
    misses: int = 0
    prefetched: int = 0
    prefetch_hits: int = 0


def available_bytes() -> int | None:
    """Return what the system says it could give without swapping; None if it does not say."""
    try:
        with open("/proc/meminfo", "rb") as file:
            for line in file:
                if line.startswith(b"MemAvailable:"):
                    return int(line.split()[1]) << 10
    except (OSError, ValueError):
        pass
    return None


def read_only(array: Array) -> Array:
    """Return an array over the same bytes that nobody can make writeable again."""
    plain = array.reshape(-1).view(np.uint8).data.toreadonly()
    # Not np.ndarray, which looks through the view and finds bytes that can be written.
    return np.frombuffer(plain, array.dtype).reshape(array.shape)


class _Flight:
    """A tensor that some thread is regrowing, for others to wait for."""

    __slots__ = ("_flying", "array")

    def __init__(self) -> None:
        # An Event would do, and cost as much as a tenth of regrowing a tile.
        self._flying = threading.Lock()
        self._flying.acquire()
        self.array: Array | None = None

    def land(self, array: Array | None) -> None:
        """Let everybody go on with this, or with nothing: it failed."""
        self.array = array
        self._flying.release()

    def wait(self) -> Array | None:
        """Return what was regrown, once it is."""
        with self._flying:
            return self.array


class TensorCache:
    """Read-only arrays by key. No lock is held while one is made, and no two threads make one.

    It holds ``limit`` bytes at most, and under memory pressure less: never more than a quarter of
    what Linux calls available, looked at once a second when something is added. Containers with
    a bound of their own are not asked for it. What is larger than the cache is handed out and not
    kept.
    """

    def __init__(self, limit: int, available: Callable[[], int | None] = available_bytes) -> None:
        self.limit = limit
        self.counters = CacheCounters()
        self._available = available
        self._lock = threading.Lock()
        self._held: dict[object, Array] = {}  # least recently used first
        self._unasked: set[object] = set()  # prefetched, and not asked for yet
        self._bytes = 0
        self._flights: dict[object, _Flight] = {}
        self._looked = -_LOOK_SECONDS
        self._bound = limit

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def get(self, key: object) -> Array | None:
        """Return what is held under a key, or None."""
        held = self._held
        with self._lock:
            array = held.pop(key, None)
            if array is None:
                return None
            held[key] = array
            self.counters.hits += 1
            if self._unasked and key in self._unasked:
                self._unasked.discard(key)
                self.counters.prefetch_hits += 1
        return array

    def take(self, key: object, make: Callable[[], Array], *, prefetch: bool = False) -> Array:
        """Return what is held under a key, made if it is not; whatever ``make`` raises is raised.

        ``make`` returns a read-only array. It may not take anything of the cache.
        """
        while True:
            if not prefetch and (array := self.get(key)) is not None:
                return array
            with self._lock:
                if key in self._held:
                    if prefetch:
                        return self._held[key]
                    continue
                flight = self._flights.get(key)
                leads = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
                    if not prefetch:
                        self.counters.misses += 1
            if leads:
                return self._fly(key, flight, make, prefetch)
            regrown = flight.wait()
            if regrown is not None:
                if not prefetch:
                    self._joined(key)
                return regrown
            # Whoever made it failed: see for ourselves.

    def forget(self, key: object) -> None:
        """Let go of what is held under a key."""
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._held.clear()
            self._unasked.clear()
            self._bytes = 0

    def _joined(self, key: object) -> None:
        with self._lock:
            self.counters.hits += 1
            if key in self._unasked:
                self._unasked.discard(key)
                self.counters.prefetch_hits += 1

    def _fly(
        self, key: object, flight: _Flight, make: Callable[[], Array], prefetch: bool
    ) -> Array:
        try:
            array = make()
        except BaseException:
            with self._lock:
                del self._flights[key]
            flight.land(None)
            raise
        bound = self._look()
        with self._lock:
            del self._flights[key]
            if prefetch:
                self.counters.prefetched += 1
            if array.nbytes <= bound:
                while self._bytes + array.nbytes > bound:
                    self._remove(next(iter(self._held)))
                self._held[key] = array
                self._bytes += array.nbytes
                if prefetch:
                    self._unasked.add(key)
        flight.land(array)
        return array

    def _remove(self, key: object) -> None:
        array = self._held.pop(key, None)
        if array is not None:
            self._bytes -= array.nbytes
            self._unasked.discard(key)

    def _look(self) -> int:
        """Return how many bytes may be held now."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            available = self._available()
            if available is None:
                self._bound = self.limit
            else:
                # What the cache itself holds could be given, too.
                self._bound = min(self.limit, (available + self._bytes) // _SHARE)
        return self._bound
