"""What a device is excused from: (device, name of the test) -> how, and why."""

from dataclasses import dataclass
from typing import Literal

import pytest

__all__ = ["EXCEPTIONS", "Excuse", "mark_of"]


@dataclass(frozen=True)
class Excuse:
    """``skip`` leaves the test out; ``xfail`` runs it, and it must fail."""

    how: Literal["skip", "xfail"]
    reason: str


EXCEPTIONS: dict[tuple[str, str], Excuse] = {
    ("fpga-golden", "test_one_thread_and_two_give_the_same_bytes"): Excuse(
        "skip", "plain integers again: no millions of words to spare"
    ),
    ("fpga-sim", "test_one_thread_and_two_give_the_same_bytes"): Excuse(
        "skip", "a device does one job at a time, and millions of words are minutes of simulation"
    ),
    ("fpga-pynq-sim", "test_one_thread_and_two_give_the_same_bytes"): Excuse(
        "skip", "the same gateware behind a board's classes: minutes of simulation again"
    ),
}


def mark_of(
    device: str, test: str, exceptions: dict[tuple[str, str], Excuse] = EXCEPTIONS
) -> pytest.MarkDecorator | None:
    """Return the mark that excuses a device from a test, or None."""
    excuse = exceptions.get((device, test))
    if excuse is None:
        return None
    if excuse.how == "skip":
        return pytest.mark.skip(reason=excuse.reason)
    return pytest.mark.xfail(reason=excuse.reason, strict=True)
