"""The golden model against the statement of the laws, which was written apart from it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.arch.laws import LAWS
from sim.golden.elements import elements
from sim.golden.laws import generate, invert
from tests.conformance.statement import FIELDS, FORMATS, element_bytes, inverse, word

WORD = st.integers(0, 2**64 - 1)


@given(law=st.sampled_from([1, 2, 3, 4]), seed=WORD, address=WORD)
def test_words_are_the_statements(law, seed, address) -> None:
    assert generate(LAWS[law], seed, address) == word(law, seed, address)


@given(law=st.sampled_from([1, 3, 4]), seed=WORD, image=WORD)
def test_inverses_are_the_statements_and_undo(law, seed, image) -> None:
    address = invert(LAWS[law], seed, image)
    assert address == inverse(law, seed, image)
    assert generate(LAWS[law], seed, address) == image
    assert invert(LAWS[law], seed, generate(LAWS[law], seed, image)) == image


def test_law_2_has_no_inverse() -> None:
    with pytest.raises(ValueError, match="law must be bijective to be inverted, not 'vrns16'"):
        invert(LAWS[2], 0, 0)


@given(image=WORD, name=st.sampled_from(sorted(FIELDS)))
def test_elements_are_exactly_what_their_type_holds(image, name) -> None:
    made = elements(image, name)
    assert made == FIELDS[name](image) or name == "normal"
    packed = struct.pack(FORMATS[name], *made)
    assert packed == element_bytes(image, name)
    assert list(struct.unpack(FORMATS[name], packed)) == made
