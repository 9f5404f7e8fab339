"""Times of stored tensors through the public calls: tiles, hits, checks, proofs, many at once."""

import hmac
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import engram
from benchmarks.harness import Figure, interleaved
from benchmarks.tensor_data import noise
from engram.tensors.descriptors import Descriptor, default_key
from engram.tensors.merkle import MerkleTree, leaf, proves

__all__ = ["speed_figures"]

Floats = NDArray[np.float32]

MICRO = 1e6
ROUNDS = 501
SEED = 1
KEY = default_key(SEED)
TILE_SIDE, TILE_RANK, TILE_ERROR = 256, 12, 0.05  # 65,536 numbers of float32, 256 KB
LEAVES = 1024
MANY, MANY_SIDE = 8, 512


def speed_figures() -> list[Figure]:
    """Measure each beside its peer, one thread unless it says otherwise."""
    with threadpool_limits(1):
        figures = [*_tile(), _hit(), *_macs(), *_proofs()]
        figures += [_many("exact", exact=True), _many("grouped, 1/7.5", ratio=1 / 7.5)]
        return [*figures, _machine()]


def _low_rank() -> tuple[Floats, Floats, Floats]:
    chance = np.random.default_rng(6)
    left = chance.standard_normal((TILE_SIDE, TILE_RANK)).astype(np.float32)
    right = chance.standard_normal((TILE_RANK, TILE_SIDE)).astype(np.float32)
    return left, right, left @ right


def _tile() -> list[Figure]:
    left, right, values = _low_rank()
    scales = np.ones(TILE_RANK, np.float32)
    out = np.empty_like(values)

    def floats() -> Floats:
        return np.matmul(left * scales, right, out=out)

    # A cache of no bytes: every load regrows.
    with engram.open(seed=SEED, tensor_cache_bytes=0) as memory:
        stored = memory.store("tile", values, codec="factors", max_error=TILE_ERROR)
        blob = stored.to_bytes()

        def checked() -> Floats:
            mac = hmac.digest(KEY, memoryview(blob)[:-32], "sha256")
            if not hmac.compare_digest(mac, blob[-32:]):
                raise RuntimeError("the MAC must fit")
            return floats()

        error = np.linalg.norm(memory.load("tile") - values) / np.linalg.norm(values)
        if error > TILE_ERROR or not np.array_equal(
            memory.load_tile("tile", 0).reshape(-1), memory.load("tile").reshape(-1)
        ):
            raise RuntimeError(f"the tile must come back, not with an error of {error}")
        taken = interleaved(
            ROUNDS,
            tile=lambda: memory.load_tile("tile", 0),
            floats=floats,
            checked=checked,
        )
    own = taken["tile"] * MICRO
    name = f"tile of 256 KB, {stored.codec} of {stored.stored_bytes:,} bytes, cold, MAC checked"
    return [
        _against(name, own, "us", "NumPy product of floats, nothing checked",
                 taken["floats"] * MICRO, "≤ 40", own <= 40),
        _against(name, own, "us", "NumPy product, same MAC checked", taken["checked"] * MICRO),
    ]  # fmt: skip


def _hit() -> Figure:
    _, _, values = _low_rank()

    @lru_cache
    def held(name: str) -> Floats:
        return values

    with engram.open(seed=SEED) as memory:
        memory.store("weights", values, ratio=0.1)
        first = memory.load("weights")
        if first is not memory.load("weights") or first.flags.writeable:
            raise RuntimeError("a hit must be the array that is held, and read-only")
        taken = interleaved(
            ROUNDS * 5, hit=lambda: memory.load("weights"), peer=lambda: held("weights")
        )
    own = taken["hit"] * MICRO
    return _against(
        "load that hits the cache", own, "us", "functools.lru_cache", taken["peer"] * MICRO,
        "≤ 3", own <= 3,
    )  # fmt: skip


def _macs() -> list[Figure]:
    figures = []
    for side, goal in ((32, True), (60, True), (256, False)):
        values = noise(side)
        with engram.open(seed=SEED) as memory:
            data = memory.store("weights", values, codec="raw").to_bytes()
        descriptor = Descriptor.from_bytes(data, KEY)
        changed = Descriptor.from_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        try:
            changed.verify(KEY)
        except engram.IntegrityError:
            pass
        else:
            raise RuntimeError("a changed descriptor must be refused")
        taken = interleaved(
            ROUNDS,
            verify=lambda descriptor=descriptor: descriptor.verify(KEY),
            sha=lambda data=data: sha256(data).digest(),
        )
        own = taken["verify"] * MICRO
        figures.append(
            _against(
                f"MAC of a descriptor of {len(data):,} bytes", own, "us",
                "SHA-256 of the same bytes", taken["sha"] * MICRO,
                "≤ 10" if goal else "", own <= 10 if goal else None,
            )
        )  # fmt: skip
    return figures


def _proofs() -> list[Figure]:
    leaves = [leaf(i, bytes([i & 255])) for i in range(LEAVES)]
    tree = MerkleTree(leaves)
    index = 700
    proof = tree.proof(index)
    if not proves(leaves[index], index, LEAVES, proof, tree.root):
        raise RuntimeError("the proof must hold")
    if proves(leaves[index + 1], index, LEAVES, proof, tree.root):
        raise RuntimeError("the proof of another leaf must not hold")
    pairs = [b"\1" + leaves[index] + other for other in proof]

    def hashes() -> None:
        for pair in pairs:
            sha256(pair).digest()

    taken = interleaved(
        ROUNDS,
        check=lambda: proves(leaves[index], index, LEAVES, proof, tree.root),
        make=lambda: tree.proof(index),
        hashes=hashes,
    )
    works = (("check", "checked"), ("make", "made"))
    return [
        _against(
            f"Merkle proof {done}, {LEAVES:,} leaves", taken[work] * MICRO, "us",
            "its ten SHA-256", taken["hashes"] * MICRO, "≤ 50", taken[work] * MICRO <= 50,
        )
        for work, done in works
    ]  # fmt: skip


def _many(what: str, **bounds: float) -> Figure:
    chance = np.random.default_rng(7)
    tensors = {
        f"layer-{i}": chance.standard_normal((MANY_SIDE, MANY_SIDE)).astype(np.float32)
        for i in range(MANY)
    }
    codec = "lossless" if "exact" in bounds else "grouped"

    def stored(threads: int) -> Callable[[], list[bytes]]:
        def work() -> list[bytes]:
            with engram.open(seed=SEED) as memory:
                made = memory.store_many(tensors, codec=codec, threads=threads, **bounds)
                return [each.root for each in made.values()]

        return work

    if stored(1)() != stored(2)():
        raise RuntimeError("tensors must not depend on the number of threads")
    taken = interleaved(3, one=stored(1), two=stored(2))
    gain = taken["one"] / taken["two"]
    return _against(
        f"{MANY} tensors of {MANY_SIDE} x {MANY_SIDE}, {what}, two threads", taken["two"], "s",
        "one thread", taken["one"], "≥ 1.7 times as fast", gain >= 1.7,
    )  # fmt: skip


def _machine() -> Figure:
    """Return what a second thread brings where nothing is shared: it may be another's core."""
    pieces = [np.random.default_rng(i).bytes(1 << 20) for i in range(MANY)]

    def compressed(threads: int) -> list[int]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda piece: len(zlib.compress(piece)), pieces))

    if compressed(1) != compressed(2):
        raise RuntimeError("what is compressed must not depend on the number of threads")
    taken = interleaved(5, one=lambda: compressed(1), two=lambda: compressed(2))
    return _against(
        "for comparison: 8 MB through zlib alone, two threads", taken["two"], "s",
        "one thread", taken["one"],
    )  # fmt: skip


def _against(
    name: str,
    value: float,
    unit: str,
    peer: str,
    peer_value: float,
    goal: str = "",
    met: bool | None = None,
) -> Figure:
    return Figure(name, value, unit, peer, peer_value, peer_value / value, goal, met)
