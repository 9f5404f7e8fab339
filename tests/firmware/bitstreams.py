"""What Vivado would have built, less the gates: headers of bitstreams, and generated hand-offs."""

from pathlib import Path

from engram.arch.boards import BOARDS
from sim.board.bitfile import write_bitfile

__all__ = ["dummy_bit", "part_in_header", "pretend_built"]

_PREAMBLE = bytes.fromhex("00090ff00ff00ff00ff0000001")


def dummy_bit(part: str, data: bytes = bytes(64)) -> bytes:
    """Return a bitstream of nothing, with a header as Vivado writes it."""
    texts = ((b"a", "engram_wrapper"), (b"b", part), (b"c", "2026/01/01"), (b"d", "00:00:00"))
    records = b"".join(
        letter + (len(text) + 1).to_bytes(2, "big") + text.encode() + b"\0"
        for letter, text in texts
    )
    return _PREAMBLE + records + b"e" + len(data).to_bytes(4, "big") + data


def part_in_header(key: str) -> str:
    """Return the part as Vivado names it in the header of that family's bitstreams."""
    part = BOARDS[key].part
    return part.removeprefix("xc").rpartition("-")[0] if BOARDS[key].family == "zynq" else part


def pretend_built(folder: Path, *keys: str) -> Path:
    """Lay out files as `make -C firmware/vivado` does for boards."""
    for key in keys:
        (folder / key).mkdir(parents=True, exist_ok=True)
        write_bitfile(folder / key, BOARDS[key])
    return folder
