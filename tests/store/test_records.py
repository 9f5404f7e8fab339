"""Records survive their encoding, and no bytes can harm the decoder."""

import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.errors import StoreCorrupt
from engram.store import EraseRange, EraseWords, Record, WriteRange, WriteWords
from engram.store.records import PAIRS_IN_RUN, RUN_BYTES, WORDS_IN_RUN, decode, encode, pack

spaces = st.integers(0, 2**32 - 1)
addresses = st.integers(0, 2**64 - 1)


def arrays(least: int = 0) -> st.SearchStrategy[np.ndarray]:
    return st.lists(addresses, min_size=least, max_size=20).map(lambda w: np.array(w, np.uint64))


def pairs() -> st.SearchStrategy[WriteWords]:
    return st.tuples(spaces, st.lists(st.tuples(addresses, addresses), max_size=20)).map(
        lambda made: WriteWords(
            made[0],
            np.array([pair[0] for pair in made[1]], np.uint64),
            np.array([pair[1] for pair in made[1]], np.uint64),
        )
    )


records = st.one_of(
    pairs(),
    st.builds(WriteRange, spaces, st.integers(0, 2**64 - 20), arrays()),
    st.builds(EraseWords, spaces, arrays()),
    st.tuples(spaces, addresses, addresses).map(
        lambda made: EraseRange(made[0], made[1], min(made[2], 2**64 - made[1]))
    ),
    spaces.map(lambda space: EraseRange(space, 0, 2**64)),
)


def through(given_records: list[Record]) -> list[Record]:
    return [record for run in pack(encode(given_records)) for record in decode(run.data)]


@given(st.lists(records, max_size=10))
def test_records_come_back_as_they_were(some: list[Record]) -> None:
    assert through(some) == some


@given(st.lists(records, max_size=10))
def test_a_run_counts_what_it_holds(some: list[Record]) -> None:
    assert sum(run.records for run in encode(some)) == len(some)


@given(st.binary(max_size=200))
def test_no_bytes_harm_the_decoder(data: bytes) -> None:
    with suppress(StoreCorrupt):
        list(decode(data))


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_a_cut_encoding_is_corrupt_or_ends_between_records(
    some: list[Record], data: st.DataObject
) -> None:
    encoded = b"".join(run.data for run in encode(some))
    cut = data.draw(st.integers(0, len(encoded) - 1))
    try:
        found = list(decode(encoded[:cut]))
    except StoreCorrupt:
        return
    assert found == some[: len(found)]
    assert len(found) < len(some)


@pytest.mark.parametrize("count", [PAIRS_IN_RUN, PAIRS_IN_RUN + 1, 3 * PAIRS_IN_RUN])
def test_long_records_are_split_in_order(count: int) -> None:
    words = np.arange(count, dtype=np.uint64)
    runs = list(encode([WriteWords(1, words, words[::-1])]))
    assert all(len(run.data) <= RUN_BYTES for run in runs)
    parts = [record for run in runs for record in decode(run.data)]
    assert len(parts) == -(-count // PAIRS_IN_RUN)
    assert np.array_equal(np.concatenate([part.addresses for part in parts]), words)
    assert np.array_equal(np.concatenate([part.values for part in parts]), words[::-1])


def test_the_parts_of_a_long_range_join() -> None:
    words = np.arange(WORDS_IN_RUN + 10, dtype=np.uint64)
    first, second = through([WriteRange(0, 50, words)])
    assert (first.base, second.base) == (50, 50 + WORDS_IN_RUN)
    assert np.array_equal(np.concatenate([first.values, second.values]), words)


def test_decoded_words_are_views_of_the_bytes() -> None:
    (run,) = encode([WriteRange(0, 0, np.arange(9, dtype=np.uint64))])
    (record,) = decode(run.data)
    assert not record.values.flags.owndata
    assert not record.values.flags.writeable


def test_strided_words_are_kept_in_their_order() -> None:
    words = np.arange(100, dtype=np.uint64)[::7]
    assert through([EraseWords(0, words)]) == [EraseWords(0, words.copy())]


some_words = np.zeros(4, np.uint64)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: WriteWords(2**32, some_words, some_words), ValueError, "space must be in"),
        (lambda: WriteWords(True, some_words, some_words), TypeError, "space must be an int"),
        (lambda: WriteWords(0, some_words, some_words[:2]), ValueError, "as many as addresses (4)"),
        (lambda: WriteWords(0, [1], some_words), TypeError, "uint64 array, not [1]"),
        (lambda: EraseWords(0, some_words.astype(int)), TypeError, "uint64 array, not 'int64(4,)'"),
        (lambda: WriteRange(0, 2**64 - 3, some_words), ValueError, "count must stay within"),
        (lambda: WriteRange(0, -1, some_words), ValueError, "base must be in"),
        (lambda: EraseRange(0, 1, 2**64), ValueError, "count must stay within"),
        (lambda: EraseRange(0, 0.5, 1), TypeError, "start must be an int, not 0.5"),
    ],
)
def test_wrong_records_are_refused(make, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=re.escape(message)):
        make()


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(TypeError, match="record must be a store record, not 'word'"):
        list(encode(["word"]))  # type: ignore[list-item]
