"""Decoding of grouped payloads, field by field out of the bytes."""

from sim.golden.codecs.floats import float_bits

__all__ = ["decode"]

TILE = 65536
LINE = 64


def decode(payload: bytes, numbers: int, name: str) -> list[int]:
    """Return the bits of all numbers, as floats of this name; complex elements are two."""
    bits, width = payload[2], payload[3]
    group = _unsigned(payload, 4, 2)
    offsets = _unsigned(payload, 6, 2)
    tiles = -(-numbers // TILE)
    start = _lines(32 + 2 * tiles)
    found = []
    for tile in range(tiles):
        count = min(TILE, numbers - tile * TILE)
        exponent = _signed(payload, 32 + 2 * tile, 2)
        beside = _lines(-(-count // group) * width)
        plane = start + beside * (2 if offsets else 1)
        widths = [2, 1] if bits == 3 else [bits]
        for i in range(count):
            code, low, at = 0, 0, plane
            for field in widths:
                code |= _field(payload, at, field, i) << low
                low += field
                at += _lines(-(-count // 32) * 4 * field)
            scale = _signed(payload, start + i // group * width, width)
            offset = _signed(payload, start + beside + i // group * width, width) if offsets else 0
            integer = (code - 2 ** (bits - 1) + offset) * scale
            found.append(float_bits(integer, exponent, name))
        start = plane + sum(_lines(-(-count // 32) * 4 * field) for field in widths)
    assert start == len(payload)
    return found


def _field(payload: bytes, plane: int, width: int, i: int) -> int:
    """Return the field of number i of a plane: see ``engram.arch.payloads.grouped.Parts``."""
    block, place = divmod(i, 32)
    row, column = divmod(place, 4 * width)
    byte = payload[plane + block * 4 * width + column]
    return byte >> (row * width) & ((1 << width) - 1)


def _lines(size: int) -> int:
    return -(-size // LINE) * LINE


def _unsigned(payload: bytes, at: int, size: int) -> int:
    return int.from_bytes(payload[at : at + size], "little")


def _signed(payload: bytes, at: int, size: int) -> int:
    return int.from_bytes(payload[at : at + size], "little", signed=True)
