"""Running compiled models in one thread."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from lava.proc.dense.process import Dense

from lava_procs.completion.process import CodeLayer
from lava_procs.runtimes import RUNTIMES, InlineRuntime, run_config
from lava_procs.terminals.process import Readout, Stimulus
from lava_procs.winners.process import Winners


@pytest.mark.parametrize("runtime", ["inline", "lava"])
def test_a_standard_connection_delays_by_one_step(drive: Any, runtime: str) -> None:
    process = Dense(weights=np.array([[2, -4], [6, 0]]), num_message_bits=8)
    spikes = np.array([[1, 0], [0, 3], [0, 0]])
    found = drive(process, {"s_in": spikes}, ["a_out"], runtime=runtime)["a_out"]
    assert found.tolist() == [[0, 0], [2, 6], [-12, 0]]


def test_processes_that_wait_for_each_other_are_refused() -> None:
    one, other = Winners(patterns=1, last=1), Winners(patterns=1, last=1)
    one.s_out.connect(other.s_in)
    other.s_out.connect(one.s_in)
    with pytest.raises(RuntimeError, match="wait for each other within a step: Winners, Winners"):
        InlineRuntime(one, run_config("loihi2-sim", {}))


def test_a_message_that_nobody_sends_is_an_error_and_no_hang() -> None:
    stimulus, readout = Stimulus(width=1), Readout(width=1)
    stimulus.s_out.connect(readout.a_in)
    stimulus.go_out.connect(readout.go_in)
    running = InlineRuntime(stimulus, run_config("loihi1-sim", {}))
    with pytest.raises(RuntimeError, match="a message that nobody sends"):
        running.run(1)
    with pytest.raises(RuntimeError, match="no frame came"):
        running.receive(readout)


@pytest.mark.parametrize("runtime", ["inline", "lava"])
def test_processes_are_gone_when_their_circuit_is(runtime: str) -> None:
    weights = np.ones((2, 3), np.int32)

    def use() -> list[Any]:
        process = Dense(weights=weights)
        clock = Stimulus(width=3)
        clock.s_out.connect(process.s_in)
        running = RUNTIMES[runtime](clock, run_config("loihi2-sim", {}))
        running.send(clock, np.zeros(4))
        running.run(1)
        running.stop()
        return [weakref.ref(process), weakref.ref(process.weights)]

    kept = use()
    gc.collect()
    assert [reference() for reference in kept] == [None, None]


def test_feedback_is_taken_when_all_have_spiked() -> None:
    assert {"a_in", "y_in"} <= set(CodeLayer.late_ports)
    layer = CodeLayer(patterns=2, fan_out=[1, 1], period=1)
    stimulus, readout = Stimulus(width=2), Readout(width=2)
    stimulus.s_out.connect(layer.s_in)
    stimulus.go_out.connect(layer.go_in)
    layer.s_out.connect([layer.y_in, layer.a_in])
    layer.c_out.connect([layer.echo_in, layer.ready_in])
    layer.code_out.connect(readout.a_in)
    layer.go_out.connect(readout.go_in)
    running = InlineRuntime(stimulus, run_config("loihi2-sim", {}))
    answers = []
    for frame in ([1, 0, 1], [0, 0, 0]):
        running.send(stimulus, np.array(frame))
        running.run(1)
        answers.append(running.receive(readout).tolist())
    # Emitted, heard in the same step, and told in the next.
    assert answers == [[2, 0, 0], [1, 0, 1]]
