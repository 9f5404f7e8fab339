"""A race of pattern neurons for a cue: recall and its winners."""

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from lava_procs.synapses import row_words

__all__ = ["Race"]


class Race(AbstractProcess):
    """The first ``go_in`` pattern neurons that fire for a cue, with their latencies.

    With ``o[i] = sum_j W[i, j] * s_in[j]`` the latency of neuron ``i`` is

        t[i] = max(0, ceil((threshold - o[i]) / 2**ramp)),   t[i] <= last = 2 * threshold / 2**ramp

    and ``s_out[i] = 1 + t[i]`` of the first by ``(t, i)``, 0 of the others;
    ``go_out = 1 + how many these are``. Neurons that are not ``occupied`` never fire.

    ``network`` is ``Recall`` (``Sparse`` and ``LIFReset``) and ``Winners`` and runs the race step
    by step: a cue may come every ``period`` steps, with step ``arrival`` of each, and is answered
    before the period ends. A row of its synapses is changed by building it again. ``fixed_pt``
    jumps to the spikes: it answers in the step of the cue, and takes changed rows in between, as
    ``w_in = (j, row |j| - 1)``, 32 synapses to a word, the first lowest: ``j`` is above 0 for a
    neuron that is occupied, below for one that no longer is, 0 for no change. All numbers are
    integers: there is no ``floating_pt`` model.

    Ports: ``s_in`` (m,) payloads, ``go_in`` (1,), ``w_in`` (1 + m / 32,); ``s_out`` (n,),
    ``go_out`` (1,).
    """

    def __init__(
        self,
        *,
        synapses: Any,
        occupied: Any,
        threshold: int,
        ramp: int,
        signed: bool = False,
        levels: int = 1,
        arrival: int = 2,
        period: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            synapses=synapses,
            occupied=np.asarray(occupied, bool),
            threshold=threshold,
            ramp=ramp,
            signed=signed,
            levels=levels,
            arrival=arrival,
            last=self.last_latency(threshold, ramp, signed),
            period=period or self.period_of(threshold, ramp, signed),
            **kwargs,
        )
        patterns, neurons = synapses.shape
        self.s_in = InPort(shape=(neurons,))
        self.go_in = InPort(shape=(1,))
        self.w_in = InPort(shape=(1 + row_words(neurons),))
        self.s_out = OutPort(shape=(patterns,))
        self.go_out = OutPort(shape=(1,))

    @staticmethod
    def last_latency(threshold: int, ramp: int, signed: bool) -> int:
        """Return the last step of a race; where nothing inhibits, half the steps are enough."""
        return (2 if signed else 1) * threshold >> ramp

    @staticmethod
    def period_of(threshold: int, ramp: int, signed: bool) -> int:
        """Return the steps between cues: a race, two steps of delay, and one for the answer."""
        return Race.last_latency(threshold, ramp, signed) + 3
