"""Models of the encoder: one of standard parts, one in a single step."""

from abc import abstractmethod
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
from lava.proc.dense.process import Dense
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

from lava_procs.encoder.process import Encoder, Selection
from lava_procs.selection import Projection, cue_spikes, highest

__all__ = ["EncoderModel", "EncoderNetwork", "SelectionModel"]


class _SelectingModel(PyLoihiProcessModel):
    """What is made of sums; a port that nobody listens to costs nothing."""

    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    code_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int8, precision=1)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int8, precision=8)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._winners = proc_params["winners"]
        self._cue = (proc_params["spikes"], proc_params["signed"], proc_params["levels"])
        self._silence = np.zeros(proc_params["neurons"], np.int8)

    @abstractmethod
    def _sums(self) -> Any:
        """Return the sums of all neurons, from wherever this model has them."""

    def run_spk(self) -> None:
        sums, go = self._sums(), self.go_in.recv()
        code = cue = self._silence
        if go[0] and self.code_out.csp_ports:
            code = np.zeros_like(self._silence)
            code[highest(sums, self._winners)] = 1
        if go[0] and self.s_out.csp_ports:
            cue = cue_spikes(sums, *self._cue)
        self.code_out.send(code)
        self.s_out.send(cue)
        self.go_out.send(go)


@implements(proc=Selection, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SelectionModel(_SelectingModel):
    """Ranks the sums that arrive."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def _sums(self) -> Any:
        return self.a_in.recv()


@implements(proc=Encoder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class EncoderModel(_SelectingModel):
    """Sums and ranks in one step, and does nothing while nothing comes."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._projection = Projection(
            proc_params["sources"], proc_params["signs"], proc_params["width"]
        )

    def _sums(self) -> Any:
        vector = self.s_in.recv()
        return self._projection.sums(vector) if vector.any() else self._silence


@implements(proc=Encoder, protocol=LoihiProtocol)
@tag("network")
class EncoderNetwork(AbstractSubProcessModel):
    """``Sparse`` (+-2, exponent -1, graded) and ``Selection``; a ``Dense`` keeps ``go`` in step."""

    def __init__(self, proc: AbstractProcess) -> None:
        p = proc.proc_params
        neurons, fan_in = p["sources"].shape
        weights = csr_matrix(
            (
                2 * p["signs"].astype(np.int32).ravel(),
                (np.repeat(np.arange(neurons), fan_in), p["sources"].ravel()),
            ),
            shape=(neurons, p["width"]),
        )
        self.projection = Sparse(
            weights=weights, weight_exp=-1, num_message_bits=8, sign_mode=SignMode.MIXED
        )
        self.relay = Dense(weights=np.ones((1, 1), np.int32), num_message_bits=24)
        self.selection = Selection(
            neurons=neurons,
            winners=p["winners"],
            spikes=p["spikes"],
            signed=p["signed"],
            levels=p["levels"],
        )
        proc.in_ports.s_in.connect(self.projection.in_ports.s_in)
        proc.in_ports.go_in.connect(self.relay.in_ports.s_in)
        self.projection.out_ports.a_out.connect(self.selection.in_ports.a_in)
        self.relay.out_ports.a_out.connect(self.selection.in_ports.go_in)
        self.selection.out_ports.code_out.connect(proc.out_ports.code_out)
        self.selection.out_ports.s_out.connect(proc.out_ports.s_out)
        self.selection.out_ports.go_out.connect(proc.out_ports.go_out)
