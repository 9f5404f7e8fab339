"""The kernels as callables: loaded in milliseconds from the object file that was compiled once."""

import ctypes
import hashlib
import importlib.metadata
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from engram.cpu.caching import cache_directory
from engram.cpu.compiler import GROUPS, PYTHON_SYMBOLS, compile_kernels, target_machine

__all__ = ["Library", "cache_directory", "library", "library_if_ready"]

logger = logging.getLogger(__name__)

_DIGEST_BYTES = 32
_METH_FASTCALL = 0x0080


class Library:
    """A group of kernels, each an attribute: a built-in function of integers that returns one.

    What a kernel expects is in its docstring in ``engram.cpu.kernels``; nothing is checked here
    but that arguments are integers of 64 bits.
    """

    def __init__(self, machine_code: bytes) -> None:
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        for symbol in PYTHON_SYMBOLS:
            address = ctypes.cast(getattr(ctypes.pythonapi, symbol), ctypes.c_void_p).value
            llvm.add_symbol(symbol, address)
        file = llvm.ObjectFileRef.from_data(machine_code)
        engine.add_object_file(file)
        engine.finalize_object()
        self._keep: list[Any] = [engine]
        for name in _entry_points(machine_code):
            address = engine.get_function_address(f"engram_{name}")
            setattr(self, name, self._builtin(name, address))

    def __getattr__(self, name: str) -> Callable[..., int]:
        raise AttributeError(f"there is no kernel {name!r}")

    def _builtin(self, name: str, address: int) -> Callable[..., int]:
        definition = _MethodDefinition(name.encode(), address, _METH_FASTCALL, None)
        self._keep.append(definition)  # the function refers to it for as long as it lives
        function: Callable[..., int] = _new_function(ctypes.addressof(definition), None, None)
        return function


class _MethodDefinition(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


_new_function = ctypes.pythonapi.PyCFunction_NewEx
_new_function.restype = ctypes.py_object
_new_function.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]


def _entry_points(machine_code: bytes) -> list[str]:
    """Return the kernels' names, which the compiler put into the symbol table."""
    prefix = b"engram_"
    names = set()
    at = machine_code.find(prefix)
    while at >= 0:
        end = machine_code.index(b"\0", at)
        names.add(machine_code[at + len(prefix) : end].decode())
        at = machine_code.find(prefix, end)
    return sorted(names)


def _fingerprint(group: str) -> str:
    """Return a digest of all that the machine code of a group depends on."""
    digest = hashlib.sha256()
    for package in ("numba", "llvmlite"):
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    digest.update(f"{sys.platform} {sys.implementation.cache_tag} {sys.maxsize}\n".encode())
    digest.update(llvm.get_host_cpu_name().encode())
    digest.update(llvm.get_host_cpu_features().flatten().encode())
    for source in sorted(_sources(group)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:20]


def _sources(group: str) -> set[Path]:
    """Return the compiler, the files of a group's kernels, and all of ours that they import."""
    root = Path(__file__).parents[1]
    left = [f"cpu.kernels.{name}" for name in GROUPS[group]]
    found = {root / "cpu" / "compiler.py"}
    while left:
        source = root / (left.pop().replace(".", "/") + ".py")
        if source not in found:
            found.add(source)
            left += re.findall(r"^from engram\.([\w.]+) import", source.read_text("utf-8"), re.M)
    return found


def _path(group: str) -> Path:
    return cache_directory() / f"kernels-{group}-{_fingerprint(group)}.o"


def _load(group: str, *, compiling: bool) -> Library | None:
    """Return the kernels from the cache, else compiled, or None if they may not be."""
    path = _path(group)
    try:
        kept = path.read_bytes()
    except OSError:
        kept = b""
    machine_code = kept[_DIGEST_BYTES:]
    if not kept or hashlib.sha256(machine_code).digest() != kept[:_DIGEST_BYTES]:
        if not compiling:
            return None
        machine_code = compile_kernels(group)
        _keep(path, hashlib.sha256(machine_code).digest() + machine_code)
    return Library(machine_code)


def _keep(path: Path, content: bytes) -> None:
    """Write a cache file so that other processes see all of it or nothing."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content)
            os.replace(partial, path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        logger.warning("the kernels could not be cached (%s); they will be compiled anew", error)


_lock = threading.Lock()  # numba compiles for one at a time
_libraries: dict[str, Library] = {}
_compiling: dict[str, threading.Thread] = {}


def library(group: str = "space") -> Library:
    """Return a group of kernels, compiled first if this machine has none: some fifteen seconds,
    once."""
    if group not in _libraries:
        with _lock:
            if group not in _libraries:
                loaded = _load(group, compiling=True)
                assert loaded is not None
                _libraries[group] = loaded
    return _libraries[group]


def library_if_ready(group: str = "space") -> Library | None:
    """Return the kernels if that takes milliseconds; else None, and compile in the background."""
    if group not in _libraries and _lock.acquire(blocking=False):
        try:
            loaded = None if group in _libraries else _load(group, compiling=False)
            if loaded is not None:
                _libraries[group] = loaded
        finally:
            _lock.release()
        if group not in _libraries and group not in _compiling:
            _compiling[group] = threading.Thread(
                target=library, args=(group,), name="engram-compile", daemon=True
            )
            _compiling[group].start()
    return _libraries.get(group)
