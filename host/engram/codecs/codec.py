"""What every codec is: a payload within a budget, and any run of elements back from it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar

from numpy.typing import NDArray

from engram.arch.tensors import CODECS, TILE_ELEMENTS, ElementType

__all__ = ["Budget", "Codec", "Geometry"]


@dataclass(frozen=True)
class Geometry:
    """Shape and element type of a tensor."""

    shape: tuple[int, ...]
    kind: ElementType

    @cached_property
    def size(self) -> int:
        """How many elements there are."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes the plain tensor takes."""
        return self.size * self.kind.bits.itemsize

    @property
    def tiles(self) -> int:
        """How many tiles there are; the last may be short."""
        return -(-self.size // TILE_ELEMENTS)


@dataclass(frozen=True)
class Budget:
    """What a payload must meet; at least one bound is given, or ``exact``.

    Attributes:
        bytes: the payload's most bytes; within them the codec gives its least error.
        error: the greatest relative error, ``|x - y| / |x|`` in Frobenius norms; within it the
            codec gives its fewest bytes.
        exact: every bit must come back.
    """

    bytes: int | None = None
    error: float | None = None
    exact: bool = False


class Codec(ABC):
    """One format of payloads. Encoding may use any arithmetic; decoding is law: integers until
    each element is rounded once, to nearest and even, so every machine gives the same bits.

    A payload is little-endian, holds a fixed header first, and every part of it that a tile needs
    can be found from the header alone. ``decode`` trusts nothing: a payload that is too short, or
    whose header does not fit its tensor, raises ValueError.
    """

    name: ClassVar[str]
    lossless: ClassVar[bool]  # gives back every bit, of every element type

    @property
    def number(self) -> int:
        """The codec's number in descriptors."""
        return CODECS[self.name]

    def accepts(self, geometry: Geometry, values: NDArray[Any]) -> bool:
        """Return whether these values can be encoded at all."""
        return True

    @abstractmethod
    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        """Return a payload that meets the budget, or None if this codec cannot.

        Args:
            values: the tensor, of ``geometry.shape`` and ``geometry.kind.bits``, C-contiguous.
        """

    @abstractmethod
    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        """Regrow elements ``start`` to ``stop`` in C order into ``out`` (one dimension)."""
