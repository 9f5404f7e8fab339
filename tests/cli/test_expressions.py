"""Integers as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.cli.expressions import integer, word_range


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("42", 42),
        ("1_000_000", 10**6),
        ("0x2a", 42),
        ("0XFF", 255),
        ("0x1e5", 0x1E5),
        ("0b101", 5),
        ("0o17", 15),
        ("10**15", 10**15),
        ("1e15", 10**15),
        ("2**64-1", 2**64 - 1),
        (" 2 ** 64 - 1 ", 2**64 - 1),
        ("3*10**6+1", 3 * 10**6 + 1),
        ("2**3**2", 512),
        ("-5", -5),
        ("10-2-3", 5),
    ],
)
def test_an_expression_has_its_value(text, value) -> None:
    assert integer(text, "x") == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "foo", "1.5", "1e", "e5", "2**", "**2", "1 2", "1--", "(1)", "0x", "1__0", "_1",
     "0b12", "2**-1", "9**9**9", "2**1000", "1e1000000000", "7*" * 200 + "7" * 60, "abs(1)",
     "1;2", "٣"],
)
def test_anything_else_is_refused_at_once(text) -> None:
    with pytest.raises(ValueError, match=r"^x must be an integer such as .*, not "):
        integer(text, "x")


@given(st.integers(0, 2**64), st.integers(0, 2**64), st.sampled_from("+-*"))
def test_arithmetic_is_that_of_integers(a, b, operator) -> None:
    value = {"+": a + b, "-": a - b, "*": a * b}[operator]
    assert integer(f"{a}{operator}{b}", "x") == value
    assert integer(f"{a:#x} {operator} {b:#b}", "x") == value


def test_a_range_is_an_address_a_count_or_two_ends() -> None:
    assert word_range("7", None) == (7, None)
    assert word_range("7", "3") == (7, 3)
    assert word_range("7:10", None) == (7, 3)
    assert word_range("2**64-2:", None) == (2**64 - 2, 2)
    assert word_range(":5", None) == (0, 5)
    assert word_range(":", None) == (0, 2**64)
    assert word_range("5:5", None) == (5, 0)


def test_a_range_in_disorder_or_told_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="STOP must be at or after FIRST, not '5:4'"):
        word_range("5:4", None)
    with pytest.raises(ValueError, match="COUNT must be left out beside a range, not '3'"):
        word_range("5:9", "3")
