"""The order of the checks, what came of each, and what is measured after them."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from engram.errors import DeviceTimeout, QuotaExceeded
from engram.fpga.accelerator import Accelerator
from engram.fpga.selftest.device import (
    check_counters,
    check_identity,
    check_interrupt,
    check_registers,
)
from engram.fpga.selftest.findings import CheckFailed, NotChecked
from engram.fpga.selftest.jobs import Left, check_accesses, check_faults
from engram.fpga.selftest.pace import Pace, paces
from engram.fpga.selftest.words import check_law, check_overlay

__all__ = ["Outcome", "SelfTest", "self_test"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of one check; ``passed`` is None if it was not run, and ``detail`` says why."""

    name: str
    passed: bool | None
    detail: str
    seconds: float


@dataclass(frozen=True)
class SelfTest:
    """What a self-test found: no pace ever makes one fail."""

    device: str
    outcomes: list[Outcome]
    paces: list[Pace]

    @property
    def failed(self) -> list[Outcome]:
        """The checks that failed."""
        return [outcome for outcome in self.outcomes if outcome.passed is False]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can have it."""
        return {
            "device": self.device,
            "passed": self.passed,
            "checks": [asdict(outcome) for outcome in self.outcomes],
            "paces": [asdict(pace) for pace in self.paces],
        }


def self_test(accelerator: Accelerator, *, quick: bool = False) -> SelfTest:
    """Run every check, also after one that failed, and then measure.

    ``quick`` reads and writes less, for a device that is simulated clock by clock. Other spaces
    on the accelerator keep their words, but nobody may use them meanwhile. Once the device does
    not answer any more, what is left is not run, and says so.
    """
    outcomes: list[Outcome] = []
    lost = ""
    for name, check in _checks(accelerator, quick=quick):
        if lost:
            outcomes.append(Outcome(name, None, lost, 0.0))
            continue
        outcome, lost = _outcome(accelerator, name, check)
        outcomes.append(outcome)
    measured: list[Pace] = []
    if not lost:
        try:
            measured = list(paces(accelerator, quick=quick))
        except Exception as error:
            outcomes.append(Outcome("pace", False, _told(error), 0.0))
    return SelfTest(accelerator.name, outcomes, measured)


def _checks(accelerator: Accelerator, *, quick: bool) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield every check by name: it returns what it found, or raises."""
    left = Left(accelerator)
    words = 700 if quick else 20_000
    yield "identity", partial(check_identity, accelerator)
    yield "registers", partial(check_registers, accelerator)
    for law in accelerator.laws:
        yield f"law {law.number} ({law.name})", partial(check_law, accelerator, law, words)
    yield "overlay", partial(check_overlay, accelerator, words)
    yield "faults", partial(check_faults, accelerator)
    yield "interrupt", partial(check_interrupt, accelerator)
    yield "counters", partial(check_counters, accelerator)
    yield "accesses a job", partial(check_accesses, accelerator)
    yield "left as found", left


def _outcome(accelerator: Accelerator, name: str, check: Callable[[], str]) -> tuple[Outcome, str]:
    """Run a check; also return why the device is lost if it is."""
    started = time.perf_counter()
    passed: bool | None = True
    lost = ""
    try:
        detail = check()
    except (NotChecked, QuotaExceeded) as reason:  # others may hold all there is
        passed, detail = None, str(reason)
    except Exception as error:  # whatever a broken device leads to is a finding
        logger.info("check %s failed", name, exc_info=True)
        passed, detail = False, _told(error)
        if accelerator.is_lost or isinstance(error, DeviceTimeout):
            lost = f"not run: the device was lost in {name!r}"
    return Outcome(name, passed, detail, time.perf_counter() - started), lost


def _told(error: Exception) -> str:
    text = str(error) or "no reason given"
    return text if isinstance(error, CheckFailed) else f"{type(error).__name__}: {text}"
