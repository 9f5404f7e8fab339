"""The marks of written words against a set."""

import random

import numpy as np
import pytest

from engram.fpga.marks import Marks, runs

TOP = 2**64
BASES = [0, 512, 1 << 40, TOP - 1024, TOP - 512]


def words(addresses) -> np.ndarray:
    return np.array(list(addresses), np.uint64)


@pytest.mark.parametrize("keep", [False, True])
def test_any_sequence_marks_what_a_set_would(keep) -> None:
    draw = random.Random(4)
    marks, held = Marks(), set()
    for _ in range(600):
        base = draw.choice(BASES) + draw.randrange(512)
        count = min(draw.choice([1, 2, 100, 512, 700]), TOP - base)
        kind = draw.randrange(5)
        scattered = [draw.choice(BASES) + draw.randrange(512) for _ in range(count)]
        if kind == 0:
            marks.mark_run(base, count)
            held |= set(range(base, base + count))
        elif kind == 1:
            marks.mark_words(words(scattered))
            held |= set(scattered)
        else:
            if kind == 2:
                count = draw.choice([count, TOP - base])
                cleared = marks.clear_run(base, count, keep_pages=keep)
                named = {at for at in held if base <= at < base + count}
            else:
                cleared = marks.clear_words(words(scattered), keep_pages=keep)
                named = held & set(scattered)
            gone = named & held
            held -= gone
            assert cleared.words == len(gone)
            rest = [at for piece in cleared.rest for at in piece.tolist()]
            emptied = set(cleared.pages)
            assert {at for at in gone if at >> 9 not in emptied} == set(rest)
            assert not any(at >> 9 in emptied for at in held)
            if not keep:
                assert {at >> 9 for at in rest} <= {at >> 9 for at in held}
        assert marks.words == len(held)
        assert {at >> 9 for at in held} <= set(marks.pages())
        probe = words(scattered)
        assert marks.are_marked(probe).tolist() == [at in held for at in scattered]
        length = min(900, TOP - base)
        found = marks.run(base, length)
        expected = [at in held for at in range(base, base + length)]
        assert (found is None and not any(expected)) or found.tolist() == expected
    marks.drop(marks.pages())
    assert (len(marks), marks.words) == (0, 0)


def test_a_page_goes_when_its_last_word_goes_unless_it_is_to_stay() -> None:
    for keep in (False, True):
        marks = Marks()
        marks.mark_words(words([5, 6]))
        cleared = marks.clear_words(words([5, 6]), keep_pages=keep)
        assert cleared.pages == ([] if keep else [0])
        assert [piece.tolist() for piece in cleared.rest] == ([[5, 6]] if keep else [])
        assert len(marks) == int(keep)
        assert marks.clear_run(0, 512, keep_pages=keep).pages == ([0] if keep else [])


def test_rows_of_dropped_pages_are_used_again() -> None:
    marks = Marks()
    for step in range(100):
        marks.mark_run(step * 512, 512 * 10)
        marks.drop(marks.pages())
    assert marks.nbytes == 64 * 16
    marks.mark_run(0, 512 * 17)
    assert marks.words == 512 * 17


def test_missing_pages_are_told() -> None:
    marks = Marks()
    marks.mark_words(words([512, TOP - 1]))
    pages = words([0, 1, 2, (1 << 55) - 1])
    assert marks.missing(pages).tolist() == [True, False, True, False]
    assert marks.pages_within(0, 1 << 55) == [1, (1 << 55) - 1]
    assert marks.pages_within(1, 1) == [1]


def test_runs_are_cut_where_addresses_jump() -> None:
    assert list(runs(words([1, 2, 3, 9, 11, 12, TOP - 1]))) == [
        (1, 3), (9, 1), (11, 2), (TOP - 1, 1),
    ]  # fmt: skip
    assert list(runs(words([]))) == []
