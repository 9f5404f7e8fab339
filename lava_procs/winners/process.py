"""Who fired first: a read-out that collects spikes, and the race it ends."""

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

__all__ = ["Winners"]


class Winners(AbstractProcess):
    """The first spikes of a race, as graded spikes that carry their latencies.

    A race starts with ``go_in[g] = c`` and takes steps ``g + 1 .. g + 1 + last``: a spike in step
    ``g + 1 + t`` has latency ``t``. Of each neuron the first spike counts, and of spikes of one
    step the lower neurons come first. As soon as ``c`` neurons have spiked, or with the last
    step, in that very step::

        s_out[i] = 1 + latency of i   if i is among the first c, else 0
        go_out   = 1 + how many these are

    Spikes between the end of a race and the next start do not count. No standard process counts
    steps; numbers are integers in any format, so there is no ``floating_pt`` model.

    Ports: ``s_in`` (n,), ``go_in`` (1,); ``s_out`` (n,), ``go_out`` (1,).
    """

    def __init__(self, *, patterns: int, last: int, **kwargs: Any) -> None:
        super().__init__(patterns=patterns, last=last, **kwargs)
        self.s_in = InPort(shape=(patterns,))
        self.go_in = InPort(shape=(1,))
        self.s_out = OutPort(shape=(patterns,))
        self.go_out = OutPort(shape=(1,))
