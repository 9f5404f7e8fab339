"""Timing diagrams: ``python -m sim.waves [--out FOLDER]``."""

import argparse
from pathlib import Path

from sim.waves.drawing import draw
from sim.waves.host import Host, library
from sim.waves.scenarios import SCENARIOS


def main() -> None:
    """Run every scenario and write its picture, leaving alone what stays the same."""
    parser = argparse.ArgumentParser(prog="python -m sim.waves", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/figures"), metavar="FOLDER")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    made = library()
    for name, scenario in SCENARIOS.items():
        diagram = scenario(Host(made))
        _update(folder / f"waves_{name}.svg", draw(diagram))
        for span in diagram.spans:
            print(f"  {span.text}")


def _update(path: Path, text: str) -> None:
    """Write a file if that changes it, and say so."""
    changed = not path.exists() or path.read_text() != text
    if changed:
        path.write_text(text)
    print(f"{path}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
