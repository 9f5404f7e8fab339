"""Pages and regions: sizes that hardware relies on, and a table entry's bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.arch.pages import (
    ADDRESS_BITS,
    MASK64,
    PAGE_BITS,
    PAGE_BYTES,
    PAGE_WORDS,
    SPACE_WORDS,
    WORD_BYTES,
    Region,
    page_of,
)

PAGES = 2**55


@st.composite
def regions(draw: st.DrawFn) -> Region:
    first = draw(st.integers(0, PAGES - 1) | st.sampled_from([0, PAGES - 1]))
    pages = draw(st.integers(1, PAGES - first) | st.sampled_from([1, PAGES - first]))
    return Region(first, pages, draw(st.integers(0, MASK64)))


def test_a_page_is_four_kilobytes_of_words() -> None:
    assert (WORD_BYTES, PAGE_WORDS, PAGE_BYTES, 1 << PAGE_BITS) == (8, 512, 4096, 512)
    assert (1 << ADDRESS_BITS, SPACE_WORDS - 1) == (SPACE_WORDS, MASK64)
    assert [page_of(at) for at in (0, 511, 512, MASK64)] == [0, 0, 1, PAGES - 1]


@given(region=regions())
def test_an_entry_reads_back_as_it_was_written(region) -> None:
    entry = region.pack()
    assert len(entry) == 32
    words = (region.first_page, region.pages, region.descriptor, 1)
    assert struct.unpack("<4Q", entry) == words
    assert Region.unpack(entry) == region


@given(region=regions(), address=st.integers(0, MASK64))
def test_a_region_holds_its_pages_words(region, address) -> None:
    first = region.first_page * 512
    end = first + region.pages * 512
    assert (address in region) == (first <= address < end)
    assert first in region
    assert end - 1 in region
    assert end not in region
    assert first - 1 not in region


@pytest.mark.parametrize(
    ("first_page", "pages", "descriptor", "name"),
    [
        (-1, 1, 0, "first_page"),
        (PAGES, 1, 0, "first_page"),
        (0, 0, 0, "pages"),
        (0, PAGES + 1, 0, "pages"),
        (PAGES - 1, 2, 0, "pages"),
        (0, 1, -1, "descriptor"),
        (0, 1, 2**64, "descriptor"),
    ],
)
def test_a_region_outside_the_space_is_refused(first_page, pages, descriptor, name) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be in \d+\.\..*, not "):
        Region(first_page, pages, descriptor)


def test_bytes_that_are_no_entry_are_refused() -> None:
    good = Region(1, 2, 3).pack()
    for wrong in (b"", good[:-1], good + b"\0"):
        with pytest.raises(ValueError, match=f"entry must be 32 bytes, not {len(wrong)}"):
            Region.unpack(wrong)
    for flags in (0, 2, 3, 2**63 | 1):
        with pytest.raises(ValueError, match=f"flags must be 1, not {flags}"):
            Region.unpack(good[:24] + struct.pack("<Q", flags))
    with pytest.raises(ValueError, match="pages must be in "):
        Region.unpack(struct.pack("<4Q", 0, 0, 0, 1))
