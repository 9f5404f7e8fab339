"""Damage to a closed store is noticed before LMDB can stumble over it, wherever it is."""

import itertools
import random
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from engram.errors import StoreCorrupt
from engram.store import Identity, Record, SpaceEntry, Store, WriteRange, WriteWords, verify

PAGE = 4096
META_BYTES = 152


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> tuple[Path, list[Record]]:
    """A closed store with free pages, small and large values, and several transactions behind."""
    place = tmp_path_factory.mktemp("original") / "memory"
    records: list[Record] = []
    with Store.open(place, identity=Identity(7, 1), journal_bytes=4096) as store:
        for number in range(40):
            store.put_space(SpaceEntry(number, f"space {number}", number))
        store.compact([WriteRange(0, 0, np.zeros(9000, np.uint64))])
        store.compact([])
        for number in range(60):
            words = np.arange(1 + number % 3 if number % 20 else 9000, dtype=np.uint64)
            records.append(WriteWords(number, words, words))
            store.commit(records[-1:])
    return place, records


@pytest.fixture
def damaged(original, tmp_path):
    """Return a new copy of the original with one file changed."""
    numbers = itertools.count()

    def make(name: str, change) -> Path:
        place = tmp_path / str(next(numbers))
        place.mkdir()
        for file in ("data.mdb", "journal"):
            data = (original[0] / file).read_bytes()
            (place / file).write_bytes(change(data) if file == name else data)
        return place

    return make


def flip(bit: int):
    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    return change


def read(place: Path) -> list[Record] | None:
    """Return what a reader gets, or None if it is told of corruption."""
    try:
        with Store.open(place, read_only=True) as store:
            assert store.identity == Identity(7, 1)
            assert len(store.spaces()) == 40
            return list(store.replay())
    except StoreCorrupt:
        return None


def noticed_or_harmless(place: Path, records: list[Record]) -> bool:
    """Whether the damage was noticed; if not, everything must be right, also after writing."""
    report = verify(place)
    found = read(place)
    assert report.ok == (found is not None), report.problems
    if found is None:
        with pytest.raises(StoreCorrupt), Store.open(place) as store:
            list(store.replay())
        return True
    assert found == records
    large = WriteRange(9, 9, np.arange(20_000, dtype=np.uint64))
    with Store.open(place) as store:
        for _ in range(3):
            store.commit([large])
    with Store.open(place, read_only=True) as store:
        assert list(store.replay()) == [*records, large, large, large]
    return False


def test_the_original_is_sound(original) -> None:
    assert verify(original[0]).ok
    assert read(original[0]) == original[1]


def test_a_cut_data_file_is_corrupt_at_every_length(damaged, original) -> None:
    size = (original[0] / "data.mdb").stat().st_size
    chosen = random.Random(4)
    lengths = {0, 1, 100, PAGE, size - 1, *(chosen.randrange(size) for _ in range(30))}
    lengths |= set(range(0, size, 8 * PAGE))
    for length in lengths:
        place = damaged("data.mdb", lambda data, length=length: data[:length])
        assert read(place) is None, length
        with pytest.raises(StoreCorrupt):
            Store.open(place, identity=Identity(7, 1))
        report = verify(place)
        assert not report.ok
        assert len(report.problems) == 1


def test_a_cut_journal_is_corrupt_at_every_length(damaged) -> None:
    for length in (0, 1, 63, 64, 2048, 4095):
        place = damaged("journal", lambda data, length=length: data[:length])
        assert read(place) is None, length
        assert not verify(place).ok


def flips(original: Path, kind: str, count: int) -> list[int]:
    chosen = random.Random(kind)
    size = (original / "data.mdb").stat().st_size
    if kind == "meta":
        pages = [chosen.randrange(2) * PAGE for _ in range(count)]
        return [8 * (page + chosen.randrange(META_BYTES)) + chosen.randrange(8) for page in pages]
    if kind == "heads":  # page headers and node offsets
        pages = [chosen.randrange(size // PAGE) * PAGE for _ in range(count)]
        return [8 * (page + chosen.randrange(40)) + chosen.randrange(8) for page in pages]
    return [chosen.randrange(8 * size) for _ in range(count)]


@pytest.mark.parametrize("kind", ["meta", "heads", "anywhere"])
def test_a_flipped_bit_is_noticed_or_harmless(damaged, original, kind) -> None:
    place, records = original
    noticed = 0
    for bit in flips(place, kind, 150):
        noticed += noticed_or_harmless(damaged("data.mdb", flip(bit)), records)
    assert noticed > 50 or kind != "meta"
    assert noticed > 20


def test_a_flipped_bit_in_the_journal_of_a_closed_store_is_harmless(damaged, original) -> None:
    chosen = random.Random(5)
    for _ in range(60):
        place = damaged("journal", flip(chosen.randrange(8 * 4096)))
        assert not noticed_or_harmless(place, original[1])


def test_every_flip_of_a_transaction_number_is_noticed(damaged) -> None:
    # It would make LMDB choose the snapshot before the last, as if nothing were wrong.
    for page, bit in itertools.product((0, 1), range(64)):
        place = damaged("data.mdb", flip(8 * (page * PAGE + 16 + 24 + 96 + 8) + bit))
        assert read(place) is None, (page, bit)


def test_every_flip_of_a_batch_or_a_space_is_noticed(damaged, original) -> None:
    data = (original[0] / "data.mdb").read_bytes()
    chosen = random.Random(6)
    for offset, length in ((data.rindex(b"EgBa"), 200), (data.rindex(b"space 17"), 50)):
        for _ in range(40):
            bit = 8 * (offset + chosen.randrange(length)) + chosen.randrange(8)
            place = damaged("data.mdb", flip(bit))
            # The last copy of a leaf may be a free page; then nothing may have changed.
            noticed_or_harmless(place, original[1])


def test_overwritten_and_exchanged_pages_are_noticed_or_harmless(damaged, original) -> None:
    place, records = original
    pages = (place / "data.mdb").stat().st_size // PAGE
    chosen = random.Random(7)
    for _ in range(60):
        one, other = chosen.randrange(pages) * PAGE, chosen.randrange(pages) * PAGE
        zeros = chosen.random() < 0.5

        def change(data: bytes, one=one, other=other, zeros=zeros) -> bytes:
            page = bytes(PAGE) if zeros else data[other : other + PAGE]
            return data[:one] + page + data[one + PAGE :]

        noticed_or_harmless(damaged("data.mdb", change), records)


def test_an_exchanged_batch_is_noticed(original, tmp_path) -> None:
    # Digest and all, but in the place of another: by way of LMDB itself.
    import lmdb

    place = tmp_path / "memory"
    shutil.copytree(original[0], place)
    with lmdb.open(str(place), max_dbs=16, map_size=1 << 24) as environment:
        batches = environment.open_db(b"batches", create=False)
        with environment.begin(write=True, db=batches) as write:
            keys = [struct.pack(">Q", number) for number in (1, 2)]
            one, other = (write.get(key) for key in keys)
            write.put(keys[0], other)
            write.put(keys[1], one)
    # LMDB's own commit did not count: already that is noticed.
    with pytest.raises(StoreCorrupt, match="commit"):
        Store.open(place)


def test_an_older_data_file_under_a_newer_journal_is_no_mixture(create, place, word) -> None:
    with create() as store:
        store.commit([word(1)])
    older = (place / "data.mdb").read_bytes()
    with create() as store:
        store.commit([word(2)])
    (place / "data.mdb").write_bytes(older)
    with create() as store:  # a whole older state: nothing tells that it once was newer
        assert list(store.replay()) in ([word(1)], [word(1), word(2)])


def test_garbage_is_no_store(place) -> None:
    chosen = random.Random(8)
    place.mkdir()
    (place / "journal").write_bytes(bytes(4096))
    for size in (1, 200, PAGE, 2 * PAGE, 10 * PAGE):
        (place / "data.mdb").write_bytes(chosen.randbytes(size))
        assert read(place) is None
