"""Compressing bytes whose size is known when they come back: zlib always, zstd where installed."""

import importlib.util
import zlib
from collections.abc import Iterable
from typing import Any

from engram.arch.payloads.parts import padded, refuse_unless
from engram.arch.payloads.streams import Method, Place
from engram.errors import EngramError

__all__ = ["LEVELS", "compress", "decompress", "stored"]

# From quick to small; zlib's and zstd's own numbers.
LEVELS = ((6, 3), (9, 9), (9, 19))


def compress(plain: bytes, level: int) -> tuple[Method, bytes]:
    """Return the bytes compressed as well as can be at one of LEVELS, and by what.

    Bytes without repeats, such as exponents, are smallest under Huffman codes alone.
    """
    zlib_level, zstd_level = LEVELS[level]
    found = [(Method.PLAIN, plain), (Method.ZLIB, _deflate(plain, 9, zlib.Z_HUFFMAN_ONLY))]
    if importlib.util.find_spec("zstandard"):
        zstd = _zstandard().ZstdCompressor(level=zstd_level)
        found.append((Method.ZSTD, zstd.compress(plain)))
    else:
        found.append((Method.ZLIB, _deflate(plain, zlib_level, zlib.Z_DEFAULT_STRATEGY)))
    return min(found, key=lambda packed: len(packed[1]))


def _deflate(plain: bytes, level: int, strategy: int) -> bytes:
    stream = zlib.compressobj(level, memLevel=9, strategy=strategy)
    return stream.compress(plain) + stream.flush()


def stored(streams: Iterable[bytes], level: int, start: int) -> tuple[bytes, bytes]:
    """Return the table of some streams and the streams, compressed, the first at ``start``."""
    table, body = bytearray(), bytearray()
    for plain in streams:
        method, packed = compress(plain, level)
        table += Place(start + len(body), len(packed), method).to_bytes()
        body += packed.ljust(padded(len(packed)), b"\0")
    return bytes(table.ljust(padded(len(table)), b"\0")), bytes(body)


def decompress(packed: memoryview, method: Method, size: int) -> bytes:
    """Return the ``size`` bytes that were compressed; never allocate more than that.

    Raises:
        ValueError: this is not what so many bytes become.
        EngramError: zstd is needed and not installed.
    """
    if method is Method.PLAIN:
        plain = bytes(packed)
    else:
        plain = _inflate(packed, size) if method is Method.ZLIB else _unzstd(packed, size)
    refuse_unless(len(plain) == size, f"expand to {size} bytes")
    return plain


def _inflate(packed: memoryview, size: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(packed, size)
        # The end of the stream may still lie in what is left.
        rest = stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise ValueError(f"payload must expand ({error})") from None
    refuse_unless(stream.eof and not rest and not stream.unused_data, f"expand to {size} bytes")
    return plain


def _unzstd(packed: memoryview, size: int) -> bytes:
    zstandard = _zstandard()
    try:
        # The library trusts a size that the frame states more than any bound it is given.
        stated = zstandard.frame_content_size(packed)
        refuse_unless(stated == size, f"expand to {size} bytes, not {stated}")
        plain: bytes = zstandard.ZstdDecompressor().decompress(
            packed, max_output_size=size, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise ValueError(f"payload must expand ({error})") from None
    return plain


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise EngramError(
            "this tensor is compressed with zstd: install the extra `engram[tensors]` to read it"
        ) from None
    return zstandard
