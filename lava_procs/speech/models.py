"""Models of speech: of standard parts, and in a single step."""

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

from lava_procs.encoder.process import Selection
from lava_procs.selection import highest
from lava_procs.speech.process import Loudness, Speech
from lava_procs.synapses import PatternNeurons, loudness

__all__ = ["LoudnessModel", "SpeechModel", "SpeechNetwork"]


@implements(proc=Loudness, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class LoudnessModel(PyLoihiProcessModel):
    """Shifts, and silence while nobody has won."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=16)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        latencies, go = self.s_in.recv(), self.go_in.recv()
        payloads = np.zeros_like(latencies)
        won = np.flatnonzero(latencies)
        if go[0] and len(won):
            payloads[won] = loudness(latencies[won] - latencies[won].min())
        self.s_out.send(payloads)
        self.go_out.send(go)


@implements(proc=Speech, protocol=LoihiProtocol)
@tag("network")
class SpeechNetwork(AbstractSubProcessModel):
    """``Loudness``, the transposed ``Sparse``, ``Selection``; a ``Dense`` keeps ``go`` in step."""

    def __init__(self, proc: AbstractProcess) -> None:
        p = proc.proc_params
        patterns, neurons = p["synapses"].shape
        self.loudness = Loudness(patterns=patterns)
        self.synapses = Sparse(
            weights=p["synapses"].T.tocsr(), num_message_bits=16, sign_mode=SignMode.EXCITATORY
        )
        self.relay = Dense(weights=np.ones((1, 1), np.int32), num_message_bits=24)
        self.selection = Selection(neurons=neurons, winners=p["winners"])
        proc.in_ports.s_in.connect(self.loudness.in_ports.s_in)
        proc.in_ports.go_in.connect(self.loudness.in_ports.go_in)
        self.loudness.out_ports.s_out.connect(self.synapses.in_ports.s_in)
        self.loudness.out_ports.go_out.connect(self.relay.in_ports.s_in)
        self.synapses.out_ports.a_out.connect(self.selection.in_ports.a_in)
        self.relay.out_ports.a_out.connect(self.selection.in_ports.go_in)
        self.selection.out_ports.code_out.connect(proc.out_ports.s_out)
        self.selection.out_ports.go_out.connect(proc.out_ports.go_out)


@implements(proc=Speech, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SpeechModel(PyLoihiProcessModel):
    """Adds up the rows of those that speak."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    w_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._neurons = PatternNeurons(proc_params["synapses"], proc_params["occupied"])
        self._winners = proc_params["winners"]
        self._silence = np.zeros(proc_params["synapses"].shape[1], np.int32)

    def run_spk(self) -> None:
        latencies, go, change = self.s_in.recv(), self.go_in.recv(), self.w_in.recv()
        self._neurons.change(change)
        code = self._silence
        if go[0]:
            won = np.flatnonzero(latencies)
            code = np.zeros_like(self._silence)
            code[highest(self._neurons.bits.speech(won, latencies[won]), self._winners)] = 1
        self.s_out.send(code)
        self.go_out.send(go)
