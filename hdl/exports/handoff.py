"""The hardware hand-off that PYNQ reads beside a bitstream: a .hwh, as far as PYNQ looks at it.

Vivado writes the one that goes to a board; this one stands for it in simulation, and says what
that must agree with (`engram.fpga.handoff` compares). Left out is what PYNQ ignores: interconnects,
resets, and how the wires of buses run.

PYNQ keeps one entry for a core, under the core's name, with the address and the registers of the
port that it came to *last*: it goes through the processor's manager ports in the order of the
file, which is Vivado's, GP0 before GP1. (Found by running pynqmetadata 0.1.2 and 0.2.0, those of
PYNQ 3.0.1 and 3.1.2, with both orders.) A window behind a later port than the registers' takes the
entry, and then a driver finds it where it looks for registers; so such a window is left out here.
A window of usage "memory" would delete the entry, so its usage is "register". Whichever port it
lies behind, the window's own address is not in what PYNQ gives a driver.
"""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from engram.arch.boards import INSTANCE, INTERRUPTS_INSTANCE, NAME, PORT_BYTES, VLNV, Board
from engram.arch.registers import REGISTER_BITS, Field, RegisterTable
from hdl.exports import elements
from hdl.exports.ip_xact import ACCESSES, BLOCKS
from hdl.exports.ports import MANAGER, REGISTER_PORT, WINDOW, Face
from hdl.exports.processors import PROCESSORS, Processor, pll_divisors, port_of, settings

__all__ = ["hardware_handoff"]

INTERRUPTS_VLNV = "xilinx.com:ip:axi_intc:4.1"


def hardware_handoff(table: RegisterTable, face: Face, board: Board) -> str:
    """Return the .hwh of a board's block design."""
    processor = PROCESSORS[board.family]
    root = Element("EDKSYSTEM", EDWVERSION="1.2", TIMESTAMP="", VIVADOVERSION="")
    device, package, speed = _part(board.part)
    SubElement(
        root,
        "SYSTEMINFO",
        ARCH=processor.architecture,
        BOARD=board.board_part,
        DEVICE=device,
        NAME=NAME,
        PACKAGE=package,
        SPEEDGRADE=speed,
    )
    SubElement(root, "EXTERNALPORTS")  # PYNQ asks for it
    SubElement(root, "EXTERNALINTERFACES")
    modules = SubElement(root, "MODULES")
    _processor(modules, face, board)
    _core(modules, table, face, board)
    _interrupts(modules, processor)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n{text}\n'


def _part(part: str) -> tuple[str, str, str]:
    """Return device, package and speed grade out of a part's name."""
    device, speed = part.split("-", 1)
    if part.startswith("xc7"):
        return device[2:].partition("clg")[0], "clg" + device.partition("clg")[2], f"-{speed}"
    package, speed = speed.split("-", 1)
    return device, package, f"-{speed}"


def _processor(modules: Element, face: Face, board: Board) -> None:
    processor = PROCESSORS[board.family]
    vlnv = f"xilinx.com:ip:{processor.module}:{processor.version}"
    module = elements.module(modules, processor.instance, vlnv, IS_PL="FALSE")
    parameters = SubElement(module, "PARAMETERS")
    for name, value in {**settings(board), **_clocks(board), **_widths(board)}.items():
        SubElement(parameters, "PARAMETER", NAME=name, VALUE=value)
    ports = SubElement(module, "PORTS")
    net = f"{processor.instance}_{processor.clock}"
    users = [(INSTANCE, "aclk"), (INTERRUPTS_INSTANCE, "s_axi_aclk")]
    hertz = str(board.clock_mhz * 1_000_000)
    elements.port(ports, processor.clock, "O", "clk", net, users, CLKFREQUENCY=hertz)
    irq = f"{INTERRUPTS_INSTANCE}_irq"
    line = [(INTERRUPTS_INSTANCE, "irq")]
    elements.port(ports, processor.interrupt, "I", "intr", irq, line, LEFT="0", RIGHT="0")
    interfaces = SubElement(module, "BUSINTERFACES")
    for port in processor.managers:
        net = f"{processor.instance}_{port.name}"
        elements.bus(interfaces, port.name, "MASTER", net, port.data_bits, port.protocol)
    elements.bus(
        interfaces,
        processor.memory,
        "SLAVE",
        f"{INSTANCE}_{MANAGER}",
        processor.memory_bits,
        processor.memory_protocol,
    )
    memory = SubElement(module, "MEMORYMAP")
    window = port_of(board, board.window, face.window_bytes)
    registers = port_of(board, board.registers, PORT_BYTES)
    if processor.managers.index(window) < processor.managers.index(registers):
        place = (board.window, face.window_bytes, window.name)
        elements.memory_range(memory, INSTANCE, WINDOW, *place, BLOCKS[WINDOW])
    place = (board.registers, PORT_BYTES, registers.name)
    elements.memory_range(memory, INSTANCE, REGISTER_PORT, *place, BLOCKS[REGISTER_PORT])
    place = (board.interrupts, PORT_BYTES, port_of(board, board.interrupts, PORT_BYTES).name)
    elements.memory_range(memory, INTERRUPTS_INSTANCE, "s_axi", *place, "Reg")


def _clocks(board: Board) -> dict[str, str]:
    """Return what PYNQ sets the four clocks of the fabric to, of which the first is ours."""
    processor = PROCESSORS[board.family]
    found: dict[str, str] = {}
    for clock in range(4):
        used = str(int(clock == 0))
        first, second = pll_divisors(board) if clock == 0 else (1, 1)
        if board.family == "zynq":
            found |= {
                f"PCW_FPGA_FCLK{clock}_ENABLE": used,
                f"PCW_FCLK{clock}_PERIPHERAL_CLKSRC": processor.pll,
                f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR0": str(first),
                f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR1": str(second),
            }
        else:
            prefix = f"PSU__CRL_APB__PL{clock}_REF_CTRL__"
            found |= {
                f"PSU__FPGA_PL{clock}_ENABLE": used,
                f"{prefix}SRCSEL": processor.pll,
                f"{prefix}DIVISOR0": str(first),
                f"{prefix}DIVISOR1": str(second),
                f"{prefix}ACT_FREQMHZ": str(board.clock_mhz if clock == 0 else processor.pll_mhz),
            }
    return found


def _widths(board: Board) -> dict[str, str]:
    """Return the widths of ports to which PYNQ sets a Zynq UltraScale+, under its own names."""
    if board.family == "zynq":
        return {}
    found = settings(board)
    return {
        f"C_{port}_DATA_WIDTH": found[f"PSU__{port}__DATA_WIDTH"]
        for port in ("MAXIGP0", "MAXIGP1", "SAXIGP2")
    }


def _core(modules: Element, table: RegisterTable, face: Face, board: Board) -> None:
    processor = PROCESSORS[board.family]
    module = elements.module(modules, INSTANCE, VLNV, MODCLASS="PERIPHERAL")
    blocks = SubElement(module, "ADDRESSBLOCKS")
    _registers(blocks, table)
    SubElement(module, "PARAMETERS")
    nets = {
        "aclk": ("clk", f"{processor.instance}_{processor.clock}", processor.instance),
        "irq": ("intr", f"{INSTANCE}_irq", INTERRUPTS_INSTANCE),
    }
    ends = {"aclk": processor.clock, "irq": "intr"}
    listed = SubElement(module, "PORTS")
    for port in face.ports:
        kind, net, instance = nets.get(port.name, ("undef", f"{INSTANCE}_{port.name}", ""))
        if port.name == "aresetn":
            kind = "rst"
        span = {} if port.width == 1 else {"LEFT": str(port.width - 1), "RIGHT": "0"}
        if port.name == "irq":
            span["SENSITIVITY"] = "LEVEL_HIGH"
        direction = "I" if port.direction == "in" else "O"
        connections = [(instance, ends[port.name])] if instance else []
        elements.port(listed, port.name, direction, kind, net, connections, **span)
    interfaces = SubElement(module, "BUSINTERFACES")
    for bus in face.buses:
        if bus.vlnv != elements.BUSES:
            continue
        width = face.width(bus.name, "WDATA")
        kind = "MASTER" if bus.name == MANAGER else "SLAVE"
        protocol = dict(bus.parameters)["PROTOCOL"]
        net = f"{INSTANCE}_{bus.name}"
        interface = elements.bus(interfaces, bus.name, kind, net, width, protocol)
        maps = SubElement(interface, "PORTMAPS")
        for port in face.of(bus.name):
            SubElement(maps, "PORTMAP", LOGICAL=port.logical, PHYSICAL=port.name)
    memory = SubElement(module, "MEMORYMAP")
    for block, base in processor.memory_segments:
        place = (base, board.dram_bytes, MANAGER)
        elements.memory_range(
            memory, processor.instance, processor.memory, *place, block, "MEMORY"
        )


def _registers(blocks: Element, table: RegisterTable) -> None:
    block = SubElement(
        blocks,
        "ADDRESSBLOCK",
        ACCESS="read-write",
        INTERFACE=REGISTER_PORT,
        NAME=BLOCKS[REGISTER_PORT],
        RANGE=str(PORT_BYTES),
        USAGE="register",
    )
    listed = SubElement(block, "REGISTERS")
    for register in table:
        entry = SubElement(listed, "REGISTER", NAME=register.name)
        access = ACCESSES[register.access]
        elements.properties(
            entry,
            DESCRIPTION=register.doc,
            ADDRESS_OFFSET=f"0x{register.offset:X}",
            SIZE=str(REGISTER_BITS),
            ACCESS=access,
            IS_ENABLED="true",
            RESET_VALUE=f"0x{register.reset:X}",
        )
        fields = SubElement(entry, "FIELDS")
        for field in register.fields:
            _field(fields, field, access)


def _field(fields: Element, field: Field, access: str) -> None:
    elements.properties(
        SubElement(fields, "FIELD", NAME=field.name),
        DESCRIPTION=field.doc,
        ADDRESS_OFFSET=str(field.low),
        ACCESS=access,
        BIT_OFFSET=str(field.low),
        BIT_WIDTH=str(field.width),
    )


def _interrupts(modules: Element, processor: Processor) -> None:
    """Add the controller without which PYNQ sees no interrupt at all."""
    module = elements.module(
        modules, INTERRUPTS_INSTANCE, INTERRUPTS_VLNV, MODCLASS="INTERRUPT_CNTLR"
    )
    SubElement(module, "PARAMETERS")
    ports = SubElement(module, "PORTS")
    net = f"{processor.instance}_{processor.clock}"
    elements.port(ports, "s_axi_aclk", "I", "clk", net, [(processor.instance, processor.clock)])
    net = f"{INSTANCE}_irq"
    elements.port(ports, "intr", "I", "intr", net, [(INSTANCE, "irq")], LEFT="0", RIGHT="0")
    line = [(processor.instance, processor.interrupt)]
    elements.port(ports, "irq", "O", "intr", f"{INTERRUPTS_INSTANCE}_irq", line)
    interfaces = SubElement(module, "BUSINTERFACES")
    elements.bus(interfaces, "s_axi", "SLAVE", f"{INTERRUPTS_INSTANCE}_s_axi", 32, "AXI4LITE")
