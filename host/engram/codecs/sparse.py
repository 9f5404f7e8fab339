"""Elements that are not all zero bits, and where they are; exact, so -0.0 and NaN come back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.parts import padded, refuse_unless
from engram.arch.payloads.sparse import SparseHeader, SparseTile
from engram.arch.tensors import TILE_ELEMENTS
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.runs import as_bits, bits_width, pieces

__all__ = ["SparseCodec"]

Positions = NDArray[np.int64]


class SparseCodec(Codec):
    """Positions and elements by tile: small where most elements are exactly zero.

    Positions are a bitmap or gaps, whichever is smaller in that tile. A run costs the tiles it
    touches.
    """

    name = "sparse"
    lossless = True

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        kind = geometry.kind
        flat = values.reshape(-1)
        header = SparseHeader(kind.bits.itemsize, geometry.tiles)
        table, body = bytearray(), bytearray()
        for at in range(0, flat.size, TILE_ELEMENTS):
            elements = flat[at : at + TILE_ELEMENTS]
            bits = as_bits(elements, kind)
            held = (bits.reshape(elements.size, -1) != 0).any(axis=1)
            positions = np.flatnonzero(held)
            gaps = _to_gaps(positions)
            bitmap = np.packbits(held, bitorder="little").tobytes()
            short = 0 < len(gaps) < len(bitmap)
            tile = SparseTile(
                header.first_tile + len(body), positions.size, len(gaps) if short else 0
            )
            table += tile.to_bytes()
            if positions.size:
                where = gaps if short else bitmap
                kept = elements[held].tobytes()
                body += where.ljust(padded(len(where)), b"\0")
                body += kept.ljust(padded(len(kept)), b"\0")
            size = header.first_tile + len(body)
            if budget.bytes is not None and size > budget.bytes:
                return None
        size = header.first_tile + len(body)
        if budget.bytes is not None and size > budget.bytes:
            return None
        return b"".join((header.to_bytes(size), table.ljust(padded(len(table)), b"\0"), body))

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        kind = geometry.kind
        width = kind.bits.itemsize
        header = SparseHeader.from_bytes(payload, width, geometry.tiles)
        numbers = width // bits_width(kind)  # in an element
        target = as_bits(out, kind)
        target[:] = 0
        target = target.reshape(-1, numbers)
        done = 0
        for number, first, last in pieces(start, stop):
            elements = min(TILE_ELEMENTS, geometry.size - number * TILE_ELEMENTS)
            tile = header.tile(payload, number, elements)
            if tile.count:
                size = tile.positions(elements)
                where = np.frombuffer(payload[tile.start : tile.start + size], np.uint8)
                positions = (
                    _from_gaps(where, tile.count) if tile.gaps else _from_bitmap(where, elements)
                )
                fits = positions.size == tile.count and positions[-1] < elements
                refuse_unless(fits, f"hold {tile.count} positions in tile {number}")
                at = tile.start + padded(size)
                held = np.frombuffer(payload[at : at + tile.count * width], np.uint8)
                if kind.bits.kind == "b":
                    refuse_unless(not (held > 1).any(), "hold nothing but 0 and 1 for bool")
                low, high = np.searchsorted(positions, (first, last))
                kept = held.view(target.dtype).reshape(-1, numbers)
                target[done - first + positions[low:high]] = kept[low:high]
            done += last - first


def _to_gaps(positions: Positions) -> bytes:
    """Return positions as LEB128 of how many were left out before each."""
    gaps = np.diff(positions, prepend=-1) - 1
    groups = np.stack([gaps >> shift & 0x7F for shift in (0, 7, 14)], axis=1).astype(np.uint8)
    lengths = 1 + (gaps >= 1 << 7) + (gaps >= 1 << 14)
    used = np.arange(3) < lengths[:, None]
    more = np.arange(3) < lengths[:, None] - 1
    groups |= more.astype(np.uint8) << np.uint8(7)
    packed: bytes = groups[used].tobytes()
    return packed


def _from_gaps(packed: NDArray[np.uint8], count: int) -> Positions:
    ends = np.flatnonzero(packed < 0x80)
    refuse_unless(ends.size == count and ends[-1] == packed.size - 1, f"hold {count} gaps")
    starts = np.concatenate(([0], ends[:-1] + 1))
    places = np.arange(packed.size) - np.repeat(starts, ends - starts + 1)
    refuse_unless(not (places > 2).any(), "hold gaps of three bytes at most")
    gaps = np.add.reduceat((packed & np.uint8(0x7F)).astype(np.int64) << 7 * places, starts)
    return np.cumsum(gaps + 1) - 1


def _from_bitmap(packed: NDArray[np.uint8], elements: int) -> Positions:
    held = np.unpackbits(packed, bitorder="little")
    return np.flatnonzero(held)
