"""Drives single Lava processes; collected only where there is Lava, which the host has not."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

if find_spec("lava") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    settings.register_profile(
        "lava_procs",
        deadline=None,
        max_examples=25,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("lava_procs")

Frames = dict[str, Any]


@pytest.fixture
def drive() -> Iterator[Callable[..., Frames]]:
    """Return a function that runs one process: rows of input by port in, rows of output out."""
    from lava_procs.circuits import NETWORKS
    from lava_procs.runtimes import RUNTIMES, run_config
    from lava_procs.terminals.process import Readout, Stimulus

    started = []

    def run(
        process: Any,
        inputs: Frames,
        outputs: list[str],
        *,
        network: bool = False,
        runtime: str = "inline",
    ) -> Frames:
        """Give ``inputs`` (steps, width) step by step; return ``outputs`` likewise."""
        steps = len(next(iter(inputs.values())))
        clock = Stimulus(width=1)
        stimuli = {name: Stimulus(width=rows.shape[1]) for name, rows in inputs.items()}
        readouts = {}
        for name, stimulus in stimuli.items():
            stimulus.s_out.connect(getattr(process, name))
        for name in outputs:
            port = getattr(process, name)
            readouts[name] = Readout(width=port.shape[0])
            port.connect(readouts[name].a_in)
            clock.go_out.connect(readouts[name].go_in)
        config = run_config("loihi2-sim", NETWORKS if network else {})
        running = RUNTIMES[runtime](clock, config)
        started.append(running)
        found: Frames = {name: [] for name in outputs}
        for step in range(steps):
            running.send(clock, np.array([1, 0]))
            for name, rows in inputs.items():
                running.send(stimuli[name], np.concatenate([[0], rows[step]]))
            running.run(1)
            for name in outputs:
                found[name].append(running.receive(readouts[name])[1:])
        return {name: np.array(rows) for name, rows in found.items()}

    yield run
    for running in started:
        running.stop()


@pytest.fixture
def rng() -> np.random.Generator:
    """Randomness that is the same in every run."""
    return np.random.default_rng(20240607)
