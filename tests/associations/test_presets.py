"""The parameters of the law, the width and the device are chosen once and then stay."""

import logging

import numpy as np
import pytest

import engram
from engram.arch.associations import PRESETS
from engram.config import MemoryConfig
from tests.associations.content import LAW, WIDTH, embeddings, names


@pytest.mark.parametrize("preset", [*PRESETS])
def test_a_preset_is_asked_for_by_name(preset) -> None:
    with engram.open(preset=preset, associations="golden") as memory:
        assert memory.associations.preset == preset
        assert memory.associations.association == PRESETS[preset]
        assert memory.associations.device == "golden"


def test_parameters_of_ones_own_are_custom() -> None:
    with engram.open(preset=LAW, associations="golden") as memory:
        assert memory.associations.preset == "custom"
        assert memory.associations.association == LAW
    with engram.open(preset=PRESETS["precise"]) as memory:
        assert memory.associations.preset == "precise"


def test_a_wrong_preset_is_refused() -> None:
    with pytest.raises(ValueError, match="preset must be one of default, loihi-fit, precise, not"):
        engram.open(preset="best")
    with pytest.raises(TypeError, match="preset must be a name or an Association, not 3"):
        engram.open(preset=3)


@pytest.mark.parametrize("width", [0, 65537])
def test_a_wrong_width_is_refused(width) -> None:
    with pytest.raises(ValueError, match=r"embedding_width must be in 1\.\.65536"):
        engram.open(embedding_width=width)


def test_settings_may_come_from_variables() -> None:
    environ = {
        "ENGRAM_PRESET": "precise", "ENGRAM_EMBEDDING_WIDTH": "384", "ENGRAM_ASSOCIATIONS": "cpu",
    }  # fmt: skip
    config = MemoryConfig.load(environ=environ)
    assert (config.preset, config.embedding_width, config.associations) == ("precise", 384, "cpu")


def test_the_width_can_be_fixed_beforehand(make) -> None:
    memory = make(embedding_width=WIDTH)
    assert memory.associations.width == WIDTH
    with pytest.raises(ValueError, match=f"embedding must have {WIDTH} dimensions, not 3"):
        memory.remember("a", np.ones(3))
    with pytest.raises(ValueError, match=f"cue must have {WIDTH} dimensions, not 3"):
        memory.recall(np.ones(3))
    memory.remember(names(3), embeddings(3))


def test_the_first_embedding_fixes_the_width(make) -> None:
    memory = make()
    assert memory.associations.width is None
    assert memory.recall(np.ones(9)) == []
    memory.remember("a", np.ones(3))
    with pytest.raises(ValueError, match="embedding must have 3 dimensions, not 4"):
        memory.remember("b", np.ones(4))


def test_a_directory_keeps_its_parameters_and_its_width(make, tmp_path) -> None:
    place = tmp_path / "memory"
    with make(place) as memory:
        memory.remember(names(3), embeddings(3))
    for settings in (
        {"preset": "precise"},
        {"preset": "default"},
        {"preset": LAW, "embedding_width": WIDTH + 1},
    ):
        with pytest.raises(engram.VersionMismatch, match="the patterns"):
            make(place, **settings)
        with pytest.raises(engram.VersionMismatch, match="the patterns"):
            make(place, **settings, read_only=True)
    with make(place, preset=None, embedding_width=WIDTH) as memory:
        assert memory.associations.association == LAW
        assert memory.recall(embeddings(3)[1])[0].id == "p1"


def test_a_directory_without_patterns_takes_any_parameters(make, tmp_path) -> None:
    place = tmp_path / "memory"
    make(place, preset="precise").close()
    with make(place, preset=LAW, embedding_width=5) as memory:
        memory.remember("a", np.ones(5))
        memory.forget("a")
    with pytest.raises(engram.VersionMismatch):
        make(place, preset="precise")


def test_associations_may_run_elsewhere_than_the_space(serving) -> None:
    with engram.open(space="golden", associations=serving, preset=LAW) as memory:
        memory.remember("a", np.ones(3))
        assert (memory.device, memory.associations.device) == ("golden", serving)
    with engram.open(device=serving, preset=LAW) as memory:
        assert memory.associations.device == serving


def test_an_unknown_device_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="device must be one of auto, cpu"):
        engram.open(associations="abacus")
    with pytest.raises(TypeError, match="associations must be a device's name, not 3"):
        engram.open(associations=3)


def test_a_memory_asked_only_by_address_makes_no_backend(make, tmp_path, caplog) -> None:
    caplog.set_level(logging.INFO)
    with make(tmp_path / "memory") as memory:
        memory[3] = 4
        memory.flush()
        assert memory.associations._backend is None
    with make(tmp_path / "memory") as memory:
        memory.remember(names(3), embeddings(3))
    with make(tmp_path / "memory") as memory:
        assert memory[3] == 4
        assert [summary.id for summary in memory.associations.summaries()] == names(3)
        memory.compact()
        assert memory.report().associations.patterns == 3
        assert memory.associations._backend is None
        assert memory.recall(embeddings(3)[0])[0].id == "p0"
        assert memory.associations._backend is not None
