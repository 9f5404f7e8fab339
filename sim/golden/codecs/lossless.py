"""Decoding of lossless payloads: the filters undone number by number."""

import zlib

__all__ = ["decode"]

TILE = 65536


def decode(payload: bytes, elements: int, size: int, numbers: int = 1) -> bytes:
    """Return the bytes of a tensor of so many elements of ``size`` bytes and ``numbers`` parts.

    Streams of zstd need the library: its format is not what is checked here.
    """
    width = size // numbers
    filters = int.from_bytes(payload[2:4], "little")
    delta, rotate, shuffle = filters & 1, filters & 2, filters & 4
    streams = width if shuffle else 1
    found = bytearray()
    for tile in range(-(-elements // TILE)):
        count = min(TILE, elements - tile * TILE) * numbers
        planes = []
        for stream in range(streams):
            entry = 64 + 16 * (tile * streams + stream)
            start = int.from_bytes(payload[entry : entry + 8], "little")
            length = int.from_bytes(payload[entry + 8 : entry + 12], "little")
            method = int.from_bytes(payload[entry + 12 : entry + 16], "little")
            planes.append(_expanded(payload[start : start + length], method))
        before = 0
        for i in range(count):
            if shuffle:
                number = sum(planes[place][i] << (8 * place) for place in range(width))
            else:
                number = int.from_bytes(planes[0][i * width : (i + 1) * width], "little")
            if rotate:
                number = number >> 1 | (number & 1) << (8 * width - 1)
            if delta:
                number = before = (before + number) % 256**width
            found += number.to_bytes(width, "little")
    return bytes(found)


def _expanded(packed: bytes, method: int) -> bytes:
    if method == 0:
        return packed
    if method == 1:
        return zlib.decompress(packed)
    import zstandard

    return zstandard.ZstdDecompressor().decompress(packed)
