"""What every test of the space shares: the devices it runs on, and memories that get closed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import engram
from engram.registry import devices

DEFAULT_DEVICES = ("golden", "cpu")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--device",
        action="append",
        choices=[device.name for device in devices()],
        help="run the conformance suite on this device; may be given several times",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--device") or DEFAULT_DEVICES
        metafunc.parametrize("device", list(dict.fromkeys(chosen)), scope="session")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the variables of whoever runs the tests out of their memories."""
    for name in os.environ:
        if name.startswith("ENGRAM_") and name != "ENGRAM_CACHE_DIR":
            monkeypatch.delenv(name)


@pytest.fixture
def open_memory(device: str) -> Iterator[Callable[..., engram.Memory]]:
    """Open memories on a device; the test's end closes them."""
    memories: list[engram.Memory] = []

    def make(path: Path | None = None, **settings: Any) -> engram.Memory:
        memories.append(engram.open(path, **{"device": device, **settings}))
        return memories[-1]

    yield make
    for memory in reversed(memories):
        memory.close()


@pytest.fixture
def memory(open_memory: Callable[..., engram.Memory]) -> engram.Memory:
    """An empty memory in RAM with a seed that is none of the special ones."""
    return open_memory(seed=0x1337BEEFCAFEBABE)
