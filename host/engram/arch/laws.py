"""The numbered laws of generated words, as frozen parameters; a released law never changes."""

from dataclasses import dataclass

__all__ = [
    "DEFAULT_LAW",
    "FMIX64",
    "LAWS",
    "MX3",
    "SPLITMIX64",
    "FeistelLaw",
    "Law",
    "MaskLaw",
    "Mixer",
    "ResidueLaw",
    "law_by_name",
]

GOLDEN_RATIO_64 = 0x9E3779B97F4A7C15  # floor(2**64 / phi), odd: the usual Weyl increment
GOLDEN_RATIO_32 = 0x9E3779B9


@dataclass(frozen=True)
class Mixer:
    """A 64-bit bijection: each stage ``x ^= x >> shift; x *= factor``, then a last xor-shift."""

    stages: tuple[tuple[int, int], ...]
    final_shift: int

    def __post_init__(self) -> None:
        for shift, factor in (*self.stages, (self.final_shift, 1)):
            if not 0 < shift < 64:
                raise ValueError(f"shift must be in 1..63, not {shift!r}")
            if factor % 2 == 0:
                raise ValueError(f"factor must be odd to be invertible, not {factor:#x}")


# MurmurHash3's 64-bit finaliser (Austin Appleby, public domain).
FMIX64 = Mixer(((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53)), 33)
# The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014; Stafford's variant 13).
SPLITMIX64 = Mixer(((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)), 31)
# mx3 (Jon Maiga, 2020): three multiplies, used where a key must avalanche fully.
MX3 = Mixer(((32, 0xBEA225F9EB34556D), (29, 0xBEA225F9EB34556D), (32, 0xBEA225F9EB34556D)), 29)


@dataclass(frozen=True)
class Law:
    """What every law has: a number that is its identity, and a name.

    ``bijective`` says that, for one seed, the law maps the 2**64 addresses onto 2**64 different
    words and so can be inverted.
    """

    number: int
    name: str
    bijective: bool


@dataclass(frozen=True)
class FeistelLaw(Law):
    """Keyed Feistel permutation of the address in 32-bit halves.

    ``R ^= rotl(L, premix)``, then rounds alternately ``L ^= F(R, k, m)`` and ``R ^= F(L, k, m)``
    with ``F(r, k, m): t = r + k; t ^= t >> shift_in; t *= m; t ^= t >> shift_out`` modulo 2**32.
    Round ``i`` takes key ``i mod 4`` plus ``key_step * (i div 4)``.
    """

    rounds: int
    premix: int = 16
    shift_in: int = 16
    shift_out: int = 15
    # The round multipliers of Philox 4x32 (Salmon et al., SC 2011).
    factors: tuple[int, int] = (0xD2511F53, 0xCD9E8D57)
    key_step: int = GOLDEN_RATIO_32

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, not {self.rounds!r}")
        for factor in self.factors:
            if factor % 2 == 0:
                raise ValueError(f"factor must be odd, not {factor:#x}")


@dataclass(frozen=True)
class ResidueLaw(Law):
    """Residues of ``seed ^ address``, each mixed with its modulus and lane, folded by XOR.

    ``word = XOR over lanes i of mixer((x mod p_i) | p_i << 16 | i << 32)``.
    """

    moduli: tuple[int, ...]
    mixer: Mixer = FMIX64

    def __post_init__(self) -> None:
        for modulus in self.moduli:
            # Below 2**16 the three fields cannot overlap; near it a residue is a few folds.
            if not 1 << 15 < modulus < 1 << 16:
                raise ValueError(f"modulus must be in 2**15..2**16, not {modulus!r}")


@dataclass(frozen=True)
class MaskLaw(Law):
    """``mixer(seed + address + increment)`` modulo 2**64: a mask with an O(1) inverse."""

    increment: int = GOLDEN_RATIO_64
    mixer: Mixer = SPLITMIX64


LAWS: dict[int, Law] = {
    law.number: law
    for law in (
        FeistelLaw(1, "feistel6", bijective=True, rounds=6),
        # Sixteen primes just below 2**16, in the published order (their vectors fix it).
        ResidueLaw(
            2,
            "vrns16",
            bijective=False,
            moduli=(
                65447, 65449, 65479, 65497, 65519, 65521, 65437, 65423,
                65419, 65413, 65407, 65393, 65381, 65371, 65357, 65353,
            ),
        ),
        MaskLaw(3, "splitmix", bijective=True),
        FeistelLaw(4, "feistel4", bijective=True, rounds=4),
    )
}

DEFAULT_LAW = 1


def law_by_name(law: int | str) -> Law:
    """Return the law of this number or name; raise ValueError naming the laws there are."""
    if isinstance(law, int) and not isinstance(law, bool) and law in LAWS:
        return LAWS[law]
    for known in LAWS.values():
        if known.name == law:
            return known
    names = ", ".join(f"{known.number} ({known.name})" for known in LAWS.values())
    raise ValueError(f"law must be one of {names}, not {law!r}")
