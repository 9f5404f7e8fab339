"""Put the bitstreams that Vivado built into the package, after a look at what they are.

Run in a checkout, by an interpreter that has engram:

    python firmware/overlay/collect.py [BOARD...] [--from build/vivado]

takes FROM/BOARD/engram.bit and engram.hwh of each board; without BOARD, of those that were built.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from engram.arch.boards import BOARDS, NAME, Board
from engram.fpga.handoff import check_hwh

__all__ = ["collect", "part_of"]

_ROOT = Path(__file__).resolve().parents[2]
_BUILT = _ROOT / "build" / "vivado"
_PACKAGE = Path(__file__).resolve().parent / "src" / "engram_overlay" / "overlays"
_PREAMBLE = bytes.fromhex("00090ff00ff00ff00ff0000001")
_LONGEST_HEADER = 4096
_RECORDS = (b"a", b"b", b"c", b"d")  # design, part, date, time


class Refused(Exception):
    """What was built cannot go into the package; the text says why, and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Collect what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("boards", nargs="*", metavar="BOARD", help=", ".join(BOARDS))
    parser.add_argument("--from", dest="built", type=Path, default=_BUILT, metavar="FOLDER")
    parser.add_argument("--to", dest="package", type=Path, default=_PACKAGE, metavar="FOLDER")
    asked = parser.parse_args(arguments)
    try:
        for line in collect(asked.boards, asked.built, asked.package):
            sys.stdout.write(f"{line}\n")
    except Refused as refused:
        sys.stderr.write(f"collect.py: {refused}\n")
        return 1
    return 0


def collect(boards: list[str], built: Path, package: Path) -> list[str]:
    """Copy the bitstreams of boards; return a line about each.

    Raises Refused for a board that was not built, if it was named or none was built, and for files
    that are not what they must be; then nothing was copied.
    """
    if unknown := [key for key in boards if key not in BOARDS]:
        raise Refused(f"BOARD must be one of {', '.join(BOARDS)}, not {unknown[0]!r}")
    there = [key for key in BOARDS if (built / key / f"{NAME}.bit").is_file()]
    wanted = boards or there
    if not wanted:
        raise Refused(
            f"no bitstream of {', '.join(BOARDS)} is in {built}: build one, by "
            "`make -C firmware/vivado pynq-z2`, where there is Vivado"
        )
    for key in wanted:
        _check(BOARDS[key], built / key)
    lines = []
    for key in wanted:
        for suffix in ("bit", "hwh"):
            _copy(built / key / f"{NAME}.{suffix}", package / key)
        size = (package / key / f"{NAME}.bit").stat().st_size
        lines.append(f"{key}: {size:,} bytes of bitstream, and the hand-off, into {package / key}")
    lines += [f"{key}: not built, and left out" for key in BOARDS if key not in wanted]
    return lines


def _check(board: Board, folder: Path) -> None:
    """Raise Refused unless both files are there, are ours, and are this board's."""
    bit, hwh = folder / f"{NAME}.bit", folder / f"{NAME}.hwh"
    for path in (bit, hwh):
        if not path.is_file():
            raise Refused(
                f"{path} is not there: build it, by `make -C firmware/vivado {board.key}`, where "
                "there is Vivado"
            )
    try:
        part = part_of(bit)
    except ValueError as error:
        raise Refused(f"{bit} is no bitstream: {error}") from error
    if not _plain(part) or not _plain(board.part).startswith(_plain(part)):
        raise Refused(f"{bit} must be for {board.part} ({board.title}), not {part}")
    if differences := check_hwh(hwh, board):
        raise Refused(
            f"{hwh} is not of this accelerator, {'; '.join(differences)}: build the bitstream "
            "from this checkout"
        )


def part_of(bit: Path) -> str:
    """Return the part that a .bit file's header names; raise ValueError if it has none.

    After a preamble come records, each a letter, a length of 16 bits and a text ended by a zero.
    """
    with bit.open("rb") as file:
        header = file.read(_LONGEST_HEADER)
    if not header.startswith(_PREAMBLE):
        raise ValueError("it does not begin as one")
    place = len(_PREAMBLE)
    texts = []
    for letter in _RECORDS:
        size = int.from_bytes(header[place + 1 : place + 3], "big")
        text = header[place + 3 : place + 3 + size]
        if header[place : place + 1] != letter or len(text) != size or not text.endswith(b"\0"):
            raise ValueError(f"its header has no record {letter.decode()!r}")
        texts.append(text[:-1].decode("ascii", "replace"))
        place += 3 + size
    return texts[1]


def _plain(part: str) -> str:
    """Return a part's name as it can be compared: Vivado leaves out xc, dashes and grades."""
    return part.casefold().removeprefix("xc").replace("-", "")


def _copy(source: Path, folder: Path) -> None:
    """Copy a file whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{source.name}.part"
    shutil.copyfile(source, partial)
    os.replace(partial, folder / source.name)


if __name__ == "__main__":
    sys.exit(main())
