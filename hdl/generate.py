"""Verilog of the units: ``python -m hdl.generate [UNIT ...] [--family F] [--out DIR]``."""

import argparse
from collections.abc import Callable
from pathlib import Path

from amaranth.back import verilog
from amaranth.lib import wiring

from engram.arch.laws import LAWS
from hdl.synth.feistel import FeistelPipeline
from hdl.synth.generator import WordGenerator
from hdl.synth.mask import MaskPipeline
from hdl.synth.multiplier import FAMILIES, Tile
from hdl.synth.residue import ResiduePipeline

__all__ = ["UNITS", "main", "unit_verilog"]

# What can be generated, by the name that the module and its file get.
UNITS: dict[str, Callable[[Tile], wiring.Component]] = {
    "feistel6": lambda tile: FeistelPipeline(LAWS[1], tile),
    "vrns16": lambda tile: ResiduePipeline(LAWS[2], tile),
    "splitmix": lambda tile: MaskPipeline(LAWS[3], tile),
    "feistel4": lambda tile: FeistelPipeline(LAWS[4], tile),
    "generator": lambda tile: WordGenerator(1, [LAWS[1]], tile),
    "generator_4_lanes": lambda tile: WordGenerator(4, [LAWS[1]], tile),
    "generator_all_laws": lambda tile: WordGenerator(1, list(LAWS.values()), tile),
}


def unit_verilog(unit: str, family: str) -> str:
    """Return a unit's Verilog: the same text every time, without the paths of this checkout."""
    return verilog.convert(
        UNITS[unit](FAMILIES[family]),
        name=unit,
        strip_internal_attrs=True,
        emit_src=False,  # stripping alone leaves the path of a memory's source
    )


def main() -> None:
    """Write ``DIR/FAMILY/UNIT.v`` of each unit, leaving alone what would not change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("units", nargs="*", metavar="UNIT", help=f"of {', '.join(UNITS)}")
    parser.add_argument("--family", choices=FAMILIES, default="xc7", help="multipliers to cut for")
    parser.add_argument("--out", type=Path, default=Path("build/verilog"), metavar="DIR")
    arguments = parser.parse_args()
    for unit in arguments.units:
        if unit not in UNITS:
            parser.error(f"UNIT must be one of {', '.join(UNITS)}, not {unit!r}")
    folder = arguments.out / arguments.family
    folder.mkdir(parents=True, exist_ok=True)
    for unit in arguments.units or UNITS:
        path = folder / f"{unit}.v"
        text = unit_verilog(unit, arguments.family)
        changed = not path.exists() or path.read_text() != text
        if changed:
            path.write_text(text)
        print(f"{path}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
