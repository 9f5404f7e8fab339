"""Compiling kernels with numba, a group into one object file; once per machine and version."""

import importlib
import logging
import time
from typing import Any

import llvmlite.binding as llvm

__all__ = ["GROUPS", "PYTHON_SYMBOLS", "compile_kernels", "target_machine"]

logger = logging.getLogger(__name__)

# What is opened apart is compiled apart, so that a space does not wait for associations.
GROUPS = {
    "space": ("laws", "elements", "reads", "writes", "census"),
    "associations": ("encode", "rerank", "patterns", "settle"),
    "tensors": ("factors", "groups", "seeded"),
}

# What the entry points call of Python; everything else in the object is arithmetic and memory.
PYTHON_SYMBOLS = (
    "PyErr_BadInternalCall",
    "PyErr_Occurred",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyLong_AsUnsignedLongLong",
    "PyLong_FromUnsignedLongLong",
)

_DECLARATIONS = """
declare void @PyErr_BadInternalCall()
declare ptr @PyErr_Occurred()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyEval_SaveThread()
declare i64 @PyLong_AsUnsignedLongLong(ptr)
declare ptr @PyLong_FromUnsignedLongLong(i64)
"""


def target_machine() -> llvm.TargetMachine:
    """Return code generation for exactly this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def compile_kernels(group: str) -> bytes:
    """Return the object file of a group; takes some ten seconds, most of them numba's."""
    import numba  # only here: it costs 100 MB and half a second

    started = time.monotonic()
    modules = [f"engram.cpu.kernels.{name}" for name in GROUPS[group]]
    for name in modules:
        importlib.import_module(name)
    known = importlib.import_module("engram.cpu.kernels.kernel").KERNELS
    kernels = {n: k for n, k in known.items() if k.function.__module__ in modules}
    logger.info("compiling %d kernels of the %s for this machine, once", len(kernels), group)
    linked: Any = None
    for name, kernel in kernels.items():
        signature = numba.uint64(*[numba.uint64] * kernel.arguments)
        compiled = numba.cfunc(signature, error_model="numpy")(kernel.function)
        entry = _entry_point(name, compiled.native_name, kernel.arguments, kernel.nogil)
        module = llvm.parse_assembly(compiled.inspect_llvm())
        module.link_in(llvm.parse_assembly(entry))
        if linked is None:
            linked = module
        else:
            linked.link_in(module)
    machine = target_machine()
    _optimise(linked, machine)
    _refuse_calls_outside(linked)
    machine_code: bytes = machine.emit_object(linked)
    logger.info("compiled in %.1f s", time.monotonic() - started)
    return machine_code


def _optimise(module: Any, machine: llvm.TargetMachine) -> None:
    """Optimise the whole: seen together, no kernel can fail, so numba's error paths fall away."""
    for function in module.functions:
        if not function.is_declaration and not function.name.startswith("engram_"):
            function.linkage = "internal"
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def _refuse_calls_outside(module: Any) -> None:
    """Check that the kernels call nothing that an object file without numba would lack."""
    allowed = {*PYTHON_SYMBOLS, "memcpy", "memmove", "memset"}
    outside = {function.name for function in module.functions if function.is_declaration}
    foreign = {name for name in outside - allowed if not name.startswith("llvm.")}
    assert not foreign, f"kernels call {sorted(foreign)}"


def _entry_point(name: str, native: str, arguments: int, nogil: bool) -> str:
    """Return LLVM assembly of a CPython METH_FASTCALL function ``engram_<name>``.

    It unpacks Python integers, calls the kernel and packs the result: an eighth of the cost of a
    numba dispatcher or a ctypes call, which is what makes a scalar read cheap.
    """
    lines = [
        _DECLARATIONS,
        f'declare i64 @"{native}"({", ".join(["i64"] * arguments)})',
        f"define ptr @engram_{name}(ptr %self, ptr %arguments, i64 %count) {{",
        f"  %right = icmp eq i64 %count, {arguments}",
        "  br i1 %right, label %start, label %wrong",
        "wrong:",
        "  call void @PyErr_BadInternalCall()",
        "  ret ptr null",
        "start:",
    ]
    for i in range(arguments):
        lines += [
            f"  %slot{i} = getelementptr ptr, ptr %arguments, i64 {i}",
            f"  %object{i} = load ptr, ptr %slot{i}",
            f"  %value{i} = call i64 @PyLong_AsUnsignedLongLong(ptr %object{i})",
            f"  %odd{i} = icmp eq i64 %value{i}, -1",
            f"  br i1 %odd{i}, label %check{i}, label %go{i}",
            f"check{i}:",  # -1 is the word 2**64 - 1, or an error
            f"  %error{i} = call ptr @PyErr_Occurred()",
            f"  %fine{i} = icmp eq ptr %error{i}, null",
            f"  br i1 %fine{i}, label %go{i}, label %fail",
            f"go{i}:",
        ]
    values = ", ".join(f"i64 %value{i}" for i in range(arguments))
    if nogil:
        lines.append("  %thread = call ptr @PyEval_SaveThread()")
    lines.append(f'  %result = call i64 @"{native}"({values})')
    if nogil:
        lines.append("  call void @PyEval_RestoreThread(ptr %thread)")
    lines += [
        "  %made = call ptr @PyLong_FromUnsignedLongLong(i64 %result)",
        "  ret ptr %made",
        "fail:",
        "  ret ptr null",
        "}",
    ]
    return "\n".join(lines)
