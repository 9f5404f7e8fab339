"""The IP core's description in IP-XACT, IEEE 1685-2009, as Vivado's catalogue reads it.

``component.xml`` makes a core of whatever folder has the Verilog beside it. What is Vivado's own
(its buses' types, its extensions) is named as its packager names it.
"""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, QName

from engram.arch.boards import LIBRARY, NAME, PORT_BYTES, VENDOR, VERSION
from engram.arch.registers import REGISTER_BITS, Access, Field, Register, RegisterTable
from hdl.exports.ports import MANAGER, REGISTER_PORT, WINDOW, Bus, Face, Port

__all__ = ["ACCESSES", "BLOCKS", "FAMILIES", "TITLE", "component_xml"]

SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
XILINX = "http://www.xilinx.com"

TITLE = "Engram accelerator"
FAMILIES = ("zynq", "zynquplus")  # as Vivado calls those of our boards
VIEWS = {
    "xilinx_anylanguagesynthesis": ":vivado.xilinx.com:synthesis",
    "xilinx_anylanguagebehavioralsimulation": ":vivado.xilinx.com:simulation",
}

BLOCKS = {REGISTER_PORT: "registers", WINDOW: "window"}  # of addresses, by their ports

# How each access is said in IP-XACT, and so in a .hwh.
ACCESSES = {
    Access.CONSTANT: "read-only",
    Access.RO: "read-only",
    Access.RW: "read-write",
    Access.W1C: "read-write",
    Access.STROBE: "write-only",
}


def component_xml(table: RegisterTable, face: Face, verilog: str) -> str:
    """Return the description of the core whose module is in the file ``verilog``."""
    # A prefix is chosen for the whole process, so the same one each time.
    ElementTree.register_namespace("spirit", SPIRIT)
    ElementTree.register_namespace("xilinx", XILINX)
    root = Element(QName(SPIRIT, "component"))
    for tag, text in (
        ("vendor", VENDOR),
        ("library", LIBRARY),
        ("name", NAME),
        ("version", VERSION),
    ):
        _add(root, tag, text)
    interfaces = _add(root, "busInterfaces")
    for bus in face.buses:
        _bus(interfaces, bus, face.of(bus.name))
    _address_space(root, face)
    maps = _add(root, "memoryMaps")
    _registers(maps, table)
    _window(maps, face)
    _model(root, face.ports)
    sets = _add(root, "fileSets")
    for view in VIEWS:
        files = _add(sets, "fileSet")
        _add(files, "name", f"{view}_view_fileset")
        file = _add(files, "file")
        _add(file, "name", verilog)
        _add(file, "fileType", "verilogSource")
    _add(root, "description", table.doc)
    _parameter(root, "Component_Name", f"{NAME}_v{VERSION.replace('.', '_')}", "PARAM_VALUE")
    _extensions(root)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _bus(interfaces: Element, bus: Bus, ports: tuple[Port, ...]) -> None:
    vendor, library, name, version = bus.vlnv.split(":")
    interface = _add(interfaces, "busInterface")
    _add(interface, "name", bus.name)
    named = {"vendor": vendor, "library": library, "version": version}
    _add(interface, "busType", **named, name=name)
    _add(interface, "abstractionType", **named, name=f"{name}_rtl")
    if bus.name == MANAGER:
        _add(_add(interface, "master"), "addressSpaceRef", addressSpaceRef=MANAGER)
    elif bus.name in (REGISTER_PORT, WINDOW):
        _add(_add(interface, "slave"), "memoryMapRef", memoryMapRef=bus.name)
    else:  # a clock, a reset or an interrupt, by who drives it
        _add(interface, "slave" if ports[0].direction == "in" else "master")
    maps = _add(interface, "portMaps")
    for port in ports:
        entry = _add(maps, "portMap")
        _add(_add(entry, "logicalPort"), "name", port.logical)
        _add(_add(entry, "physicalPort"), "name", port.name)
    parameters = _add(interface, "parameters")
    for key, value in bus.parameters:
        entry = _add(parameters, "parameter")
        _add(entry, "name", key)
        _add(entry, "value", value, id=f"BUSIFPARAM_VALUE.{bus.name}.{key}")


def _address_space(root: Element, face: Face) -> None:
    space = _add(_add(root, "addressSpaces"), "addressSpace")
    _add(space, "name", MANAGER)
    _add(space, "range", str(1 << face.width(MANAGER, "AWADDR")), format="long")
    _add(space, "width", str(face.width(MANAGER, "WDATA")), format="long")


def _block(maps: Element, bus: str, size: int, width: int) -> Element:
    entry = _add(maps, "memoryMap")
    _add(entry, "name", bus)
    block = _add(entry, "addressBlock")
    _add(block, "name", BLOCKS[bus])
    _add(block, "baseAddress", "0x0", format="long")
    _add(block, "range", str(size), format="long")
    _add(block, "width", str(width), format="long")
    _add(block, "usage", "register")
    _add(block, "access", "read-write")
    return block


def _registers(maps: Element, table: RegisterTable) -> None:
    block = _block(maps, REGISTER_PORT, PORT_BYTES, REGISTER_BITS)
    for register in table:
        _register(block, register)


def _window(maps: Element, face: Face) -> None:
    """Add the window, which is memory, as registers: `hdl.exports.handoff` says why."""
    _block(maps, WINDOW, face.window_bytes, face.width(WINDOW, "WDATA"))


def _register(block: Element, register: Register) -> None:
    entry = _add(block, "register")
    _add(entry, "name", register.name)
    _add(entry, "description", register.doc or None)
    _add(entry, "addressOffset", f"0x{register.offset:X}")
    _add(entry, "size", str(REGISTER_BITS), format="long")
    _add(entry, "access", ACCESSES[register.access])
    if register.access is not Access.RO:  # of what hardware gives, nobody knows it beforehand
        _add(_add(entry, "reset"), "value", f"0x{register.reset:X}", format="long")
    for field in register.fields:
        _field(entry, register, field)


def _field(entry: Element, register: Register, field: Field) -> None:
    bits = _add(entry, "field")
    _add(bits, "name", field.name)
    _add(bits, "description", field.doc or None)
    _add(bits, "bitOffset", str(field.low))
    _add(bits, "bitWidth", str(field.width), format="long")
    _add(bits, "access", ACCESSES[register.access])
    if register.access is Access.W1C:
        _add(bits, "modifiedWriteValue", "oneToClear")


def _model(root: Element, ports: tuple[Port, ...]) -> None:
    model = _add(root, "model")
    views = _add(model, "views")
    for name, environment in VIEWS.items():
        view = _add(views, "view")
        _add(view, "name", name)
        _add(view, "envIdentifier", environment)
        _add(view, "language", "Verilog")
        _add(view, "modelName", NAME)
        _add(_add(view, "fileSetRef"), "localName", f"{name}_view_fileset")
    listed = _add(model, "ports")
    for port in ports:
        entry = _add(listed, "port")
        _add(entry, "name", port.name)
        wire = _add(entry, "wire")
        _add(wire, "direction", port.direction)
        if port.width > 1:
            vector = _add(wire, "vector")
            _add(vector, "left", str(port.width - 1), format="long")
            _add(vector, "right", "0", format="long")
        kind = _add(_add(wire, "wireTypeDefs"), "wireTypeDef")
        _add(kind, "typeName", "wire")
        for view_name in VIEWS:
            _add(kind, "viewNameRef", view_name)


def _extensions(root: Element) -> None:
    """Add what Vivado's catalogue shows and filters by."""
    core = _own(_add(root, "vendorExtensions"), "coreExtensions")
    families = _own(core, "supportedFamilies")
    for family in FAMILIES:
        _own(families, "family", family, lifeCycle="Production")
    _own(_own(core, "taxonomies"), "taxonomy", "/UserIP")
    _own(core, "displayName", TITLE)
    _own(core, "definitionSource", "package_project")
    _own(core, "coreRevision", "1")


def _parameter(root: Element, name: str, value: str, prefix: str) -> None:
    entry = _add(_add(root, "parameters"), "parameter")
    _add(entry, "name", name)
    _add(entry, "value", value, resolve="user", id=f"{prefix}.{name}", order="1")


def _add(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    """Append an element of the standard; nothing is appended for a description that is None."""
    element = Element(
        QName(SPIRIT, tag), {str(QName(SPIRIT, key)): value for key, value in attributes.items()}
    )
    element.text = text
    if tag != "description" or text is not None:
        parent.append(element)
    return element


def _own(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    """Append an element of Vivado's."""
    element = Element(
        QName(XILINX, tag), {str(QName(XILINX, key)): value for key, value in attributes.items()}
    )
    element.text = text
    parent.append(element)
    return element
