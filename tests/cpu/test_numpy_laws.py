"""The laws in NumPy, held against the golden model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.arch.laws import LAWS
from engram.cpu.numpy_laws import generate
from sim.golden.laws import generate as golden

words = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("law", sorted(LAWS))
@given(seed=words, addresses=st.lists(words, min_size=1, max_size=8))
def test_numpy_makes_the_golden_words(law: int, seed: int, addresses: list[int]) -> None:
    expected = [golden(LAWS[law], seed, address) for address in addresses]
    found = generate(LAWS[law], seed, np.array(addresses, np.uint64))
    assert found.tolist() == expected
