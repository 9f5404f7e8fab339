"""Number views in NumPy, and the table of normal variates, which is law."""

import hashlib
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.arch.elements import ELEMENTS, element_by_name, to_elements
from engram.arch.normal import FRACTION_BITS, normal_table
from tests.conformance.statement import FIELDS, LANES, element_bytes

WORDS = st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 2**63, 2**64 - 1]), max_size=20)


@given(words=WORDS, name=st.sampled_from(sorted(FIELDS)))
def test_elements_are_the_statements(words, name) -> None:
    made = to_elements(np.array(words, np.uint64), ELEMENTS[name])
    assert made.tobytes() == b"".join(element_bytes(word, name) for word in words)
    assert made.dtype == ELEMENTS[name].dtype
    assert made.shape == ((len(words),) if LANES[name] == 1 else (len(words), LANES[name]))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (2, 0, 3)])
def test_lanes_are_a_last_axis(shape) -> None:
    words = np.arange(int(np.prod(shape)), dtype=np.uint64).reshape(shape)
    for name, element in ELEMENTS.items():
        lanes = LANES[name]
        assert to_elements(words, element).shape == (shape if lanes == 1 else (*shape, lanes))
        assert element.lanes == lanes
        assert element.formula


def test_views_go_by_name_and_type() -> None:
    assert {element_by_name(name).name for name in FIELDS} == set(FIELDS)
    assert element_by_name(np.float32) is element_by_name(np.dtype("f4")) is ELEMENTS["float32"]


def test_the_normal_table_is_pinned() -> None:
    """Its digest; the entries are law, so a table that differs in one bit is another law."""
    table = normal_table()
    assert table.shape == (32, 32, 2)
    assert hashlib.sha256(table.astype("<i4").tobytes()).hexdigest() == (
        "ebaf3aded384dd37db20e8de75defef09271373dda7e8e1b676ed3342d63a460"
    )
    assert not table.flags.writeable


def test_the_normal_table_follows_the_inverse_normal() -> None:
    table = normal_table()
    for octave in range(32):
        for segment in range(32):
            start, slope = table[octave, segment].tolist()
            for position in (0, 0x8000, 0xFFFF):
                z = (start - (slope * position >> 16)) / 2**FRACTION_BITS
                u = 2 ** (31 - octave) * (1 + (segment + position / 2**16) / 32)
                exact = -NormalDist().inv_cdf(u / 2**33)
                assert abs(z - exact) < 5e-5


def test_a_quarter_million_normals_have_the_moments() -> None:
    words = np.arange(1 << 17, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = to_elements(words, ELEMENTS["normal"]).reshape(-1).astype(np.float64)
    assert abs(z.mean()) < 0.01
    assert abs(z.std() - 1) < 0.01
    assert abs((z**4).mean() - 3) < 0.1
    assert abs((abs(z) > 1.959964).mean() - 0.05) < 0.003
    assert 4 < z[2:].max() < 6  # the first word is zero, and its halves the farthest out
    assert -6 < z.min() < -4
