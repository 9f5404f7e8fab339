"""A tensor's words show in its region, under what is written and over what is generated."""

import threading

import numpy as np
import pytest

import engram
from engram.arch.elements import ELEMENTS, to_elements
from engram.arch.pages import PAGE_WORDS
from engram.arch.tensors import TILE_ELEMENTS
from tests.conformance.model import Model

SEED = 0x1337BEEFCAFEBABE
BASE = 5 * PAGE_WORDS


def words_of(values: np.ndarray, count: int) -> list[int]:
    content = values.tobytes().ljust(8 * count, b"\0")
    return np.frombuffer(content, "<u8")[:count].tolist()


@pytest.fixture
def values() -> np.ndarray:
    # 1,203 bytes: neither whole words nor whole pages.
    return np.random.default_rng(4).integers(-128, 128, 1203).astype(np.int8)


@pytest.fixture
def shown(memory, values) -> dict[int, int]:
    """What a memory with a tensor at BASE shows there and on the pages beside it."""
    assert memory.store("t", values, base=BASE).base == BASE
    model = Model(SEED)
    words = {at: model[at] for at in range(BASE - PAGE_WORDS, BASE + 2 * PAGE_WORDS)}
    return words | {BASE + i: word for i, word in enumerate(words_of(values, PAGE_WORDS))}


def agree(memory, shown: dict[int, int]) -> None:
    """Compare every way to read."""
    first, count = min(shown), len(shown)
    expected = [shown[at] for at in range(first, first + count)]
    assert memory.read(first, count).tolist() == expected
    scattered = [BASE + 150, BASE - 1, BASE, BASE + 149, BASE + PAGE_WORDS, BASE + 151, BASE + 511]
    assert memory.read(scattered).tolist() == [shown[at] for at in scattered]
    assert [memory[at] for at in scattered] == [shown[at] for at in scattered]
    for start, size in ((BASE, 151), (BASE + 3, 1), (BASE - 2, 5), (BASE + 140, 400)):
        part = [shown[at] for at in range(start, start + size)]
        assert memory.read(start, size).tolist() == part
        assert memory[start : start + size].tolist() == part


def test_a_region_shows_the_tensor_and_zeros_behind_it(memory, shown) -> None:
    agree(memory, shown)
    assert shown[BASE + 151] == 0
    assert memory.written_words == 0
    assert not memory.is_written(BASE)


def test_what_is_written_over_a_region_hides_it_until_it_is_erased(memory, shown) -> None:
    before = dict(shown)
    for at, value in ((BASE, 7), (BASE + 150, 2**64 - 1), (BASE + 400, 0), (BASE - 1, 3)):
        memory[at] = value
        shown[at] = value
        agree(memory, shown)
    memory.write(BASE + 20, np.arange(40))
    shown |= {BASE + 20 + i: i for i in range(40)}
    agree(memory, shown)
    assert memory.is_written([BASE, BASE + 1, BASE + 59]).tolist() == [True, False, True]
    assert memory.erase(BASE + 30, 10) == 10
    shown |= {at: before[at] for at in range(BASE + 30, BASE + 40)}
    agree(memory, shown)
    memory.erase(0, 2**64)
    agree(memory, before)


def test_element_views_are_of_the_words_shown(memory, shown) -> None:
    memory[BASE + 2] = 2**63 + 12345
    shown[BASE + 2] = 2**63 + 12345
    first, count = BASE - 3, 160
    words = np.array([shown[at] for at in range(first, first + count)], np.uint64)
    for element in ELEMENTS.values():
        expected = to_elements(words, element)
        found = memory.read(first, count, dtype=element.name)
        assert found.tobytes() == expected.tobytes()
        gathered = memory.read([BASE + 2, BASE - 1, BASE + 150], dtype=element.name)
        assert gathered.tobytes() == expected[[5, 2, 153]].tobytes()


def test_other_laws_change_what_is_generated_and_not_the_region(memory, shown) -> None:
    found = memory.read(BASE - 4, 8, law=4)
    assert found[4:].tolist() == [shown[BASE + i] for i in range(4)]
    assert found[:4].tolist() != [shown[BASE - 4 + i] for i in range(4)]


def test_views_show_regions(memory, shown) -> None:
    memory[BASE + 1] = 9
    assert memory.mirror()[BASE] == shown[BASE]
    assert memory.unwritten(BASE, 3).read(BASE, 3).tolist() == [shown[BASE + i] for i in range(3)]
    assert memory.affine(2, 1)[BASE] == (2 * shown[BASE] + 1) % 2**64


def test_a_new_version_shows_where_the_one_before_did(memory, shown, values) -> None:
    memory[BASE + 1] = 9
    memory.update("t", dense=values[::-1].copy())
    shown |= {BASE + i: word for i, word in enumerate(words_of(values[::-1], 151))}
    shown[BASE + 1] = 9
    agree(memory, shown)
    memory.rollback("t", 1)
    shown |= {BASE + i: word for i, word in enumerate(words_of(values, 151))}
    shown[BASE + 1] = 9
    agree(memory, shown)


def test_a_tensor_stored_again_keeps_its_place_if_it_fits(memory, shown, values) -> None:
    assert memory.store("t", values[::-1].copy()).base == BASE
    assert memory.store("t", np.zeros(600)).base != BASE


def test_a_dropped_tensor_leaves_generated_words(memory, shown) -> None:
    memory[BASE + 1] = 9
    memory.drop("t")
    model = Model(SEED)
    model.held[BASE + 1] = 9
    assert memory.read(BASE, 200).tolist() == model.many(range(BASE, BASE + 200))
    assert memory[BASE] == model[BASE]


def test_regions_do_not_overlap(memory, values) -> None:
    page = PAGE_WORDS
    memory.store("t", np.zeros(2 * page), base=10 * page)
    for base in (10 * page, 11 * page, 9 * page):
        size = 2 * page if base < 10 * page else 1
        with pytest.raises(ValueError, match="'t'"):
            memory.store("u", np.zeros(size), base=base)
    for base in (1, 10 * page + 8):
        with pytest.raises(ValueError, match="512"):
            memory.store("u", np.zeros(1), base=base)
    with pytest.raises(ValueError, match="room"):
        memory.store("u", np.zeros(2 * page), base=2**64 - page)
    assert memory.tensors() == ["t"]
    memory.store("u", np.zeros(page), base=9 * page)
    memory.store("v", np.full(page, 2.5), base=12 * page)
    memory.store("last", np.full(page, 3, np.uint64), base=2**64 - page)
    assert memory[2**64 - 1] == 3
    assert memory.read(2**64 - 2, 2).tolist() == [3, 3]
    assert memory.store("anywhere", values).base >= 2**63


def test_the_region_of_an_older_version_is_kept_for_it(memory) -> None:
    memory.store("t", np.ones(1), base=0)
    memory.store("t", np.ones(1), base=PAGE_WORDS)
    with pytest.raises(ValueError, match="'t'"):
        memory.store("u", np.ones(1), base=0)
    memory.rollback("t", 1)
    assert memory.store("u", np.ones(1), base=PAGE_WORDS).base == PAGE_WORDS


def test_named_spaces_have_no_regions(memory, shown) -> None:
    other = memory.spaces("other")
    model = Model(other.seed)
    assert other.read(BASE, 5).tolist() == model.many(range(BASE, BASE + 5))


def test_an_empty_tensor_and_a_scalar_have_a_page_each(memory) -> None:
    empty = memory.store("empty", np.zeros((0, 3)))
    scalar = memory.store("scalar", np.float64(1.0))
    assert scalar.base - empty.base == PAGE_WORDS
    assert memory.read(empty.base, 2 * PAGE_WORDS).tolist() == (
        [0] * PAGE_WORDS + [0x3FF << 52] + [0] * (PAGE_WORDS - 1)
    )


def test_a_region_of_several_tiles_is_read_across_them(memory) -> None:
    values = np.arange(2 * TILE_ELEMENTS + 77, dtype=np.uint8)
    base = memory.store("t", values).base
    memory[base + TILE_ELEMENTS // 8 - 1] = 1
    expected = words_of(values, 3 * TILE_ELEMENTS // 8)
    expected[TILE_ELEMENTS // 8 - 1] = 1
    middle = TILE_ELEMENTS // 8 - 3
    assert memory.read(base + middle, 6).tolist() == expected[middle : middle + 6]
    places = [0, 2 * TILE_ELEMENTS // 8, middle + 2, 2 * TILE_ELEMENTS // 8 + 9, middle + 3]
    assert memory.read([base + at for at in places]).tolist() == [expected[at] for at in places]


def test_a_lossy_tensor_shows_what_loading_gives(memory) -> None:
    rng = np.random.default_rng(0)
    product = rng.standard_normal((64, 3)) @ rng.standard_normal((3, 64))
    base = memory.store("w", product.astype(np.float32), max_error=0.02).base
    words = memory.read(base, 64 * 32)
    assert words.view(np.float32).tobytes() == memory.load("w").tobytes()


def test_a_directory_keeps_regions_and_what_is_written_over_them(open_memory, tmp_path) -> None:
    with open_memory(tmp_path / "m") as memory:
        base = memory.store("t", np.arange(20)).base
        memory[base + 3] = 99
        memory.compact()
        memory.update("t", scale=2)
    with open_memory(tmp_path / "m") as memory:
        assert memory.read(base, 5).tolist() == [0, 2, 4, 99, 8]
        assert memory[base + 3] == 99


def test_words_read_beside_writes_are_ones_that_were_current(memory) -> None:
    base = memory.store("t", np.full(PAGE_WORDS, 5, np.uint64)).base
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            memory.write(base, np.full(8, 6, np.uint64))
            memory.erase(base, 8)

    thread = threading.Thread(target=write)
    thread.start()
    seen: set[int] = set()
    for _ in range(20):
        seen |= set(memory.read(base, 8).tolist()) | {memory[base + 1]}
    done.set()
    thread.join()
    assert seen <= {5, 6}
    assert seen


def test_a_word_erased_while_it_is_looked_up_is_not_taken_for_a_generated_one(
    memory, monkeypatch
) -> None:
    base = memory.store("t", np.full(4, 5, np.uint64)).base
    memory[base] = 6
    backend = memory._backend
    asked, erasing = backend.are_written, threading.Event()

    def erase() -> None:
        erasing.set()
        memory.erase(base)

    thread = threading.Thread(target=erase)

    def are_written(addresses):
        found = asked(addresses)
        if not erasing.is_set():
            thread.start()
            thread.join(0.2)  # it would be done by now, if it did not have to wait
        return found

    monkeypatch.setattr(backend, "are_written", are_written)
    assert memory.read(base, 2).tolist() in ([5, 5], [6, 5])
    thread.join()
    assert memory.read(base, 2).tolist() == [5, 5]


def test_without_tensors_nothing_is_between_reader_and_device(memory) -> None:
    memory.store("t", np.ones(3))
    memory.drop("t")
    assert memory._synthesis is None
    with engram.open() as other:
        assert other._synthesis is None
