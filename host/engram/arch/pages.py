"""Sizes of words, pages, frames and regions, and the layout of a region-table entry."""

import struct
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "ADDRESS_BITS",
    "MASK64",
    "PAGE_BITS",
    "PAGE_BYTES",
    "PAGE_WORDS",
    "SPACE_WORDS",
    "WORD_BYTES",
    "Region",
    "page_of",
]

WORD_BYTES = 8
ADDRESS_BITS = 64  # addresses count words, not bytes
SPACE_WORDS = 1 << ADDRESS_BITS
MASK64 = SPACE_WORDS - 1

# 512 words of 8 bytes are 4 KiB: the page of the ARM and x86 hosts, and the boundary no AXI burst
# may cross.
PAGE_BITS = 9
PAGE_WORDS = 1 << PAGE_BITS
PAGE_BYTES = PAGE_WORDS * WORD_BYTES


def page_of(address: int) -> int:
    """Return the number of the page that holds a word address."""
    return address >> PAGE_BITS


@dataclass(frozen=True)
class Region:
    """A run of whole pages that one tensor's words occupy.

    Packed, it is a region-table entry of four little-endian words: first page, number of pages,
    descriptor number, flags (bit 0: valid; the others are zero).
    """

    first_page: int
    pages: int
    descriptor: int

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<4Q")
    VALID: ClassVar[int] = 1

    def __post_init__(self) -> None:
        total = 1 << (ADDRESS_BITS - PAGE_BITS)
        if not 0 <= self.first_page < total:
            raise ValueError(f"first_page must be in 0..{total - 1}, not {self.first_page!r}")
        if not 1 <= self.pages <= total - self.first_page:
            raise ValueError(
                f"pages must be in 1..{total - self.first_page}, not {self.pages!r}"
            )
        if not 0 <= self.descriptor < SPACE_WORDS:
            raise ValueError(f"descriptor must be in 0..2**64-1, not {self.descriptor!r}")

    def __contains__(self, address: int) -> bool:
        return 0 <= page_of(address) - self.first_page < self.pages

    def pack(self) -> bytes:
        """Return the 32 bytes of the table entry."""
        return self.LAYOUT.pack(self.first_page, self.pages, self.descriptor, self.VALID)

    @classmethod
    def unpack(cls, entry: bytes) -> "Region":
        """Read a table entry back; raise ValueError if it is not a valid one."""
        if len(entry) != cls.LAYOUT.size:
            raise ValueError(f"entry must be {cls.LAYOUT.size} bytes, not {len(entry)!r}")
        first_page, pages, descriptor, flags = cls.LAYOUT.unpack(entry)
        if flags != cls.VALID:
            raise ValueError(f"flags must be {cls.VALID}, not {flags!r}")
        return cls(first_page, pages, descriptor)
