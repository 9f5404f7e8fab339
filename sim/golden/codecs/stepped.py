"""Decoding of stepped payloads, a multiple at a time."""

import zlib

from sim.golden.codecs.floats import float_bits

__all__ = ["decode"]

TILE = 65536


def decode(payload: bytes, numbers: int, name: str) -> list[int]:
    """Return the bits of all numbers, as floats of this name; complex elements are two.

    Streams of zstd need the library: its format is not what is checked here.
    """
    low_bits, together = payload[2], payload[3]
    width = 8 // together
    mantissa = int.from_bytes(payload[4:8], "little")
    exponent = int.from_bytes(payload[8:12], "little", signed=True)
    streams = 2 if low_bits else 1
    found = []
    for tile in range(-(-numbers // TILE)):
        planes = [_stream(payload, tile * streams + stream) for stream in range(streams)]
        for i in range(min(TILE, numbers - tile * TILE)):
            multiple = _field(planes[0], width, i)
            if multiple >= 1 << (width - 1):
                multiple -= 1 << width
            if low_bits:
                multiple = (multiple << low_bits) + _field(planes[1], low_bits, i)
            found.append(float_bits(multiple * mantissa, exponent, name))
    return found


def _field(packed: bytes, width: int, i: int) -> int:
    places = range(i * width, (i + 1) * width)
    return sum((packed[at // 8] >> (at % 8) & 1) << (at - i * width) for at in places)


def _stream(payload: bytes, number: int) -> bytes:
    entry = 64 + 16 * number
    start = int.from_bytes(payload[entry : entry + 8], "little")
    size = int.from_bytes(payload[entry + 8 : entry + 12], "little")
    method = int.from_bytes(payload[entry + 12 : entry + 16], "little")
    packed = payload[start : start + size]
    if method == 0:
        return packed
    if method == 1:
        return zlib.decompress(packed)
    import zstandard

    return zstandard.ZstdDecompressor().decompress(packed)
