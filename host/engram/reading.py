"""Reading, and views over whatever can be read: the half of a space that needs no writing."""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engram.arch.elements import ELEMENTS, Element, element_by_name, to_elements
from engram.arch.laws import Law, law_by_name
from engram.arch.pages import MASK64, SPACE_WORDS
from engram.inputs import (
    as_address,
    as_addresses,
    as_count,
    as_output,
    check_range,
    is_integer,
)

__all__ = ["Affine", "Mirror", "Readable", "Unwritten", "slice_range"]

Words = NDArray[np.uint64]

_WORD = ELEMENTS["uint64"]


class Readable(ABC):
    """Anything with 2**64 readable words: a space, or a view over one.

    A view holds no words. It is made from something that exists already and never changes its
    base, so views over views cannot form a cycle.
    """

    @property
    @abstractmethod
    def law(self) -> Law:
        """The law that makes unwritten words."""

    @abstractmethod
    def _gather(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        """Return the elements at contiguous addresses of one dimension; lanes are a last axis."""

    @abstractmethod
    def _generated(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        """Return the elements as if nothing were written."""

    @abstractmethod
    def _fill(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        """Fill ``out`` with the elements of a range."""

    def read(
        self,
        address: Any,
        count: int | None = None,
        *,
        dtype: str | DTypeLike = "uint64",
        law: int | str | None = None,
        out: NDArray[Any] | None = None,
    ) -> Any:
        """Read words as elements of a dtype.

        Args:
            address: an integer (one word, or the first of ``count``), or an array or sequence of
                integers of any shape (a gather).
            count: how many words to read from ``address`` on.
            dtype: ``uint64``, ``float64`` (in [0, 1)), ``float32`` (in [0, 1), two a word),
                ``int8`` (eight a word), ``normal`` (float32, two a word) or ``unit64``.
            law: number or name of the law that makes unwritten words; the space's own by default.
            out: a buffer for a range, contiguous, of exactly the right dtype and size.

        Returns:
            One word: an int or a float, or an array of its lanes. A range: a flat array of
            ``count * lanes`` elements, lowest bits first. A gather: an array of the addresses'
            shape, with the lanes as a last axis if a word has several.

        Raises:
            TypeError: an address, count or buffer is not of the right type.
            ValueError: an address or range is outside 0..2**64-1, a buffer does not fit, or there
                is no such dtype or law.
        """
        element = element_by_name(dtype)
        chosen = self.law if law is None else law_by_name(law)
        if not is_integer(address):
            if count is not None:
                raise TypeError("count goes with one address, not with an array of them")
            if out is not None:
                raise TypeError("out goes with a range, not with an array of addresses")
            addresses = as_addresses(address)
            gathered = self._gather(addresses.reshape(-1), chosen, element)
            return gathered.reshape(addresses.shape + gathered.shape[1:])
        first = as_address(address)
        if count is None:
            if out is not None:
                raise TypeError("out goes with a range: give a count")
            elements = self._gather(np.array([first], np.uint64), chosen, element)[0]
            return elements if element.lanes > 1 else elements.item()
        length = as_count(count)
        check_range(first, length)
        if out is None:
            buffer = np.empty(length * element.lanes, element.dtype)
            result = buffer
        else:
            buffer, result = as_output(out, length, element), out
        if length:
            self._fill(first, length, chosen, element, buffer)
        return result

    def __getitem__(self, key: Any) -> Any:
        """Return the word at an address, or an array for a slice or an array of addresses."""
        if isinstance(key, slice):
            first, count, step = slice_range(key)
            if step == 1:
                return self.read(first, count)
            steps = np.arange(count, dtype=np.uint64) * np.uint64(step)
            return self.read(steps + np.uint64(first))
        return self.read(key)

    def mirror(self) -> "Mirror":
        """Return a read-only replica that always shows what this shows."""
        return Mirror(self)

    def affine(self, scale: float, offset: float) -> "Affine":
        """Return a read-only view of ``scale * x + offset``.

        With two integers, x is the word and the sum is modulo 2**64; any dtype then reads the
        resulting word. With floats, x is the element of a float dtype, and product and sum are
        each rounded once to that dtype.
        """
        return Affine(self, scale, offset)

    def unwritten(self, address: int, count: int) -> "Unwritten":
        """Return a read-only view in which a range shows generated words, whatever is written."""
        return Unwritten(self, address, count)


class _View(Readable):
    """A view over ``base``."""

    def __init__(self, base: Readable) -> None:
        self._base = base

    @property
    def law(self) -> Law:
        return self._base.law

    def _gather(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        return self._base._gather(addresses, law, element)

    def _generated(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        return self._base._generated(addresses, law, element)

    def _fill(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        self._base._fill(address, count, law, element, out)


class Mirror(_View):
    """A read replica."""


class Affine(_View):
    """``scale * x + offset`` of another space or view."""

    def __init__(self, base: Readable, scale: float, offset: float) -> None:
        super().__init__(base)
        self._integer = is_integer(scale) and is_integer(offset)
        for name, number in (("scale", scale), ("offset", offset)):
            if not is_integer(number) and not isinstance(number, float | np.floating):
                raise TypeError(f"{name} must be an integer or a float, not {number!r}")
            if not self._integer and not abs(number) < math.inf:
                raise ValueError(f"{name} must be finite, not {number!r}")
        self._scale, self._offset = scale, offset

    def _gather(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        return self._changed(self._base._gather(addresses, law, self._below(element)), element)

    def _generated(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        return self._changed(self._base._generated(addresses, law, self._below(element)), element)

    def _fill(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        if self._integer:
            below = np.empty(count, np.uint64)
            self._base._fill(address, count, law, _WORD, below)
            out[:] = self._changed(below, element).reshape(-1)
        else:
            self._base._fill(address, count, law, self._below(element), out)
            out[:] = self._changed(out, element)

    def _below(self, element: Element) -> Element:
        """Return what to read of the base for elements of this view."""
        if self._integer:
            return _WORD
        if element.dtype.kind != "f":
            raise TypeError(f"dtype must be a float one for a float scale, not {element.name!r}")
        return element

    def _changed(self, below: NDArray[Any], element: Element) -> NDArray[Any]:
        """Return this view's elements, given the base's words or elements."""
        if self._integer:
            scale, offset = int(self._scale) & MASK64, int(self._offset) & MASK64
            return to_elements(below * np.uint64(scale) + np.uint64(offset), element)
        kind = element.dtype.type
        product = below * kind(self._scale)
        product += kind(self._offset)
        return product  # type: ignore[no-any-return]  # kind is any of NumPy's floats


class Unwritten(_View):
    """A view whose range ``address .. address + count - 1`` shows generated words."""

    def __init__(self, base: Readable, address: int, count: int) -> None:
        super().__init__(base)
        self._first, self._count = as_address(address), as_count(count)
        check_range(self._first, self._count)

    def _gather(self, addresses: Words, law: Law, element: Element) -> NDArray[Any]:
        elements = self._base._gather(addresses, law, element)
        # Unsigned subtraction wraps, so one comparison tells inside from outside.
        if self._count < SPACE_WORDS:
            inside = addresses - np.uint64(self._first) < np.uint64(self._count)
        else:
            inside = np.ones(len(addresses), np.bool_)
        elements[inside] = self._base._generated(addresses[inside], law, element)
        return elements

    def _fill(
        self, address: int, count: int, law: Law, element: Element, out: NDArray[np.generic]
    ) -> None:
        self._base._fill(address, count, law, element, out)
        first = max(address, self._first)
        last = min(address + count, self._first + self._count)
        if first < last:
            addresses = np.arange(last - first, dtype=np.uint64) + np.uint64(first)
            elements = self._base._generated(addresses, law, element).reshape(-1)
            start = (first - address) * element.lanes
            out[start : start + len(elements)] = elements


def slice_range(key: slice) -> tuple[int, int, int]:
    """Return (first address, number of words, step) of a slice of the address space."""
    step = 1 if key.step is None else as_address(key.step, "step")
    if step == 0:
        raise ValueError("step must be positive, not 0")
    first = 0 if key.start is None else as_address(key.start, "slice start")
    stop = SPACE_WORDS if key.stop is None else as_count(key.stop, "slice stop")
    return first, max(0, -(-(stop - first) // step)), step
