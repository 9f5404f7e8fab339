"""Tensors are stored, loaded, described, rolled back and dropped; wrong input changes nothing."""

import threading
from itertools import pairwise

import numpy as np
import pytest

import engram
from engram.arch.tensors import TILE_ELEMENTS, TYPES
from engram.config import MemoryConfig
from engram.errors import CannotMeet, NotFound, ReadOnly
from engram.trust.keys import Keys
from tests.tensors.samples import SHAPES, bits_of, low_rank, same_bits

KINDS = [kind.name for kind in TYPES.values() if kind.name != "bfloat16"]


@pytest.fixture
def memory():
    with engram.open(seed=9) as opened:
        yield opened


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_and_shape_comes_back_bit_for_bit(memory, kind) -> None:
    for number, shape in enumerate(SHAPES):
        values = bits_of(kind, shape, number)
        descriptor = memory.store(f"{kind}{number}", values)
        assert (descriptor.dtype, descriptor.shape) == (kind, shape)
        assert (descriptor.error, descriptor.nbytes) == (0.0, values.nbytes)
        assert same_bits(memory.load(f"{kind}{number}"), values)
        out = np.empty(shape, values.dtype)
        memory._tensors._cache.clear()
        assert memory.load(f"{kind}{number}", out=out) is out
        assert same_bits(out, values)
    assert memory.verify() == len(SHAPES)


def test_special_numbers_keep_their_bits(memory) -> None:
    quiet, signalling = 0x7FC00001, 0x7F800001
    bits = np.array([quiet, signalling, 0xFFC01234, 0x80000000, 0, 1, 0x7F800000], np.uint32)
    memory.store("odd", bits.view(np.float32))
    assert memory.load("odd").view(np.uint32).tolist() == bits.tolist()


def test_strides_order_and_byte_order_do_not_matter(memory) -> None:
    values = np.arange(60, dtype=np.float64).reshape(3, 4, 5)
    for view in (values[::2, ::-1, 1::2], values.T, np.asfortranarray(values), values[1:1]):
        memory.store("view", view)
        assert same_bits(memory.load("view"), np.array(view, order="C"))
    memory.store("swapped", values.astype(">f8"))
    assert same_bits(memory.load("swapped"), values)
    memory.store("scalar", np.float32(2.5))
    assert memory.load("scalar").shape == ()


@pytest.mark.parametrize(
    "tensor",
    [[1.0, 2.0], 3.0, "text", None, np.array(["a"]), np.array([None]), np.zeros(2, "M8[s]"),
     np.zeros(2, np.longdouble), np.zeros(2, [("a", "i4")])],
)  # fmt: skip
def test_what_is_no_tensor_is_refused(memory, tensor) -> None:
    with pytest.raises(TypeError, match="tensor must be"):
        memory.store("a", tensor)
    assert memory.tensors() == []


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"ratio": 0}, ValueError),
        ({"ratio": -1.0}, ValueError),
        ({"ratio": float("nan")}, ValueError),
        ({"ratio": "0.1"}, TypeError),
        ({"ratio": True}, TypeError),
        ({"max_error": -0.1}, ValueError),
        ({"max_error": float("inf")}, ValueError),
        ({"exact": 1}, TypeError),
        ({"exact": True, "max_error": 0.1}, ValueError),
        ({"codec": "best"}, ValueError),
        ({"codec": 3}, TypeError),
        ({"base": 5}, ValueError),
        ({"base": "0"}, TypeError),
        ({"base": 2**64 - 512 + 1}, ValueError),
        ({"ratio": 1e-6}, CannotMeet),
        ({"codec": "factors"}, CannotMeet),
    ],
)
def test_wrong_settings_are_refused(memory, settings, error) -> None:
    with pytest.raises(error):
        memory.store("a", np.ones((64, 64), np.float32), **settings)
    assert memory.tensors() == []
    assert memory[2**63] == engram.open(seed=9)[2**63]


@pytest.mark.parametrize("name", ["", "x" * 1025, "\ud800"])
def test_impossible_names_are_refused(memory, name) -> None:
    with pytest.raises(ValueError, match="name"):
        memory.store(name, np.ones(3))
    for number in (1, None, b"a"):
        with pytest.raises(TypeError, match="name"):
            memory.store(number, np.ones(3))


def test_a_bound_on_bytes_counts_every_byte(memory) -> None:
    values = low_rank(256, 256, 8)
    descriptor = memory.store("a", values, ratio=0.1, codec="factors")
    assert len(descriptor.to_bytes()) <= 0.1 * values.nbytes
    assert descriptor.ratio <= 0.1
    found = memory.load("a")
    measured = np.linalg.norm(found - values) / np.linalg.norm(values)
    assert descriptor.error == pytest.approx(measured, rel=1e-3)
    assert descriptor.largest_error == pytest.approx(np.abs(found - values).max(), rel=1e-3)


def test_a_bound_on_the_error_is_kept(memory) -> None:
    values = low_rank(128, 200, 5)
    descriptor = memory.store("a", values, max_error=0.01)
    found = memory.load("a")
    assert np.linalg.norm(found - values) <= 0.01 * np.linalg.norm(values)
    assert 0 < descriptor.error <= 0.01
    assert descriptor.ratio < 0.2


def test_each_store_is_a_version_and_history_has_all(memory) -> None:
    for number in range(1, 4):
        made = memory.store("a", np.full(5, number))
        assert made.version == number
    versions = memory.history("a")
    assert [each.version for each in versions] == [1, 2, 3]
    assert [each.parent for each in versions] == [bytes(32), versions[0].digest, versions[1].digest]
    assert [memory.load("a", number)[0] for number in (1, 2, 3)] == [1, 2, 3]
    assert memory.load("a")[0] == 3
    assert memory.describe("a", 2) == versions[1]
    with pytest.raises(NotFound, match="version 4"):
        memory.load("a", 4)


def test_rollback_makes_an_older_version_the_latest_for_good(memory) -> None:
    for number in range(1, 5):
        memory.store("a", np.full(5, number))
    assert memory.rollback("a", 2).version == 2
    assert memory.load("a")[0] == 2
    assert [each.version for each in memory.history("a")] == [1, 2]
    made = memory.store("a", np.full(5, 9))
    assert made.version == 5
    assert made.parent == memory.history("a")[1].digest
    with pytest.raises(NotFound):
        memory.rollback("a", 3)
    assert memory.verify("a") == 3


def test_a_dropped_tensor_is_gone_and_its_name_free(memory) -> None:
    base = memory.store("a", np.arange(5)).base
    shown = memory[base + 1]
    assert shown == 1
    memory.drop("a")
    assert memory.tensors() == []
    for call in (memory.load, memory.drop, memory.history, memory.describe, memory.verify):
        with pytest.raises(NotFound, match="'a'"):
            call("a")
    with engram.open(seed=9) as fresh:
        assert memory[base + 1] == fresh[base + 1]
    assert memory.store("a", np.arange(3)).version == 1


def test_loaded_arrays_cannot_be_changed(memory) -> None:
    memory.store("a", np.arange(6).reshape(2, 3))
    memory.store("big", np.arange(TILE_ELEMENTS + 9))
    for array in (memory.load("a"), memory.load_tile("a", 0), memory.load_tile("big", 1)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
        for each in (array, array.reshape(-1), array[:1], array.view(np.uint8)):
            with pytest.raises(ValueError, match="WRITEABLE"):
                each.flags.writeable = True
    assert memory.load("a") is memory.load("a")


def test_a_buffer_must_fit(memory) -> None:
    memory.store("a", np.arange(6, dtype=np.float32).reshape(2, 3))
    with pytest.raises(TypeError, match="float32"):
        memory.load("a", out=np.empty((2, 3)))
    with pytest.raises(ValueError, match="shape"):
        memory.load("a", out=np.empty((3, 2), np.float32))
    with pytest.raises(ValueError, match="contiguous"):
        memory.load("a", out=np.empty((3, 2), np.float32).T)
    with pytest.raises(TypeError, match="out"):
        memory.load("a", out=[0.0] * 6)
    filled = np.empty((2, 3), np.float32)
    memory.load("a")
    assert memory.load("a", out=filled) is filled
    assert filled.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_tiles_are_slices_of_the_whole(memory) -> None:
    values = np.random.default_rng(0).standard_normal((3, TILE_ELEMENTS // 2 + 11))
    memory.store("a", values, max_error=0.05, codec="grouped")
    whole = np.array(memory.load("a", 1)).reshape(-1)
    memory._tensors._cache.clear()
    for tile in (2, 0, 1):
        part = whole[tile * TILE_ELEMENTS : (tile + 1) * TILE_ELEMENTS]
        if part.size:
            assert same_bits(memory.load_tile("a", tile), part)
    for tile in (-1, memory.describe("a").geometry.tiles):
        with pytest.raises(ValueError, match="tile"):
            memory.load_tile("a", tile)
    with pytest.raises(TypeError, match="tile"):
        memory.load_tile("a", 0.0)


def test_several_tensors_are_stored_by_several_threads(memory) -> None:
    tensors = {f"t{i}": np.full((50, i + 1), i, np.float32) for i in range(12)}
    seen = []
    made = memory.store_many(
        tensors, threads=3, progress=lambda name, done, count: seen.append((name, done, count))
    )
    assert list(made) == list(tensors)
    assert [(done, count) for _, done, count in seen] == [(i + 1, 12) for i in range(12)]
    assert {name for name, _, _ in seen} == set(tensors) == set(memory.tensors())
    for name, values in tensors.items():
        assert same_bits(memory.load(name), values)
    regions = sorted((each.base, each.base + 512) for each in made.values())
    assert all(end <= base for (_, end), (base, _) in pairwise(regions))
    with pytest.raises(TypeError):
        memory.store_many({"fine": np.ones(3), "bad": "text"})
    with pytest.raises(ValueError, match="threads"):
        memory.store_many({}, threads=0)
    assert memory.store_many({}) == {}


def test_a_reader_sees_tensors_and_cannot_change_them(tmp_path) -> None:
    with engram.open(tmp_path / "m") as memory:
        memory.store("a", np.arange(4))
        memory.flush()
        with engram.open(tmp_path / "m", read_only=True) as reader:
            assert reader.load("a").tolist() == [0, 1, 2, 3]
            for change in (
                lambda: reader.store("b", np.ones(2)),
                lambda: reader.update("a", add=np.ones(4, int)),
                lambda: reader.drop("a"),
                lambda: reader.rollback("a", 1),
                lambda: reader.consolidate_tensor("a"),
            ):
                with pytest.raises(ReadOnly):
                    change()
            memory.update("a", add=np.ones(4, np.int64))
            memory.store("b", np.ones(2))
            memory.flush()
            reader.refresh()
            assert reader.load("a").tolist() == [1, 2, 3, 4]
            assert reader[reader.describe("a").base + 1] == 2
            memory.compact()
            memory.drop("b")
            memory.flush()
            reader.refresh()
            assert reader.tensors() == ["a"]
            assert reader.verify() == 2


def test_a_closed_memory_refuses() -> None:
    memory = engram.open()
    base = memory.store("a", np.arange(3)).base
    memory.load("a")
    memory.close()
    for call in (
        lambda: memory.load("a"),
        lambda: memory.store("b", np.ones(2)),
        lambda: memory.drop("a"),
        lambda: memory[base],
        lambda: memory.read(base, 2),
    ):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_the_report_tells_what_tensors_hold_and_did(memory) -> None:
    assert memory.report().tensors is None
    memory.store("a", np.arange(1000, dtype=np.float32))
    memory.store("a", np.arange(1000, dtype=np.float32) + 1)
    memory.load("a")
    memory.load("a")
    memory.read(memory.describe("a").base, 10)
    report = memory.report()
    found = report.tensors
    assert (found.tensors, found.versions, found.nbytes) == (1, 2, 4000)
    assert found.stored_bytes == sum(each.stored_bytes for each in memory.history("a"))
    assert (found.misses, found.cache_bytes, found.region_words) == (1, 4000, 10)
    assert found.hits >= 1
    assert report.to_dict()["tensors"]["stored_bytes"] == found.stored_bytes
    assert "2 versions" in str(report)


def test_a_key_is_checked(tmp_path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        engram.open(key=b"short")
    with pytest.raises(TypeError, match="key"):
        engram.open(key="a key that is text")
    with engram.open(key=b"thirty-two bytes or more of a key") as memory:
        assert "thirty" not in repr(memory.config)
        memory.store("a", np.ones(3)).verify(Keys(b"thirty-two bytes or more of a key").signing)
    environ = {"ENGRAM_KEY": "ab" * 32, "ENGRAM_TENSOR_CACHE_BYTES": "9"}
    config = MemoryConfig.load(environ=environ)
    assert (config.key, config.tensor_cache_bytes) == (b"\xab" * 32, 9)
    with pytest.raises(ValueError, match="hexadecimal"):
        MemoryConfig.load(environ={"ENGRAM_KEY": "no digits"})
    with pytest.raises(ValueError, match="tensor_cache_bytes"):
        MemoryConfig(tensor_cache_bytes=-1)


def test_threads_that_change_one_tensor_lose_no_change(memory) -> None:
    memory.store("a", np.zeros(10, np.int64))

    def add() -> None:
        for _ in range(20):
            memory.update("a", add=np.ones(10, np.int64))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert memory.load("a").tolist() == [80] * 10
    assert memory.describe("a").version == 81
