"""The laws in NumPy: they serve small reads until kernels are compiled, and check the kernels."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import FeistelLaw, Law, MaskLaw, Mixer, ResidueLaw
from engram.arch.seeds import feistel_keys

__all__ = ["generate"]

Words = NDArray[np.uint64]
Halves = NDArray[np.uint32]


def generate(law: Law, seed: int, addresses: Words) -> Words:
    """Return the words of addresses."""
    if isinstance(law, FeistelLaw):
        return _feistel(law, seed, addresses)
    x = np.uint64(seed)
    if isinstance(law, ResidueLaw):
        seeded = addresses ^ x
        words = np.zeros_like(addresses)
        for lane, modulus in enumerate(law.moduli):
            tag = np.uint64(modulus << 16 | lane << 32)
            words ^= _mix(seeded % np.uint64(modulus) | tag, law.mixer)
        return words
    assert isinstance(law, MaskLaw)
    return _mix(addresses + x + np.uint64(law.increment), law.mixer)


def _feistel(law: FeistelLaw, seed: int, addresses: Words) -> Words:
    keys = feistel_keys(seed)
    right = addresses.astype(np.uint32)
    left = (addresses >> np.uint64(32)).astype(np.uint32)
    right ^= (left << np.uint32(law.premix)) | (left >> np.uint32(32 - law.premix))
    halves: list[Halves] = [right, left]
    for i in range(law.rounds):
        key = np.uint32((keys[i % 4] + law.key_step * (i // 4)) & 0xFFFF_FFFF)
        t = halves[i % 2] + key
        t ^= t >> np.uint32(law.shift_in)
        t *= np.uint32(law.factors[i % 2])
        t ^= t >> np.uint32(law.shift_out)
        halves[1 - i % 2] ^= t
    return halves[0].astype(np.uint64) | halves[1].astype(np.uint64) << np.uint64(32)


def _mix(x: Words, mixer: Mixer) -> Words:
    for shift, factor in mixer.stages:
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(mixer.final_shift))
