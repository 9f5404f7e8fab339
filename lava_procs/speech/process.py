"""Winners speak, the louder the nearer, and the code neurons they speak to compete."""

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from lava_procs.synapses import row_words

__all__ = ["Loudness", "Speech"]


class Loudness(AbstractProcess):
    """Graded spikes from latencies: those behind the first speak more softly.

    ``s_in[i]`` is 1 + the latency (or the deficit) of a winner, 0 of others. With ``first`` the
    least of the winners', in the same step::

        s_out[i] = 2**(15 - 3 * (s_in[i] - first)) of a winner, 0 below one
        go_out   = go_in

    Payloads of 16 bits, as Loihi 2 has; integers only, so there is no ``floating_pt`` model.

    Ports: ``s_in`` (n,), ``go_in`` (1,); ``s_out`` (n,), ``go_out`` (1,).
    """

    def __init__(self, *, patterns: int, **kwargs: Any) -> None:
        super().__init__(patterns=patterns, **kwargs)
        self.s_in = InPort(shape=(patterns,))
        self.go_in = InPort(shape=(1,))
        self.s_out = OutPort(shape=(patterns,))
        self.go_out = OutPort(shape=(1,))


class Speech(AbstractProcess):
    """The code that winners speak for, through the same synapses as in a race.

    With ``g[i]`` the loudness of winner ``i``, ``y[j] = sum_i W[i, j] * g[i]``, and
    ``s_out[j] = 1`` for the ``winners`` largest ``y``; of equals the lower index first. A step in
    which ``go_in`` is 0 is silent; ``go_out = go_in``.

    ``network`` is ``Loudness``, a standard ``Sparse`` of the transposed weights with graded input,
    and ``Selection``; it answers one step later. ``fixed_pt`` answers at once and takes changed
    rows, as ``Race`` does.

    Ports: ``s_in`` (n,), ``go_in`` (1,), ``w_in`` (1 + m / 32,); ``s_out`` (m,), ``go_out`` (1,).
    """

    def __init__(self, *, synapses: Any, occupied: Any, winners: int, **kwargs: Any) -> None:
        super().__init__(
            synapses=synapses, occupied=np.asarray(occupied, bool), winners=winners, **kwargs
        )
        patterns, neurons = synapses.shape
        self.s_in = InPort(shape=(patterns,))
        self.go_in = InPort(shape=(1,))
        self.w_in = InPort(shape=(1 + row_words(neurons),))
        self.s_out = OutPort(shape=(neurons,))
        self.go_out = OutPort(shape=(1,))
