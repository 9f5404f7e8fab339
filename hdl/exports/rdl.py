"""Registers as SystemRDL 2.0, which other tools read."""

from engram.arch.registers import REGISTER_BITS, Access, Field, RegisterTable

__all__ = ["system_rdl"]

# How each access is said in SystemRDL 2.0, for a field.
RDL_PROPERTIES = {
    Access.CONSTANT: "sw = r; hw = na;",
    Access.RO: "sw = r; hw = w;",
    Access.RW: "sw = rw; hw = r;",
    Access.W1C: "sw = rw; onwrite = woclr; hw = rw; hwset; precedence = hw;",
    Access.STROBE: "sw = w; hw = r; singlepulse;",
}


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


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
