"""The contract's parameters: laws, mixers, and seeds, with their published and pinned values."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.arch.laws import (
    DEFAULT_LAW,
    FMIX64,
    LAWS,
    MX3,
    SPLITMIX64,
    FeistelLaw,
    Mixer,
    ResidueLaw,
    law_by_name,
)
from engram.arch.seeds import derive_seed, feistel_keys, mix
from tests.conformance import statement

WORD = st.integers(0, 2**64 - 1)
PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "gmem_golden.json").read_text())


def test_fmix64_is_the_published_one() -> None:
    assert len(PUBLISHED["fmix64"]) >= 7
    for vector in PUBLISHED["fmix64"]:
        assert mix(int(vector["x"], 16), FMIX64) == int(vector["y"], 16)


def test_splitmix64_makes_the_published_sequence() -> None:
    """The first outputs of SplitMix64 from state 1234567, which Rosetta Code lists."""
    state, made = 1234567, []
    for _ in range(3):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        made.append(mix(state, SPLITMIX64))
    assert made == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def unmix(y: int, mixer: Mixer) -> int:
    """Undo a mixer one bit at a time."""
    for shift, factor in reversed((*mixer.stages, (mixer.final_shift, 1))):
        y = y * pow(factor, -1, 2**64) % 2**64
        for bit in range(63 - shift, -1, -1):
            y ^= (y >> shift) & (1 << bit)
    return y


@given(x=WORD, mixer=st.sampled_from([FMIX64, SPLITMIX64, MX3]))
def test_mixers_can_be_undone(x, mixer) -> None:
    assert unmix(mix(x, mixer), mixer) == x


@given(seed=WORD, stream=WORD)
def test_keys_are_the_statements(seed, stream) -> None:
    keys = feistel_keys(seed, stream)
    assert list(keys) == statement.keys(seed, stream)
    assert all(0 <= key < 2**32 for key in keys)


def test_keys_are_pinned() -> None:
    """They make the words of laws 1 and 4, which never change."""
    assert feistel_keys(0) == (0x4DC42C43, 0x55D55123, 0x68B4E786, 0xAC0C5A78)


@given(seed=WORD, one=WORD, other=WORD)
def test_streams_of_a_seed_have_keys_of_their_own(seed, one, other) -> None:
    assert (feistel_keys(seed, one) == feistel_keys(seed, other)) == (one == other)


@given(seed=WORD, one=st.text(max_size=9), other=st.text(max_size=9))
def test_names_have_seeds_of_their_own(seed, one, other) -> None:
    assert (derive_seed(seed, one) == derive_seed(seed, other)) == (one == other)
    assert 0 <= derive_seed(seed, one) < 2**64


def test_seeds_of_names_are_pinned() -> None:
    assert derive_seed(0, "a") == 0xB4DA62D89FF31828
    assert derive_seed(1, "a") != derive_seed(0, "a")


def test_released_laws_keep_their_numbers_and_names() -> None:
    assert {number: (law.name, law.bijective) for number, law in LAWS.items()} == {
        1: ("feistel6", True),
        2: ("vrns16", False),
        3: ("splitmix", True),
        4: ("feistel4", True),
    }
    assert all(law.number == number for number, law in LAWS.items())
    assert DEFAULT_LAW == 1


def test_a_law_goes_by_number_or_name() -> None:
    for number, law in LAWS.items():
        assert law_by_name(number) is law_by_name(law.name) is law
    for wrong in (0, 5, True, "1", "FEISTEL6", ""):
        with pytest.raises(ValueError, match=r"law must be one of 1 \(feistel6\), 2 .*, not "):
            law_by_name(wrong)


def test_parameters_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        LAWS[1].number = 9


def test_parameters_that_cannot_work_are_refused() -> None:
    for shift in (0, 64, -1):
        with pytest.raises(ValueError, match=rf"shift must be in 1\.\.63, not {shift}"):
            Mixer(((shift, 3),), 31)
        with pytest.raises(ValueError, match=rf"shift must be in 1\.\.63, not {shift}"):
            Mixer(((31, 3),), shift)
    with pytest.raises(ValueError, match="factor must be odd to be invertible, not 0x4"):
        Mixer(((31, 4),), 31)
    with pytest.raises(ValueError, match="rounds must be at least 1, not 0"):
        FeistelLaw(9, "none", bijective=True, rounds=0)
    with pytest.raises(ValueError, match="factor must be odd, not 0x2"):
        FeistelLaw(9, "even", bijective=True, rounds=2, factors=(3, 2))
    for modulus in (1 << 15, 1 << 16):
        with pytest.raises(ValueError, match=rf"modulus must be in .*2\*\*16, not {modulus}"):
            ResidueLaw(9, "wide", bijective=False, moduli=(modulus,))


def test_the_moduli_are_sixteen_different_primes() -> None:
    moduli = LAWS[2].moduli
    assert list(moduli) == statement.PRIMES
    assert len(set(moduli)) == 16
    assert all(p % d for p in moduli for d in range(2, 256))
