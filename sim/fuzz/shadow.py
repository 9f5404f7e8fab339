"""What is known of a space's words without any model of how they are kept."""

import numpy as np

from engram.arch.commands import Command, Fault, Opcode
from engram.arch.pages import MASK64

__all__ = ["Shadow"]

_CHANGED_NOTHING = (
    Fault.BAD_COMMAND,
    Fault.BAD_RANGE,
    Fault.OUT_OF_POOL,
    Fault.UNSUPPORTED_LAW,
    Fault.NO_SPACE,
    Fault.REFUSED,
)


class Shadow:
    """The words that an accelerator acknowledged, and those of which nothing can be said."""

    def __init__(self) -> None:
        self.written: dict[int, int] = {}
        self.unsure: set[int] = set()

    def clear(self) -> None:
        """Begin anew: nothing is written."""
        self.written.clear()
        self.unsure.clear()

    def note(self, command: Command, fault: Fault | None, memory: "Words") -> None:
        """Take in what became of a command; no fault is known of one that was not completed."""
        if fault in _CHANGED_NOTHING:
            return
        if command.opcode == Opcode.WRITE:
            places = range(command.address, command.address + command.count)
            self._write(list(places), memory.load(command.buffer, command.count), fault)
        elif command.opcode == Opcode.SCATTER:
            addresses = memory.load(command.indices, command.count)
            self._write(addresses, memory.load(command.buffer, command.count), fault)
        elif command.opcode == Opcode.ERASE:
            for address in range(command.address, command.address + command.count):
                self._lose(address, fault)

    def write_bytes(
        self, address: int, words: tuple[int, ...], strobes: tuple[int, ...], refused: bool
    ) -> None:
        """Take in a write through the window; bytes beside a strobe keep what they were."""
        for place, word, strobe in zip(range(address, MASK64 + 1), words, strobes, strict=False):
            if refused or strobe != 0xFF:
                self._lose(place, None if strobe or refused else Fault.REFUSED)
            else:
                self.written[place] = word
                self.unsure.discard(place)

    def _write(self, addresses: list[int], words: list[int], fault: Fault | None) -> None:
        for address, word in zip(addresses, words, strict=True):
            if fault is Fault.OK:
                self.written[address] = word
                self.unsure.discard(address)
            else:
                self._lose(address, fault)

    def _lose(self, address: int, fault: Fault | None) -> None:
        if fault in _CHANGED_NOTHING:
            return
        self.written.pop(address, None)
        if fault is Fault.OK:
            self.unsure.discard(address)
        else:
            self.unsure.add(address)


class Words:
    """Words of a DRAM by byte address."""

    def __init__(self, dram: np.typing.NDArray[np.uint8], base: int) -> None:
        self._words = dram.view("<u8")
        self._base = base

    def load(self, address: int, count: int) -> list[int]:
        """Return words."""
        first = (address - self._base) // 8
        words: list[int] = self._words[first : first + count].tolist()
        return words
