"""The ports of the IP core, and the buses that Vivado infers from their attributes."""

from dataclasses import dataclass
from typing import Literal

from amaranth.hdl import Fragment
from amaranth.lib.wiring import In

from hdl.top import Engram

__all__ = [
    "CLOCK",
    "INTERRUPT",
    "MANAGER",
    "REGISTER_PORT",
    "RESET",
    "WINDOW",
    "Bus",
    "Face",
    "Port",
    "face",
]

# What `Engram` calls its buses in the attributes of its ports.
REGISTER_PORT = "S_AXIL"
WINDOW = "S_AXI"
MANAGER = "M_AXI"
CLOCK = "ACLK"
RESET = "ARESETN"
INTERRUPT = "IRQ"


@dataclass(frozen=True)
class Bus:
    """An interface of the core: its name, what it is in IP-XACT, and what it is set to."""

    name: str
    vlnv: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Port:
    """A port of the module, the bus that it belongs to, and what it is on that bus."""

    name: str
    direction: Literal["in", "out"]
    width: int
    bus: str
    logical: str


@dataclass(frozen=True)
class Face:
    """All of the core that is seen from outside: ports in their order, buses in that of theirs."""

    ports: tuple[Port, ...]
    buses: tuple[Bus, ...]

    def of(self, bus: str) -> tuple[Port, ...]:
        """Return a bus's ports."""
        return tuple(port for port in self.ports if port.bus == bus)

    def width(self, bus: str, logical: str) -> int:
        """Return the bits of one of a bus's signals."""
        (width,) = (port.width for port in self.of(bus) if port.logical == logical)
        return width

    @property
    def window_bytes(self) -> int:
        """Bytes of addresses of the window."""
        return 1 << self.width(WINDOW, "AWADDR")


def face(unit: Engram) -> Face:
    """Return a core's face, out of its ports' attributes; raise ValueError where they disagree."""
    Fragment.get(unit, None)  # Amaranth warns of a component that nobody elaborates
    found: list[Port] = []
    kinds: dict[str, str] = {}
    parameters: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, member in unit.signature.members.items():
        attributes = getattr(unit, name).attrs
        kind, bus, logical = attributes["X_INTERFACE_INFO"].split()
        if kinds.setdefault(bus, kind) != kind:
            raise ValueError(f"kind of {bus} must be {kinds[bus]} at all ports, not {kind!r}")
        if "X_INTERFACE_PARAMETER" in attributes:
            named, *settings = attributes["X_INTERFACE_PARAMETER"].split(", ")
            if named.split() != ["XIL_INTERFACENAME", bus]:
                raise ValueError(f"parameters of {bus} must begin with its name, not {named!r}")
            pairs = (setting.split() for setting in settings)
            parameters[bus] = tuple((key, value) for key, value in pairs)
        direction: Literal["in", "out"] = "in" if member.flow is In else "out"
        found.append(Port(name, direction, member.shape, bus, logical))
    buses = (Bus(bus, kind, parameters.get(bus, ())) for bus, kind in kinds.items())
    return Face(tuple(found), tuple(buses))
