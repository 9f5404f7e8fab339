"""The laws in NumPy, held against the golden model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.arch.laws import LAWS
from engram.arch.seeds import feistel_keys
from engram.numpy_laws import generate, invert
from sim.golden.laws import generate as golden
from sim.golden.laws import invert as golden_inverse

words = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("law", sorted(LAWS))
@given(seed=words, addresses=st.lists(words, min_size=1, max_size=8))
def test_numpy_makes_the_golden_words(law: int, seed: int, addresses: list[int]) -> None:
    expected = [golden(LAWS[law], seed, address) for address in addresses]
    found = generate(LAWS[law], seed, np.array(addresses, np.uint64))
    assert found.tolist() == expected


@pytest.mark.parametrize("law", [number for number, law in LAWS.items() if law.bijective])
@given(seed=words, images=st.lists(words, min_size=1, max_size=8))
def test_numpy_finds_the_golden_addresses(law: int, seed: int, images: list[int]) -> None:
    expected = [golden_inverse(LAWS[law], seed, image) for image in images]
    assert invert(LAWS[law], seed, np.array(images, np.uint64)).tolist() == expected


def test_a_law_without_an_inverse_says_so() -> None:
    with pytest.raises(ValueError, match="law must be bijective to be inverted, not 'vrns16'"):
        invert(LAWS[2], 0, np.zeros(1, np.uint64))


def test_keys_may_be_anothers() -> None:
    addresses = np.arange(5, dtype=np.uint64)
    made = generate(LAWS[1], 0, addresses, keys=feistel_keys(9))
    assert made.tolist() == generate(LAWS[1], 9, addresses).tolist()
