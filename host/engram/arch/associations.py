"""The numbered law of associations: its parameters, its presets and its constants."""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CALIBRATION_PAIRS",
    "CALIBRATION_STEPS",
    "CALIBRATION_STREAM",
    "CONNECTED",
    "DEFAULT_PRESET",
    "DEPRESSION",
    "FIRST_PERMANENCE",
    "LARGEST_IMPORTANCE",
    "LARGEST_PERMANENCE",
    "LARGEST_QUANTITY",
    "LARGEST_STRENGTH",
    "LARGEST_WIDTH",
    "MOVED_SHIFT",
    "ONE",
    "POTENTIATION",
    "PRESETS",
    "PROJECTION_STREAM",
    "REPLAY_DRAIN",
    "REPLAY_GAIN",
    "REPLAY_STREAM",
    "SETTLING_BITS",
    "SETTLING_LOUDEST",
    "SETTLING_STEPS",
    "SETTLING_WINNERS",
    "SIMILARITY_UNIT_SHIFT",
    "VECTOR_SHIFT",
    "Association",
    "association_by_name",
    "decay_table",
    "initial_strength",
    "settling_weight",
]

LARGEST_WIDTH = 1 << 16  # dimensions: so that a dot product of int8 vectors stays below 2**30
LARGEST_QUANTITY = 127  # of a quantised embedding

# Streams of law 1 under the memory's seed; stream 0 makes the words of the space.
PROJECTION_STREAM = 1
REPLAY_STREAM = 2
CALIBRATION_STREAM = 3

# Similarities and confidences are integers in units of 2**-16.
ONE = 1 << 16

# Permanences have 4 bits; a synapse conducts from CONNECTED on.
LARGEST_PERMANENCE = 15
CONNECTED = 8
FIRST_PERMANENCE = 12  # of a one-shot write
POTENTIATION = 4  # a gated write adds this where the cue was active
DEPRESSION = 1  # and takes this where it was not
VECTOR_SHIFT = 2  # and moves the stored embedding by a quarter of the way

# Completion: so many winners speak, each three bits more softly per unit of score behind the
# first, so that seven runners-up together stay below a first that is ahead by one.
SETTLING_WINNERS = 8
SETTLING_STEPS = 8
SETTLING_LOUDEST = 15
SETTLING_BITS = 3
SIMILARITY_UNIT_SHIFT = 6  # after a re-rank one unit of score is 2**-10 of similarity

# Consolidation: a replayed code has a quarter of its bits moved.
MOVED_SHIFT = 2
REPLAY_GAIN = 32
REPLAY_DRAIN = 32
LARGEST_STRENGTH = 255
LARGEST_IMPORTANCE = 256

CALIBRATION_STEPS = 32  # cosines -1 to 1, so many steps
CALIBRATION_PAIRS = 16  # pairs of embeddings averaged at each

_DECAY_FRACTION = 8  # bits of the exponent behind the point


@dataclass(frozen=True)
class Association:
    """Parameters of the law; what each stage does is told in docs/associations.md.

    Attributes:
        number: of the law; a released number never changes its meaning.
        neurons: code neurons ``m``; a multiple of 64, at most 65,536.
        sources: inputs ``s`` that each of them sums, with signs.
        winners: neurons ``k`` that are active in a stored code.
        spikes: neurons of each sign, at most, that spike for a cue.
        signed: whether the lowest neurons of a cue spike too, and inhibit.
        levels: payloads of a cue's spikes are 1..levels; 1 is a plain spike.
        ramp: the ramp rises by ``2**ramp`` units of potential a step.
        candidates: patterns whose spikes are awaited before the race ends.
        rerank: whether candidates are ranked again by their stored int8 embeddings.
    """

    neurons: int
    sources: int
    winners: int
    spikes: int
    candidates: int
    ramp: int = 0
    levels: int = 1
    signed: bool = True
    rerank: bool = True
    number: int = 1

    def __post_init__(self) -> None:
        bounds = {
            "neurons": (64, 1 << 16),
            "sources": (1, 256),
            "winners": (1, self.neurons // 2),
            "spikes": (1, self.neurons // 2),
            "candidates": (SETTLING_WINNERS, 1 << 20),
            "ramp": (0, 12),
            "levels": (1, 15),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if type(value) is not int:
                raise TypeError(f"{name} must be an integer, not {value!r}")
            if not low <= value <= high:
                raise ValueError(f"{name} must be in {low}..{high}, not {value!r}")
        if self.neurons % 64:
            raise ValueError(f"neurons must be a multiple of 64, not {self.neurons!r}")
        for name in ("signed", "rerank"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.number != 1:
            raise ValueError(f"number must be 1, the only law so far, not {self.number!r}")
        if self.threshold % (1 << self.ramp):
            raise ValueError(
                f"winners * levels = {self.threshold} must be a multiple of 2**ramp = "
                f"{1 << self.ramp}"
            )

    @property
    def threshold(self) -> int:
        """The potential ``winners * levels`` at which a pattern fires in the first step."""
        return self.winners * self.levels

    @property
    def last_latency(self) -> int:
        """The step in which a pattern of potential ``-threshold`` fires, the last of the race."""
        return 2 * self.threshold >> self.ramp

    def fan_in(self, width: int) -> int:
        """Return how many inputs a neuron sums of an embedding of this width."""
        return min(self.sources, width)


DEFAULT_PRESET = "default"

PRESETS: dict[str, Association] = {
    "default": Association(
        neurons=8192, sources=8, winners=640, spikes=1024, candidates=512, ramp=2
    ),
    # Sparse enough that 1,000 patterns fit one core of a Loihi 1, whose 4,096 input axons carry
    # 2,048 neurons of two signs; plain spikes and a ramp of one, as that chip has.
    "loihi-fit": Association(neurons=2048, sources=8, winners=32, spikes=512, candidates=512),
    "precise": Association(
        neurons=8192, sources=8, winners=768, spikes=2048, candidates=2048, ramp=2
    ),
}


def association_by_name(preset: str) -> Association:
    """Return the parameters of a preset; raise ValueError naming the presets there are."""
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    return PRESETS[preset]


def settling_weight(deficit: int) -> int:
    """Return how loudly a winner speaks that is this many units behind the first."""
    shift = SETTLING_LOUDEST - SETTLING_BITS * deficit
    return 1 << shift if shift >= 0 else 0


def initial_strength(importance: int) -> int:
    """Return the strength of a pattern just written, of an importance in 0..256: 64..191."""
    return 64 + (importance * 127 >> 8)


def decay_table() -> NDArray[np.int64]:
    """Return ``round(2**16 * 2**(-i / 256))`` for i in 0..255, int64.

    An entry is the rounded square root of an integer power, so every machine gets the same.
    """
    # 2**(-i/256) by repeated integer square roots of 2**-1, with 64 bits behind the point.
    roots = []
    root = 1 << 127  # 2**-1
    for _ in range(_DECAY_FRACTION):
        root = isqrt(root << 128)
        roots.append(root)
    table = np.zeros(1 << _DECAY_FRACTION, np.int64)
    for i in range(len(table)):
        product = 1 << 128
        for bit, factor in enumerate(roots):
            if i >> (_DECAY_FRACTION - 1 - bit) & 1:
                product = product * factor >> 128
        table[i] = (product + (1 << 111)) >> 112
    return table
