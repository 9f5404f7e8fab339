"""Files that stand for a bitstream: a .bit that configures nothing, and the .hwh beside it."""

import struct
from pathlib import Path

from engram.arch.boards import NAME, Board

__all__ = ["GENERATED", "write_bitfile"]

GENERATED = Path(__file__).resolve().parents[2] / "firmware" / "generated"

# What a .bit starts with: nine bytes that say nothing, and the 1 before its fields.
_MAGIC = bytes.fromhex("00090ff00ff00ff00ff0000001")


def write_bitfile(folder: Path, board: Board, handoff: str | None = None) -> Path:
    """Write ``engram.bit`` and ``engram.hwh`` for a board; return the former.

    handoff : text of the .hwh; by default the one that is generated for the board
    """
    path = folder / f"{NAME}.bit"
    path.write_bytes(_content(board))
    if handoff is None:
        handoff = (GENERATED / board.key / f"{NAME}.hwh").read_text()
    path.with_suffix(".hwh").write_text(handoff)
    return path


def _content(board: Board) -> bytes:
    """Return a header as Vivado writes it, and one word that tells a device nothing."""
    fields = {
        b"a": f"{NAME};UserID=0XFFFFFFFF;Version=0",
        b"b": board.part.removeprefix("xc"),
        b"c": "2000/01/01",
        b"d": "00:00:00",
    }
    content = _MAGIC
    for key, text in fields.items():
        value = text.encode() + b"\0"
        content += key + struct.pack(">H", len(value)) + value
    data = b"\xff\xff\xff\xff"
    return content + b"e" + struct.pack(">I", len(data)) + data
