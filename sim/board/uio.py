"""What stands for Linux's UIO device: waiting for an interrupt is what lets time pass."""

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ["SimulatedUio"]


class SimulatedUio:
    """Tells events when a line is high, from the event loop that they were added in.

    is_high : of the line
    advance : lets a little time pass on the board
    is_open : whether there still is a board

    On a board the processor sleeps meanwhile. Here each turn of the loop simulates a little, and
    a loop that does not run simulates nothing.
    """

    def __init__(
        self, is_high: Callable[[], bool], advance: Callable[[], None], is_open: Callable[[], bool]
    ) -> None:
        self._is_high = is_high
        self._advance = advance
        self._is_open = is_open
        self._events: list[Any] = []
        self._is_turning = False

    def add_event(self, event: Any, number: int) -> None:
        """Have ``event.set`` called at the next interrupt; the number says nothing here."""
        self._events.append(event)
        if not self._is_turning:
            self._is_turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_turning = False
        if not self._is_open():
            self._events.clear()
            return
        if not self._is_high():
            self._advance()
        if self._is_high():
            events, self._events = self._events, []
            for event in events:
                event.set()  # which may add itself again
        if self._events and not self._is_turning:
            self._is_turning = True
            asyncio.get_running_loop().call_soon(self._turn)
