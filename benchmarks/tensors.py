"""All figures of stored tensors: ``python -m benchmarks.tensors [SECTION ...]``.

Sections write what they measure into benchmarks/results/tensors.json and their tables and
pictures into docs/figures; without a name all of them run.
"""

import argparse
import importlib
import logging
import time

from benchmarks.tables import Results, Section, figure_table
from benchmarks.tensor_pictures import draw_measured
from benchmarks.tensor_tables import write_tables

__all__ = ["SECTIONS", "main", "measured"]

# Where each is measured; imported when it is, for some need PyTorch.
SECTIONS = {
    "rates": ("tensor_rates", "rates"),
    "trained": ("tensor_trained", "trained"),
    "speed": ("tensor_speed", "speed_figures"),
    "kernels": ("tensor_kernels", "grouped_figures"),
    "factors": ("tensor_factors", "factor_figures"),
    "seeded": ("tensor_seeded", "seeded_figures"),
}
CONTRACT = "contract"  # tables that are not measured: descriptor, types, codecs, trust


def main() -> None:
    """Measure sections, print and write them, and draw their pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = [*SECTIONS, CONTRACT]
    parser.add_argument("section", nargs="*", help=", ".join(known))
    chosen = parser.parse_args().section or known
    for name in chosen:
        if name not in known:
            parser.error(f"section must be one of {', '.join(known)}, not {name!r}")
    logging.basicConfig(format="%(name)s: %(message)s")
    logging.getLogger("benchmarks").setLevel(logging.INFO)  # training and encoding take minutes
    book = Results("tensors")
    for name in chosen:
        if name == CONTRACT:
            write_tables()
            continue
        started = time.perf_counter()
        section = measured(name)
        book.write_section(name, section, time.perf_counter() - started)
        draw_measured(book.read())


def measured(name: str) -> Section:
    """Measure a section; one of figures alone gets a table of them."""
    module, function = SECTIONS[name]
    found = getattr(importlib.import_module(f"benchmarks.{module}"), function)()
    return found if isinstance(found, Section) else Section([figure_table(name, found)], found)


if __name__ == "__main__":
    main()
