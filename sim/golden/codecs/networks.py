"""Decoding of tensor trains, sums of products and Tucker's boxes, number by number."""

from collections.abc import Sequence
from itertools import product
from math import prod

from sim.golden.codecs.floats import float_bits
from sim.golden.codecs.integers import aligned, integers, narrow, unsigned

__all__ = ["cp", "train", "tucker"]

STATE_BITS = 27


class _Header:
    """The axes, and the exponent."""

    def __init__(self, payload: bytes, numbers: int) -> None:
        self.bits, self.core_bits, axes = payload[0], payload[1], unsigned(payload, 2, 2)
        (self.exponent,) = integers(payload, 4, 1, 32)
        assert unsigned(payload, 8, 8) == len(payload)
        starts = range(64, 64 + 16 * axes, 16)
        self.lengths = [unsigned(payload, at, 8) for at in starts]
        self.ranks = [unsigned(payload, at + 8, 4) for at in starts]
        self.shifts = [payload[at + 12] for at in starts]
        self.cores_at = aligned(64 + 16 * axes)
        assert prod(self.lengths) == numbers


def _cores(payload: bytes, at: int, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return cores of so many integers of so many bits; nothing may follow the last."""
    cores = []
    for count, bits in sizes:
        at = aligned(at)
        cores.append(integers(payload, at, count, bits))
        at += count * bits // 8
    assert at == len(payload)
    return cores


def _narrowed(state: list[int], header: _Header, axis: int) -> list[int]:
    if axis == len(header.lengths) - 1:
        assert all(abs(x) < 2**52 for x in state)
        return state
    return [narrow(x, header.shifts[axis], STATE_BITS) for x in state]


def train(payload: bytes, numbers: int, name: str) -> list[int]:
    """Return the bits of all numbers of a train, as floats of this name."""
    header = _Header(payload, numbers)
    before = [1, *header.ranks[:-1]]
    shapes = list(zip(before, header.lengths, header.ranks, strict=True))
    cores = _cores(payload, header.cores_at, [(prod(s), header.bits) for s in shapes])
    found = []
    for place in product(*map(range, header.lengths)):
        state = [1]
        for axis, (core, (a, n, b), i) in enumerate(zip(cores, shapes, place, strict=True)):
            sums = [sum(state[x] * core[(x * n + i) * b + y] for x in range(a)) for y in range(b)]
            state = _narrowed(sums, header, axis)
        found.append(float_bits(state[0], header.exponent, name))
    return found


def cp(payload: bytes, numbers: int, name: str) -> list[int]:
    """Return the bits of all numbers of a sum of products, as floats of this name."""
    header = _Header(payload, numbers)
    rank = header.ranks[0]
    sizes = [(length * rank, header.bits) for length in header.lengths]
    cores = _cores(payload, header.cores_at, sizes)
    found = []
    for place in product(*map(range, header.lengths)):
        state = [1] * rank
        for axis, (core, i) in enumerate(zip(cores, place, strict=True)):
            products = [state[r] * core[i * rank + r] for r in range(rank)]
            state = _narrowed(products, header, axis)
        found.append(float_bits(sum(state), header.exponent, name))
    return found


def tucker(payload: bytes, numbers: int, name: str) -> list[int]:
    """Return the bits of all numbers of a Tucker box, as floats of this name."""
    header = _Header(payload, numbers)
    pairs = list(zip(header.lengths, header.ranks, strict=True))
    sizes = [(prod(header.ranks), header.core_bits)]
    sizes += [(length * rank, header.bits) for length, rank in pairs]
    own, *cores = _cores(payload, header.cores_at, sizes)
    found = []
    for place in product(*map(range, header.lengths)):
        state = own
        for axis, (core, i, rank) in enumerate(zip(cores, place, header.ranks, strict=True)):
            rest = len(state) // rank
            sums = [
                sum(core[i * rank + a] * state[a * rest + y] for a in range(rank))
                for y in range(rest)
            ]
            state = _narrowed(sums, header, axis)
        found.append(float_bits(state[0], header.exponent, name))
    return found
