"""Which Python has lava-nc: looked for where it may be, and asked, once a process."""

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from engram.errors import DeviceUnavailable

__all__ = ["VARIABLE", "interpreter", "missing"]

logger = logging.getLogger(__name__)

VARIABLE = "ENGRAM_LAVA_PYTHON"

_FIX = (
    f"run `make lava` in a checkout, or install lava-nc under Python 3.10 and set {VARIABLE} to "
    "that Python"
)
_PROBE_SECONDS = 60.0
_PACKAGES = {"lava": "lava-nc", "nengo_loihi": "nengo-loihi"}


def interpreter(module: str = "lava") -> str:
    """Return a Python that can import ``lava``, or ``nengo_loihi``.

    The one that the variable ENGRAM_LAVA_PYTHON names, and no other, if it is set; else this one,
    ``.venv-lava`` of the checkout, ``python3.10`` on the PATH, or one of pyenv's: the first that
    can.

    Raises:
        DeviceUnavailable: none can; the message says what was tried, and the fix.
    """
    found, reason = _search(module, os.environ.get(VARIABLE, ""))
    if not found:
        raise DeviceUnavailable(reason)
    return found


def missing(module: str = "lava") -> str:
    """Return why there is no such Python, and the fix; empty if there is one."""
    return _search(module, os.environ.get(VARIABLE, ""))[1]


@lru_cache(maxsize=16)
def _search(module: str, named: str) -> tuple[str, str]:
    """Return the interpreter found, or "", and the reason if none was."""
    tried = []
    for candidate in [named] if named else _candidates(module):
        wrong = _probe(candidate, module)
        if not wrong:
            logger.info("%s found in %s", module, candidate)
            return candidate, ""
        tried.append(f"{candidate} {wrong}")
    package = _PACKAGES[module]
    if named:
        return "", f"{VARIABLE} names no Python with {package} ({tried[0]}): {_FIX}"
    return "", f"no Python with {package} was found ({'; '.join(tried) or 'none tried'}): {_FIX}"


def _candidates(module: str) -> Iterator[str]:
    """Yield interpreters that may have it, the likeliest first, none twice."""
    seen: set[str] = set()
    for path in _places(module):
        # Not resolved: a virtual environment's Python is a link, and is found by its own name.
        if str(path) not in seen and path.is_file():
            seen.add(str(path))
            yield str(path)


def _places(module: str) -> Iterator[Path]:
    if importlib.util.find_spec(module) is not None:
        yield Path(sys.executable)
    for folder in Path(__file__).resolve().parents:
        yield folder / ".venv-lava" / "bin" / "python"
    on_path = shutil.which("python3.10")
    if on_path is not None:
        yield Path(on_path)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for folder in sorted(versions.glob("3.10*"), reverse=True):
        yield folder / "bin" / "python"


def _probe(candidate: str, module: str) -> str:
    """Return what is wrong with an interpreter; empty if it imports the module."""
    try:
        # No variable of this process and no folder may lead it to packages of another Python.
        done = subprocess.run(
            [candidate, "-W", "ignore", "-c", f"import sys; del sys.path[0]; import {module}"],
            env={key: text for key, text in os.environ.items() if not key.startswith("PYTHON")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_SECONDS,
        )
    except OSError as error:
        return f"cannot be run ({error.strerror})"
    except subprocess.TimeoutExpired:
        return f"did not import {module} within {_PROBE_SECONDS:g} s"
    if done.returncode == 0:
        return ""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"cannot import {module} ({lines[-1] if lines else f'status {done.returncode}'})"
