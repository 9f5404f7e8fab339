"""Registers and commands as tables of the manual, in Markdown."""

from engram.arch.commands import FORMS, Fault, Flag
from engram.arch.registers import REGISTER_BITS, RegisterTable

__all__ = ["commands_markdown", "markdown"]


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


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
