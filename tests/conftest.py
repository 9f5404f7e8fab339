"""What every test of the space shares: the devices it runs on, and memories that get closed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import engram
from engram.registry import devices

# By fixture: what its devices serve, and which of them are tried unasked.
DEVICE_FIXTURES = {
    "device": ("spaces", ("golden", "cpu", "fpga-sim")),
    "associator": ("associations", ("cpu", "loihi", "loihi-network", "loihi-nengo")),
}

# Tests share the machine with others, so how long an example takes proves nothing.
settings.register_profile("engram", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("engram")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--device",
        action="append",
        choices=sorted({device.name for device in devices()}),
        help="run the conformance suite on this device; may be given several times",
    )


# These take a minute or so each, and go first, so that none is left to the end by itself.
_LONGEST = (
    "test_board_conformance.py",
    "test_serial.py",
    "test_c_driver.py",
    "test_lava_environment.py",
    "test_board_environment.py",
    "test_overlay_package.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _LONGEST)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, (serves, usual) in DEVICE_FIXTURES.items():
        if fixture not in metafunc.fixturenames:
            continue
        reasons = {status.name: status.reason for status in devices() if status.serves == serves}
        asked = metafunc.config.getoption("--device")
        chosen = [name for name in asked if name in reasons] if asked else usual
        parameters = [
            pytest.param(name, marks=pytest.mark.skipif(bool(reasons[name]), reason=reasons[name]))
            for name in dict.fromkeys(chosen)
        ]
        metafunc.parametrize(fixture, parameters, indirect=True, scope="session")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """The name of a device, which has done its first write.

    Until then a device may answer by other means, as the CPU does while its kernels compile.
    """
    name: str = request.param
    with engram.open(device=name) as memory:
        memory[0] = 1
    return name


@pytest.fixture(scope="session")
def associator(request: pytest.FixtureRequest) -> str:
    """The name of a device of associations."""
    name: str = request.param
    return name


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
