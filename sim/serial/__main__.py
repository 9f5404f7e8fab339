"""The board as a serial port, simulated: ``python -m sim.serial``, until it is interrupted."""

import time

from engram.fpga.uart import PORT, SPEED
from sim.serial.line import SimulatedLine, board_library
from sim.serial.terminal import Terminal


def main() -> None:
    """Say how to reach the board, and let its clocks pass."""
    line = SimulatedLine(board_library())
    with Terminal(line) as terminal:
        print(f"export {PORT}={terminal.path} {SPEED}=1000000", flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
