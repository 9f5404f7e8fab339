"""Consolidation: what an epoch of replay makes of strengths, and who goes first."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import (
    LARGEST_IMPORTANCE,
    LARGEST_STRENGTH,
    REPLAY_DRAIN,
    REPLAY_GAIN,
)

__all__ = ["replayed_strengths", "weakest"]

Integers = NDArray[np.int64]


def replayed_strengths(
    strengths: Integers, importances: Integers, wins: Integers, losses: Integers
) -> Integers:
    """Return strengths after an epoch, 0..255; where it is 0, the pattern is forgotten.

    A win adds ``REPLAY_GAIN``; a loss takes ``REPLAY_DRAIN * (256 - importance) >> 8``.
    """
    drain = REPLAY_DRAIN * (LARGEST_IMPORTANCE - importances) >> 8
    after: Integers = np.clip(strengths + REPLAY_GAIN * wins - drain * losses, 0, LARGEST_STRENGTH)
    return after


def weakest(slots: list[int], strengths: Integers, importances: Integers, count: int) -> list[int]:
    """Return the slots of least strength; ties: the less important, then the higher slot."""
    order = sorted(slots, key=lambda slot: (int(strengths[slot]), int(importances[slot]), -slot))
    return order[:count]
