"""What a process pays before and besides its words: imports, the first read, resident memory."""

import json
import statistics
import subprocess
import sys

from benchmarks.harness import ROOT, Figure

__all__ = ["startup_figures"]

_IMPORT = """
import json, time
started = time.perf_counter()
import engram
print(json.dumps(time.perf_counter() - started))
"""

_FIRST_READ = """
import json, time
started = time.perf_counter()
import engram
engram.open(device="cpu").read(0, 1_000_000)
print(json.dumps(time.perf_counter() - started))
"""

_RESIDENT = """
import json, numba, numpy, engram, resource
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6
memory = engram.open(device="cpu")
memory[1], memory.read(0, 1000)
empty = resident()
out = numpy.empty(10_000_000, "uint64")
memory.read(0, len(out), out=out)
before = resident()
for i in range(100):
    memory.read(i * len(out), len(out), out=out)
print(json.dumps([empty, resident() - before]))
"""


def startup_figures() -> list[Figure]:
    """Measure in fresh processes, with the kernels compiled before."""
    _run(_FIRST_READ)
    importing = statistics.median(_run(_IMPORT) for _ in range(7))
    first = statistics.median(_run(_FIRST_READ) for _ in range(7))
    empty, added = _run(_RESIDENT)
    return [
        Figure("import engram", importing, "s", goal="< 0.1 s", met=importing < 0.1),
        Figure(
            "import and first read of 1 M words", first, "s", goal="< 0.6 s", met=first < 0.6
        ),
        Figure(
            "resident, nothing written, numba imported", empty, "MB", goal="< 120 MB",
            met=empty < 120,
        ),
        Figure(
            "resident added by reading 10^9 words", added, "MB", goal="none", met=added < 1,
            note="through one reused buffer of 80 MB",
        ),
    ]  # fmt: skip


def _run(program: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    measured: list[float] = json.loads(done.stdout)
    return measured
