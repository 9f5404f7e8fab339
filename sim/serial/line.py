"""A line to the Verilated board: what is written goes over its pin as bits, clock by clock."""

import ctypes
import re
from pathlib import Path
from typing import Any

from amaranth.back import verilog

from engram.arch.accelerator import AcceleratorConfig
from hdl.boards.ulx3s import CLOCK_HZ, CONFIG, Ulx3s
from sim.verilated.library import build

__all__ = ["DIVISOR", "GAP_BITS", "LED", "SimulatedLine", "board_library"]

_HERE = Path(__file__).parent
_MODULE = "ulx3s"

# Memories begin as zeros whether or not it is said of each word, over which Yosys takes minutes.
_ZEROS = re.compile(r"^  initial begin\n(?:    \w+\[\d+\] = \d+'h0+;\n)+  end\n", re.MULTILINE)

# Faster than the board, so that a simulation spends fewer clocks on bits and on waiting.
DIVISOR = 4
GAP_BITS = 1000
PATIENCE = 1 << 12

LED = {
    name: 1 << number
    for number, name in enumerate(
        ("irq", "idle", "came", "went", "damaged", "registers_hung", "memory_hung", "blink")
    )
}

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "new": (ctypes.c_void_p, (ctypes.c_double,)),
    "delete": (None, (ctypes.c_void_p,)),
    "reset": (None, (ctypes.c_void_p, ctypes.c_uint32)),
    "send": (None, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64)),
    "receive": (
        ctypes.c_uint64, (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64),
    ),
    "run": (None, (ctypes.c_void_p, ctypes.c_uint64)),
    "noise": (None, (ctypes.c_void_p, ctypes.c_uint64, ctypes.c_double, ctypes.c_double)),
    "clock": (ctypes.c_uint64, (ctypes.c_void_p,)),
    "framing": (ctypes.c_uint64, (ctypes.c_void_p,)),
    "leds": (ctypes.c_uint32, (ctypes.c_void_p,)),
}  # fmt: skip


def board_library(
    config: AcceleratorConfig = CONFIG,
    *,
    divisor: int = DIVISOR,
    gap_bits: int = GAP_BITS,
    memory_bytes: int = 1 << 17,
) -> Path:
    """Return the library of a board; it takes some twenty seconds if it is not in the cache."""
    design = Ulx3s(
        config,
        divisor=divisor,
        gap_bits=gap_bits,
        patience=PATIENCE,
        memory_bytes=memory_bytes,
    )
    text = verilog.convert(design, name=_MODULE, strip_internal_attrs=True, emit_src=False)
    return build(_ZEROS.sub("", text), _MODULE, fast=True, shim=(_HERE / "shim.cpp",))


class SimulatedLine:
    """A Line to a board whose clocks pass inside ``read``; a second is one of the board's clock.

    library : that ``board_library`` returned
    divisor : clocks a bit that it was made with
    skew : how much longer the host's bits are than the board's, a share

    The board starts out reset.
    """

    def __init__(self, library: Path, *, divisor: int = DIVISOR, skew: float = 0.0) -> None:
        loaded = ctypes.CDLL(str(library))
        self._functions: dict[str, Any] = {}
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(loaded, f"line_{name}")
            function.restype = result
            function.argtypes = arguments
            self._functions[name] = function
        self.baud = CLOCK_HZ // divisor
        self._board: int | None = self._functions["new"](divisor * (1 + skew))

    def read(self, count: int, seconds: float) -> bytes:
        """Return bytes that the board sent within so many seconds of its clock.

        They are counted from when the last bit was on its way.
        """
        content = ctypes.create_string_buffer(count)
        found = self._call("receive", content, count, round(seconds * CLOCK_HZ))
        return content.raw[:found]

    def write(self, content: bytes) -> None:
        """Have bytes sent; they go out as clocks pass."""
        self._call("send", content, len(content))

    def close(self) -> None:
        """Delete the board; twice does nothing."""
        if self._board is not None:
            self._functions["delete"](self._board)
            self._board = None

    def disturb(self, *, bits: float = 0.0, drops: float = 0.0, seed: int = 1) -> None:
        """Set how likely a bit arrives as its contrary, and how likely a byte does not at all."""
        for name, value in (("bits", bits), ("drops", drops)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be in 0 <= p < 1, not {value!r}")
        self._call("noise", seed, bits, drops)

    def settle(self, clocks: int) -> None:
        """Let clocks pass."""
        self._call("run", clocks)

    def reset(self, clocks: int = 4) -> None:
        """Reset the board."""
        self._call("reset", clocks)

    @property
    def clock(self) -> int:
        """Clocks so far."""
        return int(self._call("clock"))

    @property
    def framing_errors(self) -> int:
        """Bytes of the board that came without a stop bit."""
        return int(self._call("framing"))

    @property
    def leds(self) -> int:
        """What the LEDs show, a bit each as LED names them."""
        return int(self._call("leds"))

    def _call(self, name: str, *arguments: object) -> Any:
        if self._board is None:
            raise ValueError("the line must not be closed")
        return self._functions[name](self._board, *arguments)
