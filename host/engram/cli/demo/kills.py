"""Killing a writing process with SIGKILL, and looking at what it left behind."""

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from engram.cli.demo.writer import FIRST, RUN_WORDS, SPACE, run_words
from engram.config import MemoryConfig
from engram.memory import Memory

__all__ = ["KillRound", "kill_round"]

# A killed process has at most one write under way, whose fate is open; look a little further.
_AHEAD = 4


@dataclass
class KillRound:
    """One life of the writer, and what the next process found.

    ``acknowledged`` counts the writes it reported, of ``held`` that a reader then found complete
    (all rounds so far); ``lost`` and ``torn`` of all those acknowledged so far must be zero.
    Times are seconds since ``started``, of ``time.perf_counter``.
    """

    started: float
    ready: float = 0.0
    acknowledged: int = 0
    lost: int = 0
    torn: int = 0
    held: int = 0
    killed: float = 0.0
    reopen_seconds: float = 0.0
    ended: float = 0.0
    by_signal: bool = False
    times: list[float] = field(default_factory=list)


def kill_round(directory: str, number: int, moment: float) -> KillRound:
    """Let a process write from run ``number`` on, kill it after ``moment`` seconds, and look."""
    started = time.perf_counter()
    result = KillRound(started)
    child = subprocess.Popen(
        [sys.executable, "-m", "engram.cli.demo.writer", directory, str(number)],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    killer = threading.Timer(moment, child.send_signal, (signal.SIGKILL,))
    try:
        if child.stdout.readline() == b"ready\n":
            result.ready = time.perf_counter() - started
            killer.start()
        last = number - 1
        for line in child.stdout:
            # A line without its end was cut off by the kill: nothing was acknowledged by it.
            if line.endswith(b"\n"):
                last = int(line)
                result.times.append(time.perf_counter() - started)
        result.killed = time.perf_counter() - started
    finally:
        killer.cancel()
        child.kill()
        child.wait()
        child.stdout.close()
    result.by_signal = child.returncode == -signal.SIGKILL
    result.acknowledged = last + 1 - number
    _look(directory, last + 1, result)
    result.ended = time.perf_counter() - started
    return result


def _look(directory: str, acknowledged: int, result: KillRound) -> None:
    """Reopen, and compare every run that was ever acknowledged."""
    opening = time.perf_counter()
    with Memory(MemoryConfig(path=directory)) as memory:
        result.reopen_seconds = time.perf_counter() - opening
        space = memory.spaces(SPACE)
        looked = acknowledged + _AHEAD
        addresses = np.arange(looked * RUN_WORDS, dtype=np.uint64) + np.uint64(FIRST)
        written = space.is_written(addresses).reshape(looked, RUN_WORDS)
        right = space.read(addresses).reshape(looked, RUN_WORDS) == run_words(0, looked)
        complete = (written & right).all(axis=1)
        result.lost = int((~complete[:acknowledged]).sum())
        result.torn = int((written.any(axis=1) & ~complete).sum())
        result.held = int(complete.sum())
