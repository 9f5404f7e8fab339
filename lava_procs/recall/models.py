"""Models of pattern neurons: one of standard parts, one whose synapses wait for spikes."""

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
from lava.proc.lif.process import LIFReset
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import hstack

from lava_procs.recall.process import Polarity, Recall
from lava_procs.synapses import SynapseBits

__all__ = ["PolarityModel", "RecallModel", "RecallNetwork"]


def _plain(synapses: Any, levels: int) -> Sparse:
    return Sparse(
        weights=synapses,
        num_message_bits=8 if levels > 1 else 0,
        sign_mode=SignMode.EXCITATORY,
    )


def _signed(synapses: Any) -> Sparse:
    # Signed weights lose their lowest bit, so a weight of one is two, halved by the exponent.
    weights = hstack([2 * synapses, -2 * synapses], format="csr")
    return Sparse(weights=weights, weight_exp=-1, sign_mode=SignMode.MIXED)


@implements(proc=Polarity, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PolarityModel(PyLoihiProcessModel):
    """Compares with zero."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int8, precision=8)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)

    def run_spk(self) -> None:
        payloads = self.s_in.recv()
        self.s_out.send(np.concatenate([payloads > 0, payloads < 0]))


@implements(proc=Recall, protocol=LoihiProtocol)
@tag("network")
class RecallNetwork(AbstractSubProcessModel):
    """``Sparse`` with weights of one, then ``LIFReset``: what one would compile for Loihi 2."""

    def __init__(self, proc: AbstractProcess) -> None:
        p = proc.proc_params
        signs = p["signed"] and p["levels"] == 1
        self.synapses = _signed(p["synapses"]) if signs else _plain(p["synapses"], p["levels"])
        given = {
            name: getattr(proc, name).init for name in ("du", "dv", "vth", "bias_mant", "bias_exp")
        }
        self.neurons = LIFReset(
            shape=proc.v.shape,
            reset_interval=p["period"],
            reset_offset=p["offset"] % p["period"],
            **given,
        )
        if signs:
            self.polarity = Polarity(neurons=p["synapses"].shape[1])
            proc.in_ports.s_in.connect(self.polarity.in_ports.s_in)
            self.polarity.out_ports.s_out.connect(self.synapses.in_ports.s_in)
        else:
            proc.in_ports.s_in.connect(self.synapses.in_ports.s_in)
        self.synapses.out_ports.a_out.connect(self.neurons.in_ports.a_in)
        self.neurons.out_ports.s_out.connect(proc.out_ports.s_out)
        for name in ("u", "v", *given):
            getattr(proc, name).alias(getattr(self.neurons, name))


@implements(proc=Recall, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecallModel(PyLoihiProcessModel):
    """The same neurons step by step; synapses cost something only when spikes pass."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int8, precision=8)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    u: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    du: int = LavaPyType(int, np.uint16, precision=12)
    dv: int = LavaPyType(int, np.uint16, precision=12)
    vth: int = LavaPyType(int, np.int32, precision=17)
    bias_mant: np.ndarray = LavaPyType(np.ndarray, np.int16, precision=13)
    bias_exp: np.ndarray = LavaPyType(np.ndarray, np.int16, precision=3)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._bits = SynapseBits.of(proc_params["synapses"])
        self._reset = proc_params["offset"] % proc_params["period"]
        self._period = proc_params["period"]
        self._arriving = np.zeros(self._bits.patterns, np.int32)

    def run_spk(self) -> None:
        if self.time_step % self._period == self._reset:
            self.v[:] = 0
        self.u[:] = self._arriving << 6
        largest = (1 << 23) - 1
        bias = self.bias_mant.astype(np.int32) << self.bias_exp
        self.v[:] = np.clip(self.v.astype(np.int64) + self.u + bias, -largest, largest)
        fired = self.v > self.vth << 6
        self.v[fired] = 0
        self.s_out.send(fired)
        # Spikes of this step arrive in the next, as behind a standard connection.
        self._arriving = self._bits.potentials(self.s_in.recv()).astype(np.int32)
