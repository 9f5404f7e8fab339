"""The laws and their inverses in NumPy: for whoever has no kernels, and to check those who have."""

import numpy as np
from numpy.typing import NDArray

from engram.arch.laws import FeistelLaw, Law, MaskLaw, Mixer, ResidueLaw
from engram.arch.seeds import feistel_keys

__all__ = ["generate", "invert"]

Words = NDArray[np.uint64]
Halves = NDArray[np.uint32]
Keys = tuple[int, int, int, int]

_MASK32 = 0xFFFF_FFFF


def generate(law: Law, seed: int, addresses: Words, *, keys: Keys | None = None) -> Words:
    """Return the words of addresses; ``keys`` are a Feistel law's if they are not the seed's."""
    if isinstance(law, FeistelLaw):
        return _feistel(law, feistel_keys(seed) if keys is None else keys, addresses)
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


def invert(law: Law, seed: int, words: Words) -> Words:
    """Return the addresses whose generated words these are.

    Raises:
        ValueError: the law has no inverse.
    """
    if isinstance(law, FeistelLaw):
        return _unfeistel(law, feistel_keys(seed), words)
    if isinstance(law, MaskLaw):
        return _unmix(words, law.mixer) - np.uint64(seed) - np.uint64(law.increment)
    raise ValueError(f"law must be bijective to be inverted, not {law.name!r}")


def _feistel(law: FeistelLaw, keys: Keys, addresses: Words) -> Words:
    halves = _split(addresses)
    halves[0] ^= _premix(law, halves[1])
    for i in range(law.rounds):
        halves[1 - i % 2] ^= _round(law, keys, i, halves[i % 2])
    return _join(halves)


def _unfeistel(law: FeistelLaw, keys: Keys, words: Words) -> Words:
    halves = _split(words)
    for i in reversed(range(law.rounds)):
        halves[1 - i % 2] ^= _round(law, keys, i, halves[i % 2])
    halves[0] ^= _premix(law, halves[1])
    return _join(halves)


def _split(words: Words) -> list[Halves]:
    """Return the right and the left half."""
    return [words.astype(np.uint32), (words >> np.uint64(32)).astype(np.uint32)]


def _join(halves: list[Halves]) -> Words:
    return halves[0].astype(np.uint64) | halves[1].astype(np.uint64) << np.uint64(32)


def _premix(law: FeistelLaw, left: Halves) -> Halves:
    return (left << np.uint32(law.premix)) | (left >> np.uint32(32 - law.premix))


def _round(law: FeistelLaw, keys: Keys, i: int, half: Halves) -> Halves:
    t = half + np.uint32((keys[i % 4] + law.key_step * (i // 4)) & _MASK32)
    t ^= t >> np.uint32(law.shift_in)
    t *= np.uint32(law.factors[i % 2])
    return t ^ (t >> np.uint32(law.shift_out))


def _mix(x: Words, mixer: Mixer) -> Words:
    for shift, factor in mixer.stages:
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(mixer.final_shift))


def _unmix(y: Words, mixer: Mixer) -> Words:
    y = _unshift(y, mixer.final_shift)
    for shift, factor in reversed(mixer.stages):
        y = _unshift(y * np.uint64(pow(factor, -1, 1 << 64)), shift)
    return y


def _unshift(y: Words, shift: int) -> Words:
    """Solve ``y = x ^ (x >> shift)``: each pass makes ``shift`` more high bits right."""
    x = y
    for _ in range(64 // shift):
        x = y ^ (x >> np.uint64(shift))
    return x
