"""Tables of the documentation that are the contract's own: descriptor, types, codecs, trust."""

from benchmarks.tables import FIGURES, Table
from engram.arch.tensors import HEADER, TYPES
from engram.codecs.catalogue import codec, names
from engram.trust.levels import LEVELS

__all__ = ["TABLES", "write_tables"]

# Names and meanings of the header's fields, in its order.
_FIELDS = (
    ("magic", "`ENGRAMTD`"),
    ("format", "1"),
    ("codec", "its number"),
    ("element type", "its number"),
    ("ndim", "dimensions, 0 to 32"),
    ("flags", "the form of the version: whole, or what it does to the one before"),
    ("tile", "elements of a tile, 65,536"),
    ("size", "elements of the tensor"),
    ("payload", "its bytes"),
    ("version", "from 1; a number is never used again"),
    ("base", "the address of its region"),
    ("error", "relative, measured"),
    ("largest error", "absolute, measured"),
    ("root", "of the Merkle tree over the regrown tiles"),
    ("parent", "SHA-256 of the descriptor before; zeros: none"),
    ("name", "its bytes, 1 to 1,024"),
)
_KINDS = {"H": "uint16", "I": "uint32", "Q": "uint64", "d": "float64", "s": "bytes"}

_FOR = {
    "raw": ("the elements", "the run"),
    "lossless": ("filtered bytes, compressed", "a tile"),
    "sparse": ("what is not zero, and where", "a tile"),
    "grouped": ("2, 3, 4 or 8-bit integers, a scale for each group", "32 numbers"),
    "factors": ("low rank, 8 or 16-bit factors", "the rows of a run"),
    "train": ("tensor train", "the cores, and a run"),
    "cp": ("sum of products", "the cores, and a run"),
    "tucker": ("a small core, a factor for each axis", "the core, and a run"),
    "seeded": ("seeds and coefficients of blocks", "128 or 256 numbers"),
    "stepped": ("multiples of one step, entropy coded", "a tile"),
}


def descriptor_table() -> Table:
    """Return the header's fields, where each is and what it says."""
    table = Table("descriptor", ("offset", "type", "field", "what it says"))
    offset = 0
    for code, (name, meaning) in zip(_codes(HEADER.format), _FIELDS, strict=True):
        count, kind = (int(code[:-1]), "s") if code[-1] == "s" else (1, code)
        size = {"H": 2, "I": 4, "Q": 8, "d": 8, "s": count}[kind]
        shown = f"{count} bytes" if kind == "s" else _KINDS[kind]
        table.add(str(offset), shown, name, meaning)
        offset += size
    if offset != HEADER.size:
        raise ValueError(f"fields must fill {HEADER.size} bytes, not {offset}")
    return table


def _codes(form: str) -> list[str]:
    """Return the fields of a structure's format, such as 8s, H, H."""
    codes, digits = [], ""
    for letter in form.lstrip("<"):
        if letter.isdigit():
            digits += letter
        elif letter == "s":
            codes.append(digits + letter)
            digits = ""
        else:
            codes += [letter] * int(digits or 1)
            digits = ""
    return codes


def types_table() -> Table:
    """Return the types of elements."""
    table = Table("types", ("number", "type", "bytes", "codecs"))
    for kind in TYPES.values():
        codecs = "all" if kind.lossy else "exact ones"
        table.add(kind.number, f"`{kind.name}`", kind.bits.itemsize, codecs)
    return table


def codecs_table() -> Table:
    """Return the codecs, what each keeps and what a run of elements costs it."""
    table = Table("codecs", ("number", "codec", "exact", "keeps", "a run costs"))
    for name in names():
        one = codec(name)
        table.add(one.number, f"`{name}`", "yes" if one.lossless else "", *_FOR[name])
    return table


def trust_table() -> Table:
    """Return what each level of trust asks for and does."""
    columns = (
        "level", "own key", "MAC before decoding", "tiles after decoding", "audit log",
        "at rest", "lock-out",
    )  # fmt: skip
    table = Table("trust", columns)
    for level in LEVELS:
        audited = [("changes", level.audits_changes), ("loads", level.audits_loads)]
        table.add(
            f"`{level.name}`",
            "needed" if level.own_key else "",
            "yes",
            "yes" if level.checks_tiles else "",
            " and ".join(what for what, does in audited if does),
            "AES-GCM" if level.seals else "",
            "yes" if level.locks_out else "",
        )
    return table


TABLES = {
    "descriptor": descriptor_table,
    "types": types_table,
    "codecs": codecs_table,
    "trust": trust_table,
}


def write_tables() -> None:
    """Write all of them for the documentation."""
    for name, make in TABLES.items():
        (FIGURES / f"tensors_{name}.md").write_text("\n".join(make().lines()) + "\n")
