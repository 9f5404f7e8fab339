"""Models of a race: step by step, or at once."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_procs.race.process import Race
from lava_procs.recall.process import Recall
from lava_procs.synapses import PatternNeurons
from lava_procs.winners.process import Winners

__all__ = ["RaceModel", "RaceNetwork"]


@implements(proc=Race, protocol=LoihiProtocol)
@tag("network")
class RaceNetwork(AbstractSubProcessModel):
    """``Recall`` and ``Winners``; the reset comes with a cue's synaptic input, a step after it."""

    def __init__(self, proc: AbstractProcess) -> None:
        p = proc.proc_params
        self.recall = Recall(
            offset=p["arrival"] + 1,
            **{
                name: p[name]
                for name in (
                    "synapses",
                    "occupied",
                    "threshold",
                    "ramp",
                    "signed",
                    "levels",
                    "period",
                )
            },
        )
        self.winners = Winners(patterns=len(p["occupied"]), last=p["last"])
        proc.in_ports.s_in.connect(self.recall.in_ports.s_in)
        proc.in_ports.go_in.connect(self.winners.in_ports.go_in)
        self.recall.out_ports.s_out.connect(self.winners.in_ports.s_in)
        self.winners.out_ports.s_out.connect(proc.out_ports.s_out)
        self.winners.out_ports.go_out.connect(proc.out_ports.go_out)


@implements(proc=Race, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RaceModel(PyLoihiProcessModel):
    """Potentials by counting bits, latencies by the formula, and no ramp to wait for."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int8, precision=8)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    w_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._neurons = PatternNeurons(proc_params["synapses"], proc_params["occupied"])
        self._law = (proc_params["threshold"], proc_params["ramp"])
        self._silence = np.zeros(len(proc_params["occupied"]), np.int32)

    def run_spk(self) -> None:
        cue, go, change = self.s_in.recv(), self.go_in.recv(), self.w_in.recv()
        self._neurons.change(change)
        answer = self._silence
        if go[0]:
            first, latencies = self._neurons.race(cue, int(go[0]), *self._law)
            answer = np.zeros_like(self._silence)
            answer[first] = 1 + latencies
            go = np.array([1 + len(first)], np.int32)
        self.s_out.send(answer)
        self.go_out.send(go)
