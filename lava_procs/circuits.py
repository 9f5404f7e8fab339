"""Circuits: processes wired between stimuli and readouts, one kind for each thing asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_procs.completion.models import CompletionNetwork
from lava_procs.completion.process import STATE, Completion
from lava_procs.consolidation.models import ConsolidationNetwork
from lava_procs.consolidation.process import PERIOD, Consolidation
from lava_procs.encoder.models import EncoderNetwork
from lava_procs.encoder.process import Encoder
from lava_procs.learning.process import Learning
from lava_procs.race.models import RaceNetwork
from lava_procs.race.process import Race
from lava_procs.recall.models import RecallNetwork
from lava_procs.recall.process import LARGEST_POTENTIAL, Recall
from lava_procs.runtimes import RUNTIMES, Runtime, run_config
from lava_procs.speech.models import SpeechNetwork
from lava_procs.speech.process import Speech
from lava_procs.terminals.process import BUFFERED, Readout, Stimulus

__all__ = ["MODELS", "NETWORKS", "Circuit", "Circuits", "Projecting", "Synapses"]

MODELS = ("fixed_pt", "network")
NETWORKS: dict[type, type] = {
    Completion: CompletionNetwork,
    Consolidation: ConsolidationNetwork,
    Encoder: EncoderNetwork,
    Race: RaceNetwork,
    Recall: RecallNetwork,
    Speech: SpeechNetwork,
}
_LONGEST = 9  # periods that an answer may take: 8 steps of settling, and one to be told of it

Frames = NDArray[np.int32]


@dataclass(frozen=True)
class Projecting:
    """How embeddings become codes and cues: the parameters of ``Encoder``."""

    sources: NDArray[np.int32]
    signs: NDArray[np.int8]
    width: int
    winners: int
    spikes: int
    signed: bool
    levels: int
    ramp: int

    @property
    def neurons(self) -> int:
        """Code neurons."""
        return len(self.sources)


@dataclass(frozen=True)
class Synapses:
    """Patterns at one moment: ``weights`` scipy csr (n, m) of ones, ``occupied`` bool (n,)."""

    weights: Any
    occupied: NDArray[np.bool_]


class Circuit:
    """Answers frames with frames, in order; a frame is int32, ``go`` first.

    Every period in which a frame with ``go`` was sent has one answer at each readout. A circuit
    that ``loops`` answers in every period, and ``go`` is 2 while it is not done.
    """

    def __init__(
        self,
        runtime: Runtime,
        stimuli: dict[str, Stimulus],
        readouts: dict[str, Readout],
        period: int,
        loops: bool,
    ) -> None:
        self._runtime = runtime
        self._stimuli = stimuli
        self._readouts = readouts
        self._period = period
        self._loops = loops
        self._chunk = 1 if loops else BUFFERED
        self._silence = {
            name: np.zeros(stimulus.frame_in.shape, np.int32) for name, stimulus in stimuli.items()
        }

    def ask(self, **frames: Frames) -> dict[str, list[Frames]]:
        """Send rows of frames, for every stimulus named as many, and return the answers to each."""
        count = len(next(iter(frames.values())))
        answers: dict[str, list[Frames]] = {name: [] for name in self._readouts}
        for start in range(0, count, self._chunk):
            end = min(start + self._chunk, count)
            for place in range(start, end):
                self._send({name: rows[place] for name, rows in frames.items()})
            self._runtime.run((end - start) * self._period)
            self._collect(answers, end - start)
        return answers

    def tell(self, **frames: Frames) -> None:
        """Send rows of frames that have no answer."""
        for start in range(0, len(next(iter(frames.values()))), BUFFERED):
            sent = {name: rows[start : start + BUFFERED] for name, rows in frames.items()}
            count = len(next(iter(sent.values())))
            for place in range(count):
                self._send({name: rows[place] for name, rows in sent.items()})
            self._runtime.run(count * self._period)

    def stop(self) -> None:
        """End the circuit."""
        self._runtime.stop()

    def _send(self, frames: dict[str, Frames]) -> None:
        for name, stimulus in self._stimuli.items():
            self._runtime.send(stimulus, frames.get(name, self._silence[name]))

    def _collect(self, answers: dict[str, list[Frames]], count: int) -> None:
        for _ in range(_LONGEST):
            frames = {
                name: [self._runtime.receive(readout) for _ in range(count)]
                for name, readout in self._readouts.items()
            }
            if not self._loops or all(found[0][0] == 1 for found in frames.values()):
                for name, found in frames.items():
                    answers[name] += found
                return
            self._send({})
            self._runtime.run(self._period)
        raise RuntimeError(f"no answer within {_LONGEST} periods of {self._period} steps")


class Circuits:
    """Makes circuits of one kind of models on one runtime.

    Args:
        projecting: how embeddings become codes.
        models: "fixed_pt", the event-driven models, or "network", graphs of standard processes.
        config: the name of a run configuration, one of ``CONFIGS``.
        runtime: "inline" or "lava".
    """

    def __init__(self, projecting: Projecting, models: str, config: str, runtime: str) -> None:
        if models not in MODELS:
            raise ValueError(f"models must be one of {', '.join(MODELS)}, not {models!r}")
        if runtime not in RUNTIMES:
            raise ValueError(f"runtime must be one of {', '.join(RUNTIMES)}, not {runtime!r}")
        self.network = models == "network"
        largest = projecting.spikes * projecting.levels
        if self.network and largest > LARGEST_POTENTIAL:
            raise ValueError(
                f"spikes * levels must be at most {LARGEST_POTENTIAL}, where u of Loihi wraps, "
                f"not {largest!r}"
            )
        self._law = projecting
        self._config = run_config(config, NETWORKS if self.network else {})
        self._runtime = RUNTIMES[runtime]

    def encoding(self) -> Circuit:
        """``vectors`` (1 + d) -> ``codes`` (1 + m)."""
        source, encoder = self._encoder(2)
        codes = Readout(width=self._law.neurons)
        encoder.code_out.connect(codes.a_in)
        encoder.go_out.connect(codes.go_in)
        return self._made({"vectors": source}, {"codes": codes}, 2)

    def learning(self, permanences: NDArray[np.uint8]) -> Circuit:
        """``codes`` (1 + m), ``gates`` (1 + 2) -> ``rows`` (1 + m)."""
        codes, gates = Stimulus(width=self._law.neurons), Stimulus(width=2)
        process = Learning(neurons=self._law.neurons, permanences=permanences)
        rows = Readout(width=self._law.neurons)
        codes.s_out.connect(process.s_in)
        gates.s_out.connect(process.gate_in)
        process.w_out.connect(rows.a_in)
        process.go_out.connect(rows.go_in)
        return self._started({"codes": codes, "gates": gates}, {"rows": rows}, 1, False)

    def race(self, synapses: Synapses) -> Circuit:
        """``vectors`` (1 + d), go = count -> ``first`` (1 + n) latencies + 1, ``cues`` (1 + m)."""
        law = self._law
        threshold = law.winners * law.levels
        period = Race.period_of(threshold, law.ramp, law.signed)
        source, encoder = self._encoder(period)
        process = Race(
            **self._of(synapses),
            threshold=threshold,
            ramp=law.ramp,
            signed=law.signed,
            levels=law.levels,
        )
        first, cues = Readout(width=len(synapses.occupied)), Readout(width=law.neurons)
        encoder.s_out.connect([process.s_in, cues.a_in])
        encoder.go_out.connect([process.go_in, cues.go_in])
        process.s_out.connect(first.a_in)
        process.go_out.connect(first.go_in)
        readouts = {"first": first, "cues": cues}
        return self._made({"vectors": source}, readouts, period, process)

    def code_race(self, synapses: Synapses) -> Circuit:
        """``codes`` (1 + m), go = count -> ``first`` (1 + n) latencies + 1."""
        period = Race.period_of(self._law.winners, 0, False)
        process = Race(**self._of(synapses), threshold=self._law.winners, ramp=0, arrival=1)
        return self._plain(process, "codes", self._law.neurons, "first", period)

    def speech(self, synapses: Synapses) -> Circuit:
        """``deficits`` (1 + n) + 1 -> ``codes`` (1 + m)."""
        process = Speech(**self._of(synapses), winners=self._law.winners)
        return self._plain(process, "deficits", len(synapses.occupied), "codes", 2)

    def completion(self, synapses: Synapses) -> Circuit:
        """``codes`` (1 + m), go = 1 + steps done -> ``codes`` (1 + m), ``states`` (1 + 6)."""
        law = self._law
        period = Completion.period_of(law.winners)
        source = Stimulus(width=law.neurons, period=self._period(period))
        process = Completion(**self._of(synapses), winners=law.winners)
        codes, states = Readout(width=law.neurons), Readout(width=STATE)
        source.s_out.connect(process.s_in)
        source.go_out.connect(process.go_in)
        process.code_out.connect(codes.a_in)
        process.state_out.connect(states.a_in)
        process.go_out.connect([codes.go_in, states.go_in])
        readouts = {"codes": codes, "states": states}
        # A code that settles may take several ways round, so that the next one has to wait.
        return self._made({"codes": source}, readouts, period, process, loops=self.network)

    def consolidation(self, synapses: Synapses) -> Circuit:
        """``cues`` (1 + m), go = 1 + overlap; ``strengths`` (1 + n) -> ``judged`` (1 + n)."""
        period = self._period(PERIOD)
        cues = Stimulus(width=self._law.neurons, period=period)
        strengths = Stimulus(width=len(synapses.occupied), period=period)
        process = Consolidation(**self._of(synapses), winners=self._law.winners)
        judged = Readout(width=len(synapses.occupied))
        cues.s_out.connect(process.s_in)
        cues.go_out.connect(process.go_in)
        strengths.s_out.connect(process.strength_in)
        process.s_out.connect(judged.a_in)
        process.go_out.connect(judged.go_in)
        stimuli = {"cues": cues, "strengths": strengths}
        return self._made(stimuli, {"judged": judged}, PERIOD, process)

    def _period(self, period: int) -> int:
        return period if self.network else 1

    def _of(self, synapses: Synapses) -> dict[str, Any]:
        return {"synapses": synapses.weights, "occupied": synapses.occupied}

    def _encoder(self, period: int) -> tuple[Stimulus, Encoder]:
        law = self._law
        source = Stimulus(width=law.width, period=self._period(period))
        encoder = Encoder(
            sources=law.sources,
            signs=law.signs,
            width=law.width,
            winners=law.winners,
            spikes=law.spikes,
            signed=law.signed,
            levels=law.levels,
        )
        source.s_out.connect(encoder.s_in)
        source.go_out.connect(encoder.go_in)
        return source, encoder

    def _plain(self, process: Any, stimulus: str, width: int, readout: str, period: int) -> Circuit:
        """Return a circuit of one process with ``s_in`` and ``s_out``."""
        source = Stimulus(width=width, period=self._period(period))
        answers = Readout(width=process.s_out.shape[0])
        source.s_out.connect(process.s_in)
        source.go_out.connect(process.go_in)
        process.s_out.connect(answers.a_in)
        process.go_out.connect(answers.go_in)
        return self._made({stimulus: source}, {readout: answers}, period, process)

    def _made(
        self,
        stimuli: dict[str, Stimulus],
        readouts: dict[str, Readout],
        period: int,
        patterns: Any = None,
        loops: bool = False,
    ) -> Circuit:
        """Start a circuit; event-driven pattern neurons get a stimulus for changed ``rows``."""
        if patterns is not None and not self.network:
            stimuli["rows"] = Stimulus(width=patterns.w_in.shape[0])
            stimuli["rows"].s_out.connect(patterns.w_in)
        return self._started(stimuli, readouts, self._period(period), loops)

    def _started(
        self,
        stimuli: dict[str, Stimulus],
        readouts: dict[str, Readout],
        period: int,
        loops: bool,
    ) -> Circuit:
        make: Callable[..., Runtime] = self._runtime
        runtime = make(next(iter(stimuli.values())), self._config)
        return Circuit(runtime, stimuli, readouts, period, loops)
