"""What a memory would take of Loihi 1 chips: counts of cores, estimates of energy and time."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.associations import CALIBRATION_STREAM, LARGEST_WIDTH, Association
from engram.arch.laws import LAWS
from engram.arch.seeds import feistel_keys
from engram.numpy_associations import cue_of, encode, project, projection, quantise
from engram.numpy_laws import generate
from lava_procs.cores import CORES, Core, axon_groups, pack

__all__ = ["CONSTANTS", "MISSING", "SAMPLE", "Constant", "LoihiReport", "loihi_report"]

Floats = NDArray[np.float64]

SAMPLE = 1280  # patterns that are drawn and packed; more of them are counted by proportion
CUES = 16
COSINE = 0.75  # of a cue to its pattern
_LARGEST_PATTERNS = 1 << 31
_CHUNK = 64  # embeddings at a time, which may be wide


@dataclass(frozen=True)
class Constant:
    """A published figure and where it stands."""

    value: float
    unit: str
    source: str


_DAVIES = (
    "Davies et al., Loihi: a neuromorphic manycore processor with on-chip learning, IEEE Micro "
    "38(1), 2018, table 2: from circuit simulation before silicon, at 0.75 V"
)
_FRADY = (
    "Frady et al., Neuromorphic nearest-neighbor search using Intel's Pohoiki Springs, "
    "arXiv 2004.12691, 2020"
)

CONSTANTS = {
    "synaptic_event": Constant(23.6e-12, "J", f"{_DAVIES}; a minimum"),
    "neuron_update": Constant(81e-12, "J", f"{_DAVIES}; of an active neuron"),
    "spike_in_tile": Constant(1.7e-12, "J", f"{_DAVIES}; hops between tiles cost 3.0 to 4.0 pJ"),
    "core_static": Constant(
        3.34 / 32 / CORES, "W", f"{_FRADY}: 3.34 W of 32 idle chips, measured, shared by all cores"
    ),
    "step_shortest": Constant(5.8e-6, "s", f"{_FRADY}: the shortest time step reported"),
    "step_longest": Constant(13e-6, "s", f"{_FRADY}: the longest time step reported"),
}

MISSING = (
    "encoding, re-rank and confidence, which the host does: this chip has no graded spikes",
    "the chip's own x86 cores, which bring spikes in and out and reset neurons between queries",
    "spikes between tiles and chips, and the barrier at the end of each time step on many chips",
    "the writing of synapses when a pattern is added",
    "Loihi 2, of which no energies per operation are published",
)


@dataclass(frozen=True)
class LoihiReport:
    """A memory on Loihi 1: counts by this law, and estimates by published figures.

    ``sampled`` patterns were drawn and packed; where ``patterns`` is more, the rest is in
    proportion. Per core: the mean of full cores. Per query: the mean of cues at cosine 0.75 to
    their pattern; a query lasts until ``candidates`` have fired, the first answer comes before.
    Energies in joules, times in seconds, (low, high) where a published figure is a range.
    """

    patterns: int
    width: int
    sampled: int
    cores: int
    chips: float
    patterns_per_core: float
    in_axons_per_core: float
    synapses_per_core: float
    synapse_bits_per_core: float
    spikes: float
    synaptic_events: float
    core_spikes: float
    steps_to_first: float
    steps: float
    neuron_updates: float
    synaptic_energy: float
    neuron_energy: float
    spike_energy: float
    static_energy: tuple[float, float]
    energy: tuple[float, float]
    time_to_first: tuple[float, float]
    time: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return everything by name, with the sources of the estimates and what they leave out."""
        constants = {name: asdict(constant) for name, constant in CONSTANTS.items()}
        return {**asdict(self), "estimates": True, "constants": constants, "missing": MISSING}


def loihi_report(association: Association, patterns: int, width: int) -> LoihiReport:
    """Return what a memory of so many patterns takes.

    Args:
        association: the parameters of the law.
        patterns: how many, at least 1.
        width: dimensions of the embeddings.

    Raises:
        TypeError, ValueError: an argument is out of range, or one pattern alone exceeds a core.
    """
    for name, value, most in (
        ("patterns", patterns, _LARGEST_PATTERNS),
        ("width", width, LARGEST_WIDTH),
    ):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, not {value!r}")
        if not 1 <= value <= most:
            raise ValueError(f"{name} must be in 1..{most}, not {value!r}")
    sampled = min(patterns, SAMPLE)
    table = projection(association, 0, width)
    parts = []
    for first in range(0, sampled, _CHUNK):
        rows = quantise(_embeddings(first, min(_CHUNK, sampled - first), width))
        parts.append(encode(rows, table, association))
    codes = np.concatenate(parts)
    groups = axon_groups(association.signed, association.levels)
    packed = pack(list(codes), association.neurons, len(groups))
    # The last core of a sample is not full, which that of all patterns would be.
    full = packed if sampled == patterns or len(packed) == 1 else packed[:-1]
    cores = len(packed)
    if sampled < patterns:
        cores = max(cores, -(-patterns // int(np.mean([core.patterns for core in full]))))

    cued = _embeddings(0, min(CUES, sampled), width)
    noise = np.sqrt(1 - COSINE**2) * _embeddings(SAMPLE, len(cued), width)
    sums = project(quantise(COSINE * cued + noise), table)
    active = np.zeros((sampled, association.neurons), np.float32)
    np.put_along_axis(active, codes.astype(np.int64), 1.0, 1)
    queries = np.array([_query(row, active, association, patterns) for row in sums])
    spikes, axon_spikes, events, first, last = queries.mean(axis=0)
    reached = np.mean([core.in_axons for core in full]) / (association.neurons * len(groups))
    core_spikes = axon_spikes * reached * cores
    updates = patterns * last

    joules = {
        "synaptic_energy": events * CONSTANTS["synaptic_event"].value,
        "neuron_energy": updates * CONSTANTS["neuron_update"].value,
        "spike_energy": core_spikes * CONSTANTS["spike_in_tile"].value,
    }
    step = [CONSTANTS[name].value for name in ("step_shortest", "step_longest")]
    static = [cores * CONSTANTS["core_static"].value * last * seconds for seconds in step]
    energy = [sum(joules.values()) + each for each in static]
    return LoihiReport(
        patterns=patterns,
        width=width,
        sampled=sampled,
        cores=cores,
        chips=cores / CORES,
        patterns_per_core=_mean(full, "patterns"),
        in_axons_per_core=_mean(full, "in_axons"),
        synapses_per_core=_mean(full, "synapses"),
        synapse_bits_per_core=_mean(full, "synapse_bits"),
        spikes=float(spikes),
        synaptic_events=float(events),
        core_spikes=float(core_spikes),
        steps_to_first=float(first),
        steps=float(last),
        neuron_updates=float(updates),
        **{name: float(value) for name, value in joules.items()},
        static_energy=(float(static[0]), float(static[1])),
        energy=(float(energy[0]), float(energy[1])),
        time_to_first=(float(first * step[0]), float(first * step[1])),
        time=(float(last * step[0]), float(last * step[1])),
    )


def _query(
    sums: NDArray[np.int32], active: NDArray[np.float32], association: Association, patterns: int
) -> tuple[float, ...]:
    """Return one cue's spikes, those on axons, synaptic events, and steps to first and last."""
    cue = cue_of(sums, association)
    payloads = np.zeros(association.neurons, np.float32)
    payloads[cue.neurons] = cue.payloads
    sizes = np.abs(cue.payloads.astype(np.int64))
    bits = (sizes[:, None] >> np.arange(association.levels.bit_length()) & 1).sum(1)
    carried = np.zeros(association.neurons, np.float32)
    carried[cue.neurons] = bits
    scale = patterns / len(active)
    potentials = (active @ payloads).astype(np.int64)
    late = -((potentials - association.threshold) >> association.ramp)
    steps = np.sort(np.clip(late, 0, association.last_latency)) + 1
    wanted = min(association.candidates, patterns)
    # Where that many of all patterns have fired, so has this share of the sample.
    last = steps[max(0, -(-wanted * len(active) // patterns) - 1)]
    events = float((active @ carried).sum()) * scale
    return len(cue.neurons), float(bits.sum()), events, float(steps[0]), float(last)


def _mean(cores: list[Core], name: str) -> float:
    return float(np.mean([getattr(core, name) for core in cores]))


def _embeddings(first: int, count: int, width: int) -> Floats:
    """Return near-normal rows of length 1: sums of sixteen bytes of law 1's words each."""
    addresses = np.arange(2 * first * width, 2 * (first + count) * width, dtype=np.uint64)
    words = generate(LAWS[1], 0, addresses, keys=feistel_keys(0, CALIBRATION_STREAM))
    sums = words.view(np.uint8).reshape(count, width, 16).sum(2, dtype=np.int64) - 2040.0
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    rows: Floats = sums / np.where(lengths > 0, lengths, 1)
    return rows
