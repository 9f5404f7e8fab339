"""What PYNQ knows of a core: where its ports lie, and its registers by name."""

from typing import Any

from engram.arch.registers import REGISTER_BITS
from engram.arch.regs import REGISTERS

__all__ = ["apertures", "described_registers"]

# Ports that no processor reaches have a made-up range of a few bytes in PYNQ's metadata.
_LEAST_APERTURE = 4096


def apertures(description: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return base and size of each port of a core that the processor reaches, by name.

    PYNQ's description of a core has one port, the last that it came to: with the window behind
    the later of two ports of the processor, that is not the one with the registers.
    """
    graph = getattr(getattr(description.get("device"), "parser", None), "systemgraph", None)
    found = {}
    for core in getattr(graph, "blocks", {}).values():
        if core.hierarchy_name != description["fullpath"]:
            continue
        for port in core.ports.values():
            if getattr(port, "range", 0) >= _LEAST_APERTURE:
                found[port.name.lower()] = (port.baseaddr, port.range)
    return found


def described_registers() -> dict[str, Any]:
    """Return the registers as PYNQ describes them, for `register_map`."""
    return {
        register.name: {
            "address_offset": register.offset,
            "size": REGISTER_BITS,
            "access": "read-write" if register.access.writable else "read-only",
            "description": register.doc,
            "fields": {
                field.name: {
                    "bit_offset": field.low,
                    "bit_width": field.width,
                    "access": "read-write" if register.access.writable else "read-only",
                    "description": field.doc,
                }
                for field in register.fields
            },
        }
        for register in REGISTERS.registers
    }
