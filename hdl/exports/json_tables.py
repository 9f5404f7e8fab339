"""Registers as JSON, for whatever reads neither Python nor SystemRDL."""

import json

from engram.arch.registers import REGISTER_BYTES, RegisterTable

__all__ = ["json_text"]


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


def _bytes(table: RegisterTable) -> int:
    return table.registers[-1].offset + REGISTER_BYTES
