"""What a neuro core of the Loihi 1 holds, and how patterns are packed into such cores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COMPARTMENTS",
    "CORES",
    "IN_AXONS",
    "SYNAPSE_BITS",
    "Core",
    "axon_groups",
    "pack",
    "synapse_bits",
]

# Davies et al., "Loihi: a neuromorphic manycore processor with on-chip learning", IEEE Micro
# 38(1), 2018; nengo-loihi's validation holds a core to the same numbers.
CORES = 128  # of a chip
COMPARTMENTS = 1024
IN_AXONS = 4096
SYNAPSE_BITS = 16384 * 64  # 128 KiB

_WEIGHT_BITS = 1  # excitatory and inhibitory synapses lie apart, and each has one weight only
_INDEX_BITS = np.array([0, 6, 7, 8, 9, 10])  # sizes of an index of compartments
_LIST = 64  # synapses, at most, behind one header
_HEADER_BITS = 4 + 6
_WORD_BITS = 64


@dataclass(frozen=True)
class Core:
    """Patterns ``first`` to ``first + patterns - 1`` on one core, and what they take of it."""

    first: int
    patterns: int
    in_axons: int
    synapses: int
    synapse_bits: int


def axon_groups(signed: bool, levels: int) -> list[tuple[int, int]]:
    """Return (sign, bit) of the axons that every code neuron has.

    The chip's spikes carry no payload: one axon for each bit of it, and, as a synapse has one
    sign, one set of these for each sign.
    """
    signs = (1, -1) if signed else (1,)
    return [(sign, bit) for sign in signs for bit in range(levels.bit_length())]


def synapse_bits(fan_out: NDArray[np.int64], compartments: int) -> int:
    """Return the bits that axons take, each with so many synapses to one of so many neurons.

    Synapses lie in lists of at most 64 with a header of 10 bits, in whole words of 64 bits; each
    has an index and a weight.
    """
    needed = (compartments - 1).bit_length()
    each = int(_INDEX_BITS[np.searchsorted(_INDEX_BITS, needed)]) + _WEIGHT_BITS
    full, rest = np.divmod(fan_out, _LIST)
    words = full * -(-(_LIST * each + _HEADER_BITS) // _WORD_BITS)
    words += np.where(rest > 0, -(-(rest * each + _HEADER_BITS) // _WORD_BITS), 0)
    return int(words.sum()) * _WORD_BITS


def pack(rows: Sequence[NDArray[np.integer[Any]]], neurons: int, groups: int) -> list[Core]:
    """Fill cores with patterns in their order, each until the next pattern is too much for it.

    Args:
        rows: the code neurons whose synapses conduct, of each pattern.
        neurons: how many code neurons there are.
        groups: how many axons each of them has.

    Raises:
        ValueError: one pattern alone is too much for a core.
    """
    cores: list[Core] = []
    fan_out = np.zeros(neurons, np.int64)
    filled = Core(0, 0, 0, 0, 0)
    for place, row in enumerate(rows):
        fan_out[row] += 1
        grown = _filled(fan_out, filled.first, filled.patterns + 1, groups)
        if not _fits(grown):
            if filled.patterns:
                cores.append(filled)
            fan_out[:] = 0
            fan_out[row] = 1
            grown = _filled(fan_out, place, 1, groups)
            if not _fits(grown):
                raise ValueError(
                    f"a pattern must fit a core of {IN_AXONS} axons and {SYNAPSE_BITS} bits of "
                    f"synapses, not need {grown.in_axons} and {grown.synapse_bits}"
                )
        filled = grown
    return [*cores, filled] if filled.patterns else cores


def _filled(fan_out: NDArray[np.int64], first: int, patterns: int, groups: int) -> Core:
    return Core(
        first,
        patterns,
        in_axons=groups * int(np.count_nonzero(fan_out)),
        synapses=groups * int(fan_out.sum()),
        synapse_bits=groups * synapse_bits(fan_out, min(patterns, COMPARTMENTS)),
    )


def _fits(core: Core) -> bool:
    return (
        core.patterns <= COMPARTMENTS
        and core.in_axons <= IN_AXONS
        and core.synapse_bits <= SYNAPSE_BITS
    )
