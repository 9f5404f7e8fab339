"""What the mover is told, and what it reports: one move is a run of words within a page."""

from enum import IntEnum

from amaranth.lib import data

from engram.arch.pages import PAGE_WORDS

__all__ = [
    "FAULT_BITS",
    "Client",
    "Sink",
    "Source",
    "move_layout",
    "report_layout",
    "window_read_layout",
    "window_write_layout",
]

FAULT_BITS = 4  # engram.arch.commands.Fault


class Source(IntEnum):
    """Where the words of a move come from."""

    GENERATE = 0  # a law; `address` is a word address of the space
    FETCH = 1  # DRAM; `address` is a byte address, a multiple of 8
    WINDOW = 2  # what a manager wrote into the window
    NOTHING = 3  # nowhere: zeros, each with `fault`


class Sink(IntEnum):
    """Where the words of a move go."""

    MEMORY = 0  # DRAM at the byte address `target`, a multiple of 8
    WINDOW = 1  # a manager that reads the window
    NOWHERE = 2  # taken and dropped; the report has `fault`


class Client(IntEnum):
    """For whom a move is made, and so who is told of its end."""

    RING = 0
    WINDOW = 1
    PAGER = 2


def move_layout(address_bits: int) -> data.StructLayout:
    """Return the layout of a move of 1 to 512 words."""
    return data.StructLayout({
        "source": 2,
        "sink": 2,
        "client": 2,
        "law": 8,
        "address": 64,
        "count": range(PAGE_WORDS + 1),
        "target": address_bits,
        "fault": FAULT_BITS,
    })


def report_layout() -> data.StructLayout:
    """Return the layout of the end of a move; ``valid`` is high for one clock each."""
    return data.StructLayout({"valid": 1, "client": 2, "fault": FAULT_BITS})


def window_write_layout() -> data.StructLayout:
    """Return the layout of a word that a manager wrote, and of which of its bytes count."""
    return data.StructLayout({"data": 64, "strobe": 8})


def window_read_layout() -> data.StructLayout:
    """Return the layout of a word for a manager that reads; ``last`` marks a move's last."""
    return data.StructLayout({"data": 64, "fault": FAULT_BITS, "last": 1})
