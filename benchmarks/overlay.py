"""The overlay in RAM: bytes a word, reads at several rates of hits, random and clustered writes."""

import numpy as np

import engram
from benchmarks.harness import Figure, interleaved, seconds

__all__ = ["overlay_figures"]

WORDS = 10_000_000
QUERIES = 1 << 20


def overlay_figures() -> list[Figure]:
    """Measure an overlay of 10 M random single words, and one of 10 M consecutive ones."""
    random = np.random.default_rng(2)
    addresses = random.integers(0, 2**64, WORDS, dtype=np.uint64)
    values = random.integers(0, 2**64, WORDS, dtype=np.uint64)
    with engram.open(seed=3, device="cpu", threads=1) as warm:
        warm.write(addresses, values)  # the machine's first touch of this much memory
    memory = engram.open(seed=3, device="cpu", threads=1)
    first_write = seconds(lambda: memory.write(addresses, values))
    assert memory.written_words == len(np.unique(addresses))
    assert np.array_equal(memory.read(addresses[:1000]), values[:1000])
    figures = [
        _bytes("RAM a random word", memory),
        _rate("first write of 10 M random words", WORDS, first_write, "≥ 40 M/s", 40),
        *_reads(memory, addresses, random),
    ]
    part, words = addresses[:QUERIES].copy(), values[:QUERIES].copy()
    runs = np.arange(QUERIES, dtype=np.uint64) + np.uint64(1 << 50)
    memory.write(runs, words)
    dense = np.zeros(2 * WORDS, np.uint64)
    places = random.integers(0, len(dense), QUERIES)
    keys, items = part[:100_000].tolist(), words[:100_000].tolist()
    spread = dict(zip(keys, items, strict=True))

    def scatter() -> None:
        dense[places] = words

    taken = interleaved(
        7,
        again=lambda: memory.write(part, words),
        clustered=lambda: memory.write(runs, words),
        consecutive=lambda: memory.write(1 << 50, words),
        dense=scatter,
        dictionary=lambda: spread.update(zip(keys, items, strict=True)),
    )
    theirs = {
        "scatter into 160 MB": QUERIES / taken["dense"] / 1e6,
        "dict.update": len(keys) / taken["dictionary"] / 1e6,
    }
    for name, key, peer in (
        ("rewrite random words", "again", "scatter into 160 MB"),
        ("rewrite random words", "again", "dict.update"),
        ("scatter to consecutive words", "clustered", "scatter into 160 MB"),
        ("write a run", "consecutive", "scatter into 160 MB"),
    ):
        rate = QUERIES / taken[key] / 1e6
        figures.append(
            Figure(
                name,
                rate,
                "M/s",
                peer,
                theirs[peer],
                rate / theirs[peer],
                "≥ 40 M/s",
                rate >= 40,
            )
        )
    clustered = engram.open(seed=3, device="cpu", threads=1)
    clustered.write(1 << 40, values)
    figures.append(_bytes("RAM a word of whole pages", clustered))
    return figures


def _reads(
    memory: engram.Memory, addresses: np.ndarray, random: np.random.Generator
) -> list[Figure]:
    # What a read of memory costs here at all: one random word of a dense array of this size.
    dense = np.arange(2 * WORDS, dtype=np.uint64)
    places = random.integers(0, len(dense), QUERIES)
    works = {"dense": lambda: dense[places]}
    for percent in (0, 1, 50, 100):
        queries = random.integers(0, 2**64, QUERIES, dtype=np.uint64)
        hits = random.choice(QUERIES, QUERIES * percent // 100, replace=False)
        queries[hits] = addresses[random.integers(0, WORDS, len(hits))]
        works[f"{percent}"] = lambda queries=queries: memory.read(queries)
    taken = interleaved(9, **works)
    peer = QUERIES / taken["dense"] / 1e6
    figures = []
    for percent, goal in ((0, 200), (1, 200), (50, 50), (100, None)):
        rate = QUERIES / taken[str(percent)] / 1e6
        figures.append(
            Figure(
                f"gather from 10 M written, {percent} % hits",
                rate,
                "M/s",
                "fancy index into 160 MB",
                peer,
                rate / peer,
                f"≥ {goal} M/s" if goal else "",
                rate >= goal if goal else None,
            )
        )
    return figures


def _bytes(name: str, memory: engram.Memory) -> Figure:
    size = memory.report().ram_bytes / memory.written_words
    return Figure(name, size, "B", goal="≤ 40 B", met=size <= 40)


def _rate(name: str, count: int, spent: float, goal: str, least: float) -> Figure:
    rate = count / spent / 1e6
    return Figure(name, rate, "M/s", goal=goal, met=rate >= least)
