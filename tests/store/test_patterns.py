"""Changes of associations survive their encoding, and no bytes can harm the decoder."""

import shutil
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engram
from engram.arch.associations import PRESETS, Association
from engram.errors import StoreCorrupt, VersionMismatch
from engram.store import Associate, Store, verify
from engram.store.patterns import Aged, Founded, Written, decode_change, encode_change
from engram.store.records import WORDS_IN_RUN, decode, encode
from tests.associations.content import LAW, embeddings, names, state

slots = st.lists(st.integers(0, 2**31 - 1), max_size=6, unique=True)


@st.composite
def written(draw: st.DrawFn) -> Written:
    where = draw(slots)
    count, width = len(where), draw(st.integers(1, 20))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    synapses = {}
    for row in range(count):
        if draw(st.booleans()):
            neurons = np.sort(random.choice(99, 7, replace=False)).astype(np.uint16)
            synapses[row] = (neurons, random.integers(1, 16, 7).astype(np.uint8))
    texts = st.lists(st.text(max_size=9).map(str.encode), min_size=count, max_size=count)
    return Written(
        np.array(where, np.int64),
        random.integers(-127, 128, (count, width)).astype(np.int8),
        random.integers(0, 257, count),
        random.integers(0, 256, count),
        draw(st.lists(st.text(min_size=1, max_size=9), min_size=count, max_size=count)),
        draw(texts),
        synapses,
    )


def same(one: Written, other: Written) -> bool:
    arrays = ("slots", "vectors", "importances", "strengths")
    return (
        all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and (one.ids, one.metadata) == (other.ids, other.metadata)
        and one.synapses.keys() == other.synapses.keys()
        and all(
            np.array_equal(mine, theirs)
            for row in one.synapses
            for mine, theirs in zip(one.synapses[row], other.synapses[row], strict=True)
        )
    )


@given(written())
def test_patterns_come_back_as_they_were(change: Written) -> None:
    found = decode_change(encode_change(change))
    assert isinstance(found, Written)
    assert same(found, change)


@given(written(), st.integers(1, 200))
def test_pieces_make_up_the_whole(change: Written, size: int) -> None:
    pieces = list(change.pieces(size))
    assert [name for piece in pieces for name in piece.ids] == change.ids
    for i, slot in enumerate(change.slots.tolist()):
        (piece,) = [piece for piece in pieces if slot in piece.slots]
        row = piece.slots.tolist().index(slot)
        assert same(piece.rows(np.array([row])), change.rows(np.array([i])))


@given(st.integers(0, 2**64 - 1), slots, slots)
def test_ageing_comes_back_as_it_was(clock, aged, forgotten) -> None:
    strengths = np.arange(len(aged)) % 256
    change = Aged(clock, np.array(aged, np.int64), strengths, np.array(forgotten, np.int64))
    found = decode_change(encode_change(change))
    assert isinstance(found, Aged)
    assert found.clock == clock
    assert found.slots.tolist() == aged
    assert found.strengths.tolist() == strengths.tolist()
    assert found.forgotten.tolist() == forgotten


@pytest.mark.parametrize("association", [*PRESETS.values(), LAW, replace(LAW, signed=False)])
def test_a_law_comes_back_as_it_was(association) -> None:
    change = Founded(association, 768)
    assert decode_change(encode_change(change)) == change


def test_an_unknown_law_is_another_version() -> None:
    words = encode_change(Founded(LAW, 768)).copy()
    names_of = list(Association.__dataclass_fields__)
    words[4 + names_of.index("number")] = 2
    with pytest.raises(VersionMismatch, match="law 2 of associations"):
        decode_change(words)


@given(st.binary(max_size=300))
def test_no_bytes_harm_the_decoder(data: bytes) -> None:
    words = np.frombuffer(data + bytes(-len(data) % 8), np.uint64)
    with suppress(StoreCorrupt, VersionMismatch):
        decode_change(words)


@given(written(), st.data())
def test_no_flipped_bit_harms_the_decoder(change: Written, data: st.DataObject) -> None:
    words = encode_change(change).copy()
    at = data.draw(st.integers(0, 64 * len(words) - 1))
    words[at // 64] ^= np.uint64(1 << at % 64)
    with suppress(StoreCorrupt, VersionMismatch):
        decode_change(words)
    with suppress(StoreCorrupt, VersionMismatch):
        decode_change(words[: data.draw(st.integers(0, len(words)))])


def test_a_change_is_a_record_like_others() -> None:
    change = Associate(encode_change(Founded(LAW, 5)))
    (run,) = encode([change, change])
    assert list(decode(run.data)) == [change, change]
    assert (run.records, run.words) == (2, 2 * len(change.words))
    with pytest.raises(ValueError, match=f"words must be {WORDS_IN_RUN} at most"):
        Associate(np.zeros(WORDS_IN_RUN + 1, np.uint64))
    with pytest.raises(TypeError, match="words must be a one-dimensional uint64 array"):
        Associate(np.zeros(4))


def test_a_change_that_cannot_be_is_a_problem(place, identity) -> None:
    """Its digest is right, so only its content tells."""
    with Store.open(place, identity=identity) as store:
        store.commit([Associate(np.full(9, 77, np.uint64))])
    (problem,) = verify(place).problems
    assert "a change of form 77 is impossible" in problem
    with pytest.raises(StoreCorrupt, match="form 77"):
        engram.open(place)


def test_patterns_without_a_law_cannot_be(place, identity) -> None:
    nothing = np.zeros(0, np.int64)
    with Store.open(place, identity=identity) as store:
        store.commit([Associate(encode_change(Aged(1, nothing, nothing, nothing)))])
    with pytest.raises(StoreCorrupt, match="before the law"):
        engram.open(place)


def test_every_flipped_bit_of_a_pattern_is_noticed(place, tmp_path) -> None:
    with engram.open(place, associations="golden", preset=LAW) as memory:
        memory.remember(names(6), embeddings(6), metadata=[{"mark": "here it is"}] * 6)
        memory.remember("p2", embeddings(7)[6], gated=True)
        before = state(memory)
    content = (place / "data.mdb").read_bytes()
    at = content.index(b"here it is")
    assert verify(place).ok
    for offset in range(at - 600, at + 200, 37):
        damaged = tmp_path / "damaged"
        shutil.rmtree(damaged, ignore_errors=True)
        shutil.copytree(place, damaged)
        spoilt = bytearray(content)
        spoilt[offset] ^= 1 << offset % 8
        (damaged / "data.mdb").write_bytes(spoilt)
        assert not verify(damaged).ok
        with pytest.raises(StoreCorrupt):
            engram.open(damaged)
    with engram.open(place, associations="golden") as memory:
        assert state(memory) == before
