"""The recall network as cores of a Loihi 1, on nengo-loihi's emulator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from nengo_loihi.block import Axon, LoihiBlock, Synapse
from nengo_loihi.builder import Model
from nengo_loihi.builder.discretize import discretize_weights
from nengo_loihi.builder.validate import validate_block
from nengo_loihi.emulator import EmulatorInterface
from nengo_loihi.inputs import SpikeInput
from numpy.typing import NDArray

from lava_procs.cores import axon_groups, pack

__all__ = ["ChipLimit", "CoreNetwork"]

_UNIT_SHIFT = 6  # the chip scales thresholds by 2**6, and here also weights and biases
_LARGEST_V = (1 << 23) - 1
_LARGEST_SUM = (1 << 15) - 1  # of payloads in a step: 2**6 times that fills the 21-bit accumulator
_LARGEST_VTH = (1 << 17) - 1
_LARGEST_BIAS = 4095 << 7

# A weight of one bit is the highest of eight; this exponent makes it 2**6.
_WEIGHT = 128
_WEIGHT_EXPONENT = -7
_ONE_BIT = 1  # the chip's code of a one-bit weight
_FANOUT = {1: 2, -1: 3}  # the chip's codes of excitatory and of inhibitory synapses


class ChipLimit(ValueError):
    """A Loihi 1 cannot carry this."""


class CoreNetwork:
    """Pattern neurons in cores, each of which nengo-loihi has found legal, and their races.

    A pattern neuron is a compartment that integrates: ``du`` forgets the current after a step,
    ``dv`` leaks nothing, ``bias = 2**6 * R``, ``vth = 2**6 * (threshold + R - 1)``. It starts one
    step's bias below zero, as spikes take a step to arrive, so that in step ``t`` after that
    ``v = 2**6 * (o + R * (t + 1))`` first exceeds ``vth`` at the latency of the law.
    """

    def __init__(
        self,
        rows: Sequence[NDArray[np.integer[Any]]],
        *,
        neurons: int,
        signed: bool,
        levels: int,
    ) -> None:
        """Build the cores.

        Args:
            rows: the code neurons whose synapses conduct, ascending, of each pattern.
            neurons: how many code neurons there are.
            signed, levels: which payloads their spikes may have.

        Raises:
            ChipLimit: one pattern alone is too much for a core.
        """
        self._groups = axon_groups(signed, levels)
        try:
            self.cores = pack(rows, neurons, len(self._groups))
        except ValueError as error:
            raise ChipLimit(str(error)) from None
        model = Model()
        self._inputs = [SpikeInput(neurons) for _ in self._groups]
        for spikes in self._inputs:
            model.add_input(spikes)
        self.blocks = []
        for core in self.cores:
            block = self._block(rows[core.first : core.first + core.patterns], neurons)
            validate_block(block)
            model.add_block(block)
            self.blocks.append(block)
        self._emulator = EmulatorInterface(model, seed=0) if self.blocks else None

    def race(
        self, cue: NDArray[np.integer[Any]], threshold: int, ramp: int, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which patterns fire first, in order, and their latencies.

        Args:
            cue: the payload of every code neuron, 0 where it is silent.
            threshold: the potential that fires in the first step.
            ramp: binary logarithm of what is added each step.
            count: after so many the race ends.

        Raises:
            ChipLimit: payloads or threshold exceed the chip's registers.
        """
        rise = 1 << ramp
        loudest = max(int(cue.clip(min=0).sum()), int(-cue.clip(max=0).sum()))
        vth, bias = threshold + rise - 1, rise << _UNIT_SHIFT
        for name, value, most in (
            ("payloads of a cue", loudest, _LARGEST_SUM),
            ("vth", vth, _LARGEST_VTH),
            ("bias", bias, _LARGEST_BIAS),
        ):
            if value > most:
                raise ChipLimit(f"{name} must be at most {most} on a Loihi 1, not {value}")
        if self._emulator is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._reset(vth << _UNIT_SHIFT, bias)
        sizes = np.abs(cue)
        for spikes, (sign, bit) in zip(self._inputs, self._groups, strict=True):
            spiking = np.flatnonzero((np.sign(cue) == sign) & (sizes >> bit & 1 == 1))
            spikes.add_spikes(self._emulator.t + 1, spiking)
        self._emulator.step()  # the spikes are under way
        fired = np.zeros_like(self._emulator.compartment.spiked)
        places: list[NDArray[np.int64]] = []
        latencies: list[NDArray[np.int64]] = []
        found = 0
        for step in range((2 * threshold >> ramp) + 1):
            self._emulator.step()
            spiked = self._emulator.compartment.spiked
            new = np.flatnonzero(spiked & ~fired)
            fired |= spiked
            places.append(new)
            latencies.append(np.full(len(new), step, np.int64))
            found += len(new)
            if found >= min(count, len(fired)):
                break
        return np.concatenate(places)[:count], np.concatenate(latencies)[:count]

    def _reset(self, vth: int, bias: int) -> None:
        """Write what a host writes between two races: all state, and the two registers."""
        state = self._emulator.compartment
        state.input[:] = 0
        state.current[:] = 0
        state.spiked[:] = False
        state.ref_count[:] = 0
        state.vth[:] = vth
        state.bias[:] = bias
        state.voltage[:] = -bias

    def _block(self, rows: Sequence[NDArray[np.integer[Any]]], neurons: int) -> LoihiBlock:
        """Return one core with these patterns, and lead the inputs' axons to it."""
        block = LoihiBlock(len(rows))
        unit = block.compartment
        unit.decay_u = np.full(len(rows), 4095, np.int32)
        unit.decay_v = np.zeros(len(rows), np.int32)
        unit.refract_delay = np.ones(len(rows), np.int32)
        unit.vth = np.ones(len(rows), np.int32)
        unit.bias = np.zeros(len(rows), np.int32)
        unit.vmin, unit.vmax = -_LARGEST_V, _LARGEST_V  # 0 would cut off inhibition
        unit.scale_u = unit.scale_v = False
        unit.noise_exp, unit.noise_offset = 1, 0
        unit.discretize_info = {}  # says that these are integers already
        lengths = [len(row) for row in rows]
        sources = np.concatenate(rows).astype(np.int64)
        targets = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
        order = np.argsort(sources, kind="stable")
        used, starts = np.unique(sources[order], return_index=True)
        if not len(used):
            return block  # patterns that nothing conducts to; the ramp alone will fire them
        indices = np.split(targets[order], starts[1:])
        axon_of = np.full(neurons, -1)
        axon_of[used] = np.arange(len(used))
        for spikes, (sign, bit) in zip(self._inputs, self._groups, strict=True):
            synapse = _synapse(indices, sign, bit)
            block.add_synapse(synapse)
            axon = Axon(len(used))
            axon.target = synapse
            axon.set_compartment_axon_map(axon_of)
            spikes.add_axon(axon)
        return block


def _synapse(indices: list[NDArray[np.int32]], sign: int, bit: int) -> Synapse:
    """Return synapses of one sign whose only weight is ``2**bit``, one bit each."""
    synapse = Synapse(len(indices))
    # Explicit indices: nengo-loihi counts no bits for those of a sparse matrix.
    blank = [np.zeros(len(targets), np.float32) for targets in indices]
    synapse.set_population_weights(blank, indices, None, None, pop_type=0)
    synapse.format(
        fanout_type=_FANOUT[sign], weight_bits=_ONE_BIT, weight_exp=_WEIGHT_EXPONENT + bit
    )
    weight = discretize_weights(synapse.synapse_cfg, np.array([sign * _WEIGHT], np.float32))
    assert weight == sign << _UNIT_SHIFT + bit
    synapse.weights = [np.full((1, len(targets)), weight, np.int32) for targets in indices]
    return synapse
