"""Recall through spiking devices, and how many synaptic events a cue costs anywhere."""

import statistics
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.association_data import WIDTH, Noise, cell_name, data, trial
from benchmarks.association_memory import ask, remembering
from benchmarks.association_tables import Section, Table
from benchmarks.harness import Figure, seconds
from engram.arch.associations import DEFAULT_PRESET, PRESETS
from engram.errors import EngramError

__all__ = ["loihi"]

PATTERNS = 1_000
NOISE: Noise = ("d", 0.1)
# Cues asked one by one and in a batch: as many as take seconds.
DEVICES = {"cpu": (200, 1_000), "loihi": (200, 1_000), "loihi-network": (5, 10),
           "loihi-nengo": (3, 5)}  # fmt: skip
ONE_CORE = "loihi-fit"  # a Loihi 1 has no graded spikes and smaller cores
GOALS = {"loihi": (1_000, 2_000), "loihi-network": (5, None)}
LONGEST_START = 2.0


def loihi() -> Section:
    """Measure every device that can be had at 1,000 patterns, and events at several sizes."""
    table = Table(
        "loihi",
        ("device", "preset", "start, s", "write 1,000, s", "single, recalls/s",
         "batched, recalls/s", "answers equal cpu's", "synaptic events a cue"),
    )  # fmt: skip
    table.note(
        f"{PATTERNS:,} patterns of width {WIDTH}; cues with noise {cell_name(NOISE)}. *Start* is "
        "the first pattern, worker and all; devices other than cpu run in one worker process."
    )
    section = Section([table, energy()])
    x = data("Gaussian", PATTERNS)
    cues = trial(x, NOISE, PATTERNS).cues
    for preset in (DEFAULT_PRESET, ONE_CORE):
        with remembering(x, preset) as memory:
            truth = ask(memory, cues, k=3).best
        for device in DEVICES:
            if device == "loihi-nengo" and preset != ONE_CORE:
                continue
            try:
                _measure(section, device, preset, x, cues, truth)
            except EngramError as error:
                table.add(device, preset, f"not here: {error}", *[None] * 5)
    return section


def _measure(
    section: Section,
    device: str,
    preset: str,
    x: NDArray[np.float32],
    cues: NDArray[np.float32],
    truth: NDArray[np.int64],
) -> None:
    singles, batch = DEVICES[device]
    started = time.perf_counter()
    memory = remembering(x[:1], preset, device=device)
    memory.recall(cues[0])
    start = time.perf_counter() - started
    with memory:
        write = seconds(lambda: memory.remember([str(i) for i in range(len(x))], x))
        answers = ask(memory, cues[:batch], k=3).best
        if not (answers == truth[:batch]).all():
            raise RuntimeError(f"{device} and cpu must agree on {preset}")
        before = _events(memory)
        taken = [seconds(lambda cue=cue: memory.recall(cue, k=3)) for cue in cues[:singles]]
        single = 1 / statistics.median(taken)
        rounds = [seconds(lambda: memory.recall(cues[:batch], k=3)) for _ in range(3)]
        batched = batch / statistics.median(rounds)
        each = (_events(memory) - before) / (singles + 3 * batch)
    section.tables[0].add(
        device,
        preset,
        start,
        write,
        round(single, 1),
        round(batched, 1),
        f"{batch} of {batch}",
        round(each),
    )
    if device in GOALS and preset == DEFAULT_PRESET:
        least, least_batched = GOALS[device]
        name = f"`{device}`, {PATTERNS:,} patterns"
        section.figures.append(
            Figure(f"{name}: recalls", single, "/s", goal=f"≥ {least:,}/s", met=single >= least)
        )
        if least_batched:
            section.figures.append(
                Figure(
                    f"{name}: recalls, batched", batched, "/s", goal=f"≥ {least_batched:,}/s",
                    met=batched >= least_batched,
                )
            )  # fmt: skip
        section.figures.append(
            Figure(
                f"`{device}`: start to the first recall", start, "s",
                goal=f"≤ {LONGEST_START:g} s", met=start <= LONGEST_START,
            )
        )  # fmt: skip


def energy() -> Table:
    """Return synaptic events and multiply-adds a cue, counted, beside those of exact search."""
    table = Table(
        "energy",
        ("preset", "patterns", "spikes a cue", "synaptic events a cue", "encoder additions",
         "re-rank multiply-adds", "multiply-adds of exact search", "events / exact"),
    )  # fmt: skip
    table.note(
        "Counted by device cpu, not estimated. *Encoder additions* are its signed inputs, m * s. "
        "An event adds a number of some bits to a counter; a multiply-add of exact search "
        "multiplies float32 numbers. What either costs in joules depends on the chip."
    )
    for preset, law in PRESETS.items():
        for count in (1_000, 10_000):
            x = data("Gaussian", count)
            cues = trial(x, NOISE, 200).cues
            with remembering(x, preset) as memory:
                memory.recall(cues)
                found = memory.report().associations
            exact = count * WIDTH
            events = found.synaptic_events / found.cues
            table.add(
                preset, count, round(found.spikes / found.cues), round(events),
                law.neurons * law.fan_in(WIDTH), round(found.multiply_adds / found.cues), exact,
                events / exact,
            )  # fmt: skip
    return table


def _events(memory: Any) -> int:
    return int(memory.report().associations.synaptic_events)
