"""The page table in DRAM: buckets of one burst each, found by a hash of the page number."""

from engram.arch.accelerator import FRAME_BITS
from engram.arch.pages import ADDRESS_BITS, PAGE_BITS

__all__ = [
    "BUCKET_BYTES",
    "BUCKET_SLOTS",
    "BUCKET_WORDS",
    "CONTINUES",
    "HASH_SHIFTS",
    "LAST_SLOT",
    "MAX_BUCKETS_LOG2",
    "MAX_PROBES",
    "NO_FRAME",
    "PAGE_NUMBER_BITS",
    "VALID",
    "bucket_of",
    "frame_word",
    "frame_of",
    "key_word",
]

PAGE_NUMBER_BITS = ADDRESS_BITS - PAGE_BITS

# A bucket is one burst of 16 words: the keys of its slots, then their frames. A walk that finds
# no key knows so after half of the burst.
BUCKET_SLOTS = 8
BUCKET_WORDS = 2 * BUCKET_SLOTS
BUCKET_BYTES = 8 * BUCKET_WORDS

# A key: the page number in the low bits, and whether the slot is taken. A free slot's key has no
# bit set but CONTINUES, and only the last slot's key has that one: it says that the bucket was
# full when a page came, so its pages may lie in the next. Erasing leaves it set.
VALID = 1 << 63
CONTINUES = 1 << 62
LAST_SLOT = BUCKET_SLOTS - 1

# A page lies in its own bucket or in one of the next seven, modulo their number.
MAX_PROBES = 8
MAX_BUCKETS_LOG2 = 24

# In word 0 of a frame that was given back: the number of the next such frame, or this at the end.
NO_FRAME = (1 << FRAME_BITS) - 1

# Linear over GF(2), a gate of five inputs a bit: pages in a row lie in buckets in a row, and a
# stride of any power of two still spreads.
HASH_SHIFTS = (0, 9, 20, 33, 44)


def bucket_of(page: int, buckets_log2: int) -> int:
    """Return the number of the bucket that a page's walk begins with."""
    mixed = 0
    for shift in HASH_SHIFTS:
        mixed ^= page >> shift
    return mixed & ((1 << buckets_log2) - 1)


def key_word(page: int) -> int:
    """Return the key of a slot that holds a page, without CONTINUES."""
    if not 0 <= page < 1 << PAGE_NUMBER_BITS:
        raise ValueError(f"page must be in 0..2**{PAGE_NUMBER_BITS}-1, not {page!r}")
    return VALID | page


def frame_word(frame: int) -> int:
    """Return the second word of a slot: the number of the page's frame."""
    if not 0 <= frame < NO_FRAME:
        raise ValueError(f"frame must be in 0..{NO_FRAME - 1}, not {frame!r}")
    return frame


def frame_of(word: int) -> int:
    """Return the frame number that a table's or a free frame's word names; higher bits are void."""
    return word & NO_FRAME
