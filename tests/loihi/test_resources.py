"""Counts of cores are those of nengo-loihi's validation; estimates are sums of what they name."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from engram.arch.associations import PRESETS, Association
from engram.cli.app import app
from engram.loihi.resources import CONSTANTS, COSINE, CUES, SAMPLE, _embeddings, loihi_report
from engram.numpy_associations import encode, projection, quantise
from lava_procs.cores import COMPARTMENTS, IN_AXONS, SYNAPSE_BITS, axon_groups, pack
from sim.golden.associations import GoldenAssociations
from tests.loihi import programs

ROOT = Path(__file__).parents[2]
SMALL = Association(neurons=1024, sources=4, winners=48, spikes=64, candidates=8, levels=5)

# Built from the same codes by nengo-loihi, whose validation of each core raises if it is illegal.
BUILD = """
import json, sys
import numpy as np
from lava_procs.nengo_network import CoreNetwork
rows, neurons, signed, levels = json.load(sys.stdin)
rows = [np.array(row) for row in rows]
network = CoreNetwork(rows, neurons=neurons, signed=signed, levels=levels)
print(json.dumps([
    [block.n_neurons, *(int(used) for used, most in block.utilization().values())]
    for block in network.blocks
]))
"""


def codes(law: Association, patterns: int) -> np.ndarray:
    vectors = quantise(np.random.default_rng(7).standard_normal((patterns, 768)))
    return encode(vectors, projection(law, 3, 768), law)


@pytest.mark.parametrize(
    ("law", "patterns", "cores"),
    [(PRESETS["loihi-fit"], 1000, 1), (PRESETS["default"], 10, 4), (SMALL, 150, 7)],
    ids=["loihi-fit", "default", "graded"],
)
def test_packed_cores_are_those_that_nengo_loihi_finds_legal(
    law, patterns, cores, nengo_python
) -> None:
    rows = codes(law, patterns)
    packed = pack(list(rows), law.neurons, len(axon_groups(law.signed, law.levels)))
    done = subprocess.run(
        [nengo_python, "-W", "ignore", "-c", BUILD],
        input=json.dumps([rows.tolist(), law.neurons, law.signed, law.levels]),
        env=programs.environment(str(ROOT)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    expected = [
        [core.patterns, core.patterns, core.in_axons, 0, core.synapse_bits] for core in packed
    ]
    assert json.loads(done.stdout) == expected
    assert len(packed) == cores


def test_a_thousand_patterns_of_the_preset_fit_one_core() -> None:
    report = loihi_report(PRESETS["loihi-fit"], 1000, 768)
    assert report.cores == 1
    assert report.sampled == report.patterns_per_core == 1000
    assert report.in_axons_per_core <= IN_AXONS
    assert report.synapse_bits_per_core <= SYNAPSE_BITS
    assert report.synapses_per_core == 1000 * 32 * 2  # an axon for each sign


def test_a_core_is_full_at_whichever_limit_comes_first() -> None:
    few = [np.array([0])] * (COMPARTMENTS + 1)
    assert [core.patterns for core in pack(few, 64, 1)] == [COMPARTMENTS, 1]
    wide = [np.arange(3000) + 1000 * i for i in range(3)]
    assert [(core.patterns, core.in_axons) for core in pack(wide, 8192, 1)] == [
        (2, 4000),
        (1, 3000),
    ]
    dense = [np.arange(4000)] * 40
    first, *_ = pack(dense, 4096, 1)
    assert first.patterns < 40
    assert first.synapse_bits <= SYNAPSE_BITS
    with pytest.raises(ValueError, match="a pattern must fit a core of 4096 axons"):
        pack([np.arange(4097)], 8192, 1)
    assert pack([], 64, 1) == []


def test_more_patterns_than_are_drawn_are_counted_in_proportion() -> None:
    law = PRESETS["loihi-fit"]
    drawn, more = (loihi_report(law, patterns, 96) for patterns in (SAMPLE, 100 * SAMPLE))
    assert more.sampled == SAMPLE
    assert more.synaptic_events == pytest.approx(100 * drawn.synaptic_events)
    assert more.cores * more.patterns_per_core >= more.patterns
    assert (more.cores - 1) * more.patterns_per_core < more.patterns
    assert more.steps < drawn.steps  # as many candidates are found among more
    assert more.steps_to_first == drawn.steps_to_first


def test_energy_is_the_sum_of_its_parts_and_time_the_steps() -> None:
    report = loihi_report(SMALL, 300, 64)
    for i, step in enumerate(("step_shortest", "step_longest")):
        parts = report.synaptic_energy + report.neuron_energy + report.spike_energy
        assert report.energy[i] == pytest.approx(parts + report.static_energy[i])
        assert report.time[i] == pytest.approx(report.steps * CONSTANTS[step].value)
        assert report.time_to_first[i] == pytest.approx(
            report.steps_to_first * CONSTANTS[step].value
        )
    assert report.neuron_energy == pytest.approx(300 * report.steps * 81e-12)
    assert report.synaptic_energy == pytest.approx(report.synaptic_events * 23.6e-12)
    assert report.chips == report.cores / 128


def test_counts_of_a_query_are_those_of_the_golden_model() -> None:
    law = Association(neurons=256, sources=4, winners=32, spikes=40, candidates=9, ramp=2)
    report = loihi_report(law, 30, 48)
    golden = GoldenAssociations(law, 0, 48)
    patterns = _embeddings(0, 30, 48)
    golden.write(np.arange(30), quantise(patterns))
    noise = _embeddings(SAMPLE, CUES, 48)
    cues = quantise(COSINE * patterns[:CUES] + (1 - COSINE**2) ** 0.5 * noise)
    recalls = golden.recall(cues, 9)
    assert report.spikes == golden.counters.spikes / CUES
    assert report.synaptic_events == golden.counters.synaptic_events / CUES
    assert report.steps_to_first == 1 + recalls.latencies.min(axis=1).mean()
    assert report.steps == 1 + recalls.latencies.max(axis=1).mean()


@pytest.mark.parametrize(
    ("patterns", "width", "error"),
    [(0, 8, ValueError), (1.5, 8, TypeError), (True, 8, TypeError), (1, 0, ValueError)],
)
def test_a_wrong_size_is_refused(patterns, width, error) -> None:
    with pytest.raises(error, match="must be"):
        loihi_report(SMALL, patterns, width)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["loihi-report", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_prints_counts_estimates_and_where_they_come_from() -> None:
    printed = run("--patterns", "40", "--width", "64")
    assert "40 patterns of 64 dimensions, preset loihi-fit: cores of Loihi 1: 1" in printed
    for text in ("1,048,576", "estimated", "Davies et al.", "Frady et al.", "Not in these"):
        assert text in printed


def test_the_command_prints_the_report_as_json() -> None:
    printed = json.loads(run("-n", "40", "-w", "64", "-p", "default", "--json"))
    report = loihi_report(PRESETS["default"], 40, 64)
    assert printed["preset"] == "default"
    assert printed["estimates"] is True
    assert printed["cores"] == report.cores
    assert printed["energy"] == list(report.energy)
    assert set(printed["constants"]) == set(CONSTANTS)


def test_an_unknown_preset_is_wrong_use() -> None:
    result = CliRunner().invoke(app, ["loihi-report", "--preset", "huge"])
    assert result.exit_code == 2
    assert "preset must be one of default, loihi-fit, precise, not 'huge'" in result.stderr
