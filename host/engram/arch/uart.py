"""The wire format of a serial line to an accelerator: frames, their opcodes, and their answers.

The host asks and the bridge answers, one frame at a time. A request is a header, the bytes to
write if it writes, and a check; an answer is a header, the bytes that were read, and a check. All
numbers are little-endian. The check is the CRC-32 of zlib over all between the first byte, by
which a frame is known, and itself.

Whatever is not a whole and correct request is thrown away, up to a pause of GAP_BITS, and then
answered with the reason: the next request is understood again. So between the bytes of a request
there is never so long a pause. Each request may be given twice and comes to the same, which is
what lets a host repeat one whose answer was lost.
"""

import struct
import zlib
from dataclasses import astuple, dataclass
from enum import IntEnum

__all__ = [
    "ANSWER",
    "ANSWER_MARK",
    "CHECK",
    "GAP_BITS",
    "IDENTITY_BYTES",
    "MAX_PAYLOAD",
    "REQUEST",
    "REQUEST_MARK",
    "REQUEST_WRITES",
    "RESET_CLOCKS",
    "WAIT_CLOCKS",
    "WIRE_MAGIC",
    "WIRE_VERSION",
    "WORD",
    "Identity",
    "Opcode",
    "Status",
    "answer",
    "check_of",
    "request",
]

WIRE_MAGIC = 0x4C57_5245  # "ERWL"
WIRE_VERSION = 1  # a host refuses any other

REQUEST_MARK = 0x5A
ANSWER_MARK = 0xA5
REQUEST = struct.Struct("<BBBIH")  # mark, sequence, opcode, address, length
ANSWER = struct.Struct("<BBBH")  # mark, sequence, status, length of what follows
CHECK = struct.Struct("<I")

WORD = 8  # bytes of a word of memory
MAX_PAYLOAD = 1024  # bytes that one frame moves

# A pause after which a frame that began is given up: of 10 ms at a megabit a second, which is
# more than a USB line leaves between packets of one write.
GAP_BITS = 10_000
WAIT_CLOCKS = 1024  # the unit of the length of WAIT_IRQ
RESET_CLOCKS = 16  # that RESET lasts; more than any unit needs


class Opcode(IntEnum):
    """What a request asks for."""

    IDENTIFY = 1  # the bridge's Identity
    RESET = 2  # of accelerator and memory port; memory keeps its content
    READ_REGISTER = 3  # 4 bytes, the register at byte `address`
    WRITE_REGISTER = 4
    READ_MEMORY = 5  # `length` bytes, whole words, from byte `address` on
    WRITE_MEMORY = 6
    WAIT_IRQ = 7  # 4 bytes, 1 once the interrupt is high, 0 after `length` times WAIT_CLOCKS


REQUEST_WRITES = (Opcode.WRITE_REGISTER, Opcode.WRITE_MEMORY)  # these carry `length` bytes


class Status(IntEnum):
    """What became of a request; nothing was done if it is one of the first six but OK."""

    OK = 0
    DAMAGED = 1  # no mark, a bit that cannot be, or another check
    TRUNCATED = 2  # a pause in the midst of it
    TOO_LONG = 3  # it announces more than MAX_PAYLOAD bytes
    BAD_OPCODE = 4
    BAD_RANGE = 5  # misaligned, or a length that the opcode cannot have
    SLVERR = 6  # the bus answered with that
    DECERR = 7  # that, or the port has no such address
    HUNG = 8  # the bus did not answer; the port answers nothing any more until RESET


@dataclass(frozen=True)
class Identity:
    """What a bridge says of itself.

    magic, version : WIRE_MAGIC and WIRE_VERSION
    memory_base, memory_bytes : the memory that accelerator and bridge share
    clock_hz : of the accelerator, of the bridge, and so of the waits
    patience : clocks after which the bus counts as hung
    """

    memory_base: int
    memory_bytes: int
    clock_hz: int
    patience: int
    magic: int = WIRE_MAGIC
    version: int = WIRE_VERSION

    def pack(self) -> bytes:
        """Return the 24 bytes."""
        return _IDENTITY.pack(*astuple(self))

    @classmethod
    def unpack(cls, content: bytes) -> "Identity":
        """Read the 24 bytes; raise ValueError if there are not so many."""
        if len(content) != IDENTITY_BYTES:
            raise ValueError(f"content must be {IDENTITY_BYTES} bytes, not {len(content)!r}")
        return cls(*_IDENTITY.unpack(content))


_IDENTITY = struct.Struct("<6I")
IDENTITY_BYTES = _IDENTITY.size


def check_of(content: bytes) -> bytes:
    """Return the check of what lies between a frame's mark and its end."""
    return CHECK.pack(zlib.crc32(content))


def request(
    sequence: int, opcode: int, address: int = 0, length: int = 0, payload: bytes = b""
) -> bytes:
    """Return a request's frame; ``length`` is that of the payload where there is one."""
    size = len(payload) or length
    content = REQUEST.pack(REQUEST_MARK, sequence, opcode, address, size) + payload
    return content + check_of(content[1:])


def answer(sequence: int, status: int, payload: bytes = b"") -> bytes:
    """Return an answer's frame."""
    content = ANSWER.pack(ANSWER_MARK, sequence, status, len(payload)) + payload
    return content + check_of(content[1:])
