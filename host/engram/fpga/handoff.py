"""Is a bitstream the one that this driver knows? Its hardware hand-off, a .hwh, says so.

Vivado writes that file from the design it built; PYNQ reads it beside the bitstream. Here it is
compared with the register table and the boards' addresses, as XML, without PYNQ.
"""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from engram.arch.boards import BOARDS, INSTANCE, INTERRUPTS_INSTANCE, VLNVS, Board
from engram.arch.registers import REGISTER_BITS, REGISTER_BYTES, Field, Register
from engram.arch.regs import REGISTERS

__all__ = ["check_hwh"]

_BARE = VLNVS[-1]
_PROCESSORS = {"processing_system7": "zynq", "zynq_ultra_ps_e": "zynqmp"}
_INTERRUPTS_PART = "axi_intc"
_REGISTER_PORT, _WINDOW = "S_AXIL", "S_AXI"


def check_hwh(path: str | PathLike[str], board: Board | None = None) -> list[str]:
    """Return in what a .hwh differs from what this driver expects, a sentence each; none: it fits.

    ``board`` is the one that the bitstream is for; None takes the first that has a processing
    system of its kind. Raises OSError for a file that cannot be read.
    """
    try:
        root = ElementTree.fromstring(Path(path).read_bytes())
    except ElementTree.ParseError as error:
        return [f"it must be XML: {error}"]
    modules = {module.get("INSTANCE"): module for module in root.iter("MODULE")}
    core = modules.get(INSTANCE)
    if core is None:
        return [f"a module must be called {INSTANCE}, and there is none"]
    processors = [module for module in modules.values() if module.get("MODTYPE") in _PROCESSORS]
    if len(processors) != 1:
        return [f"processing systems must be one, not {len(processors)}"]
    processor = processors[0]
    if board is None:
        family = _PROCESSORS[processor.get("MODTYPE", "")]
        board = next(board for board in BOARDS.values() if board.family == family)
    elif _PROCESSORS[processor.get("MODTYPE", "")] != board.family:
        return [f"processing system must be of {board.title}, not {processor.get('MODTYPE')}"]
    found = []
    if core.get("VLNV") not in VLNVS:
        found.append(f"VLNV must be one of {', '.join(VLNVS)}, not {core.get('VLNV')}")
    # A bare module in a block design has no registers to state.
    if core.get("VLNV") != _BARE or core.find(".//REGISTER") is not None:
        found += _registers(core)
    found += _addresses(processor, board)
    found += _interrupt(core, modules.get(INTERRUPTS_INSTANCE), processor)
    return found


def _registers(core: Element) -> Iterator[str]:
    """Compare the registers with the table."""
    blocks = [
        block
        for block in core.iter("ADDRESSBLOCK")
        if block.get("INTERFACE", "").upper() == _REGISTER_PORT
    ]
    found = {
        entry.get("NAME", ""): entry for block in blocks for entry in block.iter("REGISTER")
    }
    for register in REGISTERS:
        entry = found.pop(register.name, None)
        if entry is None:
            yield f"register {register.name} is missing"
        else:
            yield from _register(entry, register)
    for name in found:
        yield f"register {name} must not be there"


def _register(entry: Element, register: Register) -> Iterator[str]:
    yield from _compare(
        f"of {register.name}",
        _properties(entry),
        {"ADDRESS_OFFSET": register.offset, "SIZE": REGISTER_BITS},
    )
    access = _properties(entry).get("ACCESS")
    if access not in ("read-only", "read-write", "write-only"):
        yield f"access of {register.name} must be said, not {access!r}"
    elif (access != "read-only") != register.access.writable:
        yield f"access of {register.name} must be {register.access.value}, not {access}"
    bits = {field.get("NAME", ""): field for field in entry.iter("FIELD")}
    for field in register.fields:
        if field.name not in bits:
            yield f"field {field.name} of {register.name} is missing"
        else:
            yield from _field(bits.pop(field.name), register, field)
    for name in bits:
        yield f"field {name} of {register.name} must not be there"


def _field(entry: Element, register: Register, field: Field) -> Iterator[str]:
    yield from _compare(
        f"of {register.name}.{field.name}",
        _properties(entry),
        {"BIT_OFFSET": field.low, "BIT_WIDTH": field.width},
    )


def _addresses(processor: Element, board: Board) -> Iterator[str]:
    """Compare where registers, window and interrupt controller lie, and which PYNQ will find."""
    order = [bus.get("NAME") for bus in processor.iter("BUSINTERFACE")]
    ranges: dict[str, Element] = {}
    managers: list[tuple[int, str]] = []
    for entry in processor.iter("MEMRANGE"):
        if entry.get("INSTANCE") == INTERRUPTS_INSTANCE:
            ranges["interrupts"] = entry
        elif entry.get("INSTANCE") == INSTANCE:
            port = entry.get("SLAVEBUSINTERFACE", "").upper()
            ranges[port] = entry
            manager = entry.get("MASTERBUSINTERFACE")
            managers.append((order.index(manager) if manager in order else -1, port))
            if entry.get("MEMTYPE") != "REGISTER":
                yield f"{port} must be of type REGISTER, or PYNQ drops the core"
    table_bytes = REGISTERS.registers[-1].offset + REGISTER_BYTES
    for name, base, least in (
        (_REGISTER_PORT, board.registers, table_bytes),
        ("interrupts", board.interrupts, REGISTER_BYTES),
    ):
        if name not in ranges:
            yield f"{name} must have an address, and has none"
        else:
            yield from _range(ranges[name], name, base, least)
    if _WINDOW in ranges:
        yield from _range(ranges[_WINDOW], _WINDOW, board.window, 1)
    # PYNQ goes by the processor's ports, then by the ranges of each, and keeps the last.
    if managers and max(managers, key=lambda manager: manager[0])[1] != _REGISTER_PORT:
        yield f"{_REGISTER_PORT} must be behind the last port, or PYNQ takes another for registers"


def _range(entry: Element, name: str, base: int, least: int) -> Iterator[str]:
    low, high = _number(entry.get("BASEVALUE")), _number(entry.get("HIGHVALUE"))
    if low is None or high is None:
        yield f"address of {name} must be a number, not {entry.get('BASEVALUE')!r}"
        return
    if low != base:
        yield f"address of {name} must be {base:#x}, not {low:#x}"
    if high - low + 1 < least:
        yield f"{name} must have at least {least:#x} bytes of addresses, not {high - low + 1:#x}"


def _interrupt(core: Element, controller: Element | None, processor: Element) -> Iterator[str]:
    """Follow the interrupt from the core to the processor."""
    if controller is None or controller.get("MODTYPE") != _INTERRUPTS_PART:
        yield f"{INTERRUPTS_INSTANCE} must be an {_INTERRUPTS_PART}, or PYNQ finds no interrupt"
        return
    if (INTERRUPTS_INSTANCE, "intr") not in _ends(core, "irq"):
        yield f"irq of {INSTANCE} must go to {INTERRUPTS_INSTANCE}/intr"
    ends = _ends(controller, "irq")
    if processor.get("INSTANCE") not in [instance for instance, _ in ends]:
        yield f"irq of {INTERRUPTS_INSTANCE} must go to {processor.get('INSTANCE')}"


def _ends(module: Element, pin: str) -> list[tuple[str | None, str | None]]:
    """Return the modules and pins that a pin is connected to."""
    return [
        (end.get("INSTANCE"), end.get("PORT"))
        for port in module.iter("PORT")
        if port.get("NAME") == pin
        for end in port.iter("CONNECTION")
    ]


def _properties(entry: Element) -> dict[str, str]:
    return {
        found.get("NAME", ""): found.get("VALUE", "") for found in entry.findall("PROPERTY")
    }


def _compare(of: str, found: dict[str, str], expected: dict[str, int]) -> Iterator[str]:
    for name, value in expected.items():
        if _number(found.get(name)) != value:
            yield f"{name} {of} must be {value:#x}, not {found.get(name)}"


def _number(text: str | None) -> int | None:
    """Return a number in C's notation, or None for anything else."""
    try:
        return int(text or "", 0)
    except ValueError:
        return None
