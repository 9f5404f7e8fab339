"""The vocabulary of a register table: what gateware, driver, header and manual all derive from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

__all__ = [
    "REGISTER_BITS",
    "REGISTER_BYTES",
    "Access",
    "Field",
    "Register",
    "RegisterTable",
    "wide",
]

REGISTER_BYTES = 4
REGISTER_BITS = 8 * REGISTER_BYTES
MASK32 = (1 << REGISTER_BITS) - 1
LOW, HIGH = "_LO", "_HI"
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


class Access(Enum):
    """What the two sides may do with a register. Reading never changes anything.

    An access belongs to the whole register, so bits that clear when written never share one with
    bits that must be written back: a read-modify-write cannot clear what it did not mean to.
    """

    CONSTANT = "constant"  # always reads as its reset value
    RO = "read-only"  # hardware gives the value
    RW = "read-write"  # software gives the value
    W1C = "write-one-to-clear"  # hardware sets bits, software clears those it writes as 1
    STROBE = "strobe"  # a bit written as 1 is a pulse of one clock; reads as 0

    @property
    def writable(self) -> bool:
        """Whether software may write it; a write to another register is refused with an error."""
        return self in (Access.RW, Access.W1C, Access.STROBE)


@dataclass(frozen=True)
class Field:
    """Bits ``low`` to ``low + width - 1`` of a register, by name."""

    name: str
    low: int
    width: int = 1
    doc: str = ""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not 0 <= self.low < REGISTER_BITS:
            raise ValueError(f"low of {self.name} must be in 0..31, not {self.low!r}")
        if not 1 <= self.width <= REGISTER_BITS - self.low:
            raise ValueError(
                f"width of {self.name} must be in 1..{REGISTER_BITS - self.low}, "
                f"not {self.width!r}"
            )

    @property
    def mask(self) -> int:
        """The field's bits, as they stand in the register."""
        return ((1 << self.width) - 1) << self.low

    def get(self, word: int) -> int:
        """Return the field's value out of a register's."""
        return (word & self.mask) >> self.low

    def put(self, value: int, word: int = 0) -> int:
        """Return a register's value with the field set to ``value``."""
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{self.name} must be in 0..{(1 << self.width) - 1}, not {value!r}")
        return word & ~self.mask | value << self.low


@dataclass(frozen=True)
class Register:
    """32 bits at a byte offset. With ``fields``, bits in none of them read as 0 and are not kept.

    ``snapshot`` names, for a half of a wide read-only value, the strobe whose bit 0 captures it.
    """

    name: str
    offset: int
    access: Access
    reset: int = 0
    doc: str = ""
    fields: tuple[Field, ...] = ()
    snapshot: str | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not isinstance(self.access, Access):
            raise TypeError(f"access of {self.name} must be an Access, not {self.access!r}")
        if self.offset < 0 or self.offset % REGISTER_BYTES:
            raise ValueError(
                f"offset of {self.name} must be a multiple of {REGISTER_BYTES}, "
                f"not {self.offset!r}"
            )
        taken = 0
        for field in self.fields:
            if taken & field.mask:
                raise ValueError(f"fields of {self.name} must not overlap, as {field.name} does")
            taken |= field.mask
        if len({field.name for field in self.fields}) != len(self.fields):
            raise ValueError(f"fields of {self.name} must have different names")
        if not 0 <= self.reset <= MASK32 or self.reset & ~self.mask:
            raise ValueError(
                f"reset of {self.name} must lie in its bits {self.mask:#x}, not {self.reset!r}"
            )
        if self.access in (Access.RO, Access.STROBE, Access.W1C) and self.reset:
            raise ValueError(f"reset of {self.name}, {self.access.value}, must be 0")
        if self.access in (Access.STROBE, Access.W1C) and (
            not self.fields or any(field.width != 1 for field in self.fields)
        ):
            raise ValueError(f"{self.name}, {self.access.value}, must name its bits one by one")
        if self.snapshot is not None and self.access is not Access.RO:
            raise ValueError(f"{self.name} must be read-only to have a snapshot")

    @property
    def mask(self) -> int:
        """The bits that exist."""
        if not self.fields:
            return MASK32
        return sum(field.mask for field in self.fields)

    def field(self, name: str) -> Field:
        """Return a field by name; raise KeyError naming all there are."""
        for field in self.fields:
            if field.name == name:
                return field
        known = ", ".join(field.name for field in self.fields) or "none"
        raise KeyError(f"field of {self.name} must be one of {known}, not {name!r}")


def wide(
    name: str,
    offset: int,
    access: Access,
    doc: str = "",
    *,
    reset: int = 0,
    snapshot: str | None = None,
) -> tuple[Register, Register]:
    """Return the pair ``name_LO``, ``name_HI`` that holds 64 bits, low half first.

    A read-only pair must name the strobe of its ``snapshot``: the value is captured whole when
    software writes that, so the halves always belong together and no read changes anything. A
    read-write pair is seen by hardware as it is written, half by half: start nothing in between.
    """
    if access not in (Access.CONSTANT, Access.RO, Access.RW):
        raise ValueError(f"access of {name} must be CONSTANT, RO or RW, not {access!r}")
    if offset % (2 * REGISTER_BYTES):
        raise ValueError(f"offset of {name} must be a multiple of 8, not {offset!r}")
    if access is Access.RO and snapshot is None:
        raise ValueError(f"{name}, a wide read-only value, must name its snapshot")
    low = Register(
        name + LOW, offset, access, reset & MASK32, f"{doc} (low half)".strip(), snapshot=snapshot
    )
    high = Register(
        name + HIGH,
        offset + REGISTER_BYTES,
        access,
        reset >> REGISTER_BITS,
        f"{doc} (high half)".strip(),
        snapshot=snapshot,
    )
    return low, high


class RegisterTable:
    """Registers by offset and by name, checked once: what it holds can be built.

    Registers come in ascending order of offset, none overlaps another, every half of a pair
    stands beside the other, and every snapshot is a strobe of this table.
    """

    def __init__(self, name: str, *registers: Register | tuple[Register, Register], doc: str = ""):
        _check_name(name)
        self.name = name
        self.doc = doc
        flat: list[Register] = []
        for entry in registers:
            flat.extend(entry if isinstance(entry, tuple) else (entry,))
        if not flat:
            raise ValueError(f"registers of {name} must be at least one, not none")
        self.registers = tuple(sorted(flat, key=lambda register: register.offset))
        self._by_name = {register.name: register for register in self.registers}
        self._by_offset = {register.offset: register for register in self.registers}
        if len(self._by_name) != len(self.registers):
            raise ValueError(f"registers of {name} must have different names")
        if len(self._by_offset) != len(self.registers):
            raise ValueError(f"registers of {name} must have different offsets")
        values: dict[str, tuple[Register, ...]] = {}
        for register in self.registers:
            self._check_snapshot(register)
            if register.name.endswith(HIGH):
                self._check_high_half(register)
            elif register.name.endswith(LOW):
                values[register.name.removesuffix(LOW)] = (register, self._high_half(register))
            else:
                values[register.name] = (register,)
        if len(values) != sum(not register.name.endswith(HIGH) for register in self.registers):
            raise ValueError(f"pairs of {name} must not have the name of a register")
        self.values = values

    def _high_half(self, low: Register) -> Register:
        high = self._by_offset.get(low.offset + REGISTER_BYTES)
        if (
            high is None
            or high.name != low.name.removesuffix(LOW) + HIGH
            or (high.access, high.snapshot) != (low.access, low.snapshot)
            or low.offset % (2 * REGISTER_BYTES)
        ):
            raise ValueError(f"{low.name} must be followed by its other half")
        if low.access is Access.RO and low.snapshot is None:
            raise ValueError(f"{low.name}, half of a read-only value, must name its snapshot")
        return high

    def _check_high_half(self, high: Register) -> None:
        low = self._by_offset.get(high.offset - REGISTER_BYTES)
        if low is None or low.name != high.name.removesuffix(HIGH) + LOW:
            raise ValueError(f"{high.name} must follow its other half")

    def _check_snapshot(self, register: Register) -> None:
        if register.snapshot is None:
            return
        strobe = self._by_name.get(register.snapshot)
        if strobe is None or strobe.access is not Access.STROBE or not strobe.mask & 1:
            raise ValueError(
                f"snapshot of {register.name} must be a strobe with a bit 0, "
                f"not {register.snapshot!r}"
            )

    def __iter__(self) -> Iterator[Register]:
        return iter(self.registers)

    def __len__(self) -> int:
        return len(self.registers)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Register:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(
                f"register of {self.name} must be one of {', '.join(self._by_name)}, not {name!r}"
            ) from None

    def at(self, offset: int) -> Register | None:
        """Return the register that holds the byte at ``offset``, or None where there is none."""
        return self._by_offset.get(offset - offset % REGISTER_BYTES)

    @property
    def address_bits(self) -> int:
        """Bits of a byte address that tell all registers apart."""
        return max(self.registers[-1].offset + REGISTER_BYTES - 1, REGISTER_BYTES).bit_length()


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"name must be in capitals, digits and single underscores, not {name!r}")
