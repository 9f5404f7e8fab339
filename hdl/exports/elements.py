"""Elements of a .hwh, with the attributes that PYNQ asks of them."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

__all__ = ["BUSES", "bus", "memory_range", "module", "port", "properties"]

BUSES = "xilinx.com:interface:aximm:1.0"


def module(modules: Element, instance: str, vlnv: str, **attributes: str) -> Element:
    """Add an instance of an IP core."""
    _, _, name, version = vlnv.split(":")
    return SubElement(
        modules,
        "MODULE",
        COREREVISION="1",
        FULLNAME=f"/{instance}",
        HWVERSION=version,
        INSTANCE=instance,
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        MODTYPE=name,
        VLNV=vlnv,
        **attributes,
    )


def port(
    ports: Element,
    name: str,
    direction: str,
    kind: str,
    net: str,
    connections: Iterable[tuple[str, str]],
    **attributes: str,
) -> None:
    """Add a pin or vector, and what it is connected to: instances and their pins."""
    port = SubElement(
        ports, "PORT", DIR=direction, NAME=name, SIGIS=kind, SIGNAME=net, **attributes
    )
    ends = SubElement(port, "CONNECTIONS")
    for instance, pin in connections:
        SubElement(ends, "CONNECTION", INSTANCE=instance, PORT=pin)


def bus(
    interfaces: Element, name: str, kind: str, net: str, width: int, protocol: str
) -> Element:
    """Add an AXI bus, and return it for more."""
    interface = SubElement(
        interfaces,
        "BUSINTERFACE",
        BUSNAME=net,
        DATAWIDTH=str(width),
        NAME=name,
        TYPE=kind,
        VLNV=BUSES,
    )
    SubElement(interface, "PARAMETER", NAME="PROTOCOL", VALUE=protocol)
    return interface


def memory_range(
    memory: Element,
    instance: str,
    port: str,
    base: int,
    size: int,
    manager: str,
    block: str,
    kind: str = "REGISTER",
) -> None:
    """Add addresses by which a manager reaches a subordinate's port."""
    SubElement(
        memory,
        "MEMRANGE",
        ADDRESSBLOCK=block,
        BASENAME="C_BASEADDR",
        BASEVALUE=f"0x{base:08X}",
        HIGHNAME="C_HIGHADDR",
        HIGHVALUE=f"0x{base + size - 1:08X}",
        INSTANCE=instance,
        IS_DATA="TRUE",
        IS_INSTRUCTION="TRUE",
        MASTERBUSINTERFACE=manager,
        MEMTYPE=kind,
        SLAVEBUSINTERFACE=port,
    )


def properties(parent: Element, **values: str) -> None:
    """Add named values."""
    for name, value in values.items():
        SubElement(parent, "PROPERTY", NAME=name, VALUE=value)
