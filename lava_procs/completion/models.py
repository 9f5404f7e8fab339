"""Models of completion: the loop of processes, and the loop within a step."""

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

from lava_procs.completion.process import (
    SETTLING_STEPS,
    SETTLING_WINNERS,
    STATE,
    CodeLayer,
    Completion,
)
from lava_procs.race.process import Race
from lava_procs.selection import highest
from lava_procs.speech.process import Speech
from lava_procs.synapses import PatternNeurons

__all__ = ["CodeLayerModel", "CompletionModel", "CompletionNetwork"]


@implements(proc=CodeLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class CodeLayerModel(PyLoihiProcessModel):
    """Emits in the spiking phase, listens in the management phase."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    ready_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    y_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    echo_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    c_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    code_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    state_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._fan_out = proc_params["fan_out"]
        self._period = proc_params["period"]
        self._silence = np.zeros(len(self._fan_out), np.int32)
        self._code = self._silence
        self._state = np.zeros(STATE, np.int64)
        self._waiting = self._settled = False

    def run_spk(self) -> None:
        code, go = self.s_in.recv(), self.go_in.recv()
        if go[0]:
            self._code = code
            self._state[:] = 0
            self._state[1] = go[0] - 1
            self._waiting = True
        emits = self._waiting and (self.time_step - 1) % self._period == 0
        if emits:
            spikes = np.count_nonzero(self._code)
            self._state[3:] += (1, spikes, self._code @ self._fan_out)
            self._waiting = False
        self.s_out.send(self._code if emits else self._silence)
        self.c_out.send(np.array([SETTLING_WINNERS * emits], np.int32))
        reports = self.time_step % self._period == 0
        answers = reports and self._settled
        self.code_out.send(self._code if answers else self._silence)
        self.state_out.send(self._state if answers else np.zeros(STATE, np.int32))
        self.go_out.send(np.array([reports * (1 if answers else 2)], np.int32))
        self._settled &= not reports

    def post_guard(self) -> bool:
        return True

    def run_post_mgmt(self) -> None:
        latencies, ready = self.a_in.recv(), self.ready_in.recv()
        code, echo = self.y_in.recv(), self.echo_in.recv()
        if ready[0]:
            won = np.flatnonzero(latencies)
            self._state[0] = 1 + won[np.argmin(latencies[won])]
        if echo[0]:
            self._state[1] += 1
            self._state[2] = np.array_equal(code, self._code)
            self._code = code
            self._settled = bool(self._state[2]) or self._state[1] >= SETTLING_STEPS
            self._waiting = not self._settled


@implements(proc=Completion, protocol=LoihiProtocol)
@tag("network")
class CompletionNetwork(AbstractSubProcessModel):
    """``CodeLayer``, ``Race`` and ``Speech`` in a loop."""

    def __init__(self, proc: AbstractProcess) -> None:
        p = proc.proc_params
        synapses, occupied, winners = p["synapses"], p["occupied"], p["winners"]
        self.code_layer = CodeLayer(
            patterns=len(occupied),
            fan_out=np.asarray(synapses.sum(axis=0)).ravel(),
            period=p["period"],
        )
        self.race = Race(
            synapses=synapses,
            occupied=occupied,
            threshold=winners,
            ramp=0,
            arrival=1,
            period=p["period"],
        )
        self.speech = Speech(synapses=synapses, occupied=occupied, winners=winners)
        inputs, outputs = self.code_layer.in_ports, self.code_layer.out_ports
        proc.in_ports.s_in.connect(inputs.s_in)
        proc.in_ports.go_in.connect(inputs.go_in)
        outputs.s_out.connect(self.race.in_ports.s_in)
        outputs.c_out.connect(self.race.in_ports.go_in)
        self.race.out_ports.s_out.connect([inputs.a_in, self.speech.in_ports.s_in])
        self.race.out_ports.go_out.connect([inputs.ready_in, self.speech.in_ports.go_in])
        self.speech.out_ports.s_out.connect(inputs.y_in)
        self.speech.out_ports.go_out.connect(inputs.echo_in)
        outputs.code_out.connect(proc.out_ports.code_out)
        outputs.state_out.connect(proc.out_ports.state_out)
        outputs.go_out.connect(proc.out_ports.go_out)


@implements(proc=Completion, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class CompletionModel(PyLoihiProcessModel):
    """Settles within a step."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    go_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    w_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    code_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    state_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    go_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._neurons = PatternNeurons(proc_params["synapses"], proc_params["occupied"])
        self._winners = proc_params["winners"]
        self._silence = np.zeros(proc_params["synapses"].shape[1], np.int32)

    def run_spk(self) -> None:
        code, go, change = self.s_in.recv(), self.go_in.recv(), self.w_in.recv()
        self._neurons.change(change)
        state = np.zeros(STATE, np.int64)
        if go[0]:
            code, state = self._settled(code, int(go[0]) - 1)
        else:
            code = self._silence
        self.code_out.send(code)
        self.state_out.send(state)
        self.go_out.send(np.minimum(go, 1))

    def _settled(self, code: Any, steps: int) -> tuple[Any, Any]:
        cues = spikes = events = 0
        while True:
            potentials = self._neurons.bits.potentials(code)
            cues += 1
            spikes += np.count_nonzero(code)
            events += int(potentials.sum())
            first, latencies = self._neurons.first(potentials, SETTLING_WINNERS, self._winners, 0)
            settled = np.zeros_like(self._silence)
            heard = self._neurons.bits.speech(first, latencies)
            settled[highest(heard, self._winners)] = 1
            steps += 1
            same = np.array_equal(settled, code)
            if same or steps >= SETTLING_STEPS:
                state = (1 + int(first[0]), steps, same, cues, spikes, events)
                return settled, np.array(state, np.int64)
            code = settled
