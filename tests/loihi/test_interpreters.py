"""A Python with Lava is looked for, and where none is, the reason and the fix are told."""

import sys

import pytest

from engram.config import MemoryConfig
from engram.errors import DeviceUnavailable
from engram.loihi import interpreters


def test_a_named_interpreter_that_is_not_there_is_told(monkeypatch) -> None:
    monkeypatch.setenv(interpreters.VARIABLE, "/nowhere/python")
    reason = interpreters.missing()
    assert "/nowhere/python cannot be run (No such file or directory)" in reason
    assert "make lava" in reason
    with pytest.raises(DeviceUnavailable, match="ENGRAM_LAVA_PYTHON names no Python"):
        interpreters.interpreter()


@pytest.mark.skipif(sys.version_info[:2] == (3, 10), reason="this Python may have Lava")
def test_a_named_interpreter_without_the_package_is_told(monkeypatch) -> None:
    monkeypatch.setenv(interpreters.VARIABLE, sys.executable)
    assert "No module named 'lava'" in interpreters.missing()
    assert "No module named 'nengo_loihi'" in interpreters.missing("nengo_loihi")


def test_without_any_candidate_the_fix_is_told(monkeypatch) -> None:
    monkeypatch.setattr(interpreters, "_places", lambda module: iter(()))
    interpreters._search.cache_clear()
    try:
        assert "was found (none tried): run `make lava`" in interpreters.missing()
    finally:
        interpreters._search.cache_clear()


def test_the_interpreter_found_is_asked_once_a_process(lava_python, monkeypatch) -> None:
    def probe(candidate: str, module: str) -> str:
        raise AssertionError(f"{candidate} was asked again")

    found = interpreters.interpreter()
    monkeypatch.setattr(interpreters, "_probe", probe)
    assert interpreters.interpreter() == found == lava_python
    assert interpreters.missing() == ""


def test_the_variable_is_no_setting_of_a_memory() -> None:
    assert MemoryConfig.load(environ={interpreters.VARIABLE: "python3.10"}) == MemoryConfig()
