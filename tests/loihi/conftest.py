"""What tests of the worker's devices need: a Python that has their packages."""

import pytest

from engram.errors import DeviceUnavailable
from engram.loihi.interpreters import interpreter


@pytest.fixture(scope="session")
def lava_python() -> str:
    """A Python with lava-nc; without one the test is skipped, and the reason printed."""
    return _python("lava")


@pytest.fixture(scope="session")
def nengo_python() -> str:
    """A Python with nengo-loihi."""
    return _python("nengo_loihi")


def _python(module: str) -> str:
    try:
        return interpreter(module)
    except DeviceUnavailable as error:
        pytest.skip(str(error))
