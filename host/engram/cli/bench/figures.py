"""Measuring: contenders take turns, so that whatever else the machine does hits all of them."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Contest", "Figure"]


@dataclass(frozen=True)
class Figure:
    """A rate of ours beside that of a peer, each a median, in ``unit`` a second."""

    name: str
    unit: str
    rate: float
    peer: str
    peer_rate: float

    @property
    def ratio(self) -> float:
        """How many times the peer's rate ours is."""
        return self.rate / self.peer_rate

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain types, for JSON."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True)
class Contest:
    """One piece of work of ``amount`` units, ours and how each peer does it."""

    name: str
    unit: str
    amount: int
    ours: Callable[[], object]
    peers: dict[str, Callable[[], object]]

    def run(self, rounds: int) -> list[Figure]:
        """Return a figure for each peer: medians of ``rounds``, after one that is not counted."""
        contenders = (self.ours, *self.peers.values())
        seconds: list[list[float]] = [[] for _ in contenders]
        for number in range(rounds + 1):
            for times, contender in zip(seconds, contenders, strict=True):
                started = time.perf_counter()
                contender()
                elapsed = time.perf_counter() - started
                if number:
                    times.append(elapsed)
        ours, *theirs = (self.amount / statistics.median(times) for times in seconds)
        return [
            Figure(self.name, self.unit, ours, peer, rate)
            for peer, rate in zip(self.peers, theirs, strict=True)
        ]
