"""A trace of a simulation, clock by clock, as a VCD file has it."""

import re
from collections.abc import Iterator

__all__ = ["Trace"]

_SECTION = re.compile(r"\$(\w+)\s+(.*?)\s*\$end", re.DOTALL)
_DEFINITIONS_END = re.compile(r"\$enddefinitions\s+\$end")


class Trace:
    """What signals were in each clock of a trace.

    text : of a VCD file, two-state, as Verilator writes it
    clock : full name of the signal that has the clock

    Clock n of the trace lasts from its rising edge n up to the next, and a signal's value in it is
    the last one before that next edge, the one that registers take. A clock that is high in the
    first dump counts as risen there. A full name is the modules and the signal, joined by points;
    names in `names` are those of the file.
    """

    def __init__(self, text: str, clock: str) -> None:
        end = _DEFINITIONS_END.search(text)
        if end is None:
            raise ValueError("text must be a VCD file, with $enddefinitions")
        self._codes = dict(_variables(text[: end.start()]))
        self._changes: dict[str, list[tuple[int, str]]] = {}
        self.clocks = self._read(text[end.end() :], self._code(clock))

    @property
    def names(self) -> list[str]:
        """The full names of all signals."""
        return sorted(self._codes)

    def values(self, name: str) -> list[int]:
        """Return the signal's value in each clock."""
        found: list[int] = []
        value = 0
        for clock, digits in self._changes.get(self._code(name), ()):
            found += [value] * (clock - len(found))
            if digits.strip("01"):
                raise ValueError(f"{name} must be of zeros and ones, not {digits!r}")
            value = int(digits, 2)
        return found + [value] * (self.clocks - len(found))

    def _code(self, name: str) -> str:
        try:
            return self._codes[name]
        except KeyError:
            raise KeyError(f"the trace has no signal {name!r}") from None

    def _read(self, body: str, clock: str) -> int:
        """Keep what changes in which clock; return the number of clocks."""
        now = -1  # nothing counts before the first edge but as the value that clock 0 begins with
        was_high = False
        instant: dict[str, str] = {}

        def settle() -> None:
            nonlocal now, was_high
            high = instant.get(clock, "1" if was_high else "0") == "1"
            now += high and not was_high
            was_high = high
            for code, digits in instant.items():
                self._changes.setdefault(code, []).append((max(now, 0), digits))
            instant.clear()

        lines = iter(body.splitlines())
        for line in lines:
            if line.startswith("#"):
                settle()
            elif line.startswith("b"):
                digits, code = line[1:].split()
                instant[code] = digits
            elif line and line[0] in "01xXzZ":
                instant[line[1:]] = line[0]
        settle()
        return now + 1


def _variables(header: str) -> Iterator[tuple[str, str]]:
    """Yield full names and codes."""
    scopes: list[str] = []
    for section in _SECTION.finditer(header):
        words = section[2].split()
        match section[1]:
            case "scope":
                scopes.append(words[1])
            case "upscope":
                scopes.pop()
            case "var":
                _, _, code, name = words[:4]
                yield ".".join([*scopes, name]), code
