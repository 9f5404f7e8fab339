"""The durable store: single words and arrays at both durabilities, and reopening."""

import os
import sqlite3
import statistics
import tempfile
import threading
from pathlib import Path

import numpy as np

import engram
from benchmarks.harness import Figure, seconds

__all__ = ["durability_figures"]

WORDS = 10_000_000
BATCH = 1_000_000
COMMITS = 400
THREADS = 8


def durability_figures() -> list[Figure]:
    """Measure on the disk that holds the temporary directory."""
    with tempfile.TemporaryDirectory(prefix="engram-bench-") as name:
        folder = Path(name)
        figures = _at_flush(folder)
        figures += _at_return(folder)
    return figures


def _at_flush(folder: Path) -> list[Figure]:
    random = np.random.default_rng(4)
    addresses = random.integers(0, 2**64, WORDS, dtype=np.uint64)

    def ours() -> None:
        for start in range(0, WORDS, BATCH):
            part = addresses[start : start + BATCH]
            memory.write(part, part)
            memory.flush()

    with engram.open(folder / "flushed", seed=5, device="cpu") as memory:
        spent = seconds(ours)
    rate = WORDS / spent / 1e6
    peer = _sqlite(folder, addresses[: BATCH // 2])
    reopening = seconds(lambda: engram.open(folder / "flushed", device="cpu").close())
    with engram.open(folder / "flushed", device="cpu") as memory:
        assert memory.written_words == len(np.unique(addresses))
        assert np.array_equal(memory.read(addresses[-1000:]), addresses[-1000:])
    return [
        Figure(
            "random words, flushed each million",
            rate,
            "M/s",
            "SQLite, WAL",
            peer,
            rate / peer,
            "≥ 1 M/s",
            rate >= 1,
            "SQLite: one transaction of 500,000 rows INSERT OR REPLACE, synchronous=FULL",
        ),
        Figure("reopening 10 M words", reopening, "s", goal="< 2 s", met=reopening < 2),
    ]


def _sqlite(folder: Path, addresses: np.ndarray) -> float:
    connection = sqlite3.connect(folder / "peer.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE words (address INTEGER PRIMARY KEY, value INTEGER)")
    rows = [(address, address) for address in addresses.view(np.int64).tolist()]

    def insert() -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT OR REPLACE INTO words VALUES (?, ?)", rows)
        connection.execute("COMMIT")

    spent = seconds(insert)
    connection.close()
    return len(rows) / spent / 1e6


def _at_return(folder: Path) -> list[Figure]:
    # The peer writes 4 KB into zeros that are there already, as a database's log would.
    descriptor = os.open(folder / "peer.raw", os.O_RDWR | os.O_CREAT)
    os.pwrite(descriptor, bytes(4096 * COMMITS), 0)
    os.fsync(descriptor)
    block = os.urandom(4096)

    def sync(i: int) -> None:
        os.pwrite(descriptor, block, 4096 * i)
        os.fdatasync(descriptor)

    with engram.open(folder / "returned", seed=6, device="cpu", durability="return") as memory:
        memory[0] = 1
        ours, theirs = [], []
        for i in range(COMMITS):
            theirs.append(seconds(lambda i=i: sync(i)))
            ours.append(seconds(lambda i=i: memory.write(i, i)))
        single, raw = statistics.median(ours) * 1e6, statistics.median(theirs) * 1e6
        alone = COMMITS / seconds(lambda: _write_many(memory, 0))
        together = statistics.median(_group(memory) for _ in range(3))
    os.close(descriptor)
    return [
        Figure(
            "one word, durable at return",
            single,
            "us",
            "fdatasync of 4 KB",
            raw,
            raw / single,
            "≤ 1.5 x its time",
            single <= 1.5 * raw,
        ),
        Figure(
            f"{THREADS} threads, durable at return",
            together,
            "words/s",
            "one thread",
            alone,
            together / alone,
            "≥ 4 x",
            together >= 4 * alone,
        ),
    ]


def _write_many(memory: engram.Memory, thread: int) -> None:
    for i in range(COMMITS):
        memory.write((thread << 32) + i, i)


def _group(memory: engram.Memory) -> float:
    threads = [
        threading.Thread(target=_write_many, args=(memory, thread)) for thread in range(THREADS)
    ]

    def run() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return THREADS * COMMITS / seconds(run)
