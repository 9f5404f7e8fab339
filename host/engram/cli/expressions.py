"""Integers as people type them: 42, 0x2a, 1_000, 1e9, 10**15, 2**64-1; and ranges of them."""

import re

from engram.arch.pages import SPACE_WORDS

__all__ = ["integer", "number_or_name", "word_range"]

_NUMBER = r"0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*(?:[eE][0-9]+)?"
_TOKENS = re.compile(rf"\s*({_NUMBER}|\*\*|[-+*])")
# Sums and products of words stay far below this; it keeps 9**9**9 from taking all memory.
_MOST_BITS = 256


def integer(text: str, name: str) -> int:
    """Return the value of an expression of integers with ``+ - * **``; nothing is evaluated.

    Raises:
        ValueError: it is none; ``name`` says in the message what it was to be.
    """
    try:
        return _Expression(text).value()
    except (ValueError, IndexError):
        raise ValueError(
            f"{name} must be an integer such as 42, 0x2a, 10**15 or 2**64-1, not {text!r}"
        ) from None


def number_or_name(text: str) -> int | str:
    """Return an integer where the text is one, else the text."""
    try:
        return int(text, 0)
    except ValueError:
        return text


def word_range(address: str, count: str | None) -> tuple[int, int | None]:
    """Return (first, count) of ``ADDRESS``, ``ADDRESS COUNT`` or ``FIRST:STOP``, STOP left out."""
    first, colon, stop = address.partition(":")
    if not colon:
        return integer(first, "ADDRESS"), None if count is None else integer(count, "COUNT")
    if count is not None:
        raise ValueError(f"COUNT must be left out beside a range, not {count!r} after {address!r}")
    begin = integer(first, "FIRST") if first.strip() else 0
    end = integer(stop, "STOP") if stop.strip() else SPACE_WORDS
    if end < begin:
        raise ValueError(f"STOP must be at or after FIRST, not {address!r}")
    return begin, end - begin


class _Expression:
    """A recursive descent over ``sum = product {+- product}``, ``product = power {* power}``."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKENS.match(text, at)
            if found is None:
                raise ValueError(text)
            self._tokens.append(found[1])
            at = found.end()
        self._at = 0

    def value(self) -> int:
        total = -self._product() if self._take("-") else self._product()
        while self._at < len(self._tokens):
            if self._take("+"):
                total += self._product()
            elif self._take("-"):
                total -= self._product()
            else:
                raise ValueError(self._tokens[self._at])
        return total

    def _product(self) -> int:
        product = self._power()
        while self._take("*"):
            product *= self._power()
            if product.bit_length() > _MOST_BITS:
                raise ValueError("too large")
        return product

    def _power(self) -> int:
        base = self._number()
        if not self._take("**"):
            return base
        return _bounded_power(base, self._power())

    def _number(self) -> int:
        token = self._tokens[self._at]
        self._at += 1
        mantissa, e, exponent = token.lower().partition("e")
        if e and not token.lower().startswith("0x"):
            return int(mantissa) * _bounded_power(10, int(exponent))
        return int(token, 0)

    def _take(self, token: str) -> bool:
        taken = self._at < len(self._tokens) and self._tokens[self._at] == token
        self._at += taken
        return taken


def _bounded_power(base: int, exponent: int) -> int:
    if base > 1 and base.bit_length() * exponent > _MOST_BITS:
        raise ValueError("too large")
    return int(base**exponent)
