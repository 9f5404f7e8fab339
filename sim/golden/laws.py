"""Every law of generated words, one word at a time, and the inverses of the bijective ones."""

from engram.arch.laws import FeistelLaw, Law, MaskLaw, Mixer, ResidueLaw
from engram.arch.seeds import feistel_keys

__all__ = ["generate", "invert"]

MASK32 = (1 << 32) - 1
MASK64 = (1 << 64) - 1


def generate(law: Law, seed: int, address: int, *, stream: int = 0) -> int:
    """Return the word that a law and a seed give an address; a Feistel law has streams, too."""
    if isinstance(law, FeistelLaw):
        return _feistel(law, feistel_keys(seed, stream), address)
    if isinstance(law, ResidueLaw):
        return _fold_residues(law, seed ^ address)
    assert isinstance(law, MaskLaw)
    return _mix((seed + address + law.increment) & MASK64, law.mixer)


def invert(law: Law, seed: int, word: int) -> int:
    """Return the address whose generated word this is; the law must be bijective."""
    if isinstance(law, FeistelLaw):
        return _inverse_feistel(law, feistel_keys(seed), word)
    if isinstance(law, MaskLaw):
        return (_unmix(word, law.mixer) - seed - law.increment) & MASK64
    raise ValueError(f"law must be bijective to be inverted, not {law.name!r}")


def _round(law: FeistelLaw, half: int, keys: tuple[int, ...], i: int) -> int:
    key = keys[i % 4] + law.key_step * (i // 4)
    t = (half + key) & MASK32
    t ^= t >> law.shift_in
    t = t * law.factors[i % 2] & MASK32
    return t ^ (t >> law.shift_out)


def _premix(law: FeistelLaw, left: int) -> int:
    return ((left << law.premix) | (left >> (32 - law.premix))) & MASK32


def _feistel(law: FeistelLaw, keys: tuple[int, ...], address: int) -> int:
    right, left = address & MASK32, address >> 32
    right ^= _premix(law, left)
    for i in range(law.rounds):
        if i % 2 == 0:
            left ^= _round(law, right, keys, i)
        else:
            right ^= _round(law, left, keys, i)
    return left << 32 | right


def _inverse_feistel(law: FeistelLaw, keys: tuple[int, ...], word: int) -> int:
    right, left = word & MASK32, word >> 32
    for i in reversed(range(law.rounds)):
        if i % 2 == 0:
            left ^= _round(law, right, keys, i)
        else:
            right ^= _round(law, left, keys, i)
    right ^= _premix(law, left)
    return left << 32 | right


def _fold_residues(law: ResidueLaw, x: int) -> int:
    word = 0
    for lane, modulus in enumerate(law.moduli):
        word ^= _mix((x % modulus) | modulus << 16 | lane << 32, law.mixer)
    return word


def _mix(x: int, mixer: Mixer) -> int:
    for shift, factor in mixer.stages:
        x ^= x >> shift
        x = x * factor & MASK64
    return x ^ (x >> mixer.final_shift)


def _unmix(y: int, mixer: Mixer) -> int:
    x = _unshift(y, mixer.final_shift)
    for shift, factor in reversed(mixer.stages):
        x = x * pow(factor, -1, 1 << 64) & MASK64
        x = _unshift(x, shift)
    return x


def _unshift(y: int, shift: int) -> int:
    """Solve ``y = x ^ (x >> shift)``: each pass makes ``shift`` more high bits right."""
    x = y
    for _ in range(64 // shift):
        x = y ^ (x >> shift)
    return x
