"""Memories of patterns on every device that serves them in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import engram
from engram.registry import devices
from tests.associations.content import LAW

REASONS = {status.name: status.reason for status in devices() if status.serves == "associations"}


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.skipif(bool(REASONS[name]), reason=REASONS[name]))
        for name in ("golden", "cpu")
    ]
)
def serving(request: pytest.FixtureRequest) -> str:
    """The name of a device for associations."""
    name: str = request.param
    return name


@pytest.fixture
def make(serving: str) -> Iterator[Callable[..., engram.Memory]]:
    """Open memories with the small law; the test's end closes them."""
    memories: list[engram.Memory] = []

    def opened(path: Path | None = None, **settings: Any) -> engram.Memory:
        memories.append(engram.open(path, **{"associations": serving, "preset": LAW, **settings}))
        return memories[-1]

    yield opened
    for memory in reversed(memories):
        memory.close(discard=True)


@pytest.fixture
def memory(make: Callable[..., engram.Memory]) -> engram.Memory:
    """An empty memory in RAM."""
    return make(seed=11)
