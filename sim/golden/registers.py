"""The accelerator's registers as values, with the rules of who may change which bits."""

from engram.arch.registers import REGISTER_BYTES, Access, Register
from engram.arch.regs import REGISTERS
from engram.errors import DeviceFault

__all__ = ["RegisterFile"]


class RegisterFile:
    """What each register holds; the device's side goes by name, software's by offset."""

    def __init__(self) -> None:
        self._values = {register.name: register.reset for register in REGISTERS}

    def __getitem__(self, name: str) -> int:
        """Return a value, of both halves where there are two."""
        halves = REGISTERS.values[name]
        return sum(self._values[half.name] << 32 * i for i, half in enumerate(halves))

    def __setitem__(self, name: str, value: int) -> None:
        """Set a value, whatever software may do with it."""
        for i, half in enumerate(REGISTERS.values[name]):
            self._values[half.name] = value >> 32 * i & half.mask

    def field(self, name: str, field: str) -> int:
        """Return a field of a register."""
        return REGISTERS[name].field(field).get(self._values[name])

    def put(self, name: str, **fields: int) -> None:
        """Set fields of a register."""
        for field, value in fields.items():
            self._values[name] = REGISTERS[name].field(field).put(value, self._values[name])

    def read(self, offset: int) -> int:
        """Return what software reads."""
        return self._values[self._at(offset).name]

    def write(self, offset: int, value: int) -> tuple[Register, int]:
        """Take what software writes; return the register, and the bits that a strobe pulses."""
        register = self._at(offset)
        if not 0 <= value < 1 << 32:
            raise ValueError(f"value must be in 0..2**32-1, not {value!r}")
        if not register.access.writable:
            raise DeviceFault(f"register {register.name} is {register.access.value}")
        value &= register.mask
        if register.access is Access.STROBE:
            return register, value
        if register.access is Access.W1C:
            self._values[register.name] &= ~value
        else:
            self._values[register.name] = value
        return register, 0

    def _at(self, offset: int) -> Register:
        if offset % REGISTER_BYTES or offset < 0:
            raise ValueError(f"offset must be a multiple of {REGISTER_BYTES}, not {offset!r}")
        register = REGISTERS.at(offset)
        if register is None:
            raise DeviceFault(f"there is no register at {offset:#x}")
        return register
