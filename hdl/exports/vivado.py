"""Facts for Vivado's scripts, as Tcl: the boards, and the registers of the packaged core."""

from engram.arch.boards import (
    BOARDS,
    INSTANCE,
    INTERRUPTS_INSTANCE,
    LIBRARY,
    NAME,
    PORT_BYTES,
    VENDOR,
    VERSION,
    VLNV,
    Board,
)
from engram.arch.registers import REGISTER_BITS, Access, RegisterTable
from hdl.exports.ip_xact import ACCESSES, BLOCKS, FAMILIES, TITLE
from hdl.exports.ports import CLOCK, INTERRUPT, MANAGER, REGISTER_PORT, RESET, WINDOW, Face
from hdl.exports.processors import PROCESSORS, port_of, settings

__all__ = ["boards_tcl", "registers_tcl"]

Values = dict[str, "str | Values"]


def boards_tcl(face: Face) -> str:
    """Return two dictionaries: ``core``, and ``boards`` by key."""
    pins = {port.bus: port.name for port in face.ports if port.bus in (CLOCK, RESET, INTERRUPT)}
    core: Values = {
        "vendor": VENDOR,
        "library": LIBRARY,
        "name": NAME,
        "version": VERSION,
        "vlnv": VLNV,
        "title": TITLE,
        "families": dict.fromkeys(FAMILIES, "Production"),
        "instance": INSTANCE,
        "interrupts_instance": INTERRUPTS_INSTANCE,
        "register_port": REGISTER_PORT,
        "register_block": BLOCKS[REGISTER_PORT],
        "register_bytes": f"0x{PORT_BYTES:X}",
        "register_bits": str(REGISTER_BITS),
        "window_port": WINDOW,
        "window_block": BLOCKS[WINDOW],
        "window_bits": str(face.width(WINDOW, "WDATA")),
        "window_bytes": f"0x{face.window_bytes:X}",
        "manager_port": MANAGER,
        "buses": {bus.name: dict(bus.parameters) for bus in face.buses},
        "clock": pins[CLOCK],
        "reset": pins[RESET],
        "interrupt": pins[INTERRUPT],
    }
    boards: Values = {
        board.key: _board(board, face.window_bytes) for board in BOARDS.values()
    }
    lines = ["# What the scripts here know of the core and its boards. Generated; do not edit."]
    lines += ["set core {", *_pairs(core, 1), "}"]
    lines += ["set boards {", *_pairs(boards, 1), "}"]
    return "\n".join(lines) + "\n"


def _board(board: Board, window_bytes: int) -> Values:
    processor = PROCESSORS[board.family]
    found: Values = {
        "title": board.title,
        "part": board.part,
        "board_part": board.board_part,
        "processor": f"xilinx.com:ip:{processor.module}",
        "rule": f"xilinx.com:bd_rule:{processor.module}",
        "external": " ".join(processor.external),
        "instance": processor.instance,
        "clock": processor.clock,
        "reset": processor.reset,
        "interrupt": processor.interrupt,
        "memory_port": processor.memory,
        "memory_clock": processor.memory_clock,
        "memory_map": processor.memory_map,
        "memory_segments": _segments(board),
        "memory_excluded": " ".join(processor.memory_excluded),
        "clock_setting": processor.clock_setting,
        "mhz": str(board.clock_mhz),
        "settings": {f"CONFIG.{key}": value for key, value in settings(board).items()},
    }
    for name, base, size in (
        ("registers", board.registers, PORT_BYTES),
        ("window", board.window, window_bytes),
        ("interrupts", board.interrupts, PORT_BYTES),
    ):
        port = port_of(board, base, size)
        found[f"{name}_base"] = f"0x{base:X}"
        found[f"{name}_port"] = port.name
        found[f"{name}_clock"] = port.clock
    return found


def _segments(board: Board) -> str:
    """Return name, base and size of each stretch of DRAM; that at 0 comes first."""
    size = f"0x{board.dram_bytes:X}"
    processor = PROCESSORS[board.family]
    return " ".join(f"{name} 0x{base:X} {size}" for name, base in processor.memory_segments)


def registers_tcl(table: RegisterTable) -> str:
    """Return a procedure that gives an address block of the packaged core its registers."""
    lines = ["# The registers of the core. Generated; do not edit."]
    lines += ["# tclint-disable line-length", "proc add_registers {block} {"]
    for register in table:
        access = ACCESSES[register.access]
        lines.append(f"    set register [ipx::add_register {register.name} $block]")
        values: Values = {
            "address_offset": f"0x{register.offset:X}",
            "size": str(REGISTER_BITS),
            "access": access,
            "description": register.doc,
        }
        lines += ["    set_property -dict {", *_pairs(values, 2), "    } $register"]
        for field in register.fields:
            lines.append(f"    set field [ipx::add_field {field.name} $register]")
            values = {
                "bit_offset": str(field.low),
                "bit_width": str(field.width),
                "access": access,
                "description": field.doc,
            }
            if register.access is Access.W1C:
                values["modified_write_value"] = "oneToClear"
            lines += ["    set_property -dict {", *_pairs(values, 2), "    } $field"]
    return "\n".join([*lines, "}"]) + "\n"


def _pairs(values: Values, depth: int) -> list[str]:
    """Return the lines of a dictionary's keys and values, nested ones as blocks."""
    indent = "    " * depth
    lines = []
    for key, value in values.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key} {{", *_pairs(value, depth + 1), f"{indent}}}"]
        else:
            lines.append(f"{indent}{key} {_word(value)}")
    return lines


def _word(text: str) -> str:
    """Return a word of a Tcl list, in braces where it needs them."""
    if any(character in text for character in "{}\\"):
        raise ValueError(f"text must be without braces and backslashes, not {text!r}")
    return text if text and not set(text) & set(' \t\n";$[]#') else f"{{{text}}}"
