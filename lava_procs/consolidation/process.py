"""A replayed cue finds its attractor, and the patterns like it compete."""

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from lava_procs.synapses import row_words

__all__ = ["PERIOD", "Consolidation", "Rehearsal"]

PERIOD = 7  # steps of a replay in a network: three times through synapses, and the answer


class Rehearsal(AbstractProcess):
    """Drives one replay through the synapses and judges what comes back.

    With ``go_in = 1 + overlap`` comes a noisy cue ``s_in`` and ``strength_in``, 0 or above.
    Through the synapses and back, ``a_in`` is the potential of each pattern neuron and ``x_in``
    the row of one:

        step 1   cue_out = s_in
        step 2   attractor = the first occupied i by (max(0, winners - a_in[i]), i)
        step 3   pick_out = 1 at the attractor
        step 4   row = (x_in > 0)
        step 5   cue_out = row
        step 6   group = the occupied i with a_in[i] >= overlap * |row| >> 8
                 strongest = the first of the group by (-strength_in[i], i)

    and in step 7: ``s_out`` = 1 at the strongest, -1 at the
    others of the group; ``go_out = 1``. Feedback is taken in the management phase. Integers in
    any format: there is no ``floating_pt`` model.

    Ports: ``s_in`` (m,), ``go_in`` (1,), ``strength_in`` (n,), ``a_in`` (n,), ``x_in`` (m,);
    ``cue_out`` (m,), ``pick_out`` (n,), ``s_out`` (n,), ``go_out`` (1,).
    """

    late_ports = ("a_in", "x_in")

    def __init__(self, *, neurons: int, occupied: Any, winners: int, **kwargs: Any) -> None:
        super().__init__(occupied=np.asarray(occupied, bool), winners=winners, **kwargs)
        patterns = len(occupied)
        self.s_in = InPort(shape=(neurons,))
        self.go_in = InPort(shape=(1,))
        self.strength_in = InPort(shape=(patterns,))
        self.a_in = InPort(shape=(patterns,))
        self.x_in = InPort(shape=(neurons,))
        self.cue_out = OutPort(shape=(neurons,))
        self.pick_out = OutPort(shape=(patterns,))
        self.s_out = OutPort(shape=(patterns,))
        self.go_out = OutPort(shape=(1,))


class Consolidation(AbstractProcess):
    """Who wins and who loses when a noisy cue is replayed: see ``Rehearsal`` for the rule.

    ``network`` is ``Rehearsal`` between two standard ``Sparse``, one with the weights and one with
    the transposed; it takes a cue every 7 steps. ``fixed_pt`` answers in the step of the cue and
    takes changed rows, as ``Race`` does.

    Ports: ``s_in`` (m,), ``go_in`` (1,) = 1 + overlap, ``strength_in`` (n,), ``w_in``
    (1 + m / 32,); ``s_out`` (n,), ``go_out`` (1,).
    """

    def __init__(self, *, synapses: Any, occupied: Any, winners: int, **kwargs: Any) -> None:
        super().__init__(
            synapses=synapses, occupied=np.asarray(occupied, bool), winners=winners, **kwargs
        )
        patterns, neurons = synapses.shape
        self.s_in = InPort(shape=(neurons,))
        self.go_in = InPort(shape=(1,))
        self.strength_in = InPort(shape=(patterns,))
        self.w_in = InPort(shape=(1 + row_words(neurons),))
        self.s_out = OutPort(shape=(patterns,))
        self.go_out = OutPort(shape=(1,))
