"""The checker of LMDB files accepts every file that the installed LMDB writes."""

import random
from pathlib import Path

import lmdb
import pytest
from lmdb import verify as lmdb_verify

from engram.errors import StoreCorrupt
from engram.store.datafile import DataFile


def accept(path: Path) -> dict[bytes, int]:
    """Check the whole newest snapshot, and the previous one's trees; return entry counts."""
    with DataFile(path) as file:
        if file.previous is not None:
            for name, tree in file.previous.trees().items():
                file.previous.contents(name, tree, values=False)
        trees = file.newest.trees()
        counts = {
            name: file.newest.contents(name, tree, values=False).entries
            for name, tree in trees.items()
        }
        file.newest.check_free_pages()
        return counts


def churn(place: Path, seed: int, rounds: int) -> None:
    chosen = random.Random(seed)
    model: dict[bytes, dict[bytes, bytes]] = {b"a": {}, b"b": {}, b"c": {}}
    largest = chosen.choice([20, 600, 3000, 60_000])
    environment = lmdb.open(str(place), max_dbs=8, map_size=1 << 30, sync=False)
    for number in range(rounds):
        trees = {name: environment.open_db(name) for name in model}
        reader = environment.begin() if chosen.random() < 0.2 else None
        with environment.begin(write=True) as write:
            for _ in range(chosen.choice([1, 5, 100, 600])):
                name = chosen.choice(list(model))
                key = b"%0*d" % (chosen.choice([3, 3, 8, 300]), chosen.randrange(400))
                if chosen.random() < 0.4 and model[name]:
                    key = chosen.choice(list(model[name]))
                    write.delete(key, db=trees[name])
                    del model[name][key]
                else:
                    model[name][key] = bytes(chosen.randrange(largest))
                    write.put(key, model[name][key], db=trees[name])
            if chosen.random() < 0.1:
                write.drop(trees[b"b"], delete=False)
                model[b"b"].clear()
        if chosen.random() < 0.1:
            with environment.begin(write=True) as write:
                write.put(b"left", bytes(largest), db=trees[b"c"])
                write.abort()
        if reader is not None:
            reader.abort()
        if number % 5 == 0:
            expected = {name: len(entries) for name, entries in model.items()}
            assert accept(place / "data.mdb") == expected
        if chosen.random() < 0.1:
            environment.close()
            environment = lmdb.open(str(place), max_dbs=8, map_size=1 << 30, sync=False)
        if chosen.random() < 0.1:
            compacted = place / f"compact{number}"
            compacted.mkdir()
            environment.copy(str(compacted), compact=chosen.random() < 0.7)
            assert accept(compacted / "data.mdb") == {n: len(e) for n, e in model.items()}
            (compacted / "data.mdb").unlink()
    environment.close()


@pytest.mark.parametrize("seed", range(12))
def test_files_of_random_transactions_are_accepted(tmp_path, seed) -> None:
    churn(tmp_path, seed, 40)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_files_of_many_random_transactions_are_accepted(tmp_path, seed) -> None:
    churn(tmp_path, seed, 200)


def test_deep_trees_and_long_free_lists_are_accepted(tmp_path) -> None:
    with lmdb.open(str(tmp_path), max_dbs=8, map_size=1 << 30, sync=False) as environment:
        tree = environment.open_db(b"a")
        with environment.begin(write=True, db=tree) as write:
            for number in range(8000):
                write.put(b"%0400d" % number, b"")
        with environment.begin(write=True, db=tree) as write:
            for number in range(1000):
                write.put(b"big%d" % number, bytes(9000))
        assert accept(tmp_path / "data.mdb") == {b"a": 9000}
        with environment.begin(write=True) as write:
            write.drop(tree, delete=False)
        assert accept(tmp_path / "data.mdb") == {b"a": 0}


def test_what_lmdbs_own_verifier_refuses_is_refused(tmp_path) -> None:
    churn(tmp_path, 1, 20)
    path = tmp_path / "data.mdb"
    sound = path.read_bytes()
    accept(path)
    chosen = random.Random(9)
    refused = 0
    for _ in range(150):
        changed = bytearray(sound)
        page = chosen.randrange(len(sound) // 4096)
        changed[4096 * page + chosen.randrange(60)] ^= 1 << chosen.randrange(8)
        path.write_bytes(changed)
        try:
            theirs = lmdb_verify.verify(str(path))
        except lmdb_verify.VerifyError:
            theirs = ["unreadable"]
        try:
            accept(path)
        except StoreCorrupt:
            refused += 1
        else:
            assert not theirs, theirs
    assert refused > 30


def edited(path: Path, edit) -> Path:
    """Change a sound file by `edit(data, file)`, which returns nothing."""
    accept(path)
    with DataFile(path) as file:
        data = bytearray(path.read_bytes())
        edit(data, file)
    path.write_bytes(data)
    return path


@pytest.fixture
def small(tmp_path) -> Path:
    """A file of one tree with two big values and two small ones, and a free list."""
    with lmdb.open(str(tmp_path), max_dbs=8, map_size=1 << 30) as environment:
        tree = environment.open_db(b"a")
        for size in (9000, 9001):
            with environment.begin(write=True, db=tree) as write:
                for key in (b"big1", b"big2"):
                    write.put(key, bytes(size))
                for key in (b"one", b"two"):
                    write.put(key, b"0123456789" * 4)
    return tmp_path / "data.mdb"


def test_two_values_in_the_same_pages_are_refused(small) -> None:
    def edit(data: bytearray, file: DataFile) -> None:
        root = file.newest.trees()[b"a"].root * 4096
        first, second = (data.index(key, root, root + 4096) + 4 for key in (b"big1", b"big2"))
        data[second : second + 8] = data[first : first + 8]

    with pytest.raises(StoreCorrupt, match="twice"):
        accept(edited(small, edit))


def test_a_value_that_lost_its_end_is_refused(small) -> None:
    def edit(data: bytearray, file: DataFile) -> None:
        root = file.newest.trees()[b"a"].root * 4096
        data[data.index(b"one", root, root + 4096) - 8] -= 4

    with pytest.raises(StoreCorrupt, match="overlap or leave gaps"):
        accept(edited(small, edit))


def test_a_free_page_that_is_in_use_is_refused(small) -> None:
    def edit(data: bytearray, file: DataFile) -> None:
        used = file.newest.trees()[b"a"].root
        root = file.newest._meta.free.root * 4096
        lower = int.from_bytes(data[root + 12 : root + 14], "little")
        for at in range(root + 16, root + lower, 2):
            node = root + int.from_bytes(data[at : at + 2], "little")
            count = int.from_bytes(data[node + 16 : node + 24], "little")
            pages = [
                int.from_bytes(data[node + 24 + 8 * i : node + 32 + 8 * i], "little")
                for i in range(count)
            ]
            if pages:
                pages = sorted([*pages[1:], used], reverse=True)
                data[node + 24 : node + 24 + 8 * count] = b"".join(
                    page.to_bytes(8, "little") for page in pages
                )
                return
        pytest.fail("no page is free")

    with pytest.raises(StoreCorrupt, match=r"both free and in use|cut off"):
        accept(edited(small, edit))


def test_a_fresh_environment_holds_no_transaction(tmp_path) -> None:
    lmdb.open(str(tmp_path), max_dbs=8).close()
    with pytest.raises(StoreCorrupt, match="transaction 0 is in the wrong meta page"):
        DataFile(tmp_path / "data.mdb")
