"""Changes of tensors as a log keeps them: in pieces, back as they were, or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.errors import StoreCorrupt
from engram.store import Describe, Store
from engram.store.records import decode, encode
from engram.store.state import Identity
from engram.store.tensors import Dropped, Headed, Kept, decode_changes, encode_change

CHANGES = [
    Kept(b"x"),
    Kept(bytes(range(256)) * 5000),
    Headed("a näme", 1, 7, 9, bytes(range(32)), bytes(32)),
    Dropped("a"),
]


def pieces_of(changes) -> list[np.ndarray]:
    return [words for change in changes for words in encode_change(change)]


def test_changes_come_back_through_records_and_a_store(tmp_path) -> None:
    pieces = pieces_of(CHANGES)
    assert len(pieces) > len(CHANGES)
    assert list(decode_changes(pieces)) == CHANGES
    records = [Describe(words) for words in pieces]
    back = [record for run in encode(records) for record in decode(run.data)]
    assert back == records
    with Store.open(tmp_path / "s", identity=Identity(1, 1)) as store:
        store.commit(records)
    with Store.open(tmp_path / "s") as store:
        assert list(decode_changes(each.words for each in store.replay())) == CHANGES


@given(st.binary(min_size=1, max_size=100))
def test_content_of_any_length_comes_back(data) -> None:
    assert list(decode_changes(encode_change(Kept(data)))) == [Kept(data)]


def test_missing_doubled_and_exchanged_pieces_are_refused() -> None:
    big = Kept(bytes(range(256)) * 8192)
    pieces = list(encode_change(big))
    assert len(pieces) == 4
    for wrong in (
        pieces[1:],
        pieces[:-1],
        [pieces[0], *pieces],
        [pieces[1], pieces[0], *pieces[2:]],
        [*pieces[:2], *pieces_of([Dropped("a")]), *pieces[2:]],
    ):
        with pytest.raises(StoreCorrupt):
            list(decode_changes(wrong))


def test_impossible_pieces_are_refused() -> None:
    good = pieces_of([Dropped("name")])[0]
    for at, value in ((0, 9), (0, 1 << 32), (1, 3), (2, 1), (3, 99), (4, 1 << 63)):
        words = good.copy()
        words[at] ^= np.uint64(value)
        with pytest.raises(StoreCorrupt):
            list(decode_changes([words]))
    for words in (good[:0], good[:3], np.append(good, np.uint64(0))):
        with pytest.raises(StoreCorrupt):
            list(decode_changes([words]))
