"""Choosing among payloads what meets a budget best."""

from math import nextafter

from engram.codecs.codec import Budget

__all__ = ["Choice"]


class Choice:
    """The best payload so far: of least error within the bytes, or of fewest within the error.

    Attributes:
        best: that payload, or None.
        most: bytes beyond which none is worth offering.
        useless: an error from which on none is worth offering.
    """

    def __init__(self, budget: Budget, most: int) -> None:
        self._error = budget.error
        self.most = most if budget.bytes is None else min(most, budget.bytes)
        self.best: bytes | None = None
        self.useless = float("inf") if budget.error is None else nextafter(budget.error, 2.0)
        self._key = (float("inf"), float("inf"))

    def offer(self, payload: bytes, error: float) -> None:
        """Take a payload if it is better than the best."""
        size = float(len(payload))
        if size > self.most or (self._error is not None and error > self._error):
            return
        key = (error, size) if self._error is None else (size, error)
        if key < self._key:
            self._key, self.best = key, payload
            if self._error is not None:
                self.most = len(payload)
            else:
                self.useless = error
