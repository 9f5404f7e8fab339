"""The C interface of a design's library, as ctypes sees it."""

import ctypes
from ctypes import POINTER, c_char_p, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

__all__ = ["RESPONSE_SHIFT", "TIMEOUT", "VIOLATION", "Model"]

# What an access came to, as shim.cpp puts it together.
RESPONSE_SHIFT = 32
TIMEOUT = 1 << 34
VIOLATION = 1 << 35

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "new": (c_void_p, (c_void_p, c_uint64, c_uint64)),
    "delete": (None, (c_void_p,)),
    "reset": (None, (c_void_p, c_uint32)),
    "width": (c_uint32, (c_char_p,)),
    "read": (c_uint64, (c_void_p, c_uint32, c_uint64)),
    "write": (c_uint64, (c_void_p, c_uint32, c_uint32, c_uint64)),
    "run": (c_uint32, (c_void_p, c_uint64, c_uint32)),
    "window_read": (
        c_uint64,
        (c_void_p, c_uint64, c_uint64, c_uint32, c_uint32, c_void_p, POINTER(c_uint64), c_uint64),
    ),
    "window_write": (
        c_uint64,
        (
            c_void_p,
            c_uint64,
            c_uint64,
            c_uint32,
            c_uint32,
            c_void_p,
            c_void_p,
            c_uint32,
            c_uint32,
            POINTER(c_uint64),
            c_uint64,
        ),
    ),
    "cycles": (c_uint64, (c_void_p,)),
    "beats": (c_uint64, (c_void_p, c_uint32)),
    "strays": (c_uint64, (c_void_p,)),
    "violations": (c_uint64, (c_void_p,)),
    "violation_text": (c_char_p, (c_void_p,)),
    "latency": (None, (c_void_p, c_uint32, c_uint32)),
    "seed": (None, (c_void_p, c_uint64)),
    "stall": (None, (c_void_p, c_uint32, c_uint32)),
    "fail": (None, (c_void_p, c_uint32, c_uint64, c_uint64, c_uint32)),
    "fail_beat": (None, (c_void_p, c_uint32, c_uint64, c_uint32)),
    "heal": (None, (c_void_p,)),
    "trace": (c_uint32, (c_void_p, c_char_p)),
    "coverage": (c_uint32, (c_void_p, c_char_p)),
}

_BRIEF = ("read", "write")


class Model:
    """The functions of one library, each an attribute; shim.cpp says what they do."""

    def __init__(self, library: Path) -> None:
        loaded = ctypes.CDLL(str(library))
        # To let other threads run for a few clocks takes longer than the clocks.
        brief = ctypes.PyDLL(str(library))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(brief if name in _BRIEF else loaded, f"rtl_{name}")
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a design's library has no function {name!r}")
