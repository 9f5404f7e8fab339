"""The laws and number views once more, from the documentation alone: what devices are held to."""

import struct
from collections.abc import Callable

from engram.arch.normal import normal_table

__all__ = ["FIELDS", "FORMATS", "LANES", "element_bytes", "inverse", "word"]

M32, M64 = 2**32 - 1, 2**64 - 1
PHI32, PHI64 = 0x9E3779B9, 0x9E3779B97F4A7C15
PRIMES = [
    65447, 65449, 65479, 65497, 65519, 65521, 65437, 65423,
    65419, 65413, 65407, 65393, 65381, 65371, 65357, 65353,
]  # fmt: skip


def _xorshift_multiply(x: int, *steps: tuple[int, int]) -> int:
    for shift, factor in steps:
        x ^= x >> shift
        x = (x * factor) % 2**64
    return x


def _fmix64(x: int) -> int:
    return _xorshift_multiply(x, (33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53), (33, 1))


def _splitmix64(x: int) -> int:
    return _xorshift_multiply(x, (30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))


def _mx3(x: int) -> int:
    c = 0xBEA225F9EB34556D
    return _xorshift_multiply(x, (32, c), (29, c), (32, c), (29, 1))


def keys(seed: int, stream: int = 0) -> list[int]:
    """Return k0..k3 of a seed and a stream."""
    first = _mx3((seed + PHI64) % 2**64)
    second = _mx3(((first ^ stream) + PHI64) % 2**64)
    third = _mx3(((second ^ stream) + 2 * PHI64) % 2**64)
    return [second & M32, second >> 32, third & M32, third >> 32]


def _f(r: int, k: int, m: int) -> int:
    t = (r + k) & M32
    t ^= t >> 16
    t = (t * m) & M32
    return t ^ (t >> 15)


def _schedule(seed: int, rounds: int) -> list[tuple[int, int]]:
    k0, k1, k2, k3 = keys(seed)
    plan = [(k0, 0xD2511F53), (k1, 0xCD9E8D57), (k2, 0xD2511F53), (k3, 0xCD9E8D57)]
    plan += [((k0 + PHI32) & M32, 0xD2511F53), ((k1 + PHI32) & M32, 0xCD9E8D57)]
    return plan[:rounds]


def _rotl16(x: int) -> int:
    return ((x << 32 | x) >> 16) & M32


def _feistel(seed: int, address: int, rounds: int) -> int:
    high, low = divmod(address, 2**32)
    low ^= _rotl16(high)
    plan = _schedule(seed, rounds)
    for (k, m), (k_, m_) in zip(plan[::2], plan[1::2], strict=True):
        high ^= _f(low, k, m)
        low ^= _f(high, k_, m_)
    return high * 2**32 + low


def _unfeistel(seed: int, word: int, rounds: int) -> int:
    high, low = divmod(word, 2**32)
    plan = _schedule(seed, rounds)
    for (k, m), (k_, m_) in zip(plan[-2::-2], plan[::-2], strict=True):
        low ^= _f(high, k_, m_)
        high ^= _f(low, k, m)
    low ^= _rotl16(high)
    return high * 2**32 + low


def _vrns16(seed: int, address: int) -> int:
    x = seed ^ address
    h = 0
    for lane, p in enumerate(PRIMES):
        h ^= _fmix64(x % p + (p << 16) + (lane << 32))
    return h


def _unmix(y: int, *steps: tuple[int, int]) -> int:
    """Undo ``_xorshift_multiply``, one bit of each xor-shift at a time."""
    for shift, factor in reversed(steps):
        y = y * pow(factor, -1, 2**64) % 2**64
        for bit in range(63 - shift, -1, -1):
            y ^= (y >> shift) & (1 << bit)
    return y


def word(law: int, seed: int, address: int) -> int:
    """Return ``word(law, seed, address)``."""
    if law in (1, 4):
        return _feistel(seed, address, 6 if law == 1 else 4)
    if law == 2:
        return _vrns16(seed, address)
    return _splitmix64((seed + address + PHI64) % 2**64)


def inverse(law: int, seed: int, image: int) -> int:
    """Return the address of a word of laws 1, 3 and 4."""
    if law in (1, 4):
        return _unfeistel(seed, image, 6 if law == 1 else 4)
    x = _unmix(image, (30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
    return (x - seed - PHI64) % 2**64


def _normal(half: int) -> float:
    u = 2 * (half % 2**31) + 1
    zeros = f"{u:032b}".index("1")
    below = f"{u:032b}"[zeros + 1 :].ljust(32, "0")  # what follows the leading one, left-aligned
    start, slope = normal_table()[zeros, int(below[:5], 2)].tolist()
    magnitude = start - slope * int(below[5:21], 2) // 2**16
    return (-magnitude if half >= 2**31 else magnitude) / 2**24


def _signed(octet: int) -> int:
    return octet if octet < 128 else octet - 256


FIELDS: dict[str, Callable[[int], list[float]]] = {
    "uint64": lambda w: [w],
    "float64": lambda w: [(w // 2**11) / 2**53],
    "float32": lambda w: [(w % 2**32 // 2**8) / 2**24, (w // 2**40) / 2**24],
    "int8": lambda w: [_signed(w // 2**shift % 2**8) for shift in range(0, 64, 8)],
    "normal": lambda w: [_normal(w % 2**32), _normal(w // 2**32)],
    "unit64": lambda w: [w / 2**64],
}
FORMATS = {
    "uint64": "<Q",
    "float64": "<d",
    "float32": "<2f",
    "int8": "8b",
    "normal": "<2f",
    "unit64": "<d",
}
LANES = {"uint64": 1, "float64": 1, "float32": 2, "int8": 8, "normal": 2, "unit64": 1}


def element_bytes(image: int, dtype: str) -> bytes:
    """Return the bytes that a word reads as; ``struct`` rounds to float32 to nearest even."""
    return struct.pack(FORMATS[dtype], *FIELDS[dtype](image))
