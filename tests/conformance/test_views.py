"""Views show what their base shows now, changed as they say, in every dtype and over each other."""

import numpy as np
import pytest

import engram
from tests.conformance.model import Model
from tests.conformance.statement import element_bytes, word

SEED = 0x1337BEEFCAFEBABE
LAST = 2**64 - 1
DTYPES = ("uint64", "float64", "float32", "int8", "normal", "unit64")


@pytest.fixture
def model(memory) -> Model:
    """What ``memory`` holds: a page, a few words and the last one."""
    model = Model(SEED)
    model.write(range(100, 400), range(7, 307))
    model.write([3, 5000, LAST], [1, 2, LAST])
    memory.write(list(model.held), list(model.held.values()))
    return model


def view_bytes(words: list[int], dtype: str) -> bytes:
    return b"".join(element_bytes(image, dtype) for image in words)


def shows(view, expected, *, law: int | None = None) -> None:
    """Compare ranges, gathers and single words of a view with a function of the address."""
    for first, count in ((0, 5), (90, 330), (505, 20), (4990, 20), (LAST - 9, 10), (7, 0)):
        span = range(first, first + count)
        words = [expected(address) for address in span]
        for dtype in DTYPES:
            made = view_bytes(words, dtype)
            assert view.read(first, count, dtype=dtype, law=law).tobytes() == made
            gathered = view.read(np.array(span, np.uint64), dtype=dtype, law=law)
            assert gathered.tobytes() == made
        assert [view.read(address, law=law) for address in span] == words
        assert view.read(np.array(span, np.uint64).reshape(1, -1), law=law).shape == (1, count)
    if law is None:
        assert view[120] == expected(120)
        assert view[98:104:2].tolist() == [expected(98), expected(100), expected(102)]
        assert view[[[3], [LAST]]].tolist() == [[expected(3)], [expected(LAST)]]


def test_a_mirror_shows_its_base(memory, model) -> None:
    mirror = memory.mirror()
    shows(mirror, model.at)
    shows(mirror, lambda address: model.at(address, 4), law=4)
    memory[120] = 9
    memory.erase(3)
    model.held[120] = 9
    del model.held[3]
    shows(mirror, model.at)
    assert mirror.law == memory.law


def test_a_view_cannot_be_written(memory) -> None:
    for view in (memory.mirror(), memory.affine(1, 0), memory.unwritten(0, 1)):
        for name in ("write", "erase", "__setitem__", "__delitem__"):
            assert not hasattr(view, name)


@pytest.mark.parametrize(
    ("scale", "offset"),
    [(1, 0), (3, 5), (0, 9), (-1, -1), (LAST, LAST), (2**64 + 3, 10**400)],
    ids=["same", "small", "constant", "negative", "largest", "huge"],
)
def test_an_integer_affine_view_counts_modulo_2_to_the_64(memory, model, scale, offset) -> None:
    view = memory.affine(scale, offset)
    shows(view, lambda address: (scale * model[address] + offset) % 2**64)
    shows(view, lambda address: (scale * model.at(address, 2) + offset) % 2**64, law=2)


def test_an_affine_view_takes_numpy_integers(memory) -> None:
    view = memory.affine(np.int64(-2), np.uint64(LAST))
    assert view[5] == (-2 * word(1, SEED, 5) - 1) % 2**64


@pytest.mark.parametrize("dtype", ["float64", "float32", "normal", "unit64"])
@pytest.mark.parametrize(
    ("scale", "offset"), [(2.0, -1.0), (0.1, 3), (-3, 0.7), (np.float32(0.3), 0)]
)
def test_a_float_affine_view_rounds_product_and_sum_once_each(
    memory, model, dtype, scale, offset
) -> None:
    view = memory.affine(scale, offset)
    kind = np.float32 if dtype in ("float32", "normal") else np.float64

    def changed(base: np.ndarray) -> bytes:
        rounded = [kind(kind(x * kind(scale)) + kind(offset)) for x in base.flat]
        return np.array(rounded, kind).tobytes()

    for first, count in ((90, 330), (LAST - 4, 5), (0, 0)):
        assert view.read(first, count, dtype=dtype).tobytes() == changed(
            memory.read(first, count, dtype=dtype)
        )
        out = np.empty_like(memory.read(first, count, dtype=dtype))
        assert view.read(first, count, dtype=dtype, out=out) is out
        assert out.tobytes() == changed(memory.read(first, count, dtype=dtype))
    grid = [[1, 2], [100, LAST]]
    assert view.read(grid, dtype=dtype, law=4).tobytes() == changed(
        memory.read(grid, dtype=dtype, law=4)
    )
    single = np.asarray(view.read(200, dtype=dtype), kind)
    assert single.tobytes() == changed(np.asarray(memory.read(200, dtype=dtype)))


def test_a_float_affine_view_has_float_dtypes_only(memory) -> None:
    view = memory.affine(0.5, 1.0)
    for dtype in ("uint64", "int8"):
        with pytest.raises(TypeError, match=f"dtype must be a float one .*, not '{dtype}'"):
            view.read(0, 4, dtype=dtype)


def test_affine_factors_are_checked(memory) -> None:
    for wrong in ("2", None, True, 1j, [1]):
        with pytest.raises(TypeError, match="scale must be an integer or a float, not "):
            memory.affine(wrong, 0)
        with pytest.raises(TypeError, match="offset must be an integer or a float, not "):
            memory.affine(1, wrong)
    for wrong in (float("nan"), float("inf"), np.float32("-inf")):
        with pytest.raises(ValueError, match="scale must be finite, not "):
            memory.affine(wrong, 0)
        with pytest.raises(ValueError, match="offset must be finite, not "):
            memory.affine(1, wrong)


@pytest.mark.parametrize(
    ("first", "count"),
    [(0, 0), (110, 1), (95, 50), (300, 4000), (LAST, 1), (LAST - 5, 3), (0, 2**64)],
)
def test_an_unwritten_range_shows_generated_words(memory, model, first, count) -> None:
    view = memory.unwritten(first, count)

    def expected(law: int):
        return lambda at: word(law, SEED, at) if first <= at < first + count else model.at(at, law)

    shows(view, expected(1))
    shows(view, expected(3), law=3)
    memory[110] = memory[LAST] = 4
    model.held[110] = model.held[LAST] = 4
    shows(view, expected(1))


def test_unwritten_ranges_are_checked(memory) -> None:
    with pytest.raises(ValueError, match=r"address must be in 0\.\.2\*\*64-1, not -1"):
        memory.unwritten(-1, 1)
    with pytest.raises(ValueError, match=r"a range must end at or before 2\*\*64"):
        memory.unwritten(2, LAST)
    with pytest.raises(TypeError, match="count must be an integer, not 'all'"):
        memory.unwritten(0, "all")


def test_views_stand_on_views(memory, model) -> None:
    def generated(at: int) -> int:
        return word(1, SEED, at)

    shows(
        memory.affine(3, 1).mirror().affine(5, 2),
        lambda at: (5 * (3 * model[at] + 1) + 2) % 2**64,
    )
    shows(
        memory.affine(3, 1).unwritten(100, 50),
        lambda at: (3 * (generated(at) if 100 <= at < 150 else model[at]) + 1) % 2**64,
    )
    shows(
        memory.unwritten(100, 50).affine(3, 1).unwritten(120, 1000),
        lambda at: (3 * (generated(at) if 100 <= at < 1120 else model[at]) + 1) % 2**64,
    )
    shows(memory.unwritten(0, 2**64).mirror().unwritten(3, 9), generated)


@pytest.mark.parametrize("over", [lambda view: view.mirror(), lambda view: view.unwritten(0, 0)])
def test_views_stand_on_float_affine_views(memory, model, over) -> None:
    base = memory.affine(2.0, 0.5)
    view = over(base)
    for dtype in ("float32", "float64", "normal"):
        assert view.read(95, 20, dtype=dtype).tobytes() == base.read(95, 20, dtype=dtype).tobytes()
        gathered = view.read([3, 100, LAST], dtype=dtype)
        assert gathered.tobytes() == base.read([3, 100, LAST], dtype=dtype).tobytes()
        single = np.asarray(view.read(3, dtype=dtype))
        assert single.tobytes() == np.asarray(base.read(3, dtype=dtype)).tobytes()
    with pytest.raises(TypeError, match=r"dtype must be a float one .*'uint64'"):
        view.read(0, 4)


def test_an_unwritten_range_over_a_float_affine_view_is_scaled_too(memory, model) -> None:
    view = memory.affine(2.0, 0.5).unwritten(100, 10)
    plain = memory.unwritten(100, 10).affine(2.0, 0.5)
    made = view.read(95, 20, dtype="float64")
    assert made.tobytes() == plain.read(95, 20, dtype="float64").tobytes()


def test_views_of_named_spaces_follow_them(memory) -> None:
    space = memory.spaces("a")
    view = space.affine(1, 1)
    space[5] = 10
    assert view[5] == 11
    assert view[6] == (word(1, space.seed, 6) + 1) % 2**64


def test_views_end_with_their_memory(open_memory) -> None:
    memory = open_memory()
    views = [memory.mirror(), memory.affine(1, 1), memory.affine(1.0, 1), memory.unwritten(0, 5)]
    memory.close()
    for view in views:
        with pytest.raises(ValueError, match="the memory must be open, not closed"):
            view.read(0, 4, dtype="float32")
        with pytest.raises(ValueError, match="the memory must be open, not closed"):
            view.read([0], dtype="float32")


def test_a_view_is_no_memory(memory) -> None:
    assert not isinstance(memory.mirror(), engram.Memory)
