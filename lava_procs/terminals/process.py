"""Frames from outside become spikes for one step, and answers become frames."""

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

__all__ = ["BUFFERED", "Readout", "Stimulus"]

BUFFERED = 32  # frames that wait outside; a chunk of queries is never longer


class Stimulus(AbstractProcess):
    """Sends one frame every ``period`` steps, and silence in between.

    In step ``t`` with ``(t - 1) % period == 0`` a frame ``(go, payloads)`` is taken from outside:
    ``go_out[t] = go``, ``s_out[t] = payloads``; else both are 0. A frame must be there by then.

    Ports: ``frame_in`` (1 + width,) from outside; ``s_out`` (width,), ``go_out`` (1,).
    """

    def __init__(self, *, width: int, period: int = 1, **kwargs: Any) -> None:
        super().__init__(width=width, period=period, **kwargs)
        self.frame_in = InPort(shape=(1 + width,))
        self.frame_in.flag_external_pipe(buffer_size=2 * BUFFERED)
        self.s_out = OutPort(shape=(width,))
        self.go_out = OutPort(shape=(1,))


class Readout(AbstractProcess):
    """Hands a frame ``(go_in[t], a_in[t])`` outside in every step in which ``go_in`` is not 0.

    Ports: ``a_in`` (width,), ``go_in`` (1,); ``frame_out`` (1 + width,) to the outside.
    """

    def __init__(self, *, width: int, **kwargs: Any) -> None:
        super().__init__(width=width, **kwargs)
        self.a_in = InPort(shape=(width,))
        self.go_in = InPort(shape=(1,))
        self.frame_out = OutPort(shape=(1 + width,))
        self.frame_out.flag_external_pipe(buffer_size=2 * BUFFERED)
