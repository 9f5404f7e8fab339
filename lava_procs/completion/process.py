"""A loop of code layer, race and speech, until the code stays as it is."""

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from lava_procs.race.process import Race
from lava_procs.synapses import row_words

__all__ = ["SETTLING_STEPS", "SETTLING_WINNERS", "STATE", "CodeLayer", "Completion"]

SETTLING_WINNERS = 8
SETTLING_STEPS = 8
STATE = 6  # entries of a report: winner + 1, steps, same, cues, spikes, synaptic events


class CodeLayer(AbstractProcess):
    """Holds a code, emits it, and takes what its echo makes of it, until both are equal.

    A code comes with ``go_in = 1 + d``: ``d`` steps of settling were done before. In the next
    step with ``(t - 1) % period == 0`` (this one, if it is) it is emitted as ``s_out``, with
    ``c_out = 8``: so many winners are to answer. Their latencies come in ``a_in`` with
    ``ready_in``, the code they speak for in ``y_in`` with ``echo_in``; ``d`` grows by one. If the
    code is the same as before or ``d`` is 8, it leaves in the next step with ``t % period == 0``
    as ``code_out``, with ``go_out = 1`` and ``state_out = (winner + 1, d, same, cues, spikes,
    synaptic events)``; else it is emitted again. In the other such steps ``go_out`` is 2. Events
    are counted by ``fan_out``, the synapses of each code neuron.

    What comes back within a step is taken in the management phase, so that the loop of processes
    has a beginning. No standard process compares codes; there is no ``floating_pt`` model.

    Ports: ``s_in`` (m,), ``go_in`` (1,), ``a_in`` (n,), ``ready_in`` (1,), ``y_in`` (m,),
    ``echo_in`` (1,); ``s_out`` (m,), ``c_out`` (1,), ``code_out`` (m,), ``state_out`` (6,),
    ``go_out`` (1,).
    """

    late_ports = ("a_in", "ready_in", "y_in", "echo_in")

    def __init__(self, *, patterns: int, fan_out: Any, period: int, **kwargs: Any) -> None:
        super().__init__(fan_out=np.asarray(fan_out, np.int64), period=period, **kwargs)
        neurons = len(fan_out)
        self.s_in = InPort(shape=(neurons,))
        self.go_in = InPort(shape=(1,))
        self.a_in = InPort(shape=(patterns,))
        self.ready_in = InPort(shape=(1,))
        self.y_in = InPort(shape=(neurons,))
        self.echo_in = InPort(shape=(1,))
        self.s_out = OutPort(shape=(neurons,))
        self.c_out = OutPort(shape=(1,))
        self.code_out = OutPort(shape=(neurons,))
        self.state_out = OutPort(shape=(STATE,))
        self.go_out = OutPort(shape=(1,))


class Completion(AbstractProcess):
    """The code on which a code settles: race, speech, and again, 8 steps at most.

    Each step, the 8 first of a race with threshold ``winners`` and a ramp of 1 speak, the louder
    the earlier, and the ``winners`` neurons that hear most are the new code. See ``CodeLayer`` for
    the report, ``Race`` and ``Speech`` for the stages and for ``w_in``.

    ``network`` is the loop ``CodeLayer`` -> ``Race`` -> ``Speech`` -> ``CodeLayer`` and takes a
    code every ``period`` steps or later, never before the last is answered. ``fixed_pt`` runs
    through the loop within the step of the code.

    Ports: ``s_in`` (m,), ``go_in`` (1,) = 1 + steps done, ``w_in`` (1 + m / 32,); ``code_out``
    (m,), ``state_out`` (6,), ``go_out`` (1,).
    """

    def __init__(self, *, synapses: Any, occupied: Any, winners: int, **kwargs: Any) -> None:
        super().__init__(
            synapses=synapses,
            occupied=np.asarray(occupied, bool),
            winners=winners,
            period=self.period_of(winners),
            **kwargs,
        )
        neurons = synapses.shape[1]
        self.s_in = InPort(shape=(neurons,))
        self.go_in = InPort(shape=(1,))
        self.w_in = InPort(shape=(1 + row_words(neurons),))
        self.code_out = OutPort(shape=(neurons,))
        self.state_out = OutPort(shape=(STATE,))
        self.go_out = OutPort(shape=(1,))

    @staticmethod
    def period_of(winners: int) -> int:
        """Return the steps of one way round the loop: a race's, and one more to answer in."""
        return Race.period_of(winners, 0, False) + 1
