"""Models of consolidation: through standard synapses, and in a single step."""

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
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode

from lava_procs.consolidation.process import Consolidation, Rehearsal
from lava_procs.synapses import PatternNeurons

__all__ = ["ConsolidationModel", "ConsolidationNetwork", "RehearsalModel"]


def _attractor(potentials: Any, occupied: Any, winners: int) -> int:
    """Return who would fire first: potentials above the threshold are no faster."""
    places = np.flatnonzero(occupied)
    return int(places[np.argmax(np.minimum(potentials[places], winners))])


def _judgement(potentials: Any, occupied: Any, least: int, strengths: Any) -> Any:
    """Return 1 at the strongest of those that share enough, -1 at the others of them."""
    group = np.flatnonzero(occupied & (potentials >= least))
    judged = np.zeros(len(potentials), np.int32)
    if len(group):
        judged[group] = -1
        judged[group[np.argmax(strengths[group])]] = 1
    return judged


@implements(proc=Rehearsal, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RehearsalModel(PyLoihiProcessModel):
    """Counts the steps since a cue came."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    strength_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    x_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    cue_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    pick_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._occupied = proc_params["occupied"]
        self._winners = proc_params["winners"]
        self._step = 0  # of the replay; 0 between replays
        self._overlap = 0
        self._row = self._pick = self._judged = self._strengths = np.zeros(0, np.int32)

    def run_spk(self) -> None:
        cue, go, strengths = self.s_in.recv(), self.go_in.recv(), self.strength_in.recv()
        self._step += self._step > 0
        if go[0]:
            self._step, self._overlap, self._strengths = 1, int(go[0]) - 1, strengths
        spikes = {1: cue, 5: self._row}.get(self._step)
        self.cue_out.send(np.zeros_like(cue) if spikes is None else spikes)
        self.pick_out.send(self._pick if self._step == 3 else np.zeros_like(strengths))
        answers = self._step == 7
        self.s_out.send(self._judged if answers else np.zeros_like(strengths))
        self.go_out.send(np.array([answers], np.int32))
        if answers:
            self._step = 0

    def post_guard(self) -> bool:
        return True

    def run_post_mgmt(self) -> None:
        potentials, heard = self.a_in.recv(), self.x_in.recv()
        if self._step == 2:
            self._pick = np.zeros_like(potentials)
            self._pick[_attractor(potentials, self._occupied, self._winners)] = 1
        elif self._step == 4:
            self._row = (heard > 0).astype(np.int32)
        elif self._step == 6:
            least = self._overlap * np.count_nonzero(self._row) >> 8
            self._judged = _judgement(potentials, self._occupied, least, self._strengths)


@implements(proc=Consolidation, protocol=LoihiProtocol)
@tag("network")
class ConsolidationNetwork(AbstractSubProcessModel):
    """``Rehearsal``, and a ``Sparse`` each way."""

    def __init__(self, proc: AbstractProcess) -> None:
        p = proc.proc_params
        synapses = p["synapses"]
        self.rehearsal = Rehearsal(
            neurons=synapses.shape[1], occupied=p["occupied"], winners=p["winners"]
        )
        self.forth = Sparse(weights=synapses, sign_mode=SignMode.EXCITATORY)
        self.back = Sparse(weights=synapses.T.tocsr(), sign_mode=SignMode.EXCITATORY)
        inputs, outputs = self.rehearsal.in_ports, self.rehearsal.out_ports
        proc.in_ports.s_in.connect(inputs.s_in)
        proc.in_ports.go_in.connect(inputs.go_in)
        proc.in_ports.strength_in.connect(inputs.strength_in)
        outputs.cue_out.connect(self.forth.in_ports.s_in)
        self.forth.out_ports.a_out.connect(inputs.a_in)
        outputs.pick_out.connect(self.back.in_ports.s_in)
        self.back.out_ports.a_out.connect(inputs.x_in)
        outputs.s_out.connect(proc.out_ports.s_out)
        outputs.go_out.connect(proc.out_ports.go_out)


@implements(proc=Consolidation, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class ConsolidationModel(PyLoihiProcessModel):
    """Two counts of bits a replay."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    strength_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    w_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._neurons = PatternNeurons(proc_params["synapses"], proc_params["occupied"])
        self._winners = proc_params["winners"]

    def run_spk(self) -> None:
        cue, go, strengths = self.s_in.recv(), self.go_in.recv(), self.strength_in.recv()
        self._neurons.change(self.w_in.recv())
        judged = np.zeros_like(strengths)
        if go[0]:
            bits, occupied = self._neurons.bits, self._neurons.occupied
            row = bits.row(_attractor(bits.potentials(cue), occupied, self._winners))
            shown = np.zeros_like(cue)
            shown[row] = 1
            least = (int(go[0]) - 1) * len(row) >> 8
            judged = _judgement(bits.potentials(shown), occupied, least, strengths)
        self.s_out.send(judged)
        self.go_out.send(np.minimum(go, 1))
