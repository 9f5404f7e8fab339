"""Fuzzing: ``python -m sim.fuzz [--seed N] [--cases N] [--jobs N] [--library FILE]``."""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sim.fuzz.arena import Arena, Difference
from sim.fuzz.cases import make_case
from sim.fuzz.gateware import gateware_verilog
from sim.verilated.library import build

_CHUNK = 50


def main() -> int:
    """Run cases; say how to see the first that failed again, and return 1 if one did."""
    parser = argparse.ArgumentParser(prog="python -m sim.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--cases", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--library", type=Path, help="of a design that was built")
    arguments = parser.parse_args()
    library = arguments.library or _build()
    seeds = range(arguments.seed, arguments.seed + arguments.cases)
    started = time.monotonic()
    for seed, message in _failures(library, seeds, arguments.jobs):
        print(f"seed {seed}: {message}\npython -m sim.fuzz --seed {seed}")
        return 1
    seconds = time.monotonic() - started
    print(f"{len(seeds)} cases passed, {len(seeds) / seconds:.1f} a second")
    return 0


def _failures(library: Path, seeds: range, jobs: int) -> Iterator[tuple[int, str]]:
    chunks = [seeds[at : at + _CHUNK] for at in range(0, len(seeds), _CHUNK)]
    if jobs == 1 or len(chunks) == 1:
        for chunk in chunks:
            yield from run_chunk(library, chunk)
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            for found in pool.map(run_chunk, [library] * len(chunks), chunks):
                yield from found
        finally:
            pool.shutdown(cancel_futures=True)


def run_chunk(library: Path, seeds: range) -> list[tuple[int, str]]:
    """Run cases on one device; return the first that failed."""
    arena = Arena(library)
    try:
        for seed in seeds:
            try:
                arena.run(make_case(seed))
            except Difference as difference:
                return [(seed, str(difference))]
    finally:
        arena.close()
    return []


def _build() -> Path:
    return build(gateware_verilog(Path()), "engram")


if __name__ == "__main__":
    raise SystemExit(main())
