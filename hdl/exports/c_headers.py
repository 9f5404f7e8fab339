"""Registers and commands as C headers."""

from engram.arch.commands import COMPLETION_BYTES, DESCRIPTOR_BYTES, Fault, Flag, Opcode
from engram.arch.registers import REGISTER_BYTES, RegisterTable

__all__ = ["c_header", "commands_c_header"]


def c_header(table: RegisterTable) -> str:
    """Return a C header: offsets, reset values, and place and mask of each field."""
    prefix = f"{table.name}_"
    lines = [f"/* Registers of {table.name}. Generated; do not edit. */"]
    if table.doc:
        lines.append(f"/* {_comment(table.doc)} */")
    guard = f"{prefix}REGISTERS_H"
    lines += ["", f"#ifndef {guard}", f"#define {guard}", ""]
    lines.append(f"#define {prefix}BYTES 0x{_bytes(table):X}u")
    for register in table:
        name = prefix + register.name
        doc = f": {_comment(register.doc)}" if register.doc else ""
        lines += ["", f"/* {register.access.value}{doc} */"]
        lines.append(f"#define {name}_OFFSET 0x{register.offset:X}u")
        lines.append(f"#define {name}_RESET 0x{register.reset:08X}u")
        for field in register.fields:
            lines.append(f"#define {name}_{field.name}_SHIFT {field.low}u")
            lines.append(f"#define {name}_{field.name}_MASK 0x{field.mask:08X}u")
    lines += ["", f"#endif /* {guard} */"]
    return "\n".join(lines) + "\n"


def commands_c_header(name: str) -> str:
    """Return a C header: numbers of opcodes, flags and faults, and the sizes of records."""
    guard = f"{name}_COMMANDS_H"
    lines = [f"/* Commands of {name}. Generated; do not edit. */"]
    lines += ["", f"#ifndef {guard}", f"#define {guard}", ""]
    lines.append(f"#define {name}_DESCRIPTOR_BYTES {DESCRIPTOR_BYTES}u")
    lines.append(f"#define {name}_COMPLETION_BYTES {COMPLETION_BYTES}u")
    for kind, members in (("OP", Opcode), ("FAULT", Fault)):
        lines.append("")
        lines += [
            f"#define {name}_{kind}_{member.name} {int(member)}u /* {_comment(member.doc)} */"
            for member in members
        ]
    lines.append("")
    lines += [f"#define {name}_FLAG_{flag.name} {int(flag)}u" for flag in Flag]
    lines += ["", f"#endif /* {guard} */"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    """Return text that cannot end a C comment."""
    return text.replace("*/", "* /").replace("\n", " ")


def _bytes(table: RegisterTable) -> int:
    return table.registers[-1].offset + REGISTER_BYTES
