"""The accelerator's registers, named once."""

from engram.arch.commands import MAX_RING_LOG2
from engram.arch.registers import Access, Field, Register, RegisterTable, wide

__all__ = ["ABI_MAJOR", "ABI_MINOR", "COUNTERS", "IDENTITY", "REGISTERS"]

IDENTITY = 0x454E4752  # "ENGR"
ABI_MAJOR = 1  # a driver refuses any other
ABI_MINOR = 0  # grows with what older drivers may ignore

_EVENTS = (
    Field("DONE", 0, doc="a command with the flag INTERRUPT is complete"),
    Field("FAULT", 1, doc="a command ended in a fault"),
    Field("HALT", 2, doc="the ring halted"),
    Field("WINDOW", 3, doc="a window access ended in a fault"),
)

_COUNTED = (
    ("CYCLES", "clocks"),
    ("COMMANDS", "commands that were completed"),
    ("WORDS_GENERATED", "words that the laws made"),
    ("TLB_HITS", "pages that the TLB knew"),
    ("TLB_MISSES", "pages that it did not know"),
    ("PROBES", "buckets of page tables that were read"),
    ("FRAMES_TAKEN", "frames that were taken for a page"),
    ("BYTES_READ", "bytes read from DRAM"),
    ("BYTES_WRITTEN", "bytes written to DRAM"),
    ("STALL_GENERATE", "clocks in which the mover waited for a generated word"),
    ("STALL_FETCH", "clocks in which the mover waited for a word from DRAM"),
    ("STALL_WRITE", "clocks in which the mover waited for DRAM to take a word"),
    ("STALL_WALK", "clocks in which a request waited for the page table or the frame pool"),
)
_FIRST_COUNTER = 0x100

COUNTERS = tuple(name for name, _ in _COUNTED)

REGISTERS = RegisterTable(
    "ENGRAM",
    Register("ID", 0x00, Access.CONSTANT, IDENTITY, 'the characters "ENGR"'),
    Register(
        "ABI",
        0x04,
        Access.CONSTANT,
        ABI_MAJOR << 16 | ABI_MINOR,
        "version of all this",
        (Field("MINOR", 0, 16), Field("MAJOR", 16, 16)),
    ),
    Register("LAWS", 0x08, Access.RO, doc="bit n: law n is built"),
    Register(
        "SHAPE",
        0x0C,
        Access.RO,
        doc="what was built",
        fields=(
            Field("LANES", 0, 5, "words the generator makes at once"),
            Field("TLB_ENTRIES", 5, 7, "pages the TLB remembers"),
            Field("REGIONS", 12, 7, "entries of the region table"),
            Field("ADDRESS_BITS", 19, 6, "of a byte address in DRAM"),
            Field("WINDOW_BITS", 25, 6, "of a byte address in the window"),
        ),
    ),
    Register(
        "STATUS",
        0x10,
        Access.RO,
        doc="where the ring stands",
        fields=(
            Field("IDLE", 0, doc="nothing is under way, at the ring or the window"),
            Field("HALTED", 1, doc="the ring stopped for good, until it is enabled anew"),
            Field("SELECTED", 2, doc="a space is selected"),
            Field("HALT_FAULT", 8, 8, "why it halted"),
            Field("WINDOW_FAULT", 16, 8, "the last fault at the window"),
        ),
    ),
    Register(
        "CONTROL",
        0x14,
        Access.RW,
        doc="what may run",
        fields=(
            Field(
                "ENABLE",
                0,
                doc="run the ring; while clear, and once idle, all state but registers is reset",
            ),
            Field("WINDOW_READ", 1, doc="the window may be read"),
            Field("WINDOW_WRITE", 2, doc="the window may be written"),
        ),
    ),
    Register(
        "COMMAND",
        0x18,
        Access.STROBE,
        fields=(Field("SNAPSHOT", 0, doc="capture all counters"),),
    ),
    Register("IRQ_STATUS", 0x1C, Access.W1C, doc="what happened", fields=_EVENTS),
    Register("IRQ_ENABLE", 0x20, Access.RW, doc="what raises the interrupt", fields=_EVENTS),
    Register("RING_TAIL", 0x24, Access.RW, doc="doorbell: descriptors given so far, mod 2**32"),
    Register("RING_HEAD", 0x28, Access.RO, doc="descriptors completed so far, mod 2**32"),
    Register(
        "RING_LOG2",
        0x2C,
        Access.RW,
        doc=f"logarithm of the ring's length, at most {MAX_RING_LOG2}",
        fields=(Field("VALUE", 0, 4),),
    ),
    wide("RING_BASE", 0x30, Access.RW, "where the descriptors lie, a multiple of 64"),
    wide("COMPLETION_BASE", 0x38, Access.RW, "where the completions lie, a multiple of 32"),
    wide("BUFFER_BASE", 0x40, Access.RW, "first byte that commands may use for data"),
    wide("BUFFER_LIMIT", 0x48, Access.RW, "first byte behind those"),
    wide("TABLE_BASE", 0x50, Access.RW, "first byte that page tables may lie in"),
    wide("TABLE_LIMIT", 0x58, Access.RW, "first byte behind those"),
    wide("FRAME_BASE", 0x60, Access.RW, "where frame 0 lies, a multiple of 4096"),
    Register(
        "FRAME_COUNT", 0x68, Access.RW, doc="frames of the pool", fields=(Field("VALUE", 0, 20),)
    ),
    Register("FRAMES_USED", 0x6C, Access.RO, doc="frames that hold a page"),
    wide("WINDOW_BASE", 0x70, Access.RW, "word address of which the window shows the aligned part"),
    *(
        wide(name, _FIRST_COUNTER + 8 * index, Access.RO, doc, snapshot="COMMAND")
        for index, (name, doc) in enumerate(_COUNTED)
    ),
    doc="Synthesis and MMU accelerator of a 2**64-word space.",
)
