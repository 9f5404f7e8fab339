"""From a seed to keys, and from a memory's seed to the seeds of its named spaces."""

import hashlib

from engram.arch.laws import GOLDEN_RATIO_64, MX3, Mixer
from engram.arch.pages import MASK64

__all__ = ["derive_seed", "feistel_keys", "mix"]


def mix(x: int, mixer: Mixer) -> int:
    """Return the mixer's image of a 64-bit integer."""
    for shift, factor in mixer.stages:
        x = (x ^ (x >> shift)) * factor & MASK64
    return x ^ (x >> mixer.final_shift)


def feistel_keys(seed: int, stream: int = 0) -> tuple[int, int, int, int]:
    """Return the four 32-bit round keys of a (seed, stream) pair.

    ``a = mx3(seed + g)``, then twice ``a = mx3((a ^ stream) + i * g)`` for i = 1, 2, each giving
    its low and then its high half; g is the 64-bit golden ratio. For one seed the first step is a
    bijection of the stream, so two streams never share their keys.
    """
    keys: list[int] = []
    a = mix((seed + GOLDEN_RATIO_64) & MASK64, MX3)
    for i in (1, 2):
        a = mix(((a ^ stream) + i * GOLDEN_RATIO_64) & MASK64, MX3)
        keys += [a & 0xFFFF_FFFF, a >> 32]
    return keys[0], keys[1], keys[2], keys[3]


def derive_seed(seed: int, name: str) -> int:
    """Return the seed of the space ``name`` in a memory of this seed.

    The first eight bytes, little-endian, of SHA-256 over a tag, the parent seed and the name.
    Names collide with probability 2**-64 a pair; whoever keeps the names refuses even that.
    """
    material = b"engram space\0" + seed.to_bytes(8, "little") + name.encode()
    return int.from_bytes(hashlib.sha256(material).digest()[:8], "little")
