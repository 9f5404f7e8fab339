"""Spaces of a device of which a process has one: they share its accelerator."""

import logging
import threading
from abc import abstractmethod
from typing import Any, ClassVar

from engram.arch.laws import Law
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace

__all__ = ["SharedSpace"]

logger = logging.getLogger(__name__)


class SharedSpace(FpgaSpace):
    """A space on the accelerator that all spaces of this class share.

    The accelerator is brought up when it is first asked for, and never closed: it is memory of
    this process, and ends with it. One that is lost is left to those who hold it, and the next
    to ask gets another.
    """

    _lock: ClassVar[threading.Lock]
    _shared: ClassVar[Accelerator | None]

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls._lock = threading.Lock()
        cls._shared = None

    def __init__(self, law: Law, seed: int, *, threads: int | None = None) -> None:
        super().__init__(law, seed, accelerator=self.accelerator(), threads=threads)

    @classmethod
    def accelerator(cls) -> Accelerator:
        """Return the accelerator of this process; raises what ``_bring_up`` does."""
        with cls._lock:
            if cls._shared is not None and cls._shared.is_lost:
                logger.warning("%s did not answer any more and is made anew", cls._shared.name)
                cls._shared = None
            if cls._shared is None:
                cls._shared = cls._bring_up()
            return cls._shared

    @classmethod
    @abstractmethod
    def _bring_up(cls) -> Accelerator:
        """Return a new accelerator, reset and enabled."""
