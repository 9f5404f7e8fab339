"""Model of learning."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_procs.learning.process import (
    DEPRESSION,
    FIRST_PERMANENCE,
    LARGEST_PERMANENCE,
    ONE_SHOT,
    PLATEAU,
    POTENTIATION,
    RESTORE,
    Learning,
)

__all__ = ["LearningModel"]


@implements(proc=Learning, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class LearningModel(PyLoihiProcessModel):
    """Touches one row, and only when the gate opens."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    gate_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    w_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    permanences: np.ndarray = LavaPyType(np.ndarray, np.uint8, precision=4)

    def run_spk(self) -> None:
        spikes, (gate, place) = self.s_in.recv(), self.gate_in.recv()
        row = np.zeros_like(spikes)
        if gate:
            old = self.permanences[place - 1].astype(np.int32)
            if gate == ONE_SHOT:
                row = np.where(spikes > 0, FIRST_PERMANENCE, 0)
            elif gate == PLATEAU:
                grown = np.minimum(LARGEST_PERMANENCE, old + POTENTIATION)
                row = np.where(spikes > 0, grown, np.maximum(0, old - DEPRESSION))
            elif gate == RESTORE:
                row = spikes
            self.permanences[place - 1] = row
        self.w_out.send(row)
        self.go_out.send(np.array([place if gate else 0], np.int32))
