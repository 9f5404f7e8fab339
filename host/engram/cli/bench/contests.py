"""The contests of `engram bench`, each answer of ours checked before its speed is measured."""

import ctypes
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import LAWS, FeistelLaw
from engram.cli.bench.figures import Contest
from engram.config import MemoryConfig
from engram.memory import Memory
from engram.numpy_laws import generate

__all__ = ["Wrong", "check_answers", "contests", "fill_contests"]

Words = NDArray[np.uint64]

# NumPy's generators allocate what they return: blocks of this size stay in the heap, and so spare
# them the page faults of a fresh array. It is the best case of theirs that we know.
_BLOCK_WORDS = 1 << 20
_TABLE_WORDS = 1 << 24  # 128 MB: an array that no cache holds
_SAMPLE_WORDS = 1 << 12


class Wrong(Exception):
    """An answer differs from the one computed independently."""


def memory_for(seed: int, *, threads: int | None = None) -> Memory:
    """Return a memory in RAM that no variable of the environment changes."""
    return Memory(MemoryConfig(seed=seed, law=1, threads=threads))


def check_answers(seed: int) -> int:
    """Compare ranges, gathers and written words with their independent computation.

    Returns how many words were compared. Raises Wrong.
    """
    law = LAWS[1]
    assert isinstance(law, FeistelLaw)
    compared = 0
    with memory_for(seed) as memory, memory_for(seed + 1 & (1 << 64) - 1) as other:
        scattered = other.read(0, _SAMPLE_WORDS)
        for first in (0, 10**15, (1 << 32) - 100, (1 << 64) - _SAMPLE_WORDS):
            addresses = np.arange(_SAMPLE_WORDS, dtype=np.uint64) + np.uint64(first)
            expected = generate(law, seed, addresses)
            _compare("range", memory.read(first, _SAMPLE_WORDS), expected)
            _compare("gather", memory.read(addresses), expected)
            halves = (expected.view(np.uint32) >> np.uint32(8)).astype(np.float32)
            _compare(
                "float32",
                memory.read(first, _SAMPLE_WORDS, dtype="float32"),
                halves * np.float32(2.0**-24),
            )
            compared += 3 * _SAMPLE_WORDS
        expected = generate(law, seed, scattered)
        _compare("gather", memory.read(scattered), expected)
        _compare("scalar", np.array([memory[a] for a in scattered.tolist()], np.uint64), expected)
        _compare("inverse", memory.invert(expected), scattered)
        memory.write(scattered, ~expected)
        _compare("written", memory.read(scattered), ~expected)
        memory.erase(scattered)
        _compare("erased", memory.read(scattered), expected)
        compared += 5 * _SAMPLE_WORDS
    return compared


def _compare(name: str, ours: NDArray[np.generic], expected: NDArray[np.generic]) -> None:
    if ours.dtype != expected.dtype or not np.array_equal(ours, expected):
        raise Wrong(f"{name}: words differ from those computed independently")


def contests(seed: int, words: int) -> Iterator[Contest]:
    """Yield the contests, one at a time so that the memory of one is free before the next."""
    yield from fill_contests(seed, words)
    yield from _number_contests(seed, words)
    yield _gather_contest(seed, words // 16)
    yield _scalar_contest(seed, words // 128)
    yield _write_contest(seed, words // 16)


def fill_contests(seed: int, words: int) -> Iterator[Contest]:
    """Yield the fills of one reused buffer with words."""
    buffer = np.zeros(words, np.uint64)
    blocks = max(1, words // _BLOCK_WORDS)
    block = words // blocks
    sfc64 = np.random.Generator(np.random.SFC64(seed))
    pcg64 = np.random.Generator(np.random.PCG64DXSM(seed))

    def draw(generator: np.random.Generator) -> None:
        for _ in range(blocks):
            generator.integers(0, 1 << 64, block, np.uint64)

    place, nbytes = buffer.ctypes.data, buffer.nbytes
    for threads, name in ((1, "fill, 1 thread"), (None, "fill, all threads")):
        with memory_for(seed, threads=threads) as memory:
            yield Contest(
                name,
                "words",
                words,
                lambda memory=memory: memory.read(0, words, out=buffer),  # type: ignore[misc]
                {
                    "memset": lambda: ctypes.memset(place, 0x5A, nbytes),
                    "NumPy SFC64": lambda: draw(sfc64),
                    "NumPy PCG64DXSM": lambda: draw(pcg64),
                },
            )


def _number_contests(seed: int, words: int) -> Iterator[Contest]:
    buffer = np.zeros(2 * words, np.float32)
    generator = np.random.Generator(np.random.SFC64(seed))
    with memory_for(seed, threads=1) as memory:
        yield Contest(
            "float32, 1 thread",
            "numbers",
            2 * words,
            lambda: memory.read(0, words, dtype="float32", out=buffer),
            {"NumPy random": lambda: generator.random(dtype=np.float32, out=buffer)},
        )
        yield Contest(
            "normal, 1 thread",
            "numbers",
            2 * words,
            lambda: memory.read(0, words, dtype="normal", out=buffer),
            {"NumPy standard_normal": lambda: generator.standard_normal(
                dtype=np.float32, out=buffer
            )},
        )


def _scattered(seed: int, count: int) -> Words:
    """Return distinct addresses from all over the space: the law is a bijection."""
    with memory_for(seed) as memory:
        addresses: Words = memory.spaces("addresses").read(0, count)
        return addresses


def _gather_contest(seed: int, count: int) -> Contest:
    addresses = _scattered(seed, count)
    table = np.arange(_TABLE_WORDS, dtype=np.uint64)
    places = (addresses % np.uint64(_TABLE_WORDS)).astype(np.intp)
    memory = memory_for(seed, threads=1)
    return Contest(
        "gather, 1 thread",
        "words",
        count,
        lambda: memory.read(addresses),
        {"NumPy a[i], 128 MB": lambda: table[places]},
    )


def _scalar_contest(seed: int, count: int) -> Contest:
    addresses = _scattered(seed, count)
    table = np.arange(_TABLE_WORDS, dtype=np.uint64)
    ours = addresses.tolist()
    theirs = (addresses % np.uint64(_TABLE_WORDS)).tolist()
    memory = memory_for(seed)

    def read_ours() -> None:
        for address in ours:
            memory[address]

    def read_array() -> None:
        item = table.item
        for address in theirs:
            item(address)

    return Contest(
        "one word a call", "words", count, read_ours, {"NumPy a.item(i), 128 MB": read_array}
    )


def _write_contest(seed: int, count: int) -> Contest:
    addresses = _scattered(seed, count)
    table = np.zeros(_TABLE_WORDS, np.uint64)
    places = (addresses % np.uint64(_TABLE_WORDS)).astype(np.intp)
    keys, values = addresses.tolist(), addresses.tolist()

    def write_ours() -> None:
        with memory_for(seed, threads=1) as memory:
            memory.write(addresses, addresses)

    def write_array() -> None:
        table[places] = addresses

    def write_dict() -> None:
        dict(zip(keys, values, strict=True))

    return Contest(
        "random writes, 1 thread",
        "words",
        count,
        write_ours,
        {"NumPy a[i] = v, 128 MB": write_array, "a new dict": write_dict},
    )
