"""Compare a .hwh that Vivado wrote with the register table: ``python compare_hwh.py FILE [BOARD]``.

Ends with status 0 where they agree, and else with 1 and a line for each difference.
"""

import argparse
import sys

from engram.arch.boards import BOARDS
from engram.fpga.handoff import check_hwh


def main() -> None:
    """Read the command line, compare, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("board", metavar="BOARD", nargs="?", choices=BOARDS)
    arguments = parser.parse_args()
    try:
        found = check_hwh(arguments.file, BOARDS.get(arguments.board))
    except OSError as error:
        sys.exit(f"{arguments.file}: {error.strerror}")
    if found:
        sys.exit("\n".join(f"{arguments.file}: {difference}" for difference in found))
    sys.stdout.write(f"{arguments.file}: agrees with the registers and the board\n")


if __name__ == "__main__":
    main()
