"""How a check says what is wrong, and the spaces that checks work in."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
from numpy.typing import NDArray

from engram.arch.elements import ELEMENTS
from engram.arch.laws import Law
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from engram.fpga.tenants import Tenant

__all__ = [
    "SEED",
    "CheckFailed",
    "NotChecked",
    "expect",
    "expect_words",
    "read_run",
    "run_of",
    "space_of",
    "tenant_of",
]

Words = NDArray[np.uint64]

SEED = 0x5E1F_7E57_0000_0001  # of every space here
_UINT64 = ELEMENTS["uint64"]


class CheckFailed(Exception):
    """A check did not find what must be there."""


class NotChecked(Exception):
    """A check cannot be made here; the text says why."""


def expect(is_true: bool, otherwise: str) -> None:
    """Raise CheckFailed unless something is as it must be."""
    if not is_true:
        raise CheckFailed(otherwise)


def expect_words(found: Words, expected: Words, what: str) -> None:
    """Raise CheckFailed for the first word that is another."""
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        i = int(wrong[0])
        raise CheckFailed(
            f"{what}: {len(wrong)} of {len(expected)} words are wrong, the first (at place {i}) "
            f"is {int(found[i]):#018x} instead of {int(expected[i]):#018x}"
        )


def run_of(address: int, count: int) -> Words:
    """Return consecutive addresses."""
    return np.arange(count, dtype=np.uint64) + np.uint64(address)


@contextmanager
def space_of(accelerator: Accelerator, law: Law | None = None) -> Iterator[FpgaSpace]:
    """Have an empty space for a while; by default of the first law that is built."""
    chosen = accelerator.laws[0] if law is None else law
    with closing(FpgaSpace(chosen, SEED, accelerator=accelerator)) as space:
        yield space


@contextmanager
def tenant_of(accelerator: Accelerator) -> Iterator[Tenant]:
    """Have the same for commands of one's own, with which nothing is written."""
    tenant = accelerator.join(accelerator.laws[0], SEED)
    try:
        yield tenant
    finally:
        accelerator.leave(tenant)


def read_run(space: FpgaSpace, address: int, count: int) -> Words:
    """Return consecutive words."""
    out = np.empty(count, np.uint64)
    space.read_range(address, count, space.law, _UINT64, out)
    return out
