"""Reading generated words: ranges, other number views, gathers and single words."""

import ctypes
import timeit
from collections.abc import Callable

import numpy as np

import engram
from benchmarks.harness import Figure, interleaved
from engram.arch.laws import LAWS
from sim.golden.elements import elements
from sim.golden.laws import generate

__all__ = ["reading_figures"]

WORDS = 1 << 24  # 128 MB
PIECE = 1 << 15
SEED = 20
GENERATORS = ("SFC64", "PCG64", "PCG64DXSM", "Philox", "MT19937")


def reading_figures() -> list[Figure]:
    """Measure range fills, float32 fills, gathers and scalar reads."""
    return [*_fills(), *_gather(), _scalar()]


def _fills() -> list[Figure]:
    one = engram.open(seed=SEED, device="cpu", threads=1)
    two = engram.open(seed=SEED, device="cpu", threads=2)
    out = np.empty(WORDS, np.uint64)
    singles = np.empty(2 * WORDS, np.float32)
    other = np.empty(2 * WORDS, np.float32)
    base = (1 << 40) - 12345
    for memory in (one, two):
        memory.read(base, WORDS, out=out)
        memory.read(base, WORDS, dtype="float32", out=singles)
        for i in (0, 1, 12345, WORDS // 2 + 3, WORDS - 1):
            word = generate(LAWS[1], SEED, base + i)
            assert int(out[i]) == word
            assert singles[2 * i : 2 * i + 2].tolist() == elements(word, "float32")
    memset = ctypes.CDLL(None).memset
    memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    works = {
        "one": lambda: one.read(base, WORDS, out=out),
        "two": lambda: two.read(base, WORDS, out=out),
        "memset": lambda: memset(out.ctypes.data, 1, out.nbytes),
        "float32": lambda: one.read(base, WORDS, dtype="float32", out=singles),
        "normal": lambda: one.read(base, WORDS, dtype="normal", out=singles),
    }
    for law in (2, 3, 4):
        works[f"law {law}"] = lambda law=law: one.read(base, WORDS, law=law, out=out)
    for name in GENERATORS:
        works[name] = _numpy_fill(name, out)
    sfc64 = np.random.Generator(np.random.SFC64(SEED))
    works["SFC64 float32"] = lambda: sfc64.random(dtype=np.float32, out=other)
    works["SFC64 normal"] = lambda: sfc64.standard_normal(dtype=np.float32, out=other)
    taken = interleaved(7, **works)
    gigabytes = {name: out.nbytes / spent / 1e9 for name, spent in taken.items()}
    giga = {name: other.size / spent / 1e9 for name, spent in taken.items()}
    best = max(GENERATORS, key=lambda name: gigabytes[name])
    figures = [
        _ratio("fill uint64, 1 thread", gigabytes["one"], "GB/s", best, gigabytes[best], 4.0),
        _ratio(
            "fill uint64, 1 thread", gigabytes["one"], "GB/s", "memset", gigabytes["memset"], 0.6
        ),
        _ratio(
            "fill uint64, 2 threads",
            gigabytes["two"],
            "GB/s",
            "memset, 1 thread",
            gigabytes["memset"],
            1.0,
        ),
        _ratio(
            "fill float32, 1 thread",
            giga["float32"],
            "G/s",
            "Generator(SFC64).random",
            giga["SFC64 float32"],
            3.0,
        ),
        _ratio(
            "fill normal, 1 thread",
            giga["normal"],
            "G/s",
            "Generator(SFC64).standard_normal",
            giga["SFC64 normal"],
        ),
    ]
    for law in (2, 3, 4):
        name = f"fill uint64 by law {law}, 1 thread"
        rate = gigabytes[f"law {law}"]
        figures.append(_ratio(name, rate, "GB/s", best, gigabytes[best]))
    return figures


def _numpy_fill(name: str, out: np.ndarray) -> Callable[[], None]:
    """Return the fastest way we found to fill an array from a bit generator of NumPy: raw words
    in pieces that stay in cache, for it has no ``out=``."""
    generator = getattr(np.random, name)(SEED)

    def fill() -> None:
        for start in range(0, WORDS, PIECE):
            out[start : start + PIECE] = generator.random_raw(PIECE)

    return fill


def _gather() -> list[Figure]:
    memory = engram.open(seed=SEED, device="cpu", threads=1)
    random = np.random.default_rng(1)
    addresses = random.integers(0, 2**64, 10_000_000, dtype=np.uint64)
    words = memory.read(addresses)
    for i in (0, 77, len(addresses) - 1):
        assert int(words[i]) == generate(LAWS[1], SEED, int(addresses[i]))
    # Filled, so that every page of it is really there.
    dense = np.arange(1 << 27, dtype=np.uint64)
    places = random.integers(0, len(dense), len(addresses))
    taken = interleaved(
        5, ours=lambda: memory.read(addresses), theirs=lambda: dense[places]
    )
    mega = {name: len(addresses) / spent / 1e6 for name, spent in taken.items()}
    peer = "fancy index into 1 GB"
    return [_ratio("gather 10 M clean words", mega["ours"], "M/s", peer, mega["theirs"], 3.0)]


def _scalar() -> Figure:
    memory = engram.open(seed=SEED, device="cpu")
    array = np.arange(1000, dtype=np.uint64)
    names = {"memory": memory, "array": array}
    ours = min(timeit.repeat("memory[123456789]", globals=names, number=100_000, repeat=7)) * 1e4
    theirs = min(timeit.repeat("int(array[123])", globals=names, number=100_000, repeat=7)) * 1e4
    return Figure(
        "scalar memory[a]",
        ours,
        "ns",
        "int(array[i]) of NumPy",
        theirs,
        theirs / ours,
        "< 1000 ns",
        ours < 1000,
    )


def _ratio(
    name: str, value: float, unit: str, peer: str, peer_value: float, goal: float | None = None
) -> Figure:
    ratio = value / peer_value
    aim, met = ("", None) if goal is None else (f"≥ {goal:g} x", ratio >= goal)
    return Figure(name, value, unit, peer, peer_value, ratio, aim, met)
