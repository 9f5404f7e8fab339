"""A memory as a dict over the statement of the laws."""

from collections.abc import Iterable

from tests.conformance.statement import element_bytes, word

__all__ = ["Model"]


class Model:
    """What a space of this law and seed must answer."""

    def __init__(self, seed: int, law: int = 1) -> None:
        self.seed, self.law = seed, law
        self.held: dict[int, int] = {}

    def __getitem__(self, address: int) -> int:
        return self.at(address)

    def at(self, address: int, law: int | None = None) -> int:
        """Return the word at an address, unwritten ones by another law if one is given."""
        if address in self.held:
            return self.held[address]
        return word(law or self.law, self.seed, address)

    def many(self, addresses: Iterable[int], law: int | None = None) -> list[int]:
        """Return the words at addresses."""
        return [self.at(address, law) for address in addresses]

    def elements(self, addresses: Iterable[int], dtype: str, law: int | None = None) -> bytes:
        """Return the bytes that words at addresses read as."""
        return b"".join(element_bytes(image, dtype) for image in self.many(addresses, law))

    def write(self, addresses: Iterable[int], values: Iterable[int]) -> None:
        """Write in order."""
        self.held.update(zip(addresses, values, strict=True))

    def erase(self, first: int, count: int) -> int:
        """Erase a range; return how many words were written."""
        inside = [address for address in self.held if first <= address < first + count]
        for address in inside:
            del self.held[address]
        return len(inside)
