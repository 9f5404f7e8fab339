"""Which board this is, and where its bitstream lies in this package."""

import os
from pathlib import Path

from engram.arch.boards import BOARDS, NAME, Board

__all__ = ["FOLDER", "bitfile", "board_at_hand", "board_by_name", "built"]

FOLDER = Path(__file__).parent / "overlays"
_PARTS = (f"{NAME}.bit", f"{NAME}.hwh")


def built() -> dict[str, Path]:
    """Return the bitstreams that are here, by the key of their board."""
    return {
        key: FOLDER / key / _PARTS[0]
        for key in BOARDS
        if all((FOLDER / key / part).is_file() for part in _PARTS)
    }


def board_by_name(name: str) -> Board | None:
    """Return the board that PYNQ or a person calls so, if it is one of ours."""
    for board in BOARDS.values():
        known = (board.key, board.title, *board.names)
        if name.casefold() in [one.casefold() for one in known]:
            return board
    return None


def board_at_hand() -> Board:
    """Return the board whose name PYNQ's active device has, else that of the variable BOARD.

    Raises LookupError if neither is a board of ours.
    """
    names = {"PYNQ's device": _device_name(), "the variable BOARD": os.environ.get("BOARD", "")}
    for name in names.values():
        if found := board_by_name(name):
            return found
    told = " and ".join(f"{which} is {name!r}" for which, name in names.items())
    known = ", ".join(board.names[0] for board in BOARDS.values())
    raise LookupError(f"the board must be one of {known}, and {told}: set BOARD to its name")


def bitfile(board: str | None = None) -> Path:
    """Return the bitstream of a board, by any of its names; by default of the board at hand.

    Raises:
        LookupError: this is no board of ours, or there is none of that name.
        FileNotFoundError: its bitstream is not in this package; says which are, and what to do.
    """
    if board is None:
        chosen = board_at_hand()
    else:
        found = board_by_name(board)
        if found is None:
            raise LookupError(f"board must be one of {', '.join(BOARDS)}, not {board!r}")
        chosen = found
    here = built()
    if chosen.key not in here:
        raise FileNotFoundError(
            f"engram-overlay was built without a bitstream for {chosen.title} (it has: "
            f"{', '.join(here) or 'none'}): build it with Vivado, then `make overlay` in a "
            "checkout, and install that wheel"
        )
    return here[chosen.key]


def _device_name() -> str:
    """Return what PYNQ calls its active device, empty if it has none here."""
    try:
        from pynq import Device

        return str(Device.active_device.name)
    except (ImportError, RuntimeError, AttributeError):  # no pynq, no device, one without a name
        return ""
