"""Model of the read-out of a race."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_procs.winners.process import Winners

__all__ = ["WinnersModel"]


@implements(proc=Winners, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class WinnersModel(PyLoihiProcessModel):
    """Keeps a latency a neuron, and sends them once."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._last = proc_params["last"]
        self._silence = np.zeros(proc_params["patterns"], np.int32)
        self._idle = np.zeros(1, np.int32)
        self._found = self._silence
        self._wanted = 0  # neurons that may still win; 0 between races
        self._latency = 0

    def run_spk(self) -> None:
        spikes, go = self.s_in.recv(), self.go_in.recv()
        answer, ready = self._silence, self._idle
        if self._wanted:
            if spikes.any():
                fresh = np.flatnonzero((spikes != 0) & (self._found == 0))[: self._wanted]
                self._found[fresh] = 1 + self._latency
                self._wanted -= len(fresh)
            if not self._wanted or self._latency == self._last:
                answer = self._found
                ready = np.array([1 + np.count_nonzero(answer)], np.int32)
                self._wanted = 0
            self._latency += 1
        if go[0]:
            self._found = np.zeros_like(self._silence)
            self._wanted, self._latency = int(go[0]), 0
        self.s_out.send(answer)
        self.go_out.send(ready)
