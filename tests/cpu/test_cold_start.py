"""Until the kernels are compiled NumPy serves reads, and nobody can tell by the words."""

import random

import numpy as np
import pytest

import engram
from engram.cpu import backend
from tests.conformance.model import Model
from tests.conformance.statement import FIELDS, word

EDGES = [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 2, 2**64 - 1]


@pytest.fixture
def compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels are never ready, though who insists on them gets them at once."""
    monkeypatch.setattr(backend, "library_if_ready", lambda: None)


@pytest.mark.parametrize("law", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", [0, 2**64 - 1, 0x1337BEEFCAFEBABE])
def test_words_are_the_laws_before_kernels_are_there(compiling, law, seed) -> None:
    draw = random.Random(seed)
    addresses = EDGES + [draw.getrandbits(64) for _ in range(100)]
    with engram.open(seed=seed, law=law, device="cpu") as memory:
        assert not memory._backend._ready
        words = [word(law, seed, address) for address in addresses]
        assert memory.read(addresses).tolist() == words
        assert [memory[address] for address in addresses] == words
        model = Model(seed, law)
        for dtype in FIELDS:
            for first in (2**32 - 20, 2**64 - 50):
                made = memory.read(first, 50, dtype=dtype).tobytes()
                assert made == model.elements(range(first, first + 50), dtype)
            unaligned = np.zeros(50 * len(made) // 50 + 1, np.uint8)[1:]
            out = unaligned.view(memory.read(0, 1, dtype=dtype).dtype)
            assert memory.read(first, 50, dtype=dtype, out=out).tobytes() == made
        other = law % 4 + 1
        assert memory.read(EDGES, law=other).tolist() == [word(other, seed, at) for at in EDGES]
        assert memory.unwritten(0, 5)[3] == word(law, seed, 3)
        assert not memory._backend._ready


def test_nothing_is_written_before_the_first_write(compiling) -> None:
    with engram.open(device="cpu") as memory:
        assert memory.written_words == 0
        assert memory.erase(0, 2**64) == memory.erase([1, 2]) == 0
        assert memory.is_written([0, 1]).tolist() == [False, False]
        memory.read(0, 100)
        _ = memory[5]
        report = memory.report().spaces[0]
        assert (report.read_words, report.hit_words, report.ram_bytes) == (101, 0, 0)
        assert not memory._backend._ready


@pytest.mark.parametrize(
    "write",
    [
        lambda memory: memory.__setitem__(5, 7),
        lambda memory: memory.write(5, [7]),
        lambda memory: memory.write([5], [7]),
    ],
)
def test_the_first_write_waits_for_the_kernels(compiling, write) -> None:
    with engram.open(device="cpu", seed=3) as memory:
        before = memory[6]
        write(memory)
        assert memory.read(5, 2).tolist() == [memory[5], memory[6]] == [7, before]
        assert memory.written_words == 1
        assert memory.report().spaces[0].read_words == 5
        assert memory.report().spaces[0].hit_words == 2


def test_a_large_read_waits_for_the_kernels(compiling) -> None:
    with engram.open(device="cpu", seed=3) as memory:
        some = memory.read(1000, 10)
        assert not memory._backend._ready
        assert (memory.read(0, 100_000)[1000:1010] == some).all()
        assert memory._backend._ready


def test_an_inverse_waits_for_the_kernels(compiling) -> None:
    with engram.open(device="cpu", seed=3) as memory:
        assert memory.invert(word(1, 3, 99)) == 99
