"""Code neurons sum signed inputs of an embedding; the largest of them spike."""

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

__all__ = ["Encoder", "Selection"]


class Selection(AbstractProcess):
    """Which code neurons spike, for the sums ``y = a_in`` of all of them.

    In a step in which ``go_in`` is not 0 (else all is silent)::

        code_out[i] = 1 for the ``winners`` largest y; of equals the lower index first
        s_out[i]    = +p for the ``spikes`` largest y, where y > 0
        s_out[i]    = -p for the ``spikes`` smallest y, where y < 0, if ``signed``
        p           = max(1, floor((2 * |y| * levels + top) / (2 * top))), top = largest |y| of both
        go_out      = go_in

    No standard process ranks neurons. On a chip this one is a few threshold sweeps on an embedded
    core. Sums are integers in any number format, so there is no ``floating_pt`` model.

    Ports: ``a_in`` (m,), ``go_in`` (1,); ``code_out`` (m,), ``s_out`` (m,), ``go_out`` (1,).
    """

    def __init__(
        self,
        *,
        neurons: int,
        winners: int,
        spikes: int = 1,
        signed: bool = False,
        levels: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            neurons=neurons, winners=winners, spikes=spikes, signed=signed, levels=levels, **kwargs
        )
        self.a_in = InPort(shape=(neurons,))
        self.go_in = InPort(shape=(1,))
        self.code_out = OutPort(shape=(neurons,))
        self.s_out = OutPort(shape=(neurons,))
        self.go_out = OutPort(shape=(1,))


class Encoder(AbstractProcess):
    """The code and the cue of an embedding: a signed sparse projection, then ``Selection``.

    ``y[i] = sum_j signs[i, j] * s_in[sources[i, j]]``, in integers. ``fixed_pt`` answers in the
    step of the embedding. ``network`` is a standard ``Sparse`` with graded input in front of a
    ``Selection``, and answers one step later; ``go_in`` is delayed by a ``Dense`` of one synapse.
    Signed weights of Loihi lose their lowest bit, so they are +-2, and halved by the exponent.

    Ports: ``s_in`` (width,) int8 payloads, ``go_in`` (1,); ``code_out`` (m,), ``s_out`` (m,),
    ``go_out`` (1,).
    """

    def __init__(
        self,
        *,
        sources: Any,
        signs: Any,
        width: int,
        winners: int,
        spikes: int,
        signed: bool,
        levels: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            sources=sources,
            signs=signs,
            width=width,
            neurons=len(sources),
            winners=winners,
            spikes=spikes,
            signed=signed,
            levels=levels,
            **kwargs,
        )
        neurons = len(sources)
        self.s_in = InPort(shape=(width,))
        self.go_in = InPort(shape=(1,))
        self.code_out = OutPort(shape=(neurons,))
        self.s_out = OutPort(shape=(neurons,))
        self.go_out = OutPort(shape=(1,))
