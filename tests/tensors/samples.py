"""Tensors of every element type, and memories to keep them in."""

import numpy as np

from engram.arch.tensors import TYPES

SHAPES = [(), (0,), (1,), (7,), (3, 5), (2, 3, 4, 5), (40, 0, 3), (1,) * 12]


def bits_of(kind: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return a tensor of an element type with all kinds of bits; bfloat16 as integers."""
    found = next(each for each in TYPES.values() if each.name == kind)
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape, dtype=np.int64))
    if kind == "bool":
        return rng.integers(0, 2, size).astype(bool).reshape(shape)
    return np.frombuffer(rng.bytes(size * found.bits.itemsize), found.bits).reshape(shape)


def low_rank(rows: int, columns: int, rank: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    product = rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns))
    return product.astype(np.float32)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )
