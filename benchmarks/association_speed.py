"""Speed of recall beside its peers, of writing, encoding and single cues; and bytes a pattern.

All peers hold the same embeddings and are asked the same cues. Hits are counted before anything is
timed, and an index that misses half of the easiest cues stops the run; then they take turns, and
medians are kept.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import engram
from benchmarks.association_data import WIDTH, Noise, Trial, cell_name, data, trial
from benchmarks.association_memory import ask, names, remembering
from benchmarks.association_peers import PEERS, MissingPeer, Peer
from benchmarks.association_sweeps import SEED
from benchmarks.association_tables import Section, Table
from benchmarks.harness import Figure, interleaved, seconds
from engram import Memory
from engram.arch.associations import DEFAULT_PRESET, PRESETS
from engram.numpy_associations import encode, projection, quantise
from engram.registry import association_backend

__all__ = ["speed"]

NOISES: tuple[Noise, ...] = (("a", 0.5), ("d", 0.1), ("d", 0.2))
# Cosines in this size are the peers' strength in clustered data, and their weakness in Gaussian.
CASES = (("Gaussian", 10_000), ("clustered", 10_000), ("Gaussian", 100_000), ("clustered", 100_000))
GRAPHS_NOT_AT = (("Gaussian", 100_000),)  # two minutes of building, for a known answer
SLOW_TO_BUILD = "USearch f32"  # three minutes at 100,000
CUES = 500  # to a noise, for hits
TIMED = 300  # cues, of all noises alike
ROUNDS = 3
ENCODED = 4_000
WRITTEN = 20_000
BATCH = 1_000
SINGLES = 200
THREADS = (1, 2)


@dataclass(frozen=True)
class _Rival:
    """One row of a table: how it searches, and how large it is."""

    name: str
    search: Callable[[NDArray[np.float32], int], NDArray[np.int64]]  # cues, threads
    bytes_each: float


def speed() -> Section:
    """Measure every case, and what does not depend on how many patterns there are."""
    section = Section([_speed_table()])
    for kind, count in CASES:
        _case(section, kind, count)
    section.tables += [_writing(section), _latency()]
    return section


def _speed_table() -> Table:
    table = Table(
        "speed",
        ("data", "patterns", "index", *(f"hit@1 {cell_name(noise)}" for noise in NOISES),
         "queries/s, 1 thread", "queries/s, 2 threads", "bytes a pattern"),
    )  # fmt: skip
    table.note(
        f"Batches of {TIMED} cues, a third of each noise; medians of {ROUNDS} alternating "
        "rounds. *Breadth*: candidates that a graph follows, lists that IVF searches."
    )
    table.note(
        "Graphs are built over clustered data and over 10,000 Gaussian patterns; the float32 "
        "graph of USearch over 10,000 only: at 100,000 it takes minutes to build."
    )
    table.note(
        "*Bytes a pattern* are those of tables in RAM for Engram, of the serialised index for "
        f"the peers. A float32 embedding takes {4 * WIDTH:,}."
    )
    return table


def _case(section: Section, kind: str, count: int) -> None:
    x = data(kind, count)
    trials = [trial(x, noise, CUES) for noise in NOISES]
    mixed = np.concatenate([each.cues[: TIMED // len(NOISES)] for each in trials])
    rivals = list(_ours(x)) + list(_theirs(x, kind))
    hits = {rival.name: _checked(rival, trials) for rival in rivals}
    rates: dict[int, dict[str, float]] = {}
    for threads in THREADS:
        with _blas(threads):
            works = {rival.name: partial(rival.search, mixed, threads) for rival in rivals}
            taken = interleaved(ROUNDS, **works)
        rates[threads] = {name: len(mixed) / spent for name, spent in taken.items()}
    for rival in rivals:
        section.tables[0].add(
            kind, count, rival.name, *hits[rival.name],
            *(round(rates[threads][rival.name]) for threads in THREADS), round(rival.bytes_each),
        )  # fmt: skip
    if count == max(size for _, size in CASES):
        section.figures += _goals(kind, count, hits, rates[1], rivals)


def _goals(
    kind: str,
    count: int,
    hits: dict[str, list[float]],
    rates: dict[str, float],
    rivals: list[_Rival],
) -> Iterator[Figure]:
    ours, flat = f"Engram {DEFAULT_PRESET}", "FAISS flat"
    where = f"{count:,} {kind} patterns"
    yield Figure(
        f"recall at {where}, 1 thread", rates[ours], "queries/s", flat, rates.get(flat),
        goal="more than FAISS flat", met=rates[ours] > rates[flat] if flat in rates else None,
    )  # fmt: skip
    if flat in hits:
        loss = max(theirs - mine for mine, theirs in zip(hits[ours], hits[flat], strict=True))
        yield Figure(
            f"largest loss of hit@1 against FAISS flat at {where}", loss, "",
            goal="≤ 0.01", met=loss <= 0.01,
        )  # fmt: skip
    (each,) = (rival.bytes_each for rival in rivals if rival.name == ours)
    share = each / (4 * WIDTH)
    yield Figure(
        f"bytes a pattern beside the float32 embedding's, at {where}", share, "",
        goal="≤ 0.7", met=share <= 0.7,
    )  # fmt: skip


def _ours(x: NDArray[np.float32]) -> Iterator[_Rival]:
    for preset in PRESETS:
        memories = {threads: remembering(x, preset, threads=threads) for threads in THREADS}
        held = memories[1].report().associations.ram_bytes
        yield _Rival(
            f"Engram {preset}",
            partial(_asked, memories),
            held / len(x),
        )


def _asked(
    memories: dict[int, Memory], cues: NDArray[np.float32], threads: int
) -> NDArray[np.int64]:
    return ask(memories[threads], cues).best


def _theirs(x: NDArray[np.float32], kind: str) -> Iterator[_Rival]:
    for make in PEERS:
        try:
            peer = make()
        except MissingPeer as error:
            print(error)
            continue
        graph = "HNSW" in peer.name or "USearch" in peer.name
        if graph and (kind, len(x)) in GRAPHS_NOT_AT:
            continue
        if peer.name == SLOW_TO_BUILD and len(x) > 10_000:
            continue
        peer.build(x, threads=2)
        size = peer.stored_bytes / len(x)
        for breadth in peer.breadths:
            yield _Rival(_named(peer, breadth), _searching(peer, breadth), size)


def _named(peer: Peer, breadth: int) -> str:
    return f"{peer.name}, breadth {breadth}" if breadth else peer.name


def _searching(peer: Peer, breadth: int) -> Callable[[NDArray[np.float32], int], NDArray[np.int64]]:
    return lambda cues, threads: peer.search(cues, 1, breadth, threads)


def _checked(rival: _Rival, trials: list[Trial]) -> list[float]:
    """Return hits by noise; answers must be row numbers, one a cue, each found at all."""
    hits = []
    for each in trials:
        found = rival.search(each.cues, 2)[:, 0]
        if found.shape != each.targets.shape:
            raise RuntimeError(f"{rival.name} answered {found.shape} to {each.targets.shape}")
        hits.append(float((found == each.targets).mean()))
    if hits[0] < 0.5:
        raise RuntimeError(f"{rival.name} finds {hits[0]:.2f} of the easiest cues: is it wrong?")
    return hits


def _writing(section: Section) -> Table:
    """Return how fast embeddings are remembered, encoded, and peers are built."""
    table = Table("writing", ("what", "a second", "note"))
    x = data("Gaussian", WRITTEN)
    small = quantise(x[:ENCODED])
    law = PRESETS[DEFAULT_PRESET]
    backend = association_backend("cpu")[1](law, SEED, WIDTH, threads=1)
    weights = projection(law, SEED, WIDTH)
    assert (backend.encode(small[:50]) == encode(small[:50], weights, law)).all()
    taken = interleaved(5, encode=lambda: backend.encode(small))
    encoded = ENCODED / taken["encode"]
    table.add("encode, 1 thread", round(encoded), f"batch of {ENCODED:,}, width {WIDTH}")
    rates = [WRITTEN / seconds(lambda: _kept(x)) for _ in range(ROUNDS)]
    kept = statistics.median(rates)
    table.add("remember and flush to a directory", round(kept), f"batches of {BATCH:,}, one flush")
    for make in PEERS[2:]:
        try:
            peer = make()
        except MissingPeer as error:
            table.add(str(error), None, "")
            continue
        if peer.name != SLOW_TO_BUILD:
            spent = seconds(lambda peer=peer: peer.build(x, threads=1))
            table.add(f"{peer.name}: built", round(WRITTEN / spent), "1 thread, in RAM only")
    section.figures += [
        Figure("encode, 1 thread", encoded, "/s", goal="≥ 20,000/s", met=encoded >= 20_000),
        Figure("remember with flush", kept, "/s", goal="≥ 5,000/s", met=kept >= 5_000),
    ]
    return table


def _kept(x: NDArray[np.float32]) -> None:
    ids = names(len(x))
    with tempfile.TemporaryDirectory() as folder:
        with engram.open(folder, seed=SEED, associations="cpu") as memory:
            for start in range(0, len(x), BATCH):
                memory.remember(ids[start : start + BATCH], x[start : start + BATCH])
            memory.flush()
        with engram.open(folder, associations="cpu", read_only=True) as memory:
            assert memory.recall(x[-1])[0].id == ids[-1]


def _latency() -> Table:
    """Return the median of single recalls, by preset and size."""
    table = Table("latency", ("patterns", *(f"{preset}, microseconds" for preset in PRESETS)))
    for count in (1_000, 10_000):
        x = data("Gaussian", count)
        cues = trial(x, NOISES[0], SINGLES).cues
        medians = []
        for preset in PRESETS:
            with remembering(x, preset, threads=1) as memory:
                memory.recall(cues[0])
                taken = [seconds(lambda cue=cue: memory.recall(cue)) for cue in cues]
                medians.append(round(statistics.median(taken) * 1e6))
        table.add(count, *medians)
    return table


@contextmanager
def _blas(threads: int) -> Iterator[None]:
    """Hold BLAS of NumPy and FAISS to so many threads."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise RuntimeError("pip install '.[bench]': BLAS threads cannot be set") from error
    limits: Any = threadpool_limits(limits=threads)
    with limits:
        yield
