"""All figures of the associative memory: ``python -m benchmarks.associations [SECTION ...]``.

Sections write what they measure into benchmarks/results/associations.json and their tables and
pictures into docs/figures; without a name all of them run.
"""

import argparse
import time
from collections.abc import Callable

from benchmarks.association_ablation import ablation
from benchmarks.association_completion import completion
from benchmarks.association_loihi import loihi
from benchmarks.association_pictures import draw_all, draw_measured
from benchmarks.association_presets import write_presets
from benchmarks.association_quality import quality
from benchmarks.association_real import real
from benchmarks.association_speed import speed
from benchmarks.association_tables import Section, results, write_section

SECTIONS: dict[str, Callable[[], Section]] = {
    "quality": quality,
    "real": real,
    "completion": completion,
    "ablation": ablation,
    "loihi": loihi,
    "speed": speed,
}
PICTURES = "pictures"  # of the law itself and of what was measured before


def main() -> None:
    """Measure sections, print and write them; or only draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", nargs="*", help=", ".join([*SECTIONS, PICTURES]))
    chosen = parser.parse_args().section or [*SECTIONS, PICTURES]
    unknown = [name for name in chosen if name not in SECTIONS and name != PICTURES]
    if unknown:
        parser.error(
            f"section must be one of {', '.join([*SECTIONS, PICTURES])}, not {unknown[0]!r}"
        )
    for name in chosen:
        if name == PICTURES:
            write_presets()
            draw_all(results())
            continue
        started = time.perf_counter()
        section = SECTIONS[name]()
        write_section(name, section, time.perf_counter() - started)
        print(f"{name}: {time.perf_counter() - started:.0f} s")
        draw_measured(results())


if __name__ == "__main__":
    main()
