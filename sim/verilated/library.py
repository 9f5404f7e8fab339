"""A design's shared library: built from its Verilog once, then found in the user's cache."""

import hashlib
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from engram.cpu.caching import cache_directory
from engram.errors import DeviceUnavailable
from sim.verilated.toolchain import Toolchain

__all__ = ["build"]

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_SHIM = tuple(_HERE / name for name in ("checks.h", "managers.h", "memory.h", "shim.cpp"))
_PORT = re.compile(r"VL_(?:IN|OUT)\w*\(&(\w+),(\d+),(\d+)")


def build(
    verilog: str,
    top: str,
    *,
    fast: bool = False,
    trace: bool = False,
    coverage: bool = False,
    shim: Sequence[Path] = _SHIM,
) -> Path:
    """Return the library of module ``top``; it takes some ten seconds if it is not in the cache.

    fast : Yosys simplifies the design first, so that a clock takes half the time; of its inner
        signals few keep their names
    trace : a waveform can be written
    coverage : what was exercised of each line and each bit can be written; not with ``fast``
    shim : the C++ around the design, by default one that drives ports of AXI; headers, too

    Raises DeviceUnavailable where a tool is missing or fails, or the cache cannot be written.
    Processes that build the same at the same time do it twice, and all get a whole library.
    """
    if fast and coverage:
        raise ValueError("fast must be False for coverage: the lines would not be the design's")
    tools = Toolchain()
    verilator_options, defines, runtime = _variant(trace, coverage)
    parts = [tools.identity, sys.platform, top, *verilator_options, *defines, *runtime, verilog]
    if fast:
        parts.append(tools.simplifier)
    library = cache_directory() / f"rtl-{_digest([*parts, *(p.read_text() for p in shim)])}.so"
    if library.exists():
        return library
    logger.info("compiling the gateware %s, once", top)
    started = time.monotonic()
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent, prefix="rtl-") as name:
            folder = Path(name)
            (folder / "dut.v").write_text(verilog)
            if fast:
                tools.simplify(folder, "dut.v", top, "simple.v")
            source = "simple.v" if fast else "dut.v"
            tools.verilate(folder, source, top, verilator_options)
            made = folder / "obj"
            (made / "ports.h").write_text(_port_table((made / "Vdut.h").read_text()))
            sources = {
                path: folder / f"{path.stem}.o"
                for path in (*sorted(made.glob("*.cpp")), *shim)
                if path.suffix == ".cpp"
            }
            objects = _runtime_objects(tools, runtime, defines, folder)
            tools.compile(sources, [*defines, f"-I{made}", f"-I{_HERE}"])
            partial = folder / "whole.so"
            tools.link([*sources.values(), *objects], partial)
            os.replace(partial, library)
    except OSError as error:
        raise DeviceUnavailable(
            f"the gateware cannot be simulated: its library cannot be kept ({error}); "
            "set ENGRAM_CACHE_DIR to a folder that can be written"
        ) from error
    logger.info("compiled in %.1f s", time.monotonic() - started)
    return library


def _variant(trace: bool, coverage: bool) -> tuple[list[str], list[str], list[str]]:
    """Return Verilator's options, the compiler's, and the files of the runtime."""
    options = ["--noassert"]
    runtime = ["verilated", "verilated_threads"]
    if trace:
        options.append("--trace-vcd")
        runtime.append("verilated_vcd_c")
    if coverage:
        options += ["--coverage-line", "--coverage-toggle"]
        runtime.append("verilated_cov")
    defines = [
        "-DVERILATOR=1",
        f"-DVM_COVERAGE={coverage:d}",
        f"-DVM_TRACE={trace:d}",
        f"-DVM_TRACE_VCD={trace:d}",
        "-DVM_TRACE_FST=0",
        "-DVM_TRACE_SAIF=0",
        "-DVM_SC=0",
        "-DVM_TIMING=0",
    ]
    return options, defines, runtime


def _runtime_objects(
    tools: Toolchain, runtime: Sequence[str], defines: Sequence[str], folder: Path
) -> list[Path]:
    """Return Verilator's own object files, the same for all designs and half of the work."""
    key = _digest([tools.identity, sys.platform, *defines])
    objects = {name: cache_directory() / f"rtl-{key}-{name}.o" for name in runtime}
    missing = [name for name, kept in objects.items() if not kept.exists()]
    made = {tools.root / "include" / f"{name}.cpp": folder / f"{name}.o" for name in missing}
    if made:
        tools.compile(made, defines)
    for name in missing:
        os.replace(folder / f"{name}.o", objects[name])
    return list(objects.values())


def _port_table(header: str) -> str:
    """Return C++ that tells the width of each port, which the types of Verilator do not."""
    ports = _PORT.findall(header)
    assert ports, "no port in Verilator's header"
    rows = [f'    {{"{name}", {int(high) - int(low) + 1}}},' for name, high, low in ports]
    return "\n".join(
        [
            "#pragma once",
            "constexpr struct {",
            "    const char* name;",
            "    unsigned width;",
            "} PORTS[] = {",
            *rows,
            "};",
            "",
        ]
    )


def _digest(parts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:20]
