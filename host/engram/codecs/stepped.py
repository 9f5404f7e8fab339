"""Multiples of one step, entropy coded: near the bound of rate and distortion, slow to regrow."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.stepped import LARGEST_LOW, SteppedHeader
from engram.arch.tensors import TILE_ELEMENTS
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.compression import decompress, stored
from engram.codecs.deviation import deviation
from engram.codecs.group_packing import numbers_in
from engram.codecs.rounding import finite, reals, round_into
from engram.codecs.runs import pieces

__all__ = ["SteppedCodec"]

Reals = NDArray[np.float64]

# Steps are 2**(rung / _OCTAVE), as a mantissa of eleven bits times a power of two.
_OCTAVE = 64
_MANTISSAS = np.rint(1024 * np.exp2(np.arange(_OCTAVE) / _OCTAVE)).astype(np.int64).tolist()
_OCTAVES = 16  # below the coarsest step, which makes everything zero; then all bits are used up
_SAMPLES = 4  # tiles on which the search for a rung begins
_FEW = 1 << 14  # numbers up to which all rungs are tried, or every _SPACING-th of them
_SPACING = 8
_LEVEL = 0  # of compression: multiples of noise have no repeats to look for


class SteppedCodec(Codec):
    """Uniform quantisation with one step, its multiples under Huffman codes or compressed.

    At high rates the error is that of an ideal quantiser with entropy coding, 1.53 dB above the
    bound (Gish and Pierce, 1968), but for some hundredths of a bit. A run costs the tiles it
    touches, some hundred times what the grouped codec's does.
    """

    name = "stepped"
    lossless = False

    def accepts(self, geometry: Geometry, values: NDArray[Any]) -> bool:
        return geometry.kind.lossy and geometry.size > 0 and finite(values, geometry.kind)

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        if budget.exact:
            return None
        search = _Search(self, values, geometry)
        if search.numbers <= _FEW:
            every = range(search.finest, search.coarsest + 1, _SPACING)
            tried = [search.tried(rung) for rung in every]
        else:
            tried = list(search.near(budget))
        kept = [
            (size, error, payload)
            for size, error, payload in tried
            if (budget.bytes is None or size <= budget.bytes)
            and (budget.error is None or error <= budget.error)
        ]
        if not kept:
            return None
        if budget.error is not None:
            return min(kept)[2]
        return min(kept, key=lambda each: (each[1], each[0]))[2]

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        each = numbers_in(geometry.kind)
        header = SteppedHeader.from_bytes(payload, geometry.size * each)
        done = 0
        for tile, first, last in pieces(start * each, stop * each):
            found = zip(header.places(payload, tile), header.sizes(tile), strict=True)
            streams = [
                decompress(payload[place.start : place.start + place.size], place.method, size)
                for place, size in found
            ]
            exact = _fields(streams[0], 8 // header.together, first, last).astype(np.float64)
            half = 128 >> (8 - 8 // header.together)
            exact[exact >= half] -= 2 * half
            if header.low_bits:
                exact *= 1 << header.low_bits
                exact += _fields(streams[1], header.low_bits, first, last)
            # Below 2**16 * 2**16: float64 has every bit. Of the two zeros, integers have +0.
            exact *= header.mantissa
            exact += 0.0
            with np.errstate(over="ignore"):  # what is too large becomes the largest number
                exact = np.ldexp(exact, header.exponent)
            count = (last - first) // each
            round_into(exact, geometry.kind, out[done : done + count])
            done += count


Tried = tuple[int, float, bytes]  # bytes, relative error, payload


class _Search:
    """The rungs of one tensor."""

    def __init__(self, codec: Codec, values: NDArray[Any], geometry: Geometry) -> None:
        self._codec, self._values, self._geometry = codec, values, geometry
        self.numbers = geometry.size * numbers_in(geometry.kind)
        self._tiles = -(-self.numbers // TILE_ELEMENTS)
        self._largest = max(
            float(np.abs(self._tile(tile)).max(initial=0.0)) for tile in range(self._tiles)
        )
        power = int(np.frexp(self._largest)[1])  # the largest number is below 2**power
        self.coarsest = (power + 1) * _OCTAVE
        self.finest = self.coarsest - (_OCTAVES + 1) * _OCTAVE
        while self._low_bits(self.finest) > LARGEST_LOW:
            self.finest += 1
        self._done: dict[int, Tried] = {}

    def _tile(self, tile: int) -> Reals:
        elements = TILE_ELEMENTS // numbers_in(self._geometry.kind)
        flat = self._values.reshape(-1)[tile * elements : (tile + 1) * elements]
        return reals(flat, self._geometry.kind).reshape(-1)

    def _most(self, rung: int) -> int:
        return int(_multiples(np.array([self._largest]), rung)[0])

    def _low_bits(self, rung: int) -> int:
        """Return how many bits of multiples do not fit a signed byte."""
        return max(0, self._most(rung).bit_length() - 7)

    def tried(self, rung: int) -> Tried:
        """Return what comes of a step."""
        if rung not in self._done:
            mantissa, exponent = _step(rung)
            low_bits = self._low_bits(rung)
            together = next(
                many for many in (4, 2, 1) if self._most(rung) >> low_bits < 128 >> (8 - 8 // many)
            )
            header = SteppedHeader(low_bits, together, mantissa, exponent, self.numbers)
            table, body = stored(self._streams(rung, header), _LEVEL, header.first_stream)
            size = header.first_stream + len(body)
            payload = b"".join((header.to_bytes(size), table, body))
            error = deviation(self._codec, payload, self._values, self._geometry).relative
            self._done[rung] = size, error, payload
        return self._done[rung]

    def _streams(self, rung: int, header: SteppedHeader) -> Iterator[bytes]:
        for tile in range(self._tiles):
            multiples = _multiples(self._tile(tile), rung).astype(np.int64)
            yield _packed(multiples >> header.low_bits, 8 // header.together)
            if header.low_bits:
                yield _packed(multiples, header.low_bits)

    def near(self, budget: Budget) -> Iterator[Tried]:
        """Yield what comes of the steps around the coarsest or finest that keeps to a budget."""
        samples = [self._tile(i * self._tiles // _SAMPLES) for i in range(_SAMPLES)]
        most, bound = budget.bytes, budget.error

        def fine_enough(rung: int) -> bool:
            if bound is not None:
                return _error(samples, rung) <= bound
            assert most is not None
            return _bits(samples, rung) * self.numbers / 8 > most

        # Errors grow and sizes shrink with the step: the last rung that is fine enough is sought.
        low, high = self.finest, self.coarsest
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fine_enough(middle) else (low, middle - 1)
        yield from self._around(low, budget)

    def _around(self, rung: int, budget: Budget) -> Iterator[Tried]:
        """Yield what comes of steps from here to where the budget is just kept."""

        def kept(tried: Tried) -> bool:
            if budget.error is not None:
                return tried[1] <= budget.error
            return budget.bytes is None or tried[0] <= budget.bytes

        # Towards where it is kept, then back to the last place where it is.
        safe = -1 if budget.error is not None else 1
        while not kept(self.tried(rung)) and self.finest <= rung + safe <= self.coarsest:
            rung += safe
        while kept(self.tried(rung)) and self.finest <= rung - safe <= self.coarsest:
            yield self.tried(rung)
            rung -= safe
        yield self.tried(rung)
        if budget.error is None:
            # Numbers that are multiples of something may be nearer to those of a coarser step.
            for coarser in (2, 4, 8, 16, 32, 64):
                if rung + coarser <= self.coarsest:
                    yield self.tried(rung + coarser)


def _packed(integers: NDArray[np.int64], width: int) -> bytes:
    """Return the lowest bits of integers one behind the other."""
    if width == 8:
        return integers.astype(np.uint8).tobytes()
    bits = integers[:, None] >> np.arange(width) & 1
    packed: bytes = np.packbits(bits.astype(np.uint8).reshape(-1), bitorder="little").tobytes()
    return packed


def _fields(packed: bytes, width: int, first: int, last: int) -> NDArray[np.int64]:
    """Return the integers that were packed, as unsigned ones."""
    content = np.frombuffer(packed, np.uint8)
    if width == 8:
        return content[first:last].astype(np.int64)
    bits = np.unpackbits(content, count=width * last, bitorder="little")[width * first :]
    return bits.reshape(-1, width).astype(np.int64) @ (1 << np.arange(width))


def _step(rung: int) -> tuple[int, int]:
    octave, place = divmod(rung, _OCTAVE)
    return _MANTISSAS[place], octave - 10


def _multiples(numbers: Reals, rung: int) -> Reals:
    mantissa, exponent = _step(rung)
    multiples: Reals = np.ldexp(numbers, -exponent) / mantissa
    return np.rint(multiples, out=multiples)


def _error(samples: list[Reals], rung: int) -> float:
    """Return the relative error of a step on some tiles."""
    mantissa, exponent = _step(rung)
    noise = signal = 0.0
    for numbers in samples:
        scaled = np.ldexp(numbers, -exponent) / mantissa  # in steps
        error = scaled - np.rint(scaled)
        noise += float(np.einsum("i,i->", error, error))
        signal += float(np.einsum("i,i->", scaled, scaled))
    return float(np.sqrt(noise / signal)) if signal else 0.0


def _bits(samples: list[Reals], rung: int) -> float:
    """Return the entropy of a multiple on some tiles."""
    multiples = np.concatenate([_multiples(numbers, rung) for numbers in samples])
    counts = np.unique(multiples, return_counts=True)[1]
    shares = counts / multiples.size
    return float(-(shares * np.log2(shares)).sum())
