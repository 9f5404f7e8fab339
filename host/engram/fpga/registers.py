"""The accelerator's registers by name, over any bus."""

from engram.arch.registers import REGISTER_BITS
from engram.arch.regs import COUNTERS, REGISTERS
from engram.fpga.bus import Bus

__all__ = ["Registers"]

_MASK32 = (1 << REGISTER_BITS) - 1


class Registers:
    """Reads and writes registers; each half of a 64-bit value is one access."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def read(self, name: str) -> int:
        """Return a value, of both halves where there are two."""
        value = 0
        for place, register in enumerate(REGISTERS.values[name]):
            value |= self._bus.read(register.offset) << REGISTER_BITS * place
        return value

    def write(self, name: str, value: int) -> None:
        """Set a value, the low half first."""
        for place, register in enumerate(REGISTERS.values[name]):
            self._bus.write(register.offset, value >> REGISTER_BITS * place & _MASK32)

    def fields(self, name: str) -> dict[str, int]:
        """Return all fields of a register, read at once."""
        word = self.read(name)
        return {field.name: field.get(word) for field in REGISTERS[name].fields}

    def put(self, name: str, **fields: int) -> None:
        """Set a register to these fields, and zeros in all others."""
        word = 0
        for field, value in fields.items():
            word = REGISTERS[name].field(field).put(value, word)
        self.write(name, word)

    def counters(self) -> dict[str, int]:
        """Return all counters as they were at one moment."""
        self.put("COMMAND", SNAPSHOT=1)
        return {name.lower(): self.read(name) for name in COUNTERS}
