"""A register table like that of an accelerator, with every kind of register in it."""

from engram.arch.registers import Access, Field, Register, RegisterTable, wide

__all__ = ["EXAMPLE"]

EXAMPLE = RegisterTable(
    "EXAMPLE",
    Register("ID", 0x00, Access.CONSTANT, 0x454E4752, "What this is: the letters ENGR"),
    Register(
        "ABI",
        0x04,
        Access.CONSTANT,
        0x0001_0002,
        "Version of this table",
        (Field("MINOR", 0, 16, "grows with additions"), Field("MAJOR", 16, 16, "else refuse")),
    ),
    Register(
        "CONTROL",
        0x08,
        Access.RW,
        0x10,
        "How it works",
        (Field("ENABLE", 0, doc="take jobs"), Field("LAW", 4, 3, "number of the law")),
    ),
    Register(
        "STATUS",
        0x0C,
        Access.RO,
        doc="What it does",
        fields=(Field("BUSY", 0, doc="a job is under way"), Field("FAULT", 8, 8, "last fault")),
    ),
    Register(
        "COMMAND",
        0x10,
        Access.STROBE,
        doc="Pulses",
        fields=(Field("SNAPSHOT", 0, doc="capture the counters"), Field("START", 1)),
    ),
    Register(
        "INTERRUPT",
        0x14,
        Access.W1C,
        doc="What happened since it was cleared",
        fields=(Field("DONE", 0, doc="a job ended"), Field("FAILED", 4, doc="a job failed")),
    ),
    wide("BASE", 0x18, Access.RW, "Byte address of the ring", reset=0x1_0000_0040),
    wide("CYCLES", 0x28, Access.RO, "Clocks since reset", snapshot="COMMAND"),
    Register("TAIL", 0x30, Access.RW, doc="Jobs written so far"),
    doc="Control of an example accelerator",
)
