"""What the self-test measures: words a second each way, and what a call takes."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from engram.arch.pages import PAGE_WORDS
from engram.arch.regs import REGISTERS
from engram.fpga.accelerator import Accelerator
from engram.fpga.selftest.findings import read_run, space_of

__all__ = ["Pace", "paces"]

_ENOUGH_SECONDS = 0.1  # for a run to be worth timing
_BASE = 1 << 40
_REGISTER = REGISTERS["SHAPE"].offset


@dataclass(frozen=True)
class Pace:
    """A median of what was measured."""

    name: str
    value: float
    unit: str

    @property
    def text(self) -> str:
        """The value to three digits with its unit."""
        digits = f"{self.value:,.0f}" if self.value >= 1000 else f"{self.value:.3g}"
        return f"{digits} {self.unit}"


def paces(accelerator: Accelerator, *, quick: bool) -> Iterator[Pace]:
    """Yield what is measured; nothing is promised of it."""
    rounds = 3 if quick else 9
    law = accelerator.laws[0]
    most = accelerator.staging.words // 2  # as many as one job reads
    framed = min(most, accelerator.frames_free * PAGE_WORDS // 2)
    few = np.arange(16, dtype=np.uint64) << np.uint64(50)
    with space_of(accelerator, law) as space:
        for name, call in (
            ("an access to a register", _access(accelerator)),
            ("a call that reads 1 word", lambda: space.read_word(7)),
            ("a call that gathers 16 words", lambda: space.read_words(few, law)),
        ):
            yield Pace(name, 1e6 * _median(rounds, call), "µs")
        count, taken = _largest(lambda count: read_run(space, _BASE, count), most, rounds)
        yield Pace("generated", count / taken, f"words/s, {count:,} at a time")
        if not framed:
            return
        values = np.arange(framed, dtype=np.uint64)
        space.write_range(_BASE, values)  # the first time costs frames
        count, taken = _largest(
            lambda count: space.write_range(_BASE, values[:count]), framed, rounds
        )
        yield Pace("written again", count / taken, f"words/s, {count:,} at a time")
        count, taken = _largest(lambda count: read_run(space, _BASE, count), framed, rounds)
        yield Pace("read back", count / taken, f"words/s, {count:,} at a time")
        taken = _median(rounds, lambda: space.write_word(_BASE, 1))
        yield Pace("a call that writes 1 word", 1e6 * taken, "µs")


def _access(accelerator: Accelerator) -> Callable[[], object]:
    def read() -> None:
        with accelerator.session():
            accelerator.bus.read(_REGISTER)

    return read


def _median(rounds: int, work: Callable[[], object]) -> float:
    """Return the seconds that a call takes, the first one aside."""
    work()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _largest(work: Callable[[int], object], most: int, rounds: int) -> tuple[int, float]:
    """Return for how many words a call was timed, and its seconds: more until it is worth it."""
    count = min(most, PAGE_WORDS)
    while True:
        taken = _median(rounds, partial(work, count))
        if taken >= _ENOUGH_SECONDS or count == most:
            return count, taken
        count = min(most, 4 * count)
