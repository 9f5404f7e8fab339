"""Registers and commands as C header, SystemRDL, JSON and Markdown: the same text every time."""

import json

from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    FORMS,
    Fault,
    Flag,
    Opcode,
)
from engram.arch.registers import REGISTER_BITS, REGISTER_BYTES, Access, Field, RegisterTable

__all__ = [
    "c_header",
    "commands_c_header",
    "commands_markdown",
    "json_text",
    "markdown",
    "system_rdl",
]

# How each access is said in SystemRDL 2.0, for a field.
RDL_PROPERTIES = {
    Access.CONSTANT: "sw = r; hw = na;",
    Access.RO: "sw = r; hw = w;",
    Access.RW: "sw = rw; hw = r;",
    Access.W1C: "sw = rw; onwrite = woclr; hw = rw; hwset; precedence = hw;",
    Access.STROBE: "sw = w; hw = r; singlepulse;",
}


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


def system_rdl(table: RegisterTable) -> str:
    """Return an address map in SystemRDL 2.0."""
    lines = [f"// Registers of {table.name}. Generated; do not edit."]
    lines += [f"addrmap {table.name} {{"]
    lines.append(f"    name = {_quoted(table.name)};")
    if table.doc:
        lines.append(f"    desc = {_quoted(table.doc)};")
    lines.append(f"    default regwidth = {REGISTER_BITS};")
    lines.append(f"    default accesswidth = {REGISTER_BITS};")
    for register in table:
        lines += ["", "    reg {"]
        if register.doc:
            lines.append(f"        desc = {_quoted(register.doc)};")
        for field in register.fields or (Field("VALUE", 0, REGISTER_BITS),):
            desc = f" desc = {_quoted(field.doc)};" if field.doc else ""
            high = field.low + field.width - 1
            # A value that hardware gives has no reset of its own.
            reset = "" if register.access is Access.RO else f" = 0x{field.get(register.reset):X}"
            lines.append(
                f"        field {{ {RDL_PROPERTIES[register.access]}{desc} }} "
                f"{field.name}[{high}:{field.low}]{reset};"
            )
        lines.append(f"    }} {register.name} @ 0x{register.offset:X};")
    lines.append("};")
    return "\n".join(lines) + "\n"


def json_text(table: RegisterTable) -> str:
    """Return everything that the table says, as JSON."""
    content = {
        "name": table.name,
        "doc": table.doc,
        "bytes": _bytes(table),
        "registers": [
            {
                "name": register.name,
                "offset": register.offset,
                "access": register.access.value,
                "reset": register.reset,
                "doc": register.doc,
                "snapshot": register.snapshot,
                "fields": [
                    {
                        "name": field.name,
                        "low": field.low,
                        "width": field.width,
                        "doc": field.doc,
                    }
                    for field in register.fields
                ],
            }
            for register in table
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def markdown(table: RegisterTable) -> str:
    """Return a table for the manual, one row for each register and each field."""
    lines = ["| offset | register | bits | access | reset | meaning |", "|---|---|---|---|---|---|"]
    for register in table:
        bits = "" if register.fields else f"{REGISTER_BITS - 1}:0"
        meaning = register.doc
        if register.snapshot is not None:
            meaning += f", captured by `{register.snapshot}` bit 0"
        lines.append(
            f"| `0x{register.offset:02X}` | `{register.name}` | {bits} | {register.access.value} "
            f"| `0x{register.reset:X}` | {_cell(meaning)} |"
        )
        for field in register.fields:
            high = field.low + field.width - 1
            span = f"{high}:{field.low}" if field.width > 1 else f"{field.low}"
            lines.append(f"| | `.{field.name}` | {span} | | | {_cell(field.doc)} |")
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


def commands_markdown() -> str:
    """Return tables for the manual: what each opcode names and does, and what faults mean."""
    lines = ["| opcode | number | names | what it does |", "|---|---:|---|---|"]
    for opcode, form in FORMS.items():
        named = [*form.fields, *(["law"] if form.law else [])]
        named += [flag.name or "" for flag in Flag if flag in form.flags]
        fields = ", ".join(f"`{field}`" for field in named)
        lines.append(f"| `{opcode.name}` | {int(opcode)} | {fields} | {_cell(opcode.doc)} |")
    lines += ["", "| fault | number | meaning |", "|---|---:|---|"]
    lines += [f"| `{fault.name}` | {int(fault)} | {_cell(fault.doc)} |" for fault in Fault]
    return "\n".join(lines) + "\n"


def _bytes(table: RegisterTable) -> int:
    return table.registers[-1].offset + REGISTER_BYTES


def _comment(text: str) -> str:
    """Return text that cannot end a C comment."""
    return text.replace("*/", "* /").replace("\n", " ")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
