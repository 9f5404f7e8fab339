"""Parameters and constants of the law of associations."""

import math
from dataclasses import replace
from typing import Any

import pytest

from engram.arch.associations import (
    LARGEST_IMPORTANCE,
    LARGEST_STRENGTH,
    PRESETS,
    SETTLING_WINNERS,
    Association,
    association_by_name,
    decay_table,
    initial_strength,
    settling_weight,
)

SMALL = Association(neurons=256, sources=8, winners=24, spikes=40, candidates=16, ramp=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("neurons", 100),
        ("neurons", 0),
        ("neurons", 1 << 17),
        ("sources", 0),
        ("sources", 257),
        ("winners", 0),
        ("winners", 129),
        ("spikes", 0),
        ("spikes", 129),
        ("candidates", SETTLING_WINNERS - 1),
        ("levels", 0),
        ("levels", 16),
        ("ramp", -1),
        ("ramp", 4),  # 24 is no multiple of 16
        ("number", 2),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=rf"{field} .*must be|{field}\) must|ramp = "):
        replace(SMALL, **{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("neurons", 256.0), ("winners", True), ("signed", 1), ("rerank", None)]
)
def test_a_parameter_of_a_wrong_type_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{field} must be"):
        replace(SMALL, **{field: value})


def test_presets_are_sparse_and_found_by_name() -> None:
    for name, preset in PRESETS.items():
        assert association_by_name(name) is preset
        assert preset.winners * 10 <= preset.neurons
    with pytest.raises(ValueError, match=r"preset must be one of default, .*, not 'best'"):
        association_by_name("best")


def test_the_race_lasts_until_the_lowest_potential_fires() -> None:
    assert SMALL.threshold == 24
    assert SMALL.last_latency == 24
    assert replace(SMALL, levels=3).last_latency == 72


def test_the_decay_table_holds_rounded_powers_of_two() -> None:
    table = decay_table()
    assert [int(value) for value in table] == [round(2 ** (16 - i / 256)) for i in range(256)]


def test_the_first_winner_outspeaks_all_others_that_are_behind() -> None:
    assert settling_weight(0) > (SETTLING_WINNERS - 1) * settling_weight(1)
    assert settling_weight(1) > 0
    assert settling_weight(1 << 20) == 0


def test_strength_begins_in_the_middle_and_rises_with_importance() -> None:
    strengths = [initial_strength(value) for value in range(LARGEST_IMPORTANCE + 1)]
    assert strengths == sorted(strengths)
    assert strengths[0] > 0
    assert strengths[-1] < LARGEST_STRENGTH


def test_sources_do_not_outnumber_the_inputs() -> None:
    assert SMALL.fan_in(3) == 3
    assert SMALL.fan_in(768) == 8
    assert math.isclose(SMALL.winners / SMALL.neurons, 0.09375)
