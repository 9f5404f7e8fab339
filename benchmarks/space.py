"""All figures of the address space: ``python -m benchmarks.space [--part NAME ...]``."""

import argparse

from benchmarks.durability import durability_figures
from benchmarks.harness import show, write
from benchmarks.overlay import overlay_figures
from benchmarks.reading import reading_figures
from benchmarks.startup import startup_figures

PARTS = {
    "startup": startup_figures,
    "reading": reading_figures,
    "overlay": overlay_figures,
    "durability": durability_figures,
}


def main() -> None:
    """Measure, print, and write JSON and the documentation's table if everything was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="only these parts")
    chosen = parser.parse_args().part or list(PARTS)
    figures = [figure for part in chosen for figure in PARTS[part]()]
    show(figures)
    if chosen == list(PARTS):
        write("space", figures)


if __name__ == "__main__":
    main()
