"""What the pager is asked for, and in which space."""

from enum import IntEnum

from amaranth.lib import data

from engram.arch.page_table import MAX_BUCKETS_LOG2, PAGE_NUMBER_BITS
from engram.arch.pages import PAGE_WORDS
from hdl.mover.moves import FAULT_BITS
from hdl.synth.feistel import KEYS

__all__ = ["Operation", "answer_layout", "context_layout", "request_layout"]


class Operation(IntEnum):
    """What the ring asks of the pager; the first three are about words within one page."""

    READ = 0
    WRITE = 1
    ERASE = 2
    SELECT = 3  # all moves ended, nothing is remembered: the context may change now
    INVALIDATE = 4  # forget what the TLB holds
    FENCE = 5  # all moves ended
    MAP = 6
    UNMAP = 7


def request_layout(address_bits: int) -> data.StructLayout:
    """Return the layout of a request of the ring.

    ``generated``: look at no page, take what ``law`` makes. ``buffer``: byte address in DRAM of
    the words. ``first_page``, ``pages`` and ``descriptor`` are those of a region.
    """
    return data.StructLayout({
        "operation": 3,
        "generated": 1,
        "law": 8,
        "address": 64,
        "count": range(PAGE_WORDS + 1),
        "buffer": address_bits,
        "first_page": PAGE_NUMBER_BITS,
        "pages": PAGE_NUMBER_BITS + 1,
        "descriptor": 64,
    })


def answer_layout() -> data.StructLayout:
    """Return what became of a request; ``freed`` says that a frame was given back."""
    return data.StructLayout({"fault": FAULT_BITS, "freed": 1})


def context_layout(address_bits: int) -> data.StructLayout:
    """Return what makes a space: its law, and where its page table lies."""
    return data.StructLayout({
        "selected": 1,
        "law": 8,
        "seed": 64,
        "keys": KEYS,
        "table": address_bits,
        "buckets_log2": range(MAX_BUCKETS_LOG2 + 1),
    })
