"""Settings come from arguments, a file and variables, in that order, and are checked."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

import engram
from engram.config import MemoryConfig

DEFAULTS = {
    "path": None, "seed": None, "law": None, "device": "auto", "space": None, "durability": "flush",
    "read_only": False, "quota": None, "threads": None, "associations": None, "preset": None,
    "embedding_width": None,
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def test_everything_has_a_default() -> None:
    config = MemoryConfig.load(environ={})
    assert {name: getattr(config, name) for name in DEFAULTS} == DEFAULTS
    assert config == MemoryConfig()


def test_arguments_win_over_the_file_and_that_over_variables(file) -> None:
    file.write_text("seed: 2\nlaw: splitmix\nquota: 20\n")
    environ = {"ENGRAM_SEED": "1", "ENGRAM_LAW": "2", "ENGRAM_QUOTA": "10", "ENGRAM_THREADS": "5"}
    config = MemoryConfig.load(config=file, environ=environ, seed=3)
    assert (config.seed, config.law, config.quota, config.threads) == (3, "splitmix", 20, 5)
    config = MemoryConfig.load(environ=environ)
    assert (config.seed, config.law, config.quota, config.threads) == (1, 2, 10, 5)


def test_a_variable_may_name_the_file(file, tmp_path) -> None:
    file.write_text("seed: 2\n")
    other = tmp_path / "other.yaml"
    other.write_text("seed: 3\n")
    environ = {"ENGRAM_CONFIG": str(file)}
    assert MemoryConfig.load(environ=environ).seed == 2
    assert MemoryConfig.load(config=other, environ=environ).seed == 3


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SEED", "0x10", 16),
        ("SEED", " 7 ", 7),
        ("SEED", str(2**64 - 1), 2**64 - 1),
        ("LAW", "4", 4),
        ("LAW", "feistel4", "feistel4"),
        ("DEVICE", "golden", "golden"),
        ("SPACE", "cpu", "cpu"),
        ("DURABILITY", "return", "return"),
        ("QUOTA", "1_000", 1000),
        ("STORE_BYTES", "65536", 65536),
        ("PATH", "/a b/c", "/a b/c"),
    ],
)
def test_variables_are_read_as_what_they_set(name, text, value) -> None:
    config = MemoryConfig.load(environ={f"ENGRAM_{name}": text})
    assert getattr(config, name.lower()) == value


@pytest.mark.parametrize("text", ["1", "true", "True", "TRUE"])
def test_a_variable_can_be_true(text) -> None:
    assert MemoryConfig.load("p", environ={"ENGRAM_READ_ONLY": text}).read_only is True


@pytest.mark.parametrize("text", ["0", "false", "False"])
def test_a_variable_can_be_false(text) -> None:
    assert MemoryConfig.load("p", environ={"ENGRAM_READ_ONLY": text}).read_only is False


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"ENGRAM_SEED": "x"}, "ENGRAM_SEED must be an integer, not 'x'"),
        ({"ENGRAM_SEED": ""}, "ENGRAM_SEED must be an integer, not ''"),
        ({"ENGRAM_SEED": "1.5"}, r"ENGRAM_SEED must be an integer, not '1\.5'"),
        ({"ENGRAM_SEED": "-1"}, r"seed must be in 0\.\.18446744073709551615, not -1"),
        ({"ENGRAM_LAW": "1.5"}, r"ENGRAM_LAW must be an integer, not '1\.5'"),
        ({"ENGRAM_READ_ONLY": "yes"}, "ENGRAM_READ_ONLY must be true or false, not 'yes'"),
        ({"ENGRAM_READ_ONLY": "1"}, "read_only must go with a path"),
        ({"ENGRAM_SEEDS": "1"}, "ENGRAM_ variables must be among .*seed.*, not seeds"),
        ({"ENGRAM_": "1"}, "ENGRAM_ variables must be among "),
        ({"ENGRAM_DURABILITY": "never"}, "durability must be 'flush' or 'return', not 'never'"),
    ],
)
def test_wrong_variables_are_refused(environ, message) -> None:
    with pytest.raises(ValueError, match=message):
        MemoryConfig.load(environ=environ)


def test_other_variables_are_let_be() -> None:
    environ = {"ENGRAM_CACHE_DIR": "/x", "HOME": "/y", "MY_ENGRAM_SEED": "z"}
    assert MemoryConfig.load(environ=environ) == MemoryConfig()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("seed: [1", ValueError, r"settings\.yaml must be a YAML file: "),
        ("- seed", ValueError, r"settings\.yaml must hold settings by name, not list"),
        ("5", ValueError, r"settings\.yaml must hold settings by name, not int"),
        ("seeds: 1", ValueError, r"settings in .*settings\.yaml must be among .*, not seeds"),
        ("1: 2", ValueError, r"settings in .*settings\.yaml must be among .*, not 1"),
        ("seed: one", TypeError, "seed must be an integer, not 'one'"),
        ("seed: 1.5", TypeError, r"seed must be an integer, not 1\.5"),
        ("seed: true", TypeError, "seed must be an integer, not True"),
        ("path: 5", TypeError, "path must be a path, not 5"),
        ("device: 5", TypeError, "device must be a device's name, not 5"),
        ("device: null", TypeError, "device must be a device's name, not None"),
        ("law: [1]", TypeError, r"law must be a number or a name, not \[1\]"),
        ("read_only: 1", TypeError, "read_only must be true or false, not 1"),
        ("!!python/object/apply:os.getcwd []", ValueError, "must be a YAML file"),
        ("\udcff", ValueError, "must be a YAML file"),
    ],
)
def test_a_wrong_file_is_refused(file, text, error, message) -> None:
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(error, match=message):
        MemoryConfig.load(config=file, environ={})


def test_an_empty_file_sets_nothing(file) -> None:
    file.write_text("# nothing here\n")
    assert MemoryConfig.load(config=file, environ={}) == MemoryConfig()


def test_a_missing_file_is_an_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        MemoryConfig.load(config=tmp_path / "none.yaml", environ={})
    with pytest.raises(FileNotFoundError):
        MemoryConfig.load(environ={"ENGRAM_CONFIG": str(tmp_path / "none.yaml")})


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"colour": 1}, ValueError, "settings must be among .*, not colour"),
        ({"seed": -1}, ValueError, r"seed must be in 0\.\.18446744073709551615, not -1"),
        ({"seed": 2**64}, ValueError, r"seed must be in 0\.\.18446744073709551615, not 1844674407"),
        ({"seed": 1.0}, TypeError, r"seed must be an integer, not 1\.0"),
        ({"seed": True}, TypeError, "seed must be an integer, not True"),
        ({"seed": np.True_}, TypeError, "seed must be an integer, not np.True_"),
        ({"seed": "1"}, TypeError, "seed must be an integer, not '1'"),
        ({"law": 1.0}, TypeError, r"law must be a number or a name, not 1\.0"),
        ({"law": True}, TypeError, "law must be a number or a name, not True"),
        ({"law": 9}, ValueError, "law must be one of 1 .*, not 9"),
        ({"law": "none"}, ValueError, "law must be one of 1 .*, not 'none'"),
        ({"device": "tpu"}, ValueError, "device must be one of auto, cpu, golden.*, not 'tpu'"),
        ({"space": "tpu"}, ValueError, "device must be one of auto, cpu, golden.*, not 'tpu'"),
        ({"device": None}, TypeError, "device must be a device's name, not None"),
        ({"space": 5}, TypeError, "space must be a device's name, not 5"),
        ({"durability": "now"}, ValueError, "durability must be 'flush' or 'return', not 'now'"),
        ({"durability": None}, ValueError, "durability must be 'flush' or 'return', not None"),
        ({"read_only": 1, "path": "p"}, TypeError, "read_only must be true or false, not 1"),
        ({"read_only": True}, ValueError, "read_only must go with a path"),
        ({"quota": -1}, ValueError, "quota must be in 0.*, not -1"),
        ({"quota": 1.5}, TypeError, r"quota must be an integer, not 1\.5"),
        ({"threads": 0}, ValueError, r"threads must be in 1\.\.1024, not 0"),
        ({"threads": "2"}, TypeError, "threads must be an integer, not '2'"),
        ({"store_bytes": 1}, ValueError, r"store_bytes must be in 65536\.\..*, not 1"),
        ({"store_bytes": None}, TypeError, "store_bytes must be an integer, not None"),
        ({"store_bytes": 1.5}, TypeError, r"store_bytes must be an integer, not 1\.5"),
    ],
)
def test_wrong_settings_are_refused(settings, error, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        engram.open(**settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [5, 1.5, ["a"]])
def test_a_path_is_a_path(path) -> None:
    with pytest.raises(TypeError, match=r"path|PathLike"):
        engram.open(path)


def test_an_empty_path_is_not_the_working_directory(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"path must be .*, not ''"):
        engram.open("").close()
    with pytest.raises(ValueError, match=r"path must be .*, not ''"):
        MemoryConfig.load(environ={"ENGRAM_PATH": ""})
    assert list(tmp_path.iterdir()) == []


def test_a_store_size_need_not_be_a_multiple_of_anything(tmp_path) -> None:
    with engram.open(tmp_path / "memory", store_bytes=(4 << 20) + 1) as memory:
        memory[0] = 1


@pytest.mark.parametrize("name", ["seed", "law", "quota", "threads", "store_bytes"])
def test_numpys_integers_are_integers(name) -> None:
    number = {"law": 2, "store_bytes": 1 << 20}.get(name, 3)
    with engram.open(**{name: np.int64(number)}) as memory:
        assert getattr(memory.config, name) == number
        assert type(getattr(memory.config, name)) is int


def test_a_config_does_not_change() -> None:
    config = MemoryConfig()
    with pytest.raises(FrozenInstanceError):
        config.seed = 5


def test_the_process_variables_set_up_a_memory(monkeypatch, tmp_path, file) -> None:
    file.write_text(f"path: {tmp_path / 'memory'}\nlaw: 3\n")
    monkeypatch.setenv("ENGRAM_CONFIG", str(file))
    monkeypatch.setenv("ENGRAM_SEED", "9")
    monkeypatch.setenv("ENGRAM_DEVICE", "golden")
    with engram.open() as memory:
        assert (memory.seed, memory.law.number, memory.device) == (9, 3, "golden")
        assert memory.path == str(tmp_path / "memory")
    monkeypatch.setenv("ENGRAM_COLOUR", "blue")
    with pytest.raises(ValueError, match="not colour"):
        engram.open()
