"""What lies where in a simulated processor's address space."""

from abc import ABC, abstractmethod

__all__ = ["MemoryMap", "Region"]

WORD_BYTES = 4


class Region(ABC):
    """Registers at ``size`` bytes from ``base`` on; each access is of one word of 32 bits.

    Attributes
    ----------
    reads, writes : accesses so far
    """

    def __init__(self, name: str, base: int, size: int) -> None:
        self.name = name
        self.base = base
        self.size = size
        self.reads = 0
        self.writes = 0

    @property
    def accesses(self) -> int:
        """Reads and writes so far."""
        return self.reads + self.writes

    @abstractmethod
    def read(self, offset: int) -> int:
        """Return a word; raise RuntimeError for a bus error."""

    @abstractmethod
    def write(self, offset: int, value: int) -> None:
        """Set a word; raise RuntimeError for a bus error."""


class MemoryMap:
    """Regions, found by address; a bus error where there is none."""

    def __init__(self) -> None:
        self.regions: list[Region] = []

    def add(self, region: Region) -> None:
        """Map a region; ValueError if another lies there."""
        for other in self.regions:
            if region.base < other.base + other.size and other.base < region.base + region.size:
                raise ValueError(f"base of {region.name} must not be within {other.name}")
        self.regions.append(region)

    def remove(self, *names: str) -> None:
        """Take away the regions of these names, where they are mapped."""
        self.regions = [region for region in self.regions if region.name not in names]

    def read(self, address: int) -> int:
        """Return the word at an address."""
        region, offset = self._find(address)
        region.reads += 1
        return region.read(offset)

    def write(self, address: int, value: int) -> None:
        """Set the word at an address."""
        region, offset = self._find(address)
        region.writes += 1
        region.write(offset, value)

    def _find(self, address: int) -> tuple[Region, int]:
        for region in self.regions:
            if region.base <= address < region.base + region.size:
                return region, address - region.base
        # A processor would end the process with SIGBUS, or wait for ever.
        raise RuntimeError(f"bus error: nothing is mapped at {address:#x}")
