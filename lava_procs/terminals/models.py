"""Models of the terminals: they only pass on, so one of each is enough."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_procs.terminals.process import Readout, Stimulus

__all__ = ["ReadoutModel", "StimulusModel"]


@implements(proc=Stimulus, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "floating_pt")
class StimulusModel(PyLoihiProcessModel):
    """Waits for a frame only in the steps that take one."""

    frame_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._period = proc_params["period"]
        self._silence = np.zeros(1 + proc_params["width"], np.int32)

    def run_spk(self) -> None:
        takes = (self.time_step - 1) % self._period == 0
        frame = self.frame_in.recv() if takes else self._silence
        self.go_out.send(frame[:1])
        self.s_out.send(frame[1:])


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "floating_pt")
class ReadoutModel(PyLoihiProcessModel):
    """Nothing leaves while nothing is to be told."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    frame_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        values, go = self.a_in.recv(), self.go_in.recv()
        if go[0]:
            self.frame_out.send(np.concatenate([go, values]))
