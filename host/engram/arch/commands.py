"""Descriptors of the command ring and their completions, as both sides read them from DRAM."""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar

__all__ = [
    "COMPLETION_BYTES",
    "COMPLETION_WORDS",
    "DESCRIPTOR_BYTES",
    "DESCRIPTOR_WORDS",
    "FORMS",
    "INDEX_BATCH",
    "MAX_COUNT",
    "MAX_RING_LOG2",
    "Command",
    "Completion",
    "Fault",
    "Flag",
    "Form",
    "Opcode",
]

DESCRIPTOR_WORDS = 8
DESCRIPTOR_BYTES = 8 * DESCRIPTOR_WORDS
COMPLETION_WORDS = 4
COMPLETION_BYTES = 8 * COMPLETION_WORDS
MAX_RING_LOG2 = 12
MAX_COUNT = (1 << 32) - 1  # words or pages of one command

# Addresses of a GATHER or SCATTER are fetched this many at a time, in batches that end where so
# many are aligned; a read error in one ends the command before any of its words.
INDEX_BATCH = 16


class _Documented(IntEnum):
    """Numbers with a sentence each, for the manual and the C header."""

    doc: str

    def __new__(cls, value: int, doc: str = "") -> "_Documented":
        member = int.__new__(cls, value)
        member._value_ = value
        member.doc = doc
        return member


class Opcode(_Documented):
    """What a command does.

    Addresses and counts are in words of the space, buffers and indices are byte addresses in DRAM
    and multiples of 8. Commands take effect one after the other, each wholly before the next.
    """

    FILL = 1, "generated words of address.. to the buffer, whatever is written there"
    READ = 2, "words of address.. to the buffer"
    GATHER = 3, "the words at `count` addresses, an array at `indices`, to the buffer"
    WRITE = 4, "the buffer's words to address.."
    SCATTER = 5, "the buffer's words to the addresses of the array at `indices`, in its order"
    ERASE = 6, "let address.. be generated again; frames of whole pages are given back"
    MAP = 7, "a region: `count` pages from page `address` on belong to descriptor `buffer`"
    UNMAP = 8, "the region whose first page is `address`"
    SELECT = 9, "the space of all that follows; no region is mapped in it"
    INVALIDATE = 10, "forget what the TLB holds, after the host changed the page table"
    FENCE = 11, "nothing, once window writes accepted so far are in memory, too"


class Flag(IntFlag):
    """Bits of a command's flags; all others must be zero."""

    INTERRUPT = 1  # raise IRQ_STATUS.DONE when complete
    GENERATED = 2  # GATHER: generated words, whatever is written there


class Fault(_Documented):
    """What a command, a window access or the whole ring came to."""

    OK = 0, "all is done"
    BAD_COMMAND = 1, "no such opcode, or something is set that must be zero"
    BAD_RANGE = 2, "a count of 0 or too many, a range past the end, a misaligned byte address"
    OUT_OF_POOL = 3, "buffer, indices or page table not within the pool that registers set"
    UNSUPPORTED_LAW = 4, "the law is not built"
    NO_SPACE = 5, "nothing is selected"
    READ_ERROR = 6, "the bus answered a read with an error"
    WRITE_ERROR = 7, "the bus answered a write with an error"
    NO_FRAME = 8, "the frame pool is exhausted; nothing was changed"
    TABLE_FULL = 9, "no slot in any bucket of the walk; no page was changed"
    BAD_FRAME = 10, "table or free list name a frame outside the pool"
    SYNTHESISED = 11, "an unwritten page of a region; this build regrows none"
    NO_REGION = 12, "UNMAP: no region begins there"
    REGION_CLASH = 13, "MAP: overlaps a region, or the table of regions is full"
    BAD_RING = 14, "the doorbell is further ahead than the ring is long: the ring halts"
    REFUSED = 15, "the window is not enabled for this"


@dataclass(frozen=True)
class Form:
    """What the descriptor of an opcode may say; everything else in it must be zero.

    ``fields``: of address, count, buffer, indices and buckets_log2, words 1 to 5. ``law`` says
    whether it names one; 0 is the space's own, except that SELECT must name one. ``selected``
    says whether a space must be selected.
    """

    fields: tuple[str, ...]
    law: bool = False
    flags: Flag = Flag.INTERRUPT
    selected: bool = True


_RUN = ("address", "count", "buffer")
_ARRAY = ("count", "buffer", "indices")

FORMS: dict[Opcode, Form] = {
    Opcode.FILL: Form(_RUN, law=True),
    Opcode.READ: Form(_RUN, law=True),
    Opcode.GATHER: Form(_ARRAY, law=True, flags=Flag.INTERRUPT | Flag.GENERATED),
    Opcode.WRITE: Form(_RUN),
    Opcode.SCATTER: Form(_ARRAY),
    Opcode.ERASE: Form(("address", "count")),
    Opcode.MAP: Form(_RUN),
    Opcode.UNMAP: Form(("address",)),
    Opcode.SELECT: Form(
        ("address", "count", "buffer", "indices", "buckets_log2"), law=True, selected=False
    ),
    Opcode.INVALIDATE: Form((), selected=False),
    Opcode.FENCE: Form((), selected=False),
}


@dataclass(frozen=True)
class Command:
    """One descriptor: 8 little-endian words.

    It is checked in this order: form (BAD_COMMAND), a space is selected (NO_SPACE), counts, ends
    and alignment (BAD_RANGE), pools (OUT_OF_POOL; bits of an address above ADDRESS_BITS are
    outside), law (UNSUPPORTED_LAW). Words move in pieces that end with their page; GATHER and
    SCATTER move single words. A piece that fails ends the command, and those before it are done.

    Word 0: opcode (bits 7:0), flags (15:8), law (23:16; 0 is the space's own), tag (63:32).
    Word 1 is ``address`` (SELECT: the seed), word 2 ``count`` (SELECT: keys 0 and 1, low half
    first), word 3 ``buffer`` (SELECT: keys 2 and 3), word 4 ``indices`` (SELECT: where the page
    table lies), word 5 ``buckets_log2`` (SELECT: the logarithm of its number of buckets); the
    others are zero, as is every field that an opcode does not name.
    """

    opcode: int
    address: int = 0
    count: int = 0
    buffer: int = 0
    indices: int = 0
    buckets_log2: int = 0
    law: int = 0
    flags: int = 0
    tag: int = 0

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBBBI7Q")

    @classmethod
    def select(
        cls,
        *,
        law: int,
        seed: int,
        keys: tuple[int, int, int, int],
        table: int,
        buckets_log2: int,
        flags: int = 0,
        tag: int = 0,
    ) -> "Command":
        """Return the command that selects a space."""
        return cls(
            Opcode.SELECT,
            address=seed,
            count=keys[0] | keys[1] << 32,
            buffer=keys[2] | keys[3] << 32,
            indices=table,
            buckets_log2=buckets_log2,
            law=law,
            flags=flags,
            tag=tag,
        )

    def pack(self) -> bytes:
        """Return the descriptor's 64 bytes."""
        return self.LAYOUT.pack(
            self.opcode,
            self.flags,
            self.law,
            0,
            self.tag,
            self.address,
            self.count,
            self.buffer,
            self.indices,
            self.buckets_log2,
            0,
            0,
        )


@dataclass(frozen=True)
class Completion:
    """What became of a command: 4 little-endian words.

    Word 0: fault (bits 7:0), opcode (15:8), tag (63:32); the fault is that of the piece that ended
    the command, else the first error of the bus. Word 1, ``done``: words of the pieces before the
    fault; of ERASE, frames given back. A word that the bus did not deliver, and what follows it
    in its piece, is not written anywhere; the command goes on with the next piece, unless the
    piece was to be a page's first: then the page stays as it was and the command ends. Word 2:
    where the piece begins that ended the command, else 0. Word 3: clocks from the descriptor's
    arrival on.
    """

    fault: Fault
    opcode: int
    tag: int
    done: int
    address: int
    clocks: int

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBHI3Q")

    def pack(self) -> bytes:
        """Return the record's 32 bytes."""
        return self.LAYOUT.pack(
            self.fault, self.opcode, 0, self.tag, self.done, self.address, self.clocks
        )

    @classmethod
    def unpack(cls, record: bytes) -> "Completion":
        """Read a record; raise ValueError if it has not 32 bytes or no known fault."""
        if len(record) != COMPLETION_BYTES:
            raise ValueError(f"record must be {COMPLETION_BYTES} bytes, not {len(record)!r}")
        fault, opcode, _, tag, done, address, clocks = cls.LAYOUT.unpack(record)
        return cls(Fault(fault), opcode, tag, done, address, clocks)
