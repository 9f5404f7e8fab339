"""Pattern neurons integrate a cue's spikes; a ramp lets the best of them fire first."""

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

__all__ = ["LARGEST_POTENTIAL", "Polarity", "Recall"]

LARGEST_POTENTIAL = (1 << 17) - 1  # beyond it, u wraps
_SHIFT = 6  # of synaptic input and of the threshold, on Loihi


class Polarity(AbstractProcess):
    """Gives each neuron an axon for each sign, on which a spike needs no payload.

    ``s_out[j] = 1`` where ``s_in[j] > 0``, ``s_out[m + j] = 1`` where ``s_in[j] < 0``, in the same
    step. On a chip this is routing. There is no ``floating_pt`` model, as signs are signs.

    Ports: ``s_in`` (m,); ``s_out`` (2 * m,).
    """

    def __init__(self, *, neurons: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.s_in = InPort(shape=(neurons,))
        self.s_out = OutPort(shape=(2 * neurons,))


class Recall(AbstractProcess):
    """A neuron a pattern: its synapses, and a ramp up to the threshold ``threshold``.

    With ``W[i, j]`` in {0, 1}, ``R = 2**ramp``, and ``S`` the first step after a reset::

        u[t] = 64 * sum_j W[i, j] * s_in[t - 1][j]            du = 4095: no memory
        v[t] = v[t - 1] + u[t] + 64 * R                       dv = 0; bias = 64 * R
        s_out[t] = v[t] > 64 * vth,  then v[t] = 0            vth = threshold + R - 1

    ``u`` and ``v`` are 0 before every step ``S`` with ``S % period == offset % period``. A cue
    whose synaptic input comes in step ``S``, of potential ``o``, has ``v = 64 * (o + R * (t + 1))``
    in step ``S + t``, so that its neuron fires first at

        t = max(0, ceil((threshold - o) / R)).

    It may fire again ``threshold / R + 1`` steps later. A neuron that is not ``occupied`` has no
    synapses and no bias, and stays silent.

    ``network`` is a standard ``Sparse`` in front of a standard ``LIFReset``: with graded spikes
    if ``levels`` is above 1, else with plain ones, on two axons a neuron (``Polarity``) if they
    are signed. ``fixed_pt`` has the same bits, and synapses that are only touched by spikes. All
    is integer on Loihi's scales, so ``floating_pt`` would mean nothing.

    Ports: ``s_in`` (m,) payloads; ``s_out`` (n,).

    Args:
        synapses: scipy csr matrix (n, m), ones where a synapse conducts.
        occupied: bool (n,).
        threshold: potential that fires at once; at most 2**17 - R.
        ramp: see above.
        signed: whether payloads may be negative.
        levels: payloads are up to this; with 1, spikes need none.
        period: steps between resets.
        offset: phase of the resets.
    """

    def __init__(
        self,
        *,
        synapses: Any,
        occupied: Any,
        threshold: int,
        ramp: int,
        signed: bool,
        levels: int,
        period: int,
        offset: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            synapses=synapses,
            occupied=np.asarray(occupied, bool),
            threshold=threshold,
            ramp=ramp,
            signed=signed,
            levels=levels,
            period=period,
            offset=offset,
            **kwargs,
        )
        rise = 1 << ramp
        if threshold + rise > 1 << 17:
            raise ValueError(f"threshold must be at most 2**17 - {rise}, not {threshold!r}")
        patterns, neurons = synapses.shape
        # A mantissa has 12 bits and a sign, so the steepest ramp goes into the exponent.
        exponent = _SHIFT + (ramp == 12)
        mantissa = (rise << _SHIFT) >> exponent
        self.s_in = InPort(shape=(neurons,))
        self.s_out = OutPort(shape=(patterns,))
        self.u = Var(shape=(patterns,), init=0)
        self.v = Var(shape=(patterns,), init=0)
        self.du = Var(shape=(1,), init=4095)
        self.dv = Var(shape=(1,), init=0)
        self.vth = Var(shape=(1,), init=threshold + rise - 1)
        self.bias_mant = Var(shape=(patterns,), init=np.asarray(occupied, np.int32) * mantissa)
        self.bias_exp = Var(shape=(patterns,), init=exponent)
