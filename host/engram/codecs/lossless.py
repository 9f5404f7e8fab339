"""Every bit back: bytes sorted by their weight, then compressed, each tile on its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.lossless import Filter, LosslessHeader
from engram.arch.payloads.parts import refuse_unless
from engram.arch.tensors import TILE_ELEMENTS, ElementType
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.compression import LEVELS, compress, decompress, stored
from engram.codecs.runs import Bits, as_bits, bits_width, pieces

__all__ = ["LosslessCodec"]

_SAMPLES = 2  # tiles on which filters and level are chosen
_SMALL = 8  # tiles: so small a tensor may take its time
_WORTH = 0.98  # a level must get to this part of the one before, for it takes several times as long


class LosslessCodec(Codec):
    """Shuffled and compressed bytes: smaller where exponents, high bytes or steps repeat.

    A stream that compression would make larger is kept plain, so the payload exceeds the tensor
    by the header and the table at most. A run costs the tiles it touches.
    """

    name = "lossless"
    lossless = True

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        kind = geometry.kind
        bits = as_bits(values.reshape(-1), kind)
        step = TILE_ELEMENTS * kind.bits.itemsize // bits_width(kind)
        tiles = [bits[at : at + step] for at in range(0, bits.size, step)]
        filters, level = _choose(tiles, kind)
        header = LosslessHeader(filters, bits_width(kind), len(tiles))
        streams = (stream for tile in tiles for stream in _streams(tile, filters))
        table, body = stored(streams, level, header.first_stream)
        size = header.first_stream + len(body)
        if budget.bytes is not None and size > budget.bytes:
            return None
        return b"".join((header.to_bytes(size), table, body))

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        kind = geometry.kind
        width = bits_width(kind)
        header = LosslessHeader.from_bytes(payload, width, geometry.tiles)
        target = as_bits(out, kind)
        numbers = kind.bits.itemsize // width  # in an element
        done = 0
        for tile, first, last in pieces(start, stop):
            elements = min(TILE_ELEMENTS, geometry.size - tile * TILE_ELEMENTS)
            size = elements * kind.bits.itemsize // header.streams
            streams = []
            for place in header.places(payload, tile):
                packed = payload[place.start : place.start + place.size]
                streams.append(np.frombuffer(decompress(packed, place.method, size), np.uint8))
            bits = _joined(streams, header.filters, width)
            if kind.bits.kind == "b":
                refuse_unless(not (bits > 1).any(), "hold nothing but 0 and 1 for bool")
            part = bits[numbers * first : numbers * last]
            target[done : done + part.size] = part
            done += part.size


def _choose(tiles: list[Bits], kind: ElementType) -> tuple[Filter, int]:
    """Return the filters and the level that do best on some tiles."""
    samples = [tiles[i * len(tiles) // _SAMPLES] for i in range(min(_SAMPLES, len(tiles)))]

    def size(filters: Filter, level: int) -> int:
        streams = [stream for tile in samples for stream in _streams(tile, filters)]
        return sum(len(compress(plain, level)[1]) for plain in streams)

    if kind.bits.kind in "fc" or kind.name == "bfloat16":
        tried = [Filter.ROTATE | Filter.SHUFFLE, Filter.SHUFFLE, Filter(0)]
    elif bits_width(kind) == 1:
        tried = [Filter(0), Filter.DELTA]
    else:
        tried = [Filter.SHUFFLE, Filter.DELTA | Filter.SHUFFLE, Filter(0), Filter.DELTA]
    level = 0
    filters = min(tried, key=lambda filters: size(filters, level))
    least = size(filters, level)
    for higher in range(1, len(LEVELS) if len(tiles) <= _SMALL else len(LEVELS) - 1):
        if (found := size(filters, higher)) < _WORTH * least:
            level, least = higher, found
    return filters, level


def _streams(bits: Bits, filters: Filter) -> list[bytes]:
    """Filter the numbers of a tile."""
    if filters & Filter.DELTA:
        bits = np.diff(bits, prepend=bits.dtype.type(0))
    if filters & Filter.ROTATE:
        bits = _rotated(bits, 1)
    if filters & Filter.SHUFFLE:
        planes = bits.view(np.uint8).reshape(-1, bits.dtype.itemsize).T
        return [plane.tobytes() for plane in planes]
    return [bits.tobytes()]


def _joined(streams: list[NDArray[np.uint8]], filters: Filter, width: int) -> Bits:
    """Undo the filters."""
    bits: Bits
    if filters & Filter.SHUFFLE:
        mixed = np.empty((streams[0].size, width), np.uint8)
        for place, plane in enumerate(streams):
            mixed[:, place] = plane
        bits = mixed.reshape(-1).view(f"<u{width}")
    else:
        bits = streams[0].view(f"<u{width}")
    if filters & Filter.ROTATE:
        bits = _rotated(bits, 8 * width - 1)
    if filters & Filter.DELTA:
        bits = np.cumsum(bits, dtype=bits.dtype)
    return bits


def _rotated(bits: Bits, by: int) -> Bits:
    """Rotate to the left."""
    number: Callable[[int], Any] = bits.dtype.type
    turned: Bits = (bits << number(by)) | (bits >> number(8 * bits.dtype.itemsize - by))
    return turned
